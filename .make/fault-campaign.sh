#!/bin/bash
# Usage: fault-campaign.sh, with GO in the environment
# Every point at which a program changes its files, with every fault, and ten thousand hostile
# files: what CI does in part.
set -eu -o pipefail
export CGO_ENABLED=0 LUNGBOX_FAULTS=all LUNGBOX_HOSTILE=10000
for what in "./sync/journal TestEveryWritePoint" "./sync/repository TestInstallAtEveryPoint" "./sync/hub TestSyncAtEveryPoint" \
	"./sync/hub TestHubAtEveryPoint" "./capture/dicom TestHostileFiles"; do
	read -r package test <<<"$what"
	"$GO" test -count=1 -timeout 2h -v -run "^$test\$" "$package" | grep -E '^ +[a-z_]+\.go:|^ +[a-z_]+_test.go|^ *--- (PASS|FAIL): [A-Za-z]+(/[A-Za-z_]+)? |^(ok|FAIL|panic)' || true
	[ "${PIPESTATUS[0]}" = 0 ]
done
