#!/bin/sh
# Usage: slurm.sh [options of sbatch, such as --partition=gpu --time=12:00:00]
# Submits the trainings of this run to Slurm: stage one as an array, stage two as an
# array that waits for it, then the end of the run. Submit it again after a failure:
# what is done stays done.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
submit() { sbatch --parsable --kill-on-invalid-dep=yes --requeue --open-mode=append --output="$here/slurm-%A_%a.log" --cpus-per-task={{.Threads}}{{if .GPUs}} --gres=gpu:{{.GPUs}}{{end}} "$@"; }
first=$(submit --job-name=lungtrain-1 --array={{list .First}} "$@" "$here/task.sh")
second=$(submit --job-name=lungtrain-2 --array={{list .Second}} --dependency="afterok:$first" "$@" "$here/task.sh")
last=$(submit --job-name=lungtrain-end --array=0 --dependency="afterok:$second" "$@" "$here/task.sh" finish)
echo "submitted: stage one $first, stage two $second, end of the run $last"
