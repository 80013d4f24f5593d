#!/usr/bin/env bash
# Usage: deb.sh VERSION OUT [ARCH...]
# Builds Debian packages (amd64 and arm64 without ARCH) into OUT.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 out=$2
shift 2
[ $# -gt 0 ] || set -- amd64 arm64
cache=$PWD/.cache
nfpm=$cache/bin/nfpm-2.45.0
if [ ! -x "$nfpm" ]; then
	GOBIN=$cache/bin ${GO:-go} install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
	mv "$cache/bin/nfpm" "$nfpm"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
build() { # GOARCH OUTPUT [PACKAGE]
	CGO_ENABLED=0 GOOS=linux GOARCH=$1 ${GO:-go} build -trimpath -ldflags "-s -w -X main.version=$version" -o "$2" "${3:-./daemon}"
}
build "$(${GO:-go} env GOHOSTARCH)" "$work/host" # writes what is not of a machine
"$work/host" man "$work/man"
maintainer=${DEB_MAINTAINER:-Lungbox <lungbox@localhost>}
# Same source, same bytes: all times in a package are the source's.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
changed=$(date -u -R -d "@$SOURCE_DATE_EPOCH")
printf 'lungbox (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" "$maintainer" "$changed" | gzip -9nc >"$work/changelog.gz"
for shell in bash zsh fish; do "$work/host" completion $shell >"$work/$shell"; done
build "$(${GO:-go} env GOHOSTARCH)" "$work/hub" ./sync/hub
sed 's/^lungbox/lunghub/' <(gzip -dc "$work/changelog.gz") | gzip -9nc >"$work/hub-changelog.gz"
hub() { # ARCH
	local tree=$work/hub-$1
	install -d "$tree/usr/bin" "$tree.conf"
	build "$1" "$tree/usr/bin/lunghub" ./sync/hub
	install -Dm 644 -t "$tree/usr/lib/systemd/system" systemd/lunghub.service
	install -Dm 644 systemd/lunghub.sysusers "$tree/usr/lib/sysusers.d/lunghub.conf"
	install -Dm 644 systemd/deb/copyright "$tree/usr/share/doc/lunghub/copyright"
	install -Dm 644 "$work/hub-changelog.gz" "$tree/usr/share/doc/lunghub/changelog.gz"
	install -d "$tree/usr/share/bash-completion/completions"
	"$work/hub" completion bash >"$tree/usr/share/bash-completion/completions/lunghub"
	rm -f "$work/lunghub.toml"
	"$work/hub" config init "$work/lunghub.toml"
	sed "s|^state = ''|state = '/var/lib/lunghub'|" "$work/lunghub.toml" >"$tree.conf/lunghub.toml"
	sed -e "s|@ARCH@|$1|; s|@VERSION@|$version|; s|@TREE@|$tree|; s|@MAINTAINER@|$maintainer|" systemd/deb/lunghub.yaml >"$work/lunghub.yaml"
	find "$tree" "$tree.conf" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	"$nfpm" package --config "$work/lunghub.yaml" --packager deb --target "$out/lunghub_${version}_$1.deb"
}
for arch; do
	case $arch in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) echo "deb.sh: no package for $arch: want amd64 or arm64" >&2; exit 2 ;; esac
	engine=$cache/litert-2.3.0
	[ "$machine" = "$(uname -m)" ] || engine=$engine-$machine
	.make/engine.sh litert "$engine" $machine
	tree=$work/$arch
	install -d "$tree/usr/lib/lungbox" "$tree.conf"
	build $arch "$tree/usr/lib/lungbox/lungbox"
	install -m 644 "$engine/libLiteRt.so" "$tree/usr/lib/lungbox/"
	install -Dm 644 -t "$tree/usr/lib/systemd/system" systemd/lungbox.service
	install -Dm 644 systemd/lungbox.sysusers "$tree/usr/lib/sysusers.d/lungbox.conf"
	install -Dm 644 systemd/lungbox.tmpfiles "$tree/usr/lib/tmpfiles.d/lungbox.conf"
	install -Dm 644 systemd/lungbox.rules "$tree/usr/lib/udev/rules.d/70-lungbox.rules"
	install -Dm 644 -t "$tree/usr/share/doc/lungbox/examples" systemd/lungbox-gpu.conf systemd/grafana.json
	install -Dm 644 systemd/deb/copyright "$tree/usr/share/doc/lungbox/copyright"
	install -Dm 644 -t "$tree/usr/share/doc/lungbox" CHANGELOG.md "$work/changelog.gz"
	for page in "$work"/man/*.1; do
		install -d "$tree/usr/share/man/man1"
		gzip -9nc "$page" >"$tree/usr/share/man/man1/$(basename "$page").gz"
	done
	install -Dm 644 "$work/bash" "$tree/usr/share/bash-completion/completions/lungbox"
	install -Dm 644 "$work/zsh" "$tree/usr/share/zsh/vendor-completions/_lungbox"
	install -Dm 644 "$work/fish" "$tree/usr/share/fish/vendor_completions.d/lungbox.fish"
	# Where they are for everybody, not only for the service.
	"$work/host" config init | sed "s|^state = ''|state = '/var/lib/lungbox'|; s|^cache = ''|cache = '/var/cache/lungbox'|" >"$tree.conf/lungbox.toml"
	sed -e "s|@ARCH@|$arch|; s|@VERSION@|$version|; s|@TREE@|$tree|; s|@MAINTAINER@|$maintainer|" \
		systemd/deb/nfpm.yaml >"$work/nfpm.yaml"
	find "$tree" "$tree.conf" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	"$nfpm" package --config "$work/nfpm.yaml" --packager deb --target "$out/lungbox_${version}_$arch.deb"
done
for arch; do
	hub "$arch"
done
ls -l "$out"/lungbox_"${version}"_*.deb "$out"/lunghub_"${version}"_*.deb
