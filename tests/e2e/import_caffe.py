#!/usr/bin/python3
"""Caffe: LeNet against labels, single layers on small networks made here against OpenCV, files that do not fit together:
tests/e2e/import_caffe.py BURIN
"""
import gzip
import os
import struct

import numpy

import caffe_cases
import opencv_net
from tool import Tool
from zoo import compiled, run


def weights_of(tool, name):
    return tool.data("models", "caffe", "lenet_iter_10000" if name == "lenet" else name) + ".caffemodel"


def check_digits(tool, count=1000):
    """LeNet on handwritten digits."""
    with gzip.open(tool.data("mnist", "t10k-images-idx3-ubyte.gz")) as file:
        _, _, rows, columns = struct.unpack(">4I", file.read(16))
        pictures = numpy.frombuffer(file.read(count * rows * columns), numpy.uint8)
    with gzip.open(tool.data("mnist", "t10k-labels-idx1-ubyte.gz")) as file:
        labels = numpy.frombuffer(file.read(8 + count), numpy.uint8)[8:]
    shape = [count, 1, rows, columns]
    program = compiled(tool, tool.data("models", "caffe", "lenet.prototxt"), "--input-shapes",
                       "data:" + "x".join(map(str, shape)))
    result = run(tool, program, {"data": pictures.reshape(shape).astype(numpy.float32) / 256}) if program else None
    if result:
        right = (result["prob"].reshape(count, -1).argmax(1) == labels).mean()
        tool.floor("lenet on %d digits, %%" % count, 100 * right, at_least=98.5)


def check_cases(tool):
    """Layers one by one, on files written here."""
    if not opencv_net.available():
        print("python3-opencv is missing: single layers are not compared")
        return
    cases, ours, jobs = list(caffe_cases.cases()), [], []
    for i, case in enumerate(cases):
        model, weights = tool.out("case%d.prototxt" % i), tool.out("case%d.caffemodel" % i)
        with open(model, "w", encoding="utf-8") as file:
            file.write(case.text)
        with open(weights, "wb") as file:
            file.write(case.weights)
        program = compiled(tool, model)
        ours.append(run(tool, program, case.inputs) if program else None)
        jobs.append(("caffe", model, weights, case.inputs, [case.output]))
    for case, mine, theirs in zip(cases, ours, opencv_net.outputs(tool, jobs)):
        if mine and case.rows_of_detections:
            # Caffe goes class by class, OpenCV by score.
            rows = sorted((row for row in mine[case.output].reshape(-1, 7) if row[2] >= 0), key=lambda row: -row[2])
            mine = {case.output: numpy.array(rows)}
        opencv_net.compare(tool, "layer " + case.name, mine or {}, theirs)


def check_refusals(tool):
    text = tool.data("models", "caffe", "lenet.prototxt")
    alone = tool.out("alone.prototxt")
    with open(text, encoding="utf-8") as source, open(alone, "w", encoding="utf-8") as sink:
        sink.write(source.read())
    wrong = ("--weights", weights_of(tool, "mtcnn_det1"))
    shapes = ("--input-shapes", "data:1x1x28x28")
    for what, code, message, arguments in (
            ("no weights", 3, "was not found beside it", [alone, *shapes]),
            ("other weights", 3, "are needed", [alone, *wrong, *shapes]),
            ("text as weights", 3, "is no .caffemodel", [alone, "--weights", text, *shapes]),
            ("weights as model", 3, "give the .prototxt", [weights_of(tool, "lenet")])):
        done = tool.run("import", *arguments, "-o", tool.out("refused.mlirbc"))
        if done.returncode != code or message not in done.stderr or os.path.exists(tool.out("refused.mlirbc")):
            tool.fail("%s: exit %d: %s" % (what, done.returncode, done.stderr.strip()[-300:]))


def main():
    tool = Tool()
    check_digits(tool)
    check_cases(tool)
    check_refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
