#!/usr/bin/env python3
"""Writes reference.json: what PyTorch and torchvision give for the formula weights.

The Go tests compare both engines with it, so that neither weights nor outputs of
full-width nets need a large file. Run it again only when the nets, the formula or
the cases change:

    pip install torch==2.6.0 torchvision==0.21.0 numpy
    python reference.py > reference.json
"""
import json
import sys

import numpy as np
import torch
import torchvision

MEAN, DEVIATION = 0.449, 0.226
# (width of the picture, height of the picture, side of the net's input). 224 needs
# no resize; 300×200 shrinks one axis and enlarges the other; 640×480 shrinks both;
# 128 and 99 exercise VGG's adaptive pooling and odd sizes in ceil-mode pooling.
CASES = [(224, 224, 224), (300, 200, 224), (640, 480, 128), (99, 99, 99)]


def fnv1a64(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def uniform(name, count):
    """u in [-1, 1), the formula of ensemble/weights/formula.go."""
    with np.errstate(over="ignore"):
        x = np.uint64(fnv1a64(name)) + np.arange(count, dtype=np.uint64)
        x += np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def formula(name, shape, norms):
    module, _, kind = name.rpartition(".")
    u = uniform(name, int(np.prod(shape)))
    if module in norms:
        if kind == "running_mean":
            u = u / 10
        elif kind == "running_var":
            u = 1 + u / 2
        elif kind == "bias":
            u = u / 20
        elif name.endswith(".bn3.weight"):
            u = np.float32(1 / 4) + u * np.float32(1 / 40)
        else:
            u = 1 + u / 10
    elif kind == "bias":
        u = u / 20
    else:
        u = u * np.float32(np.sqrt(6 / np.prod(shape[1:])))
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def load(net):
    norms = {n for n, m in net.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    state = net.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = formula(name, tuple(tensor.shape), norms)
    net.load_state_dict(state)
    return net.eval()


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    return ((x * x // 7 + 3 * y + (x * y >> 4)) & 255).astype(np.uint8)


def preprocess(grey, side):
    x = torch.from_numpy(grey.astype(np.float32))[None, None]
    if x.shape[-2:] != (side, side):
        x = torch.nn.functional.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return (x / 255 - MEAN) / DEVIATION


# Side of the input and learning rate of each net's training. From formula weights the
# nets are so sensitive that rounding grows from step to step: at these rates PyTorch
# itself differs by up to 0.2 % between float32 and float64 in 20 steps, at ten times these
# by 4 % and more. At Table 2's 0.001 nothing could be compared.
TRAINING = {"googlenet": (99, 1e-6), "resnet50": (99, 3e-5), "vgg19": (64, 3e-6)}


def train(net, dtype, side, rate, steps=20, batch=4):
    """Losses of training steps with the momentum and L2 of the paper's Table 2, dropout
    off, and the logits of one picture in inference afterwards."""
    net = net.to(dtype)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    net.train()
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimiser = torch.optim.SGD([{"params": decayed, "weight_decay": 1e-4}, {"params": others}], lr=rate, momentum=0.9)
    losses = []
    for step in range(steps):
        x = torch.cat([preprocess((picture(side, side).astype(int) + 40 * b + 13 * step & 255).astype(np.uint8), side) for b in range(batch)]).to(dtype)
        loss = torch.nn.functional.cross_entropy(net(x.expand(batch, 3, side, side)), torch.arange(batch) % 4)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    net.eval()
    with torch.no_grad():
        after = net(preprocess(picture(side, side), side).to(dtype).expand(1, 3, side, side))[0]
    return {"side": side, "batch": batch, "rate": rate, "losses": losses, "after": [float(v) for v in after]}


def finer(name, net):
    """The net with its last stage at stride 16, or None: VGG-19 has no such."""
    if name == "resnet50":
        net.layer4[0].conv2.stride = (1, 1)
        net.layer4[0].downsample[0].stride = (1, 1)
    elif name == "googlenet":
        net.maxpool4 = torch.nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True)
    else:
        return None
    return net


def training_of(build, side, rate):
    """The training in float64, and the largest relative difference that float32 makes."""
    exact = train(load(build()), torch.float64, side, rate)
    rounded = train(load(build()), torch.float32, side, rate)
    exact["drift"] = max(abs(a - b) / b for a, b in zip(rounded["losses"], exact["losses"]))
    return exact


def main():
    builders = {
        "googlenet": lambda: torchvision.models.googlenet(weights=None, num_classes=4, aux_logits=False, transform_input=False, init_weights=False),
        "resnet50": lambda: torchvision.models.resnet50(weights=None, num_classes=4),
        "vgg19": lambda: torchvision.models.vgg19(weights=None, num_classes=4, init_weights=False),
    }
    cases = []
    for width, height, side in CASES:
        x = preprocess(picture(width, height), side)
        samples = [[int(i), float(x.flatten()[i])] for i in range(0, side * side, side * side // 97)]
        cases.append({"width": width, "height": height, "side": side, "samples": samples, "logits": {}, "fine": {}})
    training = {}
    for name, build in builders.items():
        net = load(build())
        with torch.no_grad():
            for case, (width, height, side) in zip(cases, CASES):
                x = preprocess(picture(width, height), side).expand(1, 3, side, side)
                case["logits"][name] = [float(v) for v in net(x)[0]]
            if fine := finer(name, load(build())):
                for case, (width, height, side) in zip(cases, CASES):
                    x = preprocess(picture(width, height), side).expand(1, 3, side, side)
                    case["fine"][name] = [float(v) for v in fine(x)[0]]
        training[name] = training_of(build, *TRAINING[name])
    json.dump({"torch": torch.__version__, "torchvision": torchvision.__version__, "cases": cases, "training": training}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
