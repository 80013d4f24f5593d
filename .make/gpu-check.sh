#!/bin/sh
# Usage: gpu-check.sh LUNGTRAIN (make gpu-check builds it and sets the environment)
# On a machine with a CUDA GPU: trains the three nets on it and compares the losses with
# PyTorch's, then measures training and inference in float32 and mixed precision, and
# prints one table. Exit code 3 means that nothing was measured: no usable GPU.
set -eu
lungtrain=$1
nothing() {
	echo "gpu-check: nothing was measured: $1"
	exit 3
}
found=false
for node in /dev/nvidia[0-9]* /dev/nvhost-*gpu; do
	if [ -e "$node" ]; then found=true; fi
done
$found || nothing "this machine has no NVIDIA GPU, or its driver is not loaded (no /dev/nvidia0)"

# A short run says whether TensorFlow can use it, and why not.
trial=$("$lungtrain" bench --small --steps 1 --net googlenet --precision float32 --json)
why=$(printf '%s' "$trial" | sed -n 's/.*"why_no_gpu":"\([^"]*\)".*/\1/p')
[ -z "$why" ] || nothing "$why"

name=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1) || name=
echo "GPU: ${name:-NVIDIA (nvidia-smi does not name it)}"
# float32 shall be float32: without this GPUs multiply in TensorFloat-32.
if said=$(NVIDIA_TF32_OVERRIDE=0 LUNGBOX_TEST_DEVICE=auto "${GO:-go}" test -count=1 -v -run 'TestTrainingFollowsPyTorch' ./ensemble/tensorflow 2>&1); then
	parity=passed
else
	parity=FAILED
fi
printf '%s\n' "$said" | sed -n 's/^ *trainer_test.go:[0-9]*: //p'
echo "parity with PyTorch: $parity"
echo
"$lungtrain" bench --steps 20
[ "$parity" = passed ]
