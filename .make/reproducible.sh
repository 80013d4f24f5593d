#!/bin/bash
# Usage: reproducible.sh GO VERSION
# Builds lungbox (amd64 and arm64) and lunghub from two copies of the tree in two folders, each
# with an empty build cache, and their Debian packages, and compares the bytes.
set -eu -o pipefail
go=$1 version=$2
work=$(mktemp -d) cache=$PWD/.cache
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
trap 'rm -rf "$work"' EXIT
for copy in a some/other/place; do
	mkdir -p "$work/$copy"
	git ls-files -z | xargs -0 cp --parents -t "$work/$copy"
	for target in amd64:lungbox:daemon arm64:lungbox:daemon amd64:lunghub:sync/hub; do
		IFS=: read -r arch name folder <<<"$target"
		(cd "$work/$copy" && GOCACHE=$work/cache-${copy//\//-} CGO_ENABLED=0 GOARCH=$arch "$go" build -trimpath -buildvcs=false \
			-ldflags "-s -w -X main.version=$version" -o "$work/out-${copy//\//-}/$name-$arch" "./$folder")
	done
	ln -s "$cache" "$work/$copy/.cache"
	(cd "$work/$copy" && GO=$go GOFLAGS=-buildvcs=false GOCACHE=$work/cache-${copy//\//-} .make/deb.sh "$version" "$work/out-${copy//\//-}" >/dev/null)
	sleep 1 # another second of the clock
done
cd "$work/out-a"
status=0
for file in *; do
	if cmp -s "$file" "$work/out-some-other-place/$file"; then
		echo "$(sha256sum "$file")  the same twice"
	else
		echo "$file differs" >&2
		status=1
	fi
done
exit $status
