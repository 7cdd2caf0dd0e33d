#!/usr/bin/python3
"""As-is programs of quantized TensorFlow Lite files against LiteRT.js: tflite_litert.py BURIN [NAME...]

LiteRT.js runs them with XNNPACK, which requantizes in float32 as our target cpu does: there networks decide alike on at
least 99 of 100 samples. The target tflite follows the reference kernels; its networks are only reported. Single operators
differ by at most one unit on both targets. LiteRT.js takes no signed integers of 8 and 16 bits at a model's borders, so
files get QUANTIZE and DEQUANTIZE there. It loads no variables: such
files are left out. Skipped without node, Chromium or the packages of tests/peer/setup.sh litert.
"""
import copy
import glob
import json
import os
import subprocess
import sys

import numpy

import tflite_cases
import tflite_cases16
import tflite_file
from import_tflite import keyword_samples
from tflite_arithmetic import Program, integers
from tflite_file import Operator, Tensor
from tflite_fixed_point import leading_zeros, quantize_multiplier
from tool import ROOT, SKIPPED, Tool

EQUAL_DECISIONS = 99.0
UNITS = 1  # between single operators
SIGNED = (numpy.int8, numpy.int16)
SCRIPT = os.path.join(ROOT, "tests", "peer", "litert.mjs")
TARGETS = ("cpu", "tflite")
# LiteRT.js 2.5.3 gives one constant for a convolution of two inputs; with a third one of zeros it agrees.
BROKEN = ("conv_1x1_no_bias_int8", "conv_1x1_no_bias_uint8", "conv_1x1_no_bias_int16",
          "rsqrt_negative_int8",  # TFLite refuses roots of negative numbers
          "arg_max_int16", "arg_min_int16", "select_int16")  # no 16-bit kernels: it gives what it never wrote
# Where a 16-bit scale is a power of two it leaves the reference kernels' table for a shorter fixed point.
SHORTER = dict.fromkeys(("logistic_power_int16", "tanh_power_int16", "tanh_power_11_int16"), 16)
BORDERS = (*SIGNED, numpy.bool_)  # that LiteRT.js does not take


def with_float_borders(graph):
    """The graph with float32 in the place of small signed integers and truth values at its inputs and outputs."""
    graph = copy.deepcopy(graph)
    for borders, kind, name in ((graph.inputs, "QUANTIZE", "/in"), (graph.outputs, "DEQUANTIZE", "/out")):
        for i, index in enumerate(borders):
            tensor = graph.tensors[index]
            if tensor.dtype not in BORDERS:
                continue
            graph.tensors.append(Tensor(tensor.name + name, tensor.shape, numpy.dtype("f4")))
            borders[i] = len(graph.tensors) - 1
            cast = "CAST" if tensor.dtype == "?" else kind
            if kind == "QUANTIZE":
                graph.operators.insert(0, Operator(cast, [borders[i]], [index]))
            else:
                graph.operators.append(Operator(cast, [index], [borders[i]]))
    return graph


def real(tensor, stored):
    """What stands for stored bytes at a model's border."""
    if tensor.dtype not in BORDERS:
        return stored
    if tensor.dtype == "?":
        return stored.astype("f4")
    return ((stored.astype("f4") - tensor.zero_point[0]) * tensor.scale[0]).astype("f4")


def stored(tensor, values):
    if tensor.dtype not in BORDERS:
        return values
    if tensor.dtype == "?":
        return values != 0
    return numpy.rint(values / tensor.scale[0] + tensor.zero_point[0]).astype(tensor.dtype)


class Jobs:
    """Files and samples for one start of the browser."""

    def __init__(self, tool):
        self.tool, self.list, self.graphs = tool, [], []

    def add(self, graph, samples):
        """`samples`: per input an array with one more axis in front."""
        number = len(self.list)
        path = self.tool.out("litert%d.tflite" % number)
        tflite_file.write(path, with_float_borders(graph))
        files = []
        for i, (index, values) in enumerate(zip(graph.inputs, samples)):
            files.append(self.tool.out("litert%d_in%d.npy" % (number, i)))
            numpy.save(files[-1], real(graph.tensors[index], values))
        outputs = [self.tool.out("litert%d_out%d.npy" % (number, i)) for i in range(len(graph.outputs))]
        self.list.append({"model": path, "inputs": files, "outputs": outputs})
        self.graphs.append(graph)
        return number

    def run(self):
        jobs = self.tool.out("jobs.json")
        with open(jobs, "w", encoding="utf-8") as file:
            json.dump(self.list, file)
        done = subprocess.run(["node", SCRIPT, jobs], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == SKIPPED:
            print(done.stderr, end="")
            sys.exit(SKIPPED)
        return done.stderr

    def outputs(self, number):
        """Stored integers of every output, or None where LiteRT.js did not run the file."""
        paths = self.list[number]["outputs"]
        if not all(os.path.exists(p) for p in paths):
            return None
        graph = self.graphs[number]
        return [stored(graph.tensors[i], numpy.load(p)) for i, p in zip(graph.outputs, paths)]


def samples_of(graph, rng):
    """Random integers, then extremes and zero points, for every input."""
    def one(tensor, extreme):
        return integers(tensor, rng, extreme) if tensor.dtype != numpy.float32 else rng.normal(0, 2, tensor.shape).astype("f4")

    samples = [numpy.stack([one(graph.tensors[i], extreme) for extreme in (False, True)]) for i in graph.inputs]
    if graph.operators[0].type == "DIV" and len(samples) == 2:
        zero = graph.tensors[graph.inputs[1]].zero_point[0]  # TFLite stops at it, and at a stored 0
        samples[1][(samples[1] == zero) | (samples[1] == 0)] = zero + 1 or 1
    return samples


def defined(graph, samples):
    """Where TFLite's kernels say what comes out: quotients are not shifted by more than 31 bits."""
    operator = graph.operators[0]
    if operator.type != "DIV":
        return True
    tensors = [graph.tensors[i] for i in operator.inputs + operator.outputs]
    given = dict(zip(graph.inputs, samples))
    a, b = (given.get(i, t.data).astype("i8") - t.zero_point[0] for i, t in zip(operator.inputs, tensors))
    a, b = numpy.broadcast_arrays(a * numpy.sign(b), numpy.abs(b))
    a = numpy.where(a < 0, -a - 1, a)
    shift = quantize_multiplier(tensors[0].scale[0] / (tensors[1].scale[0] * tensors[2].scale[0]))[1]
    return (31 - leading_zeros(b)) + (leading_zeros(a) - 1) - shift <= 31


def outputs_of(program, graph, samples):
    """Ours, per output, one row per sample."""
    rows = []
    if not program.facts:
        return None
    for s in range(len(samples[0])):
        got = program.run({graph.tensors[i].name: values[s] for i, values in zip(graph.inputs, samples)})
        if got is None:
            return None
        rows.append([got[graph.tensors[i].name] for i in graph.outputs])
    return [numpy.stack(column) for column in zip(*rows)]


def check_operators(tool):
    """Every file of one operator."""
    jobs, rng, cases = Jobs(tool), numpy.random.default_rng(7), []
    for case in (*tflite_cases.all_cases(), *tflite_cases16.all_cases()):
        if tool.wants(case.name) and case.name not in BROKEN and not any(t.variable for t in case.graph.tensors):
            samples = samples_of(case.graph, rng)
            cases.append((case, samples, jobs.add(case.graph, samples)))
    refusals = jobs.run()
    ran, same = 0, dict.fromkeys(TARGETS, 0)
    for case, samples, number in cases:
        theirs = jobs.outputs(number)
        if theirs is None:
            continue
        ran += 1
        path, where = tool.out("case.tflite"), defined(case.graph, samples)
        tflite_file.write(path, case.graph)
        # XNNPACK has no 16 bits: the built-in kernels run.
        for target in TARGETS if not case.name.endswith("_int16") else ("tflite",):
            ours = outputs_of(Program(tool, path, target), case.graph, samples)
            apart = ours and max(int(numpy.abs(a.astype("i8") - b.astype("i8")).max(where=where, initial=0))
                                 for a, b in zip(ours, theirs))
            same[target] += apart == 0
            if apart and apart > SHORTER.get(case.name, UNITS):
                tool.fail("%s, %s: %d units from LiteRT.js" % (case.name, target, apart))
    print("%d of %d files of one operator ran in LiteRT.js; the same integers: %s" % (ran, len(cases), same), flush=True)
    print(refusals, end="")
    if cases and ran < 0.9 * len(cases):
        tool.fail("LiteRT.js ran only %d of %d files of one operator" % (ran, len(cases)))


def picture_samples(tool, name, flags, pictures):
    """Pictures as the bytes of a network's input."""
    module, program = tool.out("pictures.mlirbc"), tool.out("pictures.burin")
    path = tool.data("models", "tflite", name + ".tflite")
    if not (tool.must("import", path, "-o", module, *flags) and tool.must("compile", module, "--precision", "as-is", "-o", program)):
        return None
    graph, rows = tflite_file.read(path), []
    for picture in pictures:
        if not tool.must("run", program, "--input", picture, "--all-tensors", "--raw", "-o", tool.out("picture.npz")):
            return None
        rows.append(numpy.load(tool.out("picture.npz"))[graph.tensors[graph.inputs[0]].name])
    return numpy.stack(rows)


def network_samples(tool):
    """Networks with the samples that they decide about."""
    pixels = numpy.fromfile(tool.data("cifar10", "test500.u8"), numpy.uint8).reshape(500, 1, 32, 32, 3)
    centred = (pixels.astype(numpy.int16) - 128).astype(numpy.int8)
    yield "pretrainedResnet_quant", centred
    yield "pretrainedResnet_large_int8", centred
    yield "kws_ref_model", numpy.stack(keyword_samples(tool)[0][::2])
    unit = "--mean 0 --scale 0.00392156862745098 --pixel rgb --layout nhwc".split()
    yield "vww_96_int8", picture_samples(tool, "vww_96_int8", unit, sorted(glob.glob(tool.data("images", "coco100", "*.jpg"))))
    half = "--mean 128 --scale 0.0078125 --pixel rgb --layout nhwc --fit crop --resize 256".split()
    photos = sorted(glob.glob(tool.data("images", "imagenet200", "*.JPEG")))[:100]
    yield "mobilenet_v2_1.0_224_quant", picture_samples(tool, "mobilenet_v2_1.0_224_quant", half, photos)


def check_networks(tool):
    jobs, list_of = Jobs(tool), []
    for name, samples in network_samples(tool):
        if tool.wants(name) and samples is not None and len(samples):
            graph = tflite_file.read(tool.data("models", "tflite", name + ".tflite"))
            list_of.append((name, graph, samples, jobs.add(graph, [samples])))
    refusals = jobs.run()
    for name, graph, samples, number in list_of:
        theirs = jobs.outputs(number)
        if theirs is None:
            tool.fail("%s: LiteRT.js does not run it (%s)" % (name, refusals.strip()))
            continue
        for target in TARGETS:
            ours = outputs_of(Program(tool, tool.data("models", "tflite", name + ".tflite"), target), graph, [samples])
            if not ours:
                continue
            decide = [o[0].reshape(len(samples), -1).argmax(1) for o in (ours, theirs)]
            tool.floor("%s, %s: decides as in LiteRT.js on %d samples, %%" % (name, target, len(samples)),
                       100.0 * (decide[0] == decide[1]).mean(), at_least=EQUAL_DECISIONS, gates=target == "cpu")


def main():
    tool = Tool(needs_zoo=False)
    check_operators(tool)
    if tool.has_zoo:
        check_networks(tool)
    tool.finish()


if __name__ == "__main__":
    main()
