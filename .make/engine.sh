#!/bin/sh
# Usage: engine.sh litert|tensorflow DIR [MACHINE]
# Puts an engine's library (and TensorFlow's C headers) into DIR, once. Wheels come
# from the package index that pip is set up for; version and SHA-256 are pinned.
set -eu
engine=$1 dir=$2 machine=${3:-$(uname -m)}
[ -e "$dir/.complete" ] && exit 0
case "$engine-$machine" in
litert-x86_64) spec="ai-edge-litert==2.3.0" sum=1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23 tag=manylinux_2_27_x86_64 ;;
litert-aarch64) spec="ai-edge-litert==2.3.0" sum=853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae tag=manylinux_2_27_aarch64 ;;
tensorflow-x86_64) spec="tensorflow==2.18.1" sum=c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828 tag=manylinux_2_17_x86_64 ;;
tensorflow-aarch64) spec="tensorflow==2.18.1" sum=8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944 tag=manylinux_2_17_aarch64 ;;
*) echo "engine.sh: no $engine for $(uname -m): set TENSORFLOW_DIR or LUNGBOX_ENGINE_LITERT to your own build" >&2; exit 1 ;;
esac
echo "fetching $spec (once, into $dir)" >&2
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$(dirname "$dir")/.$engine.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "$spec --hash=sha256:$sum" >"$work/requirement.txt"
python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
	--python-version 3.11 --implementation cp --platform "$tag" -r "$work/requirement.txt" -d "$work" ||
	{ echo "engine.sh: could not fetch $spec: check the network and that python3 has pip" >&2; exit 1; }
mkdir "$work/out"
python3 - "$engine" "$work" <<'PY'
import glob, os, sys, zipfile
engine, work = sys.argv[1:]
out = os.path.join(work, "out")
headers = ("tensorflow/include/tensorflow/c/", "tensorflow/include/tensorflow/core/platform/",
           "tensorflow/include/xla/tsl/c/", "tensorflow/include/tsl/")
def place(name):
    """Where a member of the wheel goes, or None."""
    if engine == "litert":
        return {"ai_edge_litert/libLiteRt.so": "libLiteRt.so"}.get(name)
    if name.startswith("tensorflow/libtensorflow_") and name.endswith(".so.2"):
        return "lib/" + os.path.basename(name)
    if name.startswith(headers):
        return name[len("tensorflow/"):]
with zipfile.ZipFile(glob.glob(os.path.join(work, "*.whl"))[0]) as wheel:
    for name in wheel.namelist():
        target = place(name)
        if target and not name.endswith("/"):
            path = os.path.join(out, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with wheel.open(name) as source, open(path, "wb") as sink:
                while block := source.read(1 << 20):
                    sink.write(block)
PY
if [ "$engine" = tensorflow ]; then
	ln -s libtensorflow_cc.so.2 "$work/out/lib/libtensorflow.so"
	ln -s libtensorflow_framework.so.2 "$work/out/lib/libtensorflow_framework.so"
fi
touch "$work/out/.complete"
rm -rf "$dir"
mv "$work/out" "$dir"
