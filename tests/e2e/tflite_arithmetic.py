#!/usr/bin/python3
"""As-is programs of quantized TensorFlow Lite files against the published arithmetic: tflite_arithmetic.py BURIN [NAME...]

tflite_kernels runs a file in numpy, the tool runs its own integers for the target tflite, and every integer tensor has
to have the same values: small files of single operators written here, then networks of the zoo.
"""
import os

import numpy

import tflite_cases
import tflite_cases16
import tflite_file
import tflite_kernels
from tool import Tool

REFERENCE = {"pretrainedResnet_quant", "kws_ref_model", "vww_96_int8"}  # also with the slow kernels
NETWORKS = ["pretrainedResnet_quant", "pretrainedResnet_large_int8", "kws_ref_model", "vww_96_int8", "ad01_int8",
            "person_detect", "mobilenet_v1_0.25_128_quant", "mobilenet_v2_1.0_224_quant",
            "tf2_mobilenet_v2_1.0_224_ptq", "deeplabv3_mnv2_dm05_pascal_quant", "yolov5n-int8", "movenet_single_pose_lightning_ptq"]
WIDENED = ["pretrainedResnet_quant", "kws_ref_model", "vww_96_int8"]  # once more with 16-bit activations
# What only moves integers may have become part of its neighbours.
MOVES = {"RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "PAD", "SLICE", "STRIDED_SLICE", "CONCATENATION"}


class Program:
    """A compiled file: its tensors by the source's names and by the operator that makes them."""

    def __init__(self, tool, path, target="tflite", cut=()):
        self.tool = tool
        self.program = tool.out("net.burin")
        module = tool.out("net.mlirbc")
        self.done = (tool.must("import", path, "-o", module, "--quiet", *cut)
                     and tool.must("compile", module, "--precision", "as-is", "--target", target, "-o", self.program,
                                   "--quiet"))
        self.facts = self.done and tool.answer("dump", self.program)

    def run(self, inputs, kernels="auto"):
        """All stored tensors by name."""
        numpy.savez(self.tool.out("in.npz"), **inputs)
        out = self.tool.out("out.npz")
        if not self.tool.must("run", self.program, "--input", self.tool.out("in.npz"), "--all-tensors", "--raw",
                              "--kernels", kernels, "-o", out, "--quiet"):
            return None
        with numpy.load(out) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def made_by(self, name):
        """The tensor of that name, and the last one that the source's operator of that name makes."""
        tensors = self.facts["tensors"]
        made = [op["outputs"][0] for op in self.facts["ops"] if op["name"] in (name, name + "/real")]
        return [t for i, t in enumerate(tensors) if i in made[-1:] or t["name"] == name]

    def float_ops(self):
        """Kinds of operators that compute in float, casts aside."""
        tensors = self.facts["tensors"]
        return sorted({op["type"] for op in self.facts["ops"] if op["type"].startswith("nn.")
                       and any(tensors[i]["dtype"] == "f32" for i in op["inputs"] + op["outputs"] if i >= 0)})


def differences(tensor, wanted, quant, got):
    """The largest difference, in either order of axes; None where the program's tensor stands for something else."""
    if quant and tensor.quantized and (numpy.float32(quant["scale"][0]) != tensor.scale[0]
                                       or quant["zero_point"][0] != tensor.zero_point[0]):
        return None
    orders = [wanted] + ([numpy.moveaxis(wanted, -1, 1)] if wanted.ndim > 2 else [])
    found = [int(numpy.abs(got.astype(numpy.int64) - o).max()) for o in orders
             if o.shape == got.shape and got.dtype == o.dtype]
    return min(found, default=None)


def compare(tool, what, graph, program, inputs, within=0, kernels="auto"):
    """Runs both ways; False after a difference of more than `within`."""
    values = tflite_kernels.run(graph, inputs)
    got = program.run({graph.tensors[i].name: x for i, x in zip(graph.inputs, inputs)}, kernels)
    if got is None:
        return False
    seen, equal = 0, True
    for operator in graph.operators:
        tensor = graph.tensors[operator.outputs[0]]
        if tensor.dtype == numpy.float32 or operator.type == "UNPACK":  # one name for several tensors
            continue
        wanted = values[operator.outputs[0]]
        found = [differences(tensor, wanted, t.get("quant"), got[t["name"]]) for t in program.made_by(tensor.name)
                 if t["name"] in got]
        found = [d for d in found if d is not None]
        seen += bool(found)
        if not found and (operator.type not in MOVES or operator.outputs[0] in graph.outputs):
            tool.fail("%s: the program has no integers for '%s' (%s)" % (what, tensor.name, operator.type))
            equal = False
        if found and max(found) > within:
            tool.fail("%s: %s '%s' differs by up to %d" % (what, operator.type, tensor.name, max(found)))
            return False  # what follows differs too
    states = {name: state for name, state in values.items() if name in got and isinstance(name, str)}
    for name, state in states.items():
        if differences(None, state, None, got[name]) != 0:
            tool.fail("%s: the state '%s' differs" % (what, name))
            equal = False
    return equal and seen > 0


def integers(tensor, rng, extreme):
    if not tensor.quantized:  # conditions and small indices
        return rng.integers(0, 2, tensor.shape).astype(tensor.dtype)
    info = numpy.iinfo(tensor.dtype)
    if extreme:
        return rng.choice(numpy.array([info.min, info.max, int(tensor.zero_point[0])]), tensor.shape).astype(tensor.dtype)
    return rng.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype)


def check_case(tool, case):
    """One operator: random integers, then extremes and zero points."""
    path = tool.out("case.tflite")
    tflite_file.write(path, case.graph)
    graph = tflite_file.read(path)
    check_program(tool, case, graph, Program(tool, path))
    states = [i for i, t in enumerate(graph.tensors) if t.variable]
    if states:  # the same with states that come from outside and are read
        names = [graph.tensors[i].name for i in states]
        cut = ["--inputs", *[graph.tensors[i].name for i in graph.inputs], *names,
               "--outputs", *[graph.tensors[i].name for i in graph.outputs], *[n + "/next" for n in names]]
        graph.inputs += states
        program = Program(tool, path, cut=cut)
        check_program(tool, case, graph, program)
        outputs = [program.facts["tensors"][i]["name"] for i in program.facts["outputs"]] if program.facts else []
        if program.facts and not all(n + "/next" in outputs for n in names):
            tool.fail("%s: the states %s are no outputs: %s" % (case.name, names, outputs))


def check_program(tool, case, graph, program):
    if not program.facts:
        return
    rng = numpy.random.default_rng(7)
    for extreme, kernels in ((False, "auto"), (True, "auto"), (True, "reference")):
        inputs = [integers(graph.tensors[i], rng, extreme) if graph.tensors[i].dtype != numpy.float32
                  else rng.normal(0, 2, graph.tensors[i].shape).astype("f4") for i in graph.inputs]
        compare(tool, "%s, %s kernels" % (case.name, kernels), graph, program, inputs, case.within, kernels)
    islands = program.float_ops()
    if islands and not case.may_float:
        tool.fail("%s: computes in float: %s" % (case.name, ", ".join(islands)))


def check_widened(tool, name):
    path = tool.out(name + ".tflite")
    tflite_file.write(path, tflite_cases16.widened(tflite_file.read(tool.data("models", "tflite", name + ".tflite"))))
    check_network(tool, name + ", 16 bits", path)


def check_network(tool, name, path):
    graph, program = tflite_file.read(path), Program(tool, path)
    if not program.facts:
        return
    if "16 bits" in name and program.float_ops():
        tool.fail("%s: computes in float: %s" % (name, ", ".join(program.float_ops())))
    rng = numpy.random.default_rng(11)
    x = graph.tensors[graph.inputs[0]]
    noise, smooth = integers(x, rng, False), numpy.sort(integers(x, rng, False).ravel()).reshape(x.shape)
    runs = [("noise", noise, "auto"), ("ramp", smooth, "auto")]
    for kind, sample, kernels in runs + [("noise", noise, "reference")] * (name in REFERENCE):
        what = "%s, %s, %s kernels" % (name, kind, kernels)
        if compare(tool, what, graph, program, [sample], kernels=kernels):
            print("%s: every integer tensor is the same" % what, flush=True)


def main():
    tool = Tool(needs_zoo=False)
    cases = [case for module in (tflite_cases, tflite_cases16) for case in module.all_cases() if tool.wants(case.name)]
    for case in cases:
        check_case(tool, case)
    print("%d files of one operator" % len(cases), flush=True)
    for name in filter(tool.wants, NETWORKS if tool.has_zoo else []):
        check_network(tool, name, tool.data("models", "tflite", name + ".tflite"))
    for name in filter(tool.wants, WIDENED if tool.has_zoo else []):
        check_widened(tool, name)
    if not tool.has_zoo and os.environ.get("BURIN_REQUIRE_ZOO") == "1":
        tool.without_zoo()
    tool.finish()


if __name__ == "__main__":
    main()
