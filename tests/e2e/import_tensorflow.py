#!/usr/bin/python3
"""TensorFlow: what stored results and OpenCV do not reach: tests/e2e/import_tensorflow.py BURIN [MODEL...]

- FSRCNN adds one bias after what is stored.
- The keyword network is a SavedModel with variables; its accuracy on 1000 recorded words is known.
"""
import io
import os
import tarfile

import numpy as np

from stored import channels_last, fsrcnn
from tool import Tool
from zoo import compiled, run

MODELS = "models/tf/"
FSRCNN_BIAS = 0.203887865  # the file's constant "b8"
KEYWORD_ACCURACY = 89  # %; the float network of the same publication has 90.1


def last_bias(tool):
    golden = fsrcnn(tool)
    program = compiled(tool, tool.data(MODELS + "FSRCNN_x2.pb"), "--input-shapes", "IteratorGetNext:1x96x96x1")
    results = run(tool, program, {"IteratorGetNext": golden["IteratorGetNext"]})
    if results:  # the tail adds one number to every pixel and puts channels first
        step = channels_last(results["NCHW_output"]) - golden["DepthToSpace"]
        tool.floor("FSRCNN_x2: spread of the last bias", float(np.ptp(step)), at_most=1e-5)
        tool.floor("FSRCNN_x2: last bias, error", abs(float(step.mean()) - FSRCNN_BIAS), at_most=1e-5)


def keywords(tool):
    model = tool.data(MODELS + "kws_ref_model")
    folder = tool.out("kws")
    os.mkdir(folder)
    with tarfile.open(tool.data("kws/energyrunner_kws01.tar.gz")) as archive:
        files = {os.path.basename(entry.name): archive.extractfile(entry).read() for entry in archive if entry.isfile()}
    rows = [line.split(",") for line in io.StringIO(files["y_labels.csv"].decode()) if line.strip()]
    labels = []
    for name, _, label in rows:
        stored = np.frombuffer(files[name], dtype=np.int8).reshape(1, 49, 10, 1)
        x = (stored.astype(np.float32) - 83) * np.float32(0.5847029)
        np.savez(os.path.join(folder, name[:-4] + ".npz"), input_1=x)
        labels.append("%s.npz %d" % (name[:-4], int(label)))
    with open(tool.out("labels.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(labels) + "\n")
    program = compiled(tool, model)
    answer = program and tool.answer("eval", program, "--data", folder, "--labels", tool.out("labels.txt"))
    if answer:
        tool.floor("kws_ref_model: accuracy on %d words, %%" % len(labels), answer["top1"], at_least=KEYWORD_ACCURACY)


def main():
    tool = Tool()
    for name, check in (("FSRCNN_x2", last_bias), ("kws_ref_model", keywords)):
        if tool.wants(name):
            check(tool)
    tool.finish()


if __name__ == "__main__":
    main()
