#!/bin/bash
# Usage: sync-campaign.sh GO
# Kills boxes, brokers, hubs and installations again and again, and flips bytes: what CI
# does a few times, as often as it takes to believe it. About two hours on 2 cores.
set -eu -o pipefail
go=$1
export CGO_ENABLED=0
run() { # VARIABLE=VALUE PACKAGE TEST
	env "$1" "$go" test -count=1 -timeout 2h -v -run "^$3\$" "$2" | grep -E '^ +[a-z_]+_test.go|^(---|ok|FAIL|panic)' || true
	[ "${PIPESTATUS[0]}" = 0 ]
}
run LUNGBOX_KILLS=1000 ./sync/hub TestHubKilled
run LUNGBOX_KILLS=200 ./sync/hub TestHubDiesBeforeItAcknowledges
run LUNGBOX_KILLS=1002 ./sync/hub TestMosquittoAndPostgres
run LUNGBOX_KILLS=5000 ./sync/repository TestKilledInstall
run LUNGBOX_FLIPS=10000 ./sync/repository TestRandomBytesOfTheWeights
run LUNGBOX_KILLS=10000 ./sync/hub TestSyncKilled
run LUNGBOX_KILLS=1000 ./daemon TestBoxAndHubKilled
