#!/usr/bin/python3
"""Darknet: another input size, single layers on small networks made here against OpenCV, files that do not fit together:
tests/e2e/import_darknet.py BURIN
"""
import os

import darknet_cases
import opencv_net
from tool import Tool
from zoo import compiled, random_array, run

# OpenCV puts 1e-6 beside the variance of a batch norm, Darknet (as it runs networks) 1e-5.
COSINE = 0.99999


def check_size(tool):
    """The network of the zoo at another input size than its file says."""
    model, weights = (tool.data("models", "darknet", "yolo-fastest-1.1" + end) for end in (".cfg", ".weights"))
    program = compiled(tool, model, "--input-shapes", "1x3x256x416")
    info = tool.answer("info", program) if program else None
    if info is None:
        return
    if info["preprocess"]["pixel"] != "rgb":
        tool.fail("preprocessing is %s" % info["preprocess"])
    inputs = {"data": random_array(info["inputs"][0]["shape"]) / 2 + 0.5}
    ours = run(tool, program, inputs)
    if ours and opencv_net.available():
        theirs = opencv_net.outputs(tool, [("darknet", model, weights, inputs, list(ours))])[0]
        opencv_net.compare(tool, "yolo-fastest-1.1 at 416x256", ours, theirs, COSINE)


def check_cases(tool):
    if not opencv_net.available():
        print("python3-opencv is missing: single layers are not compared")
        return
    cases, ours, jobs = list(darknet_cases.cases()), [], []
    inputs = {"data": random_array(darknet_cases.PICTURE)}
    for i, case in enumerate(cases):
        model, weights = tool.out("case%d.cfg" % i), tool.out("case%d.weights" % i)
        with open(model, "w", encoding="utf-8") as file:
            file.write(case.text)
        with open(weights, "wb") as file:
            file.write(case.weights)
        program = compiled(tool, model, *case.flags)
        result = run(tool, program, inputs) if program else None
        ours.append({case.opencv_output: result.get(case.output)} if result else {})
        jobs.append(("darknet", model, weights, inputs, [case.opencv_output]))
    for case, mine, theirs in zip(cases, ours, opencv_net.outputs(tool, jobs)):
        name = case.opencv_output
        if mine.get(name) is not None and name in theirs:
            mine[name], theirs[name] = case.comparable(mine[name], theirs[name])
        opencv_net.compare(tool, "layer " + case.name, mine, theirs, COSINE)


def check_refusals(tool):
    cfg = tool.data("models", "darknet", "yolo-fastest-1.1.cfg")
    weights = tool.data("models", "darknet", "yolo-fastest-1.1.weights")
    size = os.path.getsize(weights)
    short, alone = tool.out("short.weights"), os.path.join(tool.out("alone"), "net.cfg")
    os.mkdir(tool.out("alone"))
    with open(weights, "rb") as source, open(short, "wb") as sink:
        sink.write(source.read()[:-4])
    with open(cfg, encoding="utf-8") as source, open(alone, "w", encoding="utf-8") as sink:
        sink.write(source.read())
    for what, message, arguments in (
            ("cut weights", "has %d bytes, the .cfg needs %d" % (size - 4, size), [cfg, "--weights", short]),
            ("weights as model", "give the .cfg", [weights]),
            ("no weights", "was not found beside it", [alone])):
        done = tool.run("import", *arguments, "-o", tool.out("refused.mlirbc"))
        if done.returncode != 3 or message not in done.stderr or os.path.exists(tool.out("refused.mlirbc")):
            tool.fail("%s: exit %d: %s" % (what, done.returncode, done.stderr.strip()[-300:]))


def main():
    tool = Tool()
    check_size(tool)
    check_cases(tool)
    check_refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
