#!/usr/bin/python3
"""Every network of the zoo with stored results, imported and compared with them: tests/e2e/import_check.py BURIN
[FORMAT/NAME...]

stored.py finds inputs and outputs of a file, golden/MODEL_all.npz holds statistics and first values of every tensor of
some. The tool fails a tensor below cosine 0.99999 or off by more than 1e-3 of its range.
"""
import os

import numpy

import zoo
from stored import TWINS, stored
from tool import Tool

# Networks of the zoo without stored results; quantized TensorFlow Lite files have none either.
UNKNOWN = {"paddle/luong_inference", "tf/kws_ref_model", "tflite/ad01_fp32", "tflite/face_detection_front",
           "tflite/yolov5n-fp16", "torch/keithyin_traced", "torch/subham_trafficsign_scripted"}
STORED = 36


def check(tool, model, golden):
    flags = TWINS[model.name].flags if model.name in TWINS else ()
    done = tool.must("import", model.path, "-o", tool.out("net.mlirbc"), "--check", golden, *model.flags, *flags)
    if done:
        text = (done.stdout + done.stderr).strip().splitlines()
        tool.must("info", tool.out("net.mlirbc"))  # what was written can be read again
        print("%s: %s" % (model.name, next((line for line in text if "compared" in line), text[-1:])), flush=True)


def main():
    tool, compared = Tool(), 0
    for model in zoo.models(tool, lambda model: not model.refused):
        arrays = stored(tool, model.name)
        if arrays is None:
            if model.name not in UNKNOWN and model.form != "tflite":
                tool.fail("%s: nothing is stored for it" % model.name)
            continue
        compared += 1
        numpy.savez(tool.out("golden.npz"), **arrays)
        check(tool, model, tool.out("golden.npz"))
        everything = tool.data("golden", os.path.basename(model.name) + "_all.npz")
        if os.path.exists(everything) and model.form == "onnx":
            check(tool, model, everything)
    if not tool.only and compared < STORED:
        tool.fail("%d networks with stored results, expected %d" % (compared, STORED))
    tool.finish()


if __name__ == "__main__":
    main()
