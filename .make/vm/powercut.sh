#!/usr/bin/env bash
# Usage: powercut.sh DIR CUTS, with LIES=1 for a disk that only says that it flushes
# Cuts the power of a small virtual machine whose disk loses its write cache, CUTS times: a
# kernel of Debian's with one program, which keeps results and installs releases on ext4.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(realpath "$1")/powercut
mkdir -p "$dir"
if [ ! -d "$dir/kernel" ]; then
	package=$(apt-cache depends linux-image-amd64 | awk '/Depends/ {print $2; exit}')
	(cd "$dir" && apt-get download -q "$package" 2>/dev/null >&2)
	dpkg-deb -x "$dir"/*.deb "$dir/kernel.part"
	rm "$dir"/*.deb
	mv "$dir/kernel.part" "$dir/kernel"
fi
kernel=$(ls "$dir/kernel/lib/modules")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{lib,dev,disk}
depmod -b "$dir/kernel" "$kernel"
n=10
for name in virtio_pci virtio_blk ext4; do
	modprobe -S "$kernel" -d "$dir/kernel" --show-depends $name | awk '$1 == "insmod" {print $2}'
done | awk '!seen[$0]++' | while read -r module; do
	case $module in
	*.xz) xz -dc "$module" >"$root/lib/$n.ko" ;;
	*) cp "$module" "$root/lib/$n.ko" ;;
	esac
	n=$((n + 1))
done
CGO_ENABLED=0 ${GO:-go} build -trimpath -ldflags='-s -w' -o "$root/init" ./systemd/vmtest/powercut
cp "$root/init" "$dir/powercut"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/root.gz"
rm -f "$dir/disk.img"
truncate -s 128M "$dir/disk.img"
mke2fs -q -t ext4 -b 4096 "$dir/disk.img"
"$dir/powercut" -kernel "$dir/kernel/boot/vmlinuz-$kernel" -root "$dir/root.gz" -disk "$dir/disk.img" -cuts "$2" ${LIES:+-lies}
