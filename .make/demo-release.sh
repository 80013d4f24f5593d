#!/usr/bin/env bash
# Usage: demo-release.sh CLIPS WORK OUT
# Trains the demo release: three small nets, first on simulated pictures, then on
# those and real clips together. CLIPS is a folder with a clips.csv; without one the
# nets see simulated pictures only and are measured on the clips of the repository.
# WORK keeps what was done, and the same command goes on after an interruption.
set -euo pipefail
clips=$1 work=$2 out=$3
root=$(cd "$(dirname "$0")/.." && pwd)
train=$root/bin/lungtrain own=$root/daemon/demo/clips seed=1
# Patients that no net sees: those of the clips in the repository, which the demo
# shows, and some of every score and source.
held=neuruppin-2,p118,volpicelli-1,p115,p99,p174,northumbria-0409-set4,p163,p41,p42,p38,p175
export LUNGBOX_ENGINE_LITERT=${LUNGBOX_ENGINE_LITERT:-$root/bin/libLiteRt.so}
mkdir -p "$work"
start=$SECONDS

real=("$work/real=3")
note="Simulated pictures of \`lungtrain data simulate\` (a phantom made from physics, 160 patients), then the same mixed with the real clips listed below, one part to three. The patients measured above were held out of training."
if [ -z "$clips" ]; then
	echo "note: no folder of further clips (CLIPS=...): the nets see simulated pictures only" >&2
	clips=$own real=() held=neuruppin-2,p118,volpicelli-1,p115,p99
	note="Only simulated pictures of \`lungtrain data simulate\` (a phantom made from physics, 160 patients). The real clips listed below were measured, not trained on."
fi
"$train" data simulate -o "$work/simulated" --seed $seed --patients 160 --loops 12 --frames 4
[ -e "$work/real/images.csv" ] || "$train" data import "$clips" -o "$work/real" --every 4 --test-patients $held
# Golden frames lie in the release: only from clips that anybody may pass on.
[ -e "$work/golden/images.csv" ] || "$train" data import "$own" -o "$work/golden"

# net ARCH WIDTH RATE RATE: the same steps for all three; rates from short trials.
net() {
	local common=(--arch "$1" --width "$2" --input 128 --batch 16 --schedule cosine --smoothing 0.05 --seed $seed --deterministic)
	"$train" fit "${common[@]}" --data "$work/simulated" --steps 3000 --rate "$3" -o "$work/first/$1"
	"$train" fit "${common[@]}" --data "$work/simulated=1" "${real[@]/#/--data=}" --steps 2500 --rate "$4" \
		--init "$work/first/$1/weights.safetensors" -o "$work/run/$1"
}
net googlenet 0.375 0.02 0.01
net resnet50 0.25 0.02 0.01
net vgg19 0.125 0.01 0.005

"$train" evaluate "$work/run" --data "$work/real" --split test
rm -rf "$work/release"
"$train" export "$work/run" -o "$work/release" --golden "$work/golden" --clips "$work/real" \
	--notice "Demo release, trained partly on simulated pictures: not for patients" --data-note "$note" \
	${RELEASE_DATE:+--created "$RELEASE_DATE"}
rm -rf "$out.old"
if [ -e "$out" ]; then mv "$out" "$out.old"; fi
mv "$work/release" "$out"
rm -rf "$out.old"
echo "demo release in $out after $((SECONDS - start)) s" >&2
