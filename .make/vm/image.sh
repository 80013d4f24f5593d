#!/usr/bin/env bash
# Usage: image.sh amd64|arm64 PACKAGE.deb DIR
# Makes a Debian machine with the package installed: DIR/disk.img, vmlinuz, initrd.gz.
# Nothing is mounted and no program of the guest runs, so it needs no privileges but those
# of mmdebstrap. The tree without the package is kept in DIR/tree-2.tar for the next time.
set -euo pipefail
arch=$1 deb=$(realpath "$2") dir=$3 clips=$(realpath "$(dirname "$0")/../../daemon/demo/clips")
mkdir -p "$dir"
dir=$(realpath "$dir")
if [ ! -e "$dir/tree-2.tar" ]; then
	echo "fetching Debian for $arch (once, into $dir)" >&2
	mmdebstrap --quiet --architectures="$arch" --variant=extract --skip=check/qemu \
		--include=systemd,systemd-sysv,udev,dbus,kmod,util-linux,mount,login,passwd,bash,dash,libc-bin,base-files,base-passwd,coreutils,dpkg,tar,gzip,xz-utils,v4l-utils,gpiod,iproute2,e2fsprogs,procps,gawk,grep,sed,findutils,hostname,curl,diffutils,perl-base,debconf,libstdc++6,busybox-static,ffmpeg,dcmtk,libtss2-esys-3.0.2-0,libtss2-mu0,libtss2-rc0,libtss2-tcti-device0,linux-image-"$arch" \
		bookworm "$dir/tree-2.part.tar" $(find /etc/apt -name '*.list' -o -name '*.sources') 2>&1 | grep -v '^W:' >&2 || true
	mv "$dir/tree-2.part.tar" "$dir/tree-2.tar"
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
tar -C "$root" --exclude='./dev/*' -xf "$dir/tree-2.tar"
cd "$root"
for d in bin sbin lib lib64; do # one tree under /usr
	[ -d $d ] && [ ! -L $d ] || continue
	mkdir -p usr/$d
	cp -a $d/. usr/$d/
	rm -rf $d
	ln -s usr/$d $d
done
ln -sf dash usr/bin/sh
ln -sf gawk usr/bin/awk
mkdir -p dev proc sys run tmp var/tmp var/lib/dpkg/info var/lib/dpkg/updates etc/systemd/system root
chmod 1777 tmp var/tmp
for library in usr/lib/*/blas/*.so.3 usr/lib/*/lapack/*.so.3; do # alternatives that no script has set
	ln -sf "/$library" "$(dirname "$(dirname "$library")")/"
done
rm -rf var/run
ln -s /run var/run
kernel=$(ls usr/lib/modules)
depmod -b "$root/usr" "$kernel" 2>/dev/null || depmod -b "$root" "$kernel"
cat >etc/passwd <<'P'
root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
P
cat >etc/group <<'P'
root:x:0:
tty:x:5:
disk:x:6:
kmem:x:15:
dialout:x:20:
cdrom:x:24:
audio:x:29:
video:x:44:
input:x:104:
render:x:105:
kvm:x:106:
sgx:x:107:
tape:x:26:
lp:x:7:
systemd-journal:x:108:
nogroup:x:65534:
P
printf 'root::19000:0:99999:7:::\n' >etc/shadow
echo '/dev/vda / ext4 defaults 0 1' >etc/fstab
: >etc/machine-id
echo box >etc/hostname
: >var/lib/dpkg/diversions
: >var/lib/dpkg/statoverride
: >var/lib/dpkg/available
cp "$deb" root/lungbox.deb
mkdir -p srv/lungbox
cp "$clips"/*.mp4 srv/lungbox/
for unit in getty.target getty@tty1.service serial-getty@ttyAMA0.service serial-getty@ttyS0.service systemd-logind.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer systemd-update-utmp.service systemd-hwdb-update.service; do
	ln -sf /dev/null etc/systemd/system/$unit
done
# The host types commands here.
cat >etc/systemd/system/host.service <<'U'
[Unit]
Description=Shell for the host
DefaultDependencies=no
After=systemd-udevd.service local-fs.target
[Service]
ExecStart=/bin/bash -c 'exec /bin/bash <>/dev/virtio-ports/cmd >&0 2>&1'
Restart=always
Environment=HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
U
cat >etc/systemd/system/address.service <<'U'
[Unit]
DefaultDependencies=no
After=systemd-udevd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip link set lo up; ip link set eth0 up && ip address add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2'
[Install]
WantedBy=multi-user.target
U
mkdir -p etc/systemd/system/multi-user.target.wants etc/udev/rules.d etc/systemd/system.conf.d
ln -s ../address.service etc/systemd/system/multi-user.target.wants/
echo 'SUBSYSTEM=="virtio-ports", ATTR{name}=="cmd", TAG+="systemd", ENV{SYSTEMD_WANTS}="host.service"' >etc/udev/rules.d/90-cmd.rules
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
cp boot/vmlinuz-"$kernel" "$dir/vmlinuz"
# A first root that loads what the disk needs.
first=$(mktemp -d)
mkdir -p "$first"/{bin,lib,dev,proc,sys,root}
cp usr/bin/busybox "$first/bin/"
n=10
for module in virtio_pci virtio_blk virtio_console virtio_net crc32c_generic ext4; do
	modprobe -S "$kernel" -d "$root/usr" --show-depends $module 2>/dev/null || modprobe -S "$kernel" -d "$root" --show-depends $module
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r ko; do
	cp "$ko" "$first/lib/$n.ko"
	n=$((n + 1))
done
cat >"$first/init" <<'I'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for m in /lib/*.ko; do $b insmod $m; done
until [ -b /dev/vda ]; do $b sleep 0.1; done
$b mount -t ext4 /dev/vda /root || { echo "NO ROOT"; $b poweroff -f; }
$b umount /proc
$b mount --move /dev /root/dev
exec $b switch_root /root /sbin/init
I
chmod +x "$first/init"
(cd "$first" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd.gz"
rm -rf "$first"
rm -f "$dir/disk.img"
rm -rf boot/* usr/share/doc/* usr/share/locale/* var/cache/apt/* var/lib/apt/lists/*
mke2fs -q -t ext4 -d "$root" "$dir/disk.img" 2000M
echo "$dir/disk.img: kernel $kernel" >&2
