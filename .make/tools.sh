#!/bin/sh
# Usage: tools.sh [PROGRAM:]PACKAGE...
# Installs Debian packages whose program is missing, where that is possible; else
# says in one line what to install. Never a failure: what needs a missing program
# says so itself.
set -u
missing=
for item in "$@"; do
	program=${item%%:*} package=${item##*:}
	[ "$program" = dcmtk ] && program=dcmdump
	[ "$program" = postgres ] && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && continue # not in PATH
	command -v "$program" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1; then
	if [ "$(id -u)" = 0 ]; then
		as=
	elif sudo -n true 2>/dev/null; then
		as="sudo -n"
	else
		echo "please install:$missing (sudo apt-get install$missing)" >&2
		exit 0
	fi
	echo "installing:$missing" >&2
	{ $as apt-get update -q && DEBIAN_FRONTEND=noninteractive $as apt-get install -qy --no-install-recommends $missing; } >/dev/null 2>&1 &&
		exit 0
fi
echo "please install:$missing" >&2
