#!/usr/bin/env bash
# Usage: vm.sh VERSION [VMTEST FLAGS...]
# Tests the box as firmware in virtual machines. The camera driver is tried first, alone, in
# a machine of a few megabytes; then what a disk that loses its cache leaves, in another one;
# then Debian with the package installed. SCENARIO names what to try (grabber cache package
# sealed tpm camera lamps setup power; all without), CUTS how often the power of the box is cut, and
# CACHE_CUTS that of the machine with such a disk.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
only=${SCENARIO:-grabber,cache,package,sealed,tpm,camera,lamps,setup,power}
.make/tools.sh qemu-system-x86_64:qemu-system-x86 qemu-system-aarch64:qemu-system-arm mmdebstrap mke2fs:e2fsprogs depmod:kmod cpio v4l2-ctl:v4l-utils swtpm e2fsck:e2fsprogs
cache=$PWD/.cache/vm
mkdir -p "$cache" out
failed=0
case ,$only, in *,grabber,*) GO=${GO:-go} .make/vm/grabber.sh "$cache" || failed=1 ;; esac
case ,$only, in *,cache,*) GO=${GO:-go} .make/vm/powercut.sh "$cache" "${CACHE_CUTS:-500}" || failed=1 ;; esac
rest=$(echo "$only" | tr , '\n' | grep -vx grabber | grep -vx cache | paste -sd, || true)
if [ -n "$rest" ]; then
	.make/deb.sh "$version" out >&2
	for arch in amd64 arm64; do
		.make/vm/image.sh $arch "out/lungbox_${version}_$arch.deb" "$cache/$arch"
	done
	${GO:-go} run ./systemd/vmtest -images "$cache" -only "$rest" -cuts "${CUTS:-50}" || failed=1
fi
exit $failed
