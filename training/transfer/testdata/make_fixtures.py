"""Writes the files that the tests of training/transfer and ensemble/weights read,
with PyTorch's own torch.save and the official safetensors package.

    pip install torch numpy safetensors && python training/transfer/testdata/make_fixtures.py

Made with Python 3.11, torch 2.6.0 and safetensors 0.8.0. Values follow the formula
of ensemble/weights/formula.go, or are small numbers that a test names, so that the
tests need no second copy of them.
"""

import json
import pathlib
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = HERE.parents[2] / "ensemble" / "weights" / "testdata"


def splitmix64(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)


def formula(name, role, shape):
    """The tensor that weights.Formula makes; roles are numbered as in arch.Role."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        bits = splitmix64(np.uint64(seed) + np.arange(count, dtype=np.uint64))
    u = (bits >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    last = name.endswith(".bn3.weight")
    factor, offset = {
        0: (np.sqrt(6 / (count // shape[0])), 0),
        1: (np.sqrt(6 / (count // shape[0])), 0),
        2: (1 / 20, 0),
        3: (1 / 40, 1 / 4) if last else (1 / 10, 1),
        4: (1 / 20, 0),
        5: (1 / 10, 0),
        6: (1 / 2, 1),
    }[role]
    data = np.float32(offset) + u * np.float32(factor)
    return torch.from_numpy(data.reshape(shape))


def parameters():
    out = subprocess.run(["go", "run", "params.go"], cwd=HERE, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def state_dict(params):
    """As a module gives it: batch counts behind every running variance."""
    state = OrderedDict()
    for p in params:
        state[p["name"]] = formula(p["name"], p["role"], p["shape"])
        if p["name"].endswith(".running_var"):
            state[p["name"].replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    return state


def save(obj, name, legacy=False):
    torch.save(obj, HERE / name, _use_new_zipfile_serialization=not legacy)


def nets():
    params = parameters()
    # A pretrained GoogLeNet as torchvision has it: 1000 classes, auxiliary heads.
    # Rows that are all the same take no room in the file.
    googlenet = state_dict(params["googlenet"])
    width = googlenet["fc.weight"].shape[1]
    googlenet["fc.weight"] = torch.full((1, 1), 0.5).expand(1000, width)
    googlenet["fc.bias"] = torch.zeros(1).expand(1000)
    for head in ("aux1", "aux2"):
        googlenet[head + ".conv.conv.weight"] = torch.ones(1, 1, 1, 1).expand(8, 32, 1, 1)
        googlenet[head + ".fc2.bias"] = torch.ones(1).expand(1000)
    save(googlenet, "googlenet_zip.pth")

    # A training checkpoint of four classes from several GPUs, in the older format.
    resnet = OrderedDict(("module." + k, v.half() if v.is_floating_point() else v) for k, v in state_dict(params["resnet50"]).items())
    save({"epoch": 12, "best": 0.75, "arch": "resnet50", "state_dict": resnet}, "resnet50_legacy.pth", legacy=True)


def layouts():
    """Every type and every way in which a tensor can lie in its storage."""
    base = torch.arange(24, dtype=torch.float32)
    state = OrderedDict(
        float32=base.reshape(2, 3, 4) / 8,
        float64=torch.tensor([1 / 3, -1e-30, 1e30], dtype=torch.float64),
        float16=torch.tensor([1.5, 65504, 2**-24, -0.0], dtype=torch.float16),
        bfloat16=torch.tensor([1.5, -3e38, 1 / 3], dtype=torch.bfloat16),
        int64=torch.tensor([[-1, 2**40]]),
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        transposed=base.reshape(4, 6).t(),
        permuted=base.reshape(2, 3, 4).permute(2, 0, 1),
        sliced=base[5:17:3],
        shared=base[20:],
        expanded=torch.tensor([[7.0], [8.0]]).expand(2, 3),
        channels_last=base.reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        parameter=torch.nn.Parameter(torch.tensor([4.0, 5.0])),
    )
    save(state, "layouts_zip.pth")
    save(state, "layouts_legacy.pth", legacy=True)
    save({"model": state, "best": np.float64(0.5)}, "numpy_zip.pth")  # a NumPy scalar beside the weights
    save(torch.nn.Linear(2, 2), "module_zip.pth")  # a whole module: a program, not weights


def safetensors():
    state = {
        "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 7,
        "bias": torch.tensor([0.1, -0.2]),
        "é<&>": torch.tensor(3.0),
        "empty": torch.zeros(0, 3),
    }
    save_file(state, WEIGHTS / "official_f32.safetensors", metadata={"format": "pt <&>"})
    save_file(
        {
            "f64": torch.tensor([1 / 3, -1e-30, 1e30], dtype=torch.float64),
            "f32": torch.tensor([1 / 3, float("nan"), float("-inf")]),
            "f16": torch.tensor([1 / 3, 65504, 65520, 2**-24, 2**-25, 3 * 2**-26, -0.0]).half(),
            "bf16": torch.tensor([1 / 3, -3e38, 1 + 2**-8, 1 + 3 * 2**-8]).bfloat16(),
            "i64": torch.tensor([[1, -1]]),
            "i8": torch.tensor([[1, -127]], dtype=torch.int8),
            "flag": torch.tensor([True]),
        },
        WEIGHTS / "official_types.safetensors",
    )


if __name__ == "__main__":
    print("torch", torch.__version__, "Python", sys.version.split()[0])
    WEIGHTS.mkdir(exist_ok=True)
    nets()
    layouts()
    safetensors()
