#!/bin/bash
# Usage: vulncheck.sh GO CACHE
# govulncheck with the Go team's database as the module proxy has it, so that no other host is
# asked. Fails when code of ours reaches a known vulnerability.
set -eu -o pipefail
go=$1 cache=$2
version=v1.9.0
GOBIN=$cache/bin "$go" install golang.org/x/vuln/cmd/govulncheck@$version
read -r latest dir < <(cd / && "$go" mod download -json golang.org/x/vulndb@latest | sed -nE 's/.*"(Version|Dir)": "(.*)",?$/\2/p' | paste -sd' ')
db=$cache/vulndb-$latest
if [ ! -e "$db/index" ]; then
	GOBIN=$cache/bin "$go" install "golang.org/x/vulndb/cmd/indexdb@$latest"
	"$cache/bin/indexdb" -out "$db.new" -vulns "$dir/data/osv"
	mv "$db.new" "$db"
fi
echo "vulnerabilities known by $latest, $("$go" version)"
"$cache/bin/govulncheck" -db "file://$db" ./...
"$cache/bin/govulncheck" -db "file://$db" -tags tensorflow ./daemon
