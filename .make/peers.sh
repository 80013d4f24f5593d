#!/bin/sh
# Usage: peers.sh CACHE inference LUNGBOX LUNGBOX-TENSORFLOW
#        peers.sh CACHE training LUNGTRAIN
# Measures the same nets in Lungbox, PyTorch and, for inference, with the same weights,
# ONNX Runtime and TensorFlow's Python, in turns in one run; prints times and ratios.
set -eu
cache=$1
shift
if [ ! -e "$cache/.complete" ]; then
	echo "installing PyTorch, ONNX Runtime and TensorFlow for Python (once, 6 GB, into $cache)" >&2
	python3 -m venv "$cache"
	"$cache/bin/pip" install -q --disable-pip-version-check torch==2.6.0 torchvision==0.21.0 onnx==1.19.1 onnxruntime==1.23.2 tensorflow==2.18.1 numpy==2.0.2
	touch "$cache/.complete"
fi
exec "$cache/bin/python" "$(dirname "$0")/peers.py" "$@"
