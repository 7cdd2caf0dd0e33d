#!/usr/bin/python3
"""`burin export --format onnx` of every network of the zoo, run by onnxruntime: tests/e2e/export_check.py BURIN
[FORMAT/NAME...]

The exported file has our program's inputs and outputs by name, shape and element type, and gives its results: cosine 0.99999
or more on stored inputs where there are some, else on random ones. Results that are stored are met by the exported file, too.
"""
import os
import shutil
import subprocess
import sys

import numpy

import zoo
from stored import TWINS, stored
from tool import ROOT, SKIPPED, Tool

COSINE = 0.99999
# Networks that quantize between their layers: where two float sums differ in the last bit, a value close to the middle between
# two integers goes the other way, and the difference grows from layer to layer. The nets below are deep enough to show it.
DEEP_INTEGERS = {"tflite/deeplabv3_mnv2_dm05_pascal_quant": 0.95, "tflite/mobilenet_v2_1.0_224_quant": 0.95,
                 "tflite/movenet_single_pose_lightning_ptq": 0.95, "tflite/tf2_mobilenet_v2_1.0_224_ptq": 0.99,
                 "tflite/yolov5n-int8": 0.99}


def has_onnxruntime():
    """Is it installed as tests/peer/setup.sh does?"""
    return shutil.which("node") and os.path.isdir(os.path.join(ROOT, "build", "peer", "node_modules", "onnxruntime-node"))


def onnxruntime(tool, model, inputs, optimize="all"):
    """What onnxruntime computes; None after a failure."""
    numpy.savez(tool.out("ort_in.npz"), **inputs)
    command = ["node", os.path.join(ROOT, "tests", "peer", "run.mjs"), model, tool.out("ort_in.npz"), tool.out("ort_out.npz"),
               "--optimize", optimize]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        return tool.fail("onnxruntime, %s: %s" % (model, done.stderr.strip()[-300:]))
    with numpy.load(tool.out("ort_out.npz")) as file:
        return dict(file)


def compare(tool, what, theirs, ours, least):
    """Every one of our tensors by name; the worst cosine is printed."""
    worst = 1.0
    for name, array in ours.items():
        if name not in theirs or theirs[name].shape != array.shape:
            tool.fail("%s: '%s' is %s, not %s" % (what, name, theirs[name].shape if name in theirs else "missing", array.shape))
            continue
        worst = min(worst, zoo.cosine(theirs[name], array))
    tool.floor("%s: cosine, least of %d outputs" % (what, len(ours)), worst, at_least=least, form="%.7f")


def check(tool, model):
    golden = stored(tool, model.name)
    flags = TWINS[model.name].flags if model.name in TWINS else ()
    program = zoo.program_of(tool, model, *flags)
    info = program and tool.answer("info", program)
    if not info:
        return
    names = [entry["name"] for entry in info["inputs"]]
    inputs = {name: golden[name] for name in names} if golden else zoo.random_inputs(info)
    ours = zoo.run(tool, program, inputs, "--raw")
    exported = tool.out("exported.onnx")
    if ours is None or not tool.must("export", model.path, "--format", "onnx", "-o", exported, *model.flags, *flags):
        return
    # Of a network that quantizes itself onnxruntime's fused kernels compute integers of their own.
    theirs = onnxruntime(tool, exported, inputs, "disabled" if "quantize" in info["ops"] else "all")
    if theirs is None:
        return
    if set(theirs) != set(ours):
        tool.fail("%s: exported outputs %s, the program's %s" % (model.name, sorted(theirs), sorted(ours)))
    compare(tool, model.name, theirs, ours, DEEP_INTEGERS.get(model.name, COSINE))
    results = {name: array for name, array in (golden or {}).items() if name in ours}
    if results:
        compare(tool, model.name + " as stored", theirs, results, COSINE)


def main():
    tool = Tool()
    if not has_onnxruntime():
        print("onnxruntime-node is missing, tests/peer/setup.sh installs it: %d networks skipped" % len(zoo.models(tool)))
        sys.exit(SKIPPED)
    for model in zoo.models(tool, lambda model: not model.refused):
        check(tool, model)
    tool.finish()


if __name__ == "__main__":
    main()
