#!/usr/bin/env bash
# Usage: field-data.sh CLIPS WORK
# Makes the datasets that the preset field is trained and judged with: WORK/simulated,
# WORK/others (no lung) and WORK/real. Without CLIPS, WORK/real holds the clips of the
# repository.
set -euo pipefail
clips=$1 work=$2
root=$(cd "$(dirname "$0")/.." && pwd)
train=$root/bin/lungtrain
mkdir -p "$work"
"$train" data simulate -o "$work/simulated" --seed 1 --patients 320 --loops 12 --frames 3
[ -e "$work/others/images.csv" ] || "$train" data others -o "$work/others" --seed 1 --each 150
[ -e "$work/real/images.csv" ] || "$train" data import "${clips:-$root/daemon/demo/clips}" -o "$work/real" --every 5
