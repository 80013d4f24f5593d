#!/bin/sh
# Usage: axe.sh DIR
# Puts axe-core (axe.min.js, MPL 2.0, by Deque), which finds what people with other senses cannot
# use in a page, into DIR, once: from a wheel that carries it; version and SHA-256 are pinned.
set -eu
dir=$1
[ -e "$dir/axe.min.js" ] && exit 0
mkdir -p "$dir"
work=$(mktemp -d "$dir/.axe.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "axe-playwright-python==0.1.8 --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8" >"$work/requirement.txt"
python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: -r "$work/requirement.txt" -d "$work" ||
	{ echo "axe.sh: could not fetch axe-core: check the network and that python3 has pip" >&2; exit 1; }
python3 -m zipfile -e "$work"/*.whl "$work/out"
mv "$work/out/axe_playwright_python/axe.min.js" "$dir/"
