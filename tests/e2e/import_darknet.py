#!/usr/bin/python3
"""Every Darknet model of the zoo: tests/e2e/import_darknet.py BURIN [MODEL...]

Against stored results and OpenCV, also at another input size; import time and memory. Small networks made here check
single layers against OpenCV.
"""
import os
import struct

import numpy

import opencv_net
from import_caffe import check_cost, compiled, random_input, run
from tool import Tool

# OpenCV puts 1e-6 beside the variance of a batch norm, Darknet (as it runs networks) 1e-5.
COSINE = 0.99999


def check_model(tool, name):
    model = tool.data("models", "darknet", name + ".cfg")
    weights = tool.data("models", "darknet", name + ".weights")
    tool.must("import", model, "--check", tool.data("golden", "cv2dnn", "darknet_%s.npz" % name))
    for flags in ([], ["--input-shapes", "1x3x256x416"]):
        program = compiled(tool, model, *flags)
        info = tool.answer("info", program) if program else None
        if info is None:
            continue
        if info["ops"].get("transpose", 0):
            tool.fail("%s: %d transposes are left in the program" % (name, info["ops"]["transpose"]))
        if info["preprocess"]["pixel"] != "rgb":
            tool.fail("%s: preprocessing is %s" % (name, info["preprocess"]))
        outputs = [output["name"] for output in info["outputs"]]
        inputs = {"data": random_input(info["inputs"][0]["shape"]) / 2 + 0.5}
        ours = run(tool, program, inputs)
        if ours and opencv_net.available():
            theirs = opencv_net.outputs(tool, [("darknet", model, weights, inputs, outputs)])[0]
            opencv_net.compare(tool, "%s %s" % (name, " ".join(flags)), ours, theirs, COSINE)
    check_cost(tool, name, model, weights, [])


NET = "[net]\nwidth=12\nheight=10\nchannels=4\n"
CONV = "[convolutional]\nfilters=%d\nsize=%d\nstride=%d\npad=1\nbatch_normalize=%d\nactivation=%s\n"


# name, layers, floats in the .weights, and OpenCV's name of the last layer (ours counts one less behind activations)
def cases():
    def conv(filters, size=3, stride=1, norm=1, activation="linear", channels=4, more=""):
        count = filters * channels * size * size + filters * (4 if norm else 1)
        return CONV % (filters, size, stride, norm, activation) + more, count

    for activation in ("leaky", "mish", "swish", "logistic", "tanh"):
        text, count = conv(6, activation=activation)
        yield "convolutional " + activation, text, count, activation + "_0", activation + "_1"
    text, count = conv(6, stride=2, norm=0)
    yield "convolutional stride 2", text, count, "conv_0", "conv_0"
    text, _ = conv(4, more="groups=4\n")
    yield "convolutional depthwise", text, 4 * 9 + 16, "bn_0", "bn_0"
    for layer, names in (("[maxpool]\nsize=2\nstride=2\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=3\nstride=2\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=2\nstride=1\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=5\nstride=1\n", "maxpool_1 pool_1"),
                         ("[avgpool]\n", "avgpool_1 avgpool_1"),
                         ("[upsample]\nstride=2\n", "upsample_1 upsample_1"),
                         ("[reorg]\nstride=2\n", "reorg_1 reorg_1"),
                         ("[route]\nlayers=-1\ngroups=2\ngroup_id=1\n", "route_1 slice_1"),
                         ("[avgpool]\n[softmax]\n", "softmax_2 softmax_2"),
                         ("[connected]\noutput=7\nactivation=linear\n", "connected_1 fullyConnected_1")):
        text, count = conv(8, norm=0)
        if "connected" in layer:
            count += 7 * (8 * 120 + 1)
        yield layer.split("\n")[0] + " " + layer.split("\n")[1], text + layer, count, *names.split()
    first, count = conv(8, norm=0)
    second, more = conv(8, norm=0, channels=8)
    yield "[shortcut]", first + second + "[shortcut]\nfrom=-2\nactivation=linear\n", count + more, "shortcut_2", "shortcut_2"
    yield "[route] of two", first + second + "[route]\nlayers=-1,0\n", count + more, "route_2", "concat_2"
    narrow, more = conv(5, norm=0, channels=8)
    yield ("[shortcut] of other channels", first + narrow + "[shortcut]\nfrom=-2\nactivation=linear\n", count + more,
           "shortcut_2", "shortcut_2")
    yield ("[scale_channels]", first + "[avgpool]\n[scale_channels]\nfrom=0\nactivation=linear\n", count,
           "scale_channels_2", "scale_channels_2")
    same, more = conv(8, norm=0, channels=8)
    yield "[sam]", first + same + "[sam]\nfrom=0\nactivation=linear\n", count + more, "sam_2", "sam_2"


def check_cases(tool):
    if not opencv_net.available():
        print("python3-opencv is missing: single layers are not compared")
        return
    ours, jobs = [], []
    inputs = {"data": random_input([1, 4, 10, 12])}
    for i, (name, layers, count, mine, theirs) in enumerate(cases()):
        model, weights = tool.out("case%d.cfg" % i), tool.out("case%d.weights" % i)
        with open(model, "w", encoding="utf-8") as file:
            file.write(NET + layers)
        numbers = numpy.random.default_rng(5).uniform(0.1, 1, count).astype("<f4")  # variances are positive
        with open(weights, "wb") as file:
            file.write(struct.pack("<3iq", 0, 2, 5, 0) + numbers.tobytes())
        program = compiled(tool, model)
        result = run(tool, program, inputs) if program else None
        ours.append((name, {theirs: result.get(mine)} if result else {}))
        jobs.append(("darknet", model, weights, inputs, [theirs]))
    for (name, mine), expected in zip(ours, opencv_net.outputs(tool, jobs)):
        opencv_net.compare(tool, "layer " + name, mine, expected, COSINE)


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
    for name in filter(tool.wants, ["yolo-fastest-1.1"]):
        check_model(tool, name)
    if not tool.only:
        check_cases(tool)
        check_refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
