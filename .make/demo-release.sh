#!/usr/bin/env bash
# Usage: demo-release.sh CLIPS WORK OUT
# Trains the demo release by the preset field: three small nets, first on simulated
# pictures, then on those and the real clips together, with pictures that are no lung in
# both. CLIPS is a folder with a clips.csv; without one the nets see simulated pictures only
# and are measured on the clips of the repository.
#
# What the model card says is measured by cross-validation, by source and by patient, if
# `make crossvalidate` has been there before: its figures lie in WORK/judged.
# WORK keeps what was done, and the same command goes on after an interruption.
set -euo pipefail
clips=$1 work=$2 out=$3
root=$(cd "$(dirname "$0")/.." && pwd)
train=$root/bin/lungtrain own=$root/daemon/demo/clips seed=1
export LUNGBOX_ENGINE_LITERT=${LUNGBOX_ENGINE_LITERT:-$root/bin/libLiteRt.so}
mkdir -p "$work"
start=$SECONDS
"$root/.make/field-data.sh" "$clips" "$work"

real=(--data "$work/real")
note="Simulated pictures of \`lungtrain data simulate\` (a phantom made from physics, 320 patients) and pictures that are no lung, then those mixed with all real clips listed below (\`lungtrain adapt\`, preset field)."
if [ -z "$clips" ]; then
	echo "note: no folder of further clips (CLIPS=...): the nets see simulated pictures only" >&2
	real=()
	note="Only simulated pictures of \`lungtrain data simulate\` (a phantom made from physics, 320 patients). The real clips listed below were measured, not trained on."
fi
# Golden frames lie in the release: only from clips that anybody may pass on.
[ -e "$work/golden/images.csv" ] || "$train" data import "$own" -o "$work/golden"

"$train" adapt --simulated "$work/simulated" --others "$work/others" "${real[@]}" --deterministic -o "$work/run"
for measured in crossvalidation-patient.json crossvalidation-source.json calibration.json verdicts-source.csv; do
	[ ! -e "$work/judged/$measured" ] || cp "$work/judged/$measured" "$work/run/"
done
"$train" abstain "$work/run" --data "$work/real" --simulated "$work/simulated"
[ -n "$clips" ] || "$train" evaluate "$work/run" --data "$work/real" --split ""
rm -rf "$work/release"
"$train" export "$work/run" -o "$work/release" --golden "$work/golden" --clips "$work/real" \
	--notice "Demo release, trained partly on simulated pictures: not for patients" --data-note "$note" \
	${RELEASE_DATE:+--created "$RELEASE_DATE"}
rm -rf "$out.old"
if [ -e "$out" ]; then mv "$out" "$out.old"; fi
mv "$work/release" "$out"
rm -rf "$out.old"
echo "demo release in $out after $((SECONDS - start)) s" >&2
