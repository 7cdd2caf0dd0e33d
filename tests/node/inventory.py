#!/usr/bin/python3
"""Lists the ONNX node tests of Debian's libonnx-testdata: which operators, types and bound inputs each needs.

    tests/node/inventory.py [--data DIR] [--json]

Prints one line per folder (or one JSON object): operators as domain:op, opset, element types of the inputs, the
inputs whose *value* decides a shape (they have to be bound from the stored data before a static compile), and
features a tensor compiler does not have (strings, sequences, optionals, training). A histogram follows.
"""
import argparse
import collections
import glob
import json
import os
import re
import sys

import onnx
from onnx import AttributeProto, TensorProto

DEFAULT_DATA = "/usr/share/libonnx-testdata/data/node"

# Operand positions whose value, not only whose shape, decides the shape of a result.
SHAPE_OPERANDS = {
    "Reshape": [1], "Expand": [1], "Tile": [1], "Pad": [1, 3], "Slice": [1, 2, 3, 4], "Resize": [1, 2, 3],
    "Upsample": [1], "Squeeze": [1], "Unsqueeze": [1], "Split": [1], "SplitToSequence": [1], "TopK": [1],
    "ConstantOfShape": [0], "Range": [0, 1, 2], "OneHot": [1], "NonMaxSuppression": [2], "Loop": [0, 1], "If": [0],
    "MaxUnpool": [2], "BlackmanWindow": [0], "HannWindow": [0], "HammingWindow": [0], "MelWeightMatrix": [0, 1],
    "DFT": [1], "STFT": [1, 3], "CenterCropPad": [1], "Col2Im": [1, 2], "AffineGrid": [1],
    "ReduceSum": [1], "ReduceMean": [1], "ReduceMax": [1], "ReduceMin": [1], "ReduceProd": [1], "ReduceL1": [1],
    "ReduceL2": [1], "ReduceLogSum": [1], "ReduceLogSumExp": [1], "ReduceSumSquare": [1],
}
# Operand positions that leave the shape alone, but that kernels usually want as constants.
AXIS_OPERANDS = {"CumSum": [1], "Dropout": [1, 2]}
TRAINING_DOMAINS = ("ai.onnx.preview.training",)


def attribute_graphs(node):
    """The bodies of If, Loop and Scan."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def all_nodes(graph):
    for node in graph.node:
        yield node
        for body in attribute_graphs(node):
            yield from all_nodes(body)


def type_name(value_type):
    """'float', 'int64', 'string', 'seq(float)', 'optional(...)', ..."""
    kind = value_type.WhichOneof("value")
    if kind == "tensor_type":
        return TensorProto.DataType.Name(value_type.tensor_type.elem_type).lower()
    if kind == "sequence_type":
        return "seq(%s)" % type_name(value_type.sequence_type.elem_type)
    if kind == "optional_type":
        return "optional(%s)" % type_name(value_type.optional_type.elem_type)
    return kind or "none"


def value_dependencies(nodes, operands):
    """Names whose value reaches one of the listed operands. A Shape or Size node ends the walk: it needs no value."""
    wanted = set()
    for node in nodes:
        positions = operands.get(node.op_type, [])
        wanted.update(node.input[i] for i in positions if i < len(node.input) and node.input[i])
    producer = {name: node for node in nodes for name in node.output}
    pending = list(wanted)
    while pending:
        node = producer.get(pending.pop())
        if node is None or node.op_type in ("Shape", "Size"):
            continue
        fresh = [name for name in node.input if name and name not in wanted]
        wanted.update(fresh)
        pending.extend(fresh)
    return wanted


def excluded_features(model, nodes, types):
    """Why a static tensor compiler cannot take the folder at all."""
    found = set()
    for name in types:
        found.update(word for word, mark in (("sequence", "seq("), ("optional", "optional("), ("string", "string"))
                     if mark in name)
    for node in nodes:
        if node.domain in TRAINING_DOMAINS:
            found.add("training")
        if node.op_type.startswith("Sequence") or node.op_type in ("SplitToSequence", "ConcatFromSequence"):
            found.add("sequence")
        if node.op_type.startswith("Optional"):
            found.add("optional")
        if any(a.name == "training_mode" and a.i == 1 for a in node.attribute):
            found.add("training")
        if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
            found.add("dropout with training_mode input")
        if node.op_type in ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
                            "Multinomial"):
            found.add("random")
    return sorted(found)


def describe(folder):
    model = onnx.load(os.path.join(folder, "model.onnx"))
    graph = model.graph
    nodes = list(all_nodes(graph))
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in initializers]
    shape_names = value_dependencies(nodes, SHAPE_OPERANDS)
    axis_names = value_dependencies(nodes, AXIS_OPERANDS)
    input_types = [type_name(value.type) for value in inputs]
    output_types = [type_name(value.type) for value in graph.output]
    return {
        "folder": os.path.basename(folder),
        "ops": sorted({"%s:%s" % (node.domain or "ai.onnx", node.op_type) for node in nodes}),
        "opset": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
        "inputs": dict(zip((value.name for value in inputs), input_types)),
        "outputs": dict(zip((value.name for value in graph.output), output_types)),
        "shape_inputs": [value.name for value in inputs if value.name in shape_names],
        "axis_inputs": [value.name for value in inputs if value.name in axis_names],
        "nodes": len(nodes),
        "sets": len(glob.glob(os.path.join(folder, "test_data_set_*"))),
        "functions": [function.name for function in model.functions],
        "excluded": excluded_features(model, nodes, input_types + output_types),
    }


def folder_line(row):
    opset = ",".join("%s%d" % ("" if domain == "ai.onnx" else domain + "@", version)
                     for domain, version in row["opset"].items())
    parts = [row["folder"], " ".join(re.sub(r"^ai\.onnx:", "", op) for op in row["ops"]) or "(none)", "opset " + opset,
             "in " + ",".join(row["inputs"].values())]
    for key, label in (("shape_inputs", "bind"), ("axis_inputs", "axis"), ("excluded", "EXCLUDED")):
        if row[key]:
            parts.append("%s %s" % (label, ",".join(row[key])))
    return " | ".join(parts)


def histogram(rows):
    """Folders per operator: all, and those where it stands alone (the others are expanded functions)."""
    total, alone = collections.Counter(), collections.Counter()
    for row in rows:
        total.update(row["ops"])
        if len(row["ops"]) == 1:
            alone.update(row["ops"])
    return [(op, count, alone[op]) for op, count in sorted(total.items(), key=lambda item: (-item[1], item[0]))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=DEFAULT_DATA, help="folder of the node tests (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    arguments = parser.parse_args()
    models = sorted(glob.glob(os.path.join(arguments.data, "*", "model.onnx")))
    if not models:
        sys.exit("inventory.py: error: %s: no */model.onnx there; install libonnx-testdata" % arguments.data)
    rows = [describe(os.path.dirname(path)) for path in models]
    if arguments.json:
        json.dump({"folders": rows, "histogram": histogram(rows)}, sys.stdout, indent=1)
        print()
        return
    for row in rows:
        print(folder_line(row))
    print("\n%d folders. Folders per operator (in brackets: where it is the only one):" % len(rows))
    for op, count, alone in histogram(rows):
        print("%5d (%d) %s" % (count, alone, op))


if __name__ == "__main__":
    main()
