#!/usr/bin/python3
"""Paddle and MXNet: files of one network, damaged files: tests/e2e/import_paddle_mxnet.py BURIN

The PP-OCR classifier may be named by its folder or its program. The MobileNetV3 has weights of its own: it is held to the
structure of the same network in ONNX, and its probabilities to their sum.
"""
import os

import numpy

from stored import stored
from tool import Tool
from zoo import compiled, run


def check_names(tool):
    golden = tool.data("golden", "ch_ppocr_mobile_v2.0_cls_infer.npz")
    model = tool.data("models", "paddle", "ch_ppocr_mobile_v2.0_cls", "inference.pdmodel")
    tool.must("import", model, "--check", golden, "--input-shapes", "x:1x3x48x192")


def convolutions(tool, program):
    info = program and tool.answer("info", program)
    return info["ops"].get("conv2d") if info else None


def check_twin_structure(tool):
    expected = convolutions(tool, compiled(tool, tool.model("luong_mobilenetv3")))
    program = compiled(tool, tool.data("models", "paddle", "luong_inference"))
    found = convolutions(tool, program)
    if not found or found != expected:
        tool.fail("luong: %s convolutions, the ONNX file has %s" % (found, expected))
    outputs = run(tool, program, {"x": stored(tool, "onnx/luong_mobilenetv3")["x"]}) or {"none": numpy.zeros(1)}
    for value in outputs.values():
        tool.floor("luong: |sum of probabilities - 1|", abs(float(value.sum()) - 1), at_most=1e-5)


def refusals(tool):
    """A damaged or incomplete pair of files is invalid input, said at once."""
    folder = tool.data("models", "paddle", "ch_ppocr_mobile_v2.0_cls")
    program, parameters = (os.path.join(folder, "inference." + end) for end in ("pdmodel", "pdiparams"))
    symbol, params = (tool.data("models", "mxnet", "mtcnn_det1-" + end) for end in ("symbol.json", "0001.params"))
    cases = [(program, parameters, ".pdmodel"), (symbol, params, "-symbol.json")]
    for model, weights, ending in cases:
        with open(weights, "rb") as file:
            data = file.read()
        for what, changed in (("cut", data[:len(data) // 2]), ("empty", b""), ("zeros", bytes(len(data)))):
            path = tool.out(what + ".params")
            with open(path, "wb") as file:
                file.write(changed)
            done = tool.run("import", model, "--weights", path, "-o", tool.out("bad.mlirbc"))
            if done.returncode != 3:
                tool.fail("%s with %s weights: exit %d: %s" % (model, what, done.returncode, done.stderr[:200]))
        with open(model, "rb") as file:
            data = file.read()
        with open(tool.out("bad" + ending), "wb") as file:
            file.write(data[:len(data) // 2])
        done = tool.run("import", tool.out("bad" + ending), "--weights", weights, "-o", tool.out("bad.mlirbc"))
        if done.returncode != 3:
            tool.fail("half of %s: exit %d: %s" % (model, done.returncode, done.stderr[:200]))


def main():
    tool = Tool()
    check_names(tool)
    check_twin_structure(tool)
    refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
