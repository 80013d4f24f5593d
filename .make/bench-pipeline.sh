#!/usr/bin/env bash
# Usage: bench-pipeline.sh LUNGTRAIN WORK [SEEDS]
# The whole pipeline on simulated pictures in the shape of the paper's set: 31 patients,
# one scanner, two readers, 20,088 pictures at reduced size, label noise that rises at
# the borders 0/1 and 1/2. Small nets, one run for each seed, then all side by side.
# The same command goes on after an interruption.
set -euo pipefail
train=$1 work=$2 seeds=${3:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
export LUNGBOX_ENGINE_LITERT=${LUNGBOX_ENGINE_LITERT:-$root/bin/libLiteRt.so}
mkdir -p "$work"
start=$SECONDS
"$train" data simulate -o "$work/data" --look convex-study --seed 1 --patients 31 --loops 36 --frames 18 --size 96 --reader-noise 0.3
runs=()
for seed in $(seq 1 "$seeds"); do
	"$train" run --preset "$root/.make/bench-pipeline.toml" --data "$work/data" --out "$work/seed$seed" --seed "$seed" >"$work/seed$seed.txt"
	runs+=("$work/seed$seed")
	echo "seed $seed done after $((SECONDS - start)) s" >&2
done
echo "$(date -u +%F), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); SIMULATED pictures; all after $((SECONDS - start)) s"
"$train" compare "${runs[@]}"
