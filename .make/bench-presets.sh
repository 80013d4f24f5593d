#!/usr/bin/env bash
# Usage: bench-presets.sh LUNGTRAIN WORK [SEEDS]
# The preset edge against the preset paper on the simulated pictures of bench-pipeline:
# both to the letter, but for smaller nets on smaller pictures, and without the nets
# that are trained without selection. The same command goes on after an interruption.
set -euo pipefail
train=$1 work=$2 seeds=${3:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
export LUNGBOX_ENGINE_LITERT=${LUNGBOX_ENGINE_LITERT:-$root/bin/libLiteRt.so}
mkdir -p "$work"
start=$SECONDS
"$train" data simulate -o "$work/data" --look convex-study --seed 1 --patients 31 --loops 36 --frames 18 --size 96 --reader-noise 0.3
for preset in paper edge; do
	"$train" run --preset "$preset" --show |
		sed -e '/^\[nets.googlenet\]/,/^input/s/^width = .*/width = 0.25/' -e 's/^width = 1.0/width = 0.125/' \
			-e 's/^input = .*/input = 64/' -e 's/^ablation = .*/ablation = false/' >"$work/$preset.toml"
	runs=()
	for seed in $(seq 1 "$seeds"); do
		"$train" run --preset "$work/$preset.toml" --data "$work/data" --out "$work/$preset$seed" --seed "$seed" >"$work/$preset$seed.txt"
		runs+=("$work/$preset$seed")
		echo "$preset, seed $seed: done after $((SECONDS - start)) s" >&2
	done
	echo "$preset: $(date -u +%F), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); SIMULATED pictures; after $((SECONDS - start)) s"
	"$train" compare "${runs[@]}"
	echo
done
