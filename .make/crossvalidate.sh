#!/usr/bin/env bash
# Usage: crossvalidate.sh CLIPS WORK
# Judges the preset field on clips that its nets never saw: by source, by patient, with
# half of the patients, and without simulated pictures (these two in five parts of
# sources). The first trainings are those of
# the demo release in WORK/run.
set -euo pipefail
clips=$1 work=$2
root=$(cd "$(dirname "$0")/.." && pwd)
train=$root/bin/lungtrain
[ -n "$clips" ] || { echo "cross-validation needs the further clips: make crossvalidate CLIPS=folder" >&2; exit 1; }
"$root/.make/field-data.sh" "$clips" "$work"
"$train" adapt --simulated "$work/simulated" --others "$work/others" --data "$work/real" --deterministic -o "$work/run"
common=(--simulated "$work/simulated" --others "$work/others" --data "$work/real" --first "$work/run" --deterministic)
"$train" crossvalidate "${common[@]}" --group source -o "$work/judged"
"$train" crossvalidate "${common[@]}" --group patient -o "$work/judged"
"$train" crossvalidate "${common[@]}" --group source --folds 5 --keep 0.5 -o "$work/judged"
"$train" crossvalidate --data "$work/real" --deterministic --group source --folds 5 -o "$work/real-only"
