"""See peers.sh. Prints a table and, last, one line of JSON: of inference, or of training."""
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import torch
import torchvision

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "ensemble", "ensembletest", "testdata"))
import reference

ROUNDS, RUNS = 5, 6
NETS = ["googlenet", "resnet50", "vgg19"]
BUILD = {
    "googlenet": lambda: torchvision.models.googlenet(weights=None, num_classes=4, aux_logits=False, transform_input=False, init_weights=False),
    "resnet50": lambda: torchvision.models.resnet50(weights=None, num_classes=4),
    "vgg19": lambda: torchvision.models.vgg19(weights=None, num_classes=4, init_weights=False),
}
part, *programs = sys.argv[1:]


def timed(run):
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def bench(program, *arguments):
    text = subprocess.run([program, "bench", "--json", "--frames", "10", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(text)


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return f"{cpu}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}; PyTorch {torch.__version__}"


def torch_runs():
    x = torch.randn(1, 3, 224, 224)
    nets = {n: reference.load(BUILD[n]()) for n in NETS}
    def run(n):
        with torch.no_grad():
            nets[n](x)
    return {n: (lambda n=n: run(n)) for n in NETS}, nets, x


def onnx_runs(nets, x):
    import onnxruntime
    runs = {}
    for n in NETS:
        buffer = io.BytesIO()
        torch.onnx.export(nets[n], x, buffer, opset_version=17, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = os.cpu_count()
        session = onnxruntime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x.numpy()}
        runs[n] = lambda session=session, feed=feed: session.run(None, feed)
    return runs, onnxruntime.__version__


def tensorflow_run(lungbox_tensorflow, folder):
    """The very graph that the TensorFlow engine builds, run by TensorFlow's Python."""
    path = os.path.join(folder, "graph.pb")
    subprocess.run([lungbox_tensorflow, "bench", "--save-graph", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    import tensorflow as tf
    v1 = tf.compat.v1
    definition = v1.GraphDef()
    with open(path, "rb") as file:
        definition.ParseFromString(file.read())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    config = v1.ConfigProto(intra_op_parallelism_threads=os.cpu_count(), inter_op_parallelism_threads=os.cpu_count())
    session = v1.Session(graph=graph, config=config)
    used = {i.split(":")[0] for node in definition.node for i in node.input}
    inputs = [node.name + ":0" for node in definition.node if node.op == "Placeholder"]
    outputs = [node.name + ":0" for node in definition.node if node.name not in used and node.op == "BiasAdd"]
    assert len(inputs) == 1 and len(outputs) == 3, (inputs, outputs)
    feed = {inputs[0]: np.random.randn(1, 224, 224, 1).astype(np.float32)}
    return lambda: session.run(outputs, feed), tf.__version__


def inference(lungbox, lungbox_tensorflow):
    torch_run, nets, x = torch_runs()
    onnx_run, onnx_version = onnx_runs(nets, x)
    times = {}
    note = lambda key, value: times.setdefault(key, []).append(value)
    with tempfile.TemporaryDirectory() as folder:
        tf_run, tf_version = tensorflow_run(lungbox_tensorflow, folder)
        for run in [*torch_run.values(), *onnx_run.values(), tf_run]:
            run()
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
            for n in NETS:
                for _ in range(RUNS):
                    note(("PyTorch eager", n), timed(torch_run[n]))
                    note(("ONNX Runtime float32", n), timed(onnx_run[n]))
            for _ in range(RUNS):
                note(("TensorFlow Python", "full vote"), timed(tf_run))
            for name, program, arguments in [
                ("Lungbox LiteRT int8", lungbox, ["--precision", "int8"]),
                ("Lungbox LiteRT float32", lungbox, ["--precision", "float32"]),
                ("Lungbox TensorFlow float32", lungbox_tensorflow, ["--engine", "tensorflow"]),
            ]:
                r = bench(program, *arguments)
                if "TensorFlow" not in name:  # there the nets run side by side
                    for n in NETS:
                        note((name, n), r["nets_ms"][n])
                note((name, "full vote"), r["full_vote_ms"])
    median = {k: statistics.median(v) for k, v in times.items()}
    for name in ["PyTorch eager", "ONNX Runtime float32"]:
        median[name, "full vote"] = sum(median[name, n] for n in NETS)
    print(f"{machine()}, ONNX Runtime {onnx_version}, TensorFlow {tf_version}")
    print(f"one frame, 224×224, full width, same weights; medians of {ROUNDS * RUNS} runs in {ROUNDS} rounds, ms\n")
    print(f"{'':28s}" + "".join(f"{n:>12s}" for n in [*NETS, "full vote"]))
    for name in dict.fromkeys(k[0] for k in median):
        print(f"{name:28s}" + "".join(f"{median[name, n]:12.1f}" if (name, n) in median else f"{'':12s}" for n in [*NETS, "full vote"]))
    full = lambda name: median[name, "full vote"]
    int8 = full("Lungbox LiteRT int8")
    print()
    print(f"int8 full vote against PyTorch eager:        {full('PyTorch eager') / int8:5.1f} times faster (goal 4)")
    print(f"int8 full vote against ONNX Runtime float32: {full('ONNX Runtime float32') / int8:5.1f} times faster (goal 3)")
    ratio = full("Lungbox TensorFlow float32") / full("TensorFlow Python")
    print(f"TensorFlow engine against TensorFlow Python: {ratio:5.2f} times its time (goal at most 1.1; with the way to the worker and preparation)")
    print(json.dumps({f"{a}, {b}": round(v, 2) for (a, b), v in median.items()}))


# Steps of a training that are timed in one turn, and the goals of the ratio to PyTorch.
TRAINING_STEPS = {"googlenet": 6, "resnet50": 4, "vgg19": 2}
TRAINING_GOALS = {"float32": 0.85, "bfloat16": 0.9}


class Lungtrain:
    """A trainer of lungtrain in a process of its own, that runs steps when told to."""

    def __init__(self, lungtrain, net, precision):
        kind = {"float32": "float32", "bfloat16": "mixed"}[precision]
        self.process = subprocess.Popen([lungtrain, "bench", "--turns", "--device", "cpu", "--net", net, "--precision", kind],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        json.loads(self.process.stdout.readline())

    def steps(self, n):
        print(n, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Torch:
    """PyTorch's step with the optimiser's fused form and one of its two layouts."""

    def __init__(self, net, layout):
        self.net = BUILD[net]().train().to(memory_format=layout)
        self.x = torch.randn(4, 3, 224, 224).to(memory_format=layout)
        self.y = torch.arange(4)
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=1e-7, momentum=0.9, weight_decay=1e-4, fused=True)

    def step(self, precision):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(self.net(self.x), self.y)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def steps(self, precision, n):
        return [timed(lambda: self.step(precision)) for _ in range(n)]


def training(lungtrain):
    """Training steps of both programs in turns: batch 4, 224×224, momentum and L2."""
    median, fastest, rounds = {}, {}, 4
    for net in NETS:
        ours = {p: Lungtrain(lungtrain, net, p) for p in TRAINING_GOALS}
        layouts = {"": Torch(net, torch.contiguous_format), " channels last": Torch(net, torch.channels_last)}
        times = {}
        for number in range(-1, rounds):  # round -1 warms up
            print(f"training {net}, round {number + 1} of {rounds}", file=sys.stderr)
            for p in TRAINING_GOALS:
                turns = [(f"Lungbox {p}", ours[p].steps)]
                turns += [(f"PyTorch {p}{name}", lambda n, t=t: t.steps(p, n)) for name, t in layouts.items()]
                for name, run in turns:
                    some = run(TRAINING_STEPS[net] if number >= 0 else 1)
                    if number >= 0:
                        times.setdefault(name, []).extend(some)
        for trainer in ours.values():
            trainer.close()
        median.update({(name, net): statistics.median(v) for name, v in times.items()})
        fastest.update({(name, net): min(v) for name, v in times.items()})
    print(machine())
    print(f"training step, batch 4, 224×224, full width, momentum 0.9, L2 1e-4; medians of {rounds} turns of {TRAINING_STEPS} steps, ms\n")
    print(f"{'':32s}" + "".join(f"{n:>12s}" for n in NETS))
    for name in dict.fromkeys(k[0] for k in median):
        print(f"{name:32s}" + "".join(f"{median[name, n]:12.1f}" for n in NETS))
    print()
    for p, goal in TRAINING_GOALS.items():
        plain = lambda of, n: of[f"PyTorch {p}", n]
        best = lambda of, n: min(of[f"PyTorch {p}", n], of[f"PyTorch {p} channels last", n])
        # The fastest step of each is least touched by what else the machine does.
        for against, peer in [("PyTorch", plain), ("PyTorch's faster layout", best)]:
            for what, of in [("medians", median), ("fastest", fastest)]:
                row = "".join(f"{n} {of[f'Lungbox {p}', n] / peer(of, n):.2f}  " for n in NETS)
                print(f"{f'{p} against {against}, {what}':52s}{row}(goal at most {goal})")
    print(json.dumps({f"{a}, {b}": round(v, 2) for (a, b), v in median.items()}))


{"inference": inference, "training": training}[part](*programs)
