#!/bin/bash
# Usage: sbom.sh GO CACHE OUT
# Writes a bill of materials (CycloneDX 1.6, JSON) of each program into OUT, and the licences of
# what they are made of into docs/licences.md.
set -eu -o pipefail
go=$1 cache=$2 out=$3
mkdir -p "$out"
GOBIN=$cache/bin "$go" install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOBIN=$cache/bin "$go" install github.com/google/go-licenses@v1.6.0
for program in lungbox:daemon lunghub:sync/hub lungtrain:training; do
	name=${program%%:*}
	"$cache/bin/cyclonedx-gomod" app -std -json -licenses -output-version 1.6 -main "${program#*:}" -output "$out/$name.cdx.json" .
	echo "$out/$name.cdx.json: $(grep -c '"purl"' "$out/$name.cdx.json") components"
done
{
	cat <<-'T'
		# Licences of what Lungbox is made of

		Written by `make sbom` with go-licenses; what it could not name was read by hand. The programs also run LiteRT and TensorFlow (both Apache-2.0),
		which are fetched, and call ffmpeg (LGPL-2.1 or later), dcmtk (BSD-3-Clause) and gdcm (BSD-3-Clause) where they are installed. Clips: see their `clips.csv`.

		| package | licence |
		|---|---|
	T
	"$cache/bin/go-licenses" report ./daemon ./sync/hub ./training 2>/dev/null | awk -F, '
		$1 == "lungbox" { next }
		$1 == "modernc.org/mathutil" && $3 == "Unknown" { $3 = "BSD-3-Clause" }
		{ print "| " $1 " | " $3 " |" }'
} > docs/licences.md.new
if grep -q '| Unknown |' docs/licences.md.new; then
	grep '| Unknown |' docs/licences.md.new
	echo "read these licences, and name them in .make/sbom.sh" >&2
	exit 1
fi
mv docs/licences.md.new docs/licences.md
echo "docs/licences.md: $(grep -c '^| [a-z]' docs/licences.md) packages"
