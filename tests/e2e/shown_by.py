#!/usr/bin/python3
"""What `burin ops` says an operator was shown on is true: tests/e2e/shown_by.py BURIN

The operators of the zoo's files are read here, without the tool: those it calls "model" occur in one, and those that occur are
called so. TensorFlow's files also hold what training left, which no import reaches. TensorFlow Lite and TorchScript files are not
read.
"""
import glob
import json
import os
import re

from tool import Tool

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# Nodes of TensorFlow's SavedModel that only training and saving use.
UNREACHED = {"Cast", "GreaterEqual", "Pack", "Select", "Shape", "Square"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """The length-delimited fields of a protobuf message as (number, bytes)."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == VARINT:
            _, at = varint(data, at)
        elif key & 7 == BYTES:
            size, at = varint(data, at)
            yield key >> 3, data[at:at + size]
            at += size
        else:
            at += {FIXED64: 8, FIXED32: 4}[key & 7]


def below(data, *numbers):
    """The fields that a path of field numbers leads to."""
    if not numbers:
        yield data
    else:
        for number, content in fields(data):
            if number == numbers[0]:
                yield from below(content, *numbers[1:])


def onnx_graph(graph):
    """Operators of the nodes, and of the graphs in their attributes."""
    for node in below(graph, 1):
        yield from below(node, 4)
        for inner in below(node, 5, 6):
            yield from onnx_graph(inner)


def onnx(data):
    return (name for graph in below(data, 7) for name in onnx_graph(graph))


def tensorflow(data):
    """Nodes of a frozen graph; of a SavedModel those of its graphs and functions."""
    graphs = list(below(data, 2, 2)) if data[:2] == b"\x08\x01" else [data]
    return (name for graph in graphs for numbers in ((1, 2), (2, 1, 3, 2)) for name in below(graph, *numbers))


READERS = {
    "caffe": ("*.prototxt", lambda data: re.findall(rb'type:\s*"(\w+)"', data)),
    "darknet": ("*.cfg", lambda data: re.findall(rb"^\[(\w+)\]", data, re.M)),
    "mxnet": ("*-symbol.json", lambda data: [node["op"].encode() for node in json.loads(data)["nodes"]]),
    "onnx": ("*.onnx", onnx),
    "paddle": ("**/inference.pdmodel", lambda data: below(data, 1, 4, 3)),
    "tensorflow": ("**/*.pb", tensorflow),
}


def operators_in(tool, form):
    pattern, read = READERS[form]
    folder = tool.data("models", "tf" if form == "tensorflow" else form)
    paths = glob.glob(os.path.join(folder, pattern), recursive=True)
    if form == "onnx":
        paths += [tool.model(os.path.basename(path)[:-len(".onnx.xz")]) for path in glob.glob(folder + "/*.xz")]
    names = set()
    for path in paths:
        with open(path, "rb") as file:
            names |= {name.decode() for name in read(file.read())}
    return names


def main():
    tool = Tool()
    for form in READERS:
        answer = tool.answer("ops", "--format", form)
        stated = {row["name"]: row["shown_by"] for row in answer["operators"]} if answer else {}
        found = operators_in(tool, form)
        for name, shown in stated.items():
            occurs = name in found and not (form == "tensorflow" and name in UNREACHED)
            if occurs != (shown == "model"):
                tool.fail("%s, %s: shown by '%s', and %s in the zoo's files" % (
                    form, name, shown, "occurs" if occurs else "does not occur"))
        print("%s: %d operators, %d of them in models" % (form, len(stated), len(found & set(stated))))
    tool.finish()


if __name__ == "__main__":
    main()
