#!/usr/bin/python3
"""Every model file of the zoo, whatever its format: tests/e2e/zoo_whole.py BURIN [FORMAT/NAME...]

With the shapes of shapes.txt a file is imported, compiled to f32 and run. An import takes a second of processor time at
most, and three times the files' size and 100 MB of memory. Files to be refused are refused with exit code 4 and a way out. No file
of the zoo is left out, each format has at least as many networks as the zoo had when this was written, and programs move
no more data than they have to.
"""
import collections
import os

import numpy

import zoo
from tool import Tool

SECONDS, SPARE_BYTES = 1.0, 100e6
LEAST = {"caffe": 6, "darknet": 1, "mxnet": 4, "onnx": 16, "paddle": 2, "tf": 5, "tflite": 20, "torch": 4}
UNSUPPORTED = 4
# Transposes that a program may keep: one where a picture comes in with channels last, none else, and where a head is
# flattened row by row or channels are shuffled as many as here.
CHANNELS_LAST = ("tf", "tflite")
TRANSPOSES = {"caffe/RFB-320": 8, "onnx/gtcrn_simple": 3, "onnx/nanodet_m_320": 22, "onnx/version-RFB-320": 8,
              "onnx/version-RFB-320_simplified": 8, "onnx/version-RFB-320_without_postprocessing": 8, "onnx/yolox_nano": 1,
              "tflite/deeplabv3_mnv2_dm05_pascal_quant": 2, "tflite/face_detection_front": 5,
              "tflite/movenet_single_pose_lightning_ptq": 4, "tflite/version-RFB-320_without_postprocessing": 9,
              "tflite/yolov5n-fp16": 4, "tflite/yolov5n-int8": 4}
# Networks that compute with indices or integers; elsewhere these ops are left of arithmetic about shapes.
WITH_INDICES = {"onnx/gtcrn_simple", "tflite/movenet_single_pose_lightning_ptq"}
SHAPE_ARITHMETIC = {"cast", "expand", "gather", "shape"}


def check_cost(tool, model):
    command = ["import", model.path, "-o", tool.out("cost.mlirbc"), *model.flags]
    tool.floor("%s: import, processor seconds" % model.name, tool.timed(*command, rounds=2)[0], at_most=SECONDS)
    bound = 3 * sum(os.path.getsize(file) for file in model.files) + SPARE_BYTES
    tool.floor("%s: import, peak MB" % model.name, tool.peak_bytes(*command) / 1e6, at_most=bound / 1e6)


def most_transposes(model):
    return TRANSPOSES.get(model.name, int(model.form in CHANNELS_LAST))


def check_ops(tool, model, ops):
    most = most_transposes(model)
    if ops.get("transpose", 0) > most:
        tool.fail("%s: %d transposes in the program, at most %d are needed" % (model.name, ops["transpose"], most))
    left = SHAPE_ARITHMETIC & set(ops)
    if left and model.name not in WITH_INDICES:
        tool.fail("%s: the program has %s" % (model.name, ", ".join(sorted(left))))


def check_run(tool, model):
    """The program's outputs have the shapes it declares and only finite numbers."""
    program = zoo.program_of(tool, model)
    info = program and tool.answer("info", program)
    outputs = zoo.run(tool, program, zoo.random_inputs(info)) if info else None
    if outputs is None:
        return
    check_ops(tool, model, info["ops"])
    for entry in info["outputs"]:
        got = outputs.get(entry["name"])
        if got is None or list(got.shape) != entry["shape"]:
            tool.fail("%s: output %s: %s, declared %s" % (model.name, entry["name"], got if got is None else got.shape,
                                                           entry["shape"]))
        elif not numpy.isfinite(got).all():
            tool.fail("%s: output %s is not finite" % (model.name, entry["name"]))


def check_refusal(tool, model):
    done, sink = tool.run("import", model.path, "-o", tool.out("refused.mlirbc")), tool.out("refused.mlirbc")
    if done.returncode != UNSUPPORTED or "torch.jit.trace" not in done.stderr or os.path.exists(sink):
        tool.fail("%s: exit %d, or not the way to a file with the network: %s" % (model.name, done.returncode, done.stderr))


def main():
    tool = Tool()
    models = zoo.models(tool)
    if not tool.only:
        counts = collections.Counter(model.form for model in models)
        for form, least in LEAST.items():
            if counts[form] < least:
                tool.fail("%d %s networks in the zoo, expected %d" % (counts[form], form, least))
        for file in zoo.unclaimed(tool):
            tool.fail("%s belongs to no model" % file)
    for model in models:
        if model.refused:
            check_refusal(tool, model)
            continue
        check_cost(tool, model)
        check_run(tool, model)
    tool.finish()


if __name__ == "__main__":
    main()
