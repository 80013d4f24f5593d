#!/usr/bin/env bash
# Usage: grabber.sh DIR
# Runs the tests of capture/v4l2 that need a camera on the kernel's virtual one (vivid), in
# a virtual machine that is made of Debian's kernel, busybox and the test program.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(realpath "$1")/grabber
mkdir -p "$dir"
if [ ! -d "$dir/kernel" ]; then
	package=$(apt-cache depends linux-image-amd64 | awk '/Depends/ {print $2; exit}')
	(cd "$dir" && apt-get download -q "$package" busybox-static 2>/dev/null >&2)
	mkdir "$dir/kernel.part"
	for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$dir/kernel.part"; done
	rm "$dir"/*.deb
	mv "$dir/kernel.part" "$dir/kernel"
fi
kernel=$(ls "$dir/kernel/lib/modules")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,lib,dev,proc,sys,tmp}
cp "$dir/kernel/bin/busybox" "$root/bin/"
for name in sh mount insmod poweroff; do ln -s busybox "$root/bin/$name"; done
depmod -b "$dir/kernel" "$kernel"
n=10
modprobe -S "$kernel" -d "$dir/kernel" --show-depends vivid | awk '{print $2}' | while read -r module; do
	cp "$module" "$root/lib/$n.ko"
	n=$((n + 1))
done
camera=$(command -v v4l2-ctl)
cp "$camera" "$root/bin/"
ldd "$camera" | awk '/=>/ {print $3} /ld-linux/ {print $1}' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
CGO_ENABLED=0 ${GO:-go} test -c -o "$root/bin/v4l2.test" ./capture/v4l2
cat >"$root/init" <<'I'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
for module in /lib/*.ko; do insmod $module; done
export PATH=/bin LUNGBOX_TEST_VIVID=1
v4l2.test -test.v -test.run Vivid -test.timeout 300s
echo "exit code $?"
poweroff -f
I
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/root.gz"
timeout 400 qemu-system-x86_64 -M q35 -cpu max -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -no-user-config -display none -no-reboot \
	-kernel "$dir/kernel/boot/vmlinuz-$kernel" -initrd "$dir/root.gz" -append "console=ttyS0 mitigations=off loglevel=3 panic=1" -serial stdio |
	tr -d '\r' | tee "$dir/log" | sed -n 's/^ *vivid_test.go:[0-9]*: /         - /p; /^--- /p; /^exit code/p'
grep -q '^exit code 0$' "$dir/log" && ! grep -q -- '--- SKIP' "$dir/log"
