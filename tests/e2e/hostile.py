#!/usr/bin/python3
"""Models made to take memory or time: tests/e2e/hostile.py BURIN [NAME...]

Small files of every format that declare, unfold or nest without end, and graphs in circles: each is refused with a
message, within the seconds and bytes that the limits below give the process. Networks that are only long or deep are
imported.
"""
import io
import json
import os
import resource
import struct
import zipfile

import numpy
import onnx
from onnx import TensorProto, helper

from tool import Tool

CPU_SECONDS, ADDRESS_BYTES = 20, 3 << 30
REFUSED = (2, 3, 4)
LONG = 20000  # layers of a network without end
HUGE = 1 << 31


def bounded():
    """In the process to be: what it may take before the system ends it."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))


class Hostile(Tool):
    def __init__(self):
        super().__init__(needs_zoo=False)
        self.cases = 0

    def written(self, name, data):
        path = self.out(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    def attempt(self, name, path, flags):
        self.cases += 1
        done = self.run("import", path, *flags, "-o", self.out("net.mlir"), preexec_fn=bounded)
        if done.returncode < 0 or done.returncode >= 128 or done.returncode == 70:
            self.fail("%s: exit %d (more than %d s or %d bytes?): %s" % (name, done.returncode, CPU_SECONDS, ADDRESS_BYTES,
                                                                         done.stderr.strip()[-300:]))
            return None
        return done

    def refuse(self, name, path, *words, flags=()):
        done = self.wants(name) and self.attempt(name, path, flags)
        if not done:
            return
        missing = [word for word in words if word not in done.stderr]
        if done.returncode not in REFUSED or "burin: error: " not in done.stderr or missing:
            self.fail("%s: exit %d, no %s in: %s" % (name, done.returncode, missing or "message", done.stderr.strip()[-300:]))
        if len(done.stderr) > 20000:
            self.fail("%s: a message of %d characters" % (name, len(done.stderr)))

    def accept(self, name, path, flags=()):
        done = self.wants(name) and self.attempt(name, path, flags)
        if done and done.returncode:
            self.fail("%s: exit %d: %s" % (name, done.returncode, done.stderr.strip()[-300:]))


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs, outputs, outputs[0] + "_node", **attributes)


def onnx_bytes(nodes, constants=()):
    """A network from x (1x4) to y; constants are TensorProtos."""
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4))],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


def integers(name, *values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def onnx_models(tool):
    claim = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[HUGE, HUGE], raw_data=b"abcd")
    cases = {
        "onnx_claimed_size": ([node("Add", ["x", "w"], ["y"])], [claim]),
        "onnx_huge_constant": ([node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])],
                               [integers("s", HUGE, HUGE)]),
        "onnx_huge_result": ([node("Expand", ["x", "s"], ["y"])], [integers("s", HUGE, HUGE, 1, 4)]),
        "onnx_doubling": ([node("Concat", ["x" if i == 0 else "t%d" % i] * 2, ["t%d" % (i + 1)], axis=0) for i in range(70)] +
                          [node("Relu", ["t70"], ["y"])], []),
        "onnx_circle": ([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])], []),
    }
    for name, (nodes, constants) in cases.items():
        tool.refuse(name, tool.written(name + ".onnx", onnx_bytes(nodes, constants)))
    chain = [node("Relu", ["x" if i == 0 else "t%d" % i], ["t%d" % (i + 1)]) for i in range(LONG)]
    tool.accept("onnx_chain", tool.written("onnx_chain.onnx", onnx_bytes(chain + [node("Relu", ["t%d" % LONG], ["y"])])))
    # Each constant may be folded, all together may not: the rest is left to the program.
    many = [node("ConstantOfShape", ["s"], ["c%d" % i]) for i in range(64)]
    many.append(node("Sum", ["x"] + ["c%d" % i for i in range(64)], ["y"]))
    tool.accept("onnx_many_constants", tool.written("onnx_many_constants.onnx", onnx_bytes(many, [integers("s", 1 << 25, 1)])))
    nested = b""
    for _ in range(10000):  # a graph in an attribute of a node of a graph
        nested = field(1, field(5, field(6, nested)))
    nested = field(7, nested)
    tool.refuse("onnx_nesting", tool.written("onnx_nesting.onnx", nested))


def field(number, value):
    """A protobuf field: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    data = b""
    value &= (1 << 64) - 1
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def tf_shape(*dims):
    return b"".join(field(2, field(1, d)) for d in dims)


def tf_node(name, operator, inputs=(), **attributes):
    attrs = b"".join(field(5, field(1, key) + field(2, value)) for key, value in attributes.items())
    return field(1, field(1, name) + field(2, operator) + b"".join(field(3, i) for i in inputs) + attrs)


FLOAT, INT32 = field(6, 1), field(6, 3)


def tf_constant(name, dtype, dims, content):
    tensor = field(1, dtype) + field(2, tf_shape(*dims)) + content
    return tf_node(name, "Const", dtype=field(6, dtype), value=field(8, tensor))


def tensorflow_models(tool):
    x = tf_node("x", "Placeholder", dtype=FLOAT, shape=field(7, tf_shape(1, 4)))
    one = field(5, struct.pack("<f", 1))

    def add(name, a, b):
        return tf_node(name, "AddV2", [a, b], T=FLOAT)

    dims = tf_constant("d", 3, [2], field(4, struct.pack("<ii", HUGE - 1, HUGE - 1)))
    cases = {
        "tf_claimed_size": tf_constant("c", 1, [1 << 40, 1 << 40], field(4, b"abcd")) + add("y", "x", "c"),
        "tf_repeated_value": tf_constant("c", 1, [HUGE, 4], one) + add("y", "x", "c"),
        "tf_negative_size": tf_constant("c", 1, [-1, 4], one) + add("y", "x", "c"),
        "tf_huge_fill": dims + tf_constant("v", 1, [], one) + tf_node("c", "Fill", ["d", "v"], T=FLOAT, index_type=INT32) +
                        add("y", "x", "c"),
        "tf_circle": add("a", "x", "b") + tf_node("b", "Relu", ["a"], T=FLOAT) + tf_node("y", "Relu", ["b"], T=FLOAT),
        "tf_doubling": b"".join(tf_node("t%d" % (i + 1), "ConcatV2", ["t%d" % i if i else "x"] * 2 + ["axis"], N=field(3, 2),
                                        T=FLOAT, Tidx=INT32) for i in range(70)) +
                       tf_constant("axis", 3, [], field(7, b"\0")),
    }
    for name, nodes in cases.items():
        tool.refuse(name, tool.written(name + ".pb", x + nodes))
    chain = b"".join(tf_node("t%d" % (i + 1), "Relu", ["t%d" % i if i else "x"], T=FLOAT) for i in range(LONG))
    tool.accept("tf_chain", tool.written("tf_chain.pb", x + chain))


def caffe_models(tool):
    head = 'input: "x" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }\n'

    def layer(name, kind, bottom, top, rest=""):
        return 'layer { name: "%s" type: "%s" bottom: "%s" top: "%s" %s }\n' % (name, kind, bottom, top, rest)

    chain = "".join(layer("r%d" % i, "ReLU", "t%d" % i if i else "x", "t%d" % (i + 1)) for i in range(LONG // 4))
    product = "inner_product_param { num_output: %d weight_filler { type: \"constant\" } }"
    cases = {
        "caffe_nesting": "layer { " + "a { " * 200000,
        "caffe_huge_input": 'input: "x" input_shape { dim: %d dim: %d dim: 1 dim: 1 }\n' % (HUGE - 1, HUGE - 1) +
                            layer("r", "ReLU", "x", "y"),
        "caffe_huge_layer": head + layer("p", "InnerProduct", "x", "y", product % (HUGE - 1)),
        "caffe_circle": head + layer("a", "ReLU", "b", "a") + layer("b", "ReLU", "a", "b"),
        "caffe_huge_tile": head + layer("t", "Tile", "x", "y", "tile_param { axis: 0 tiles: %d }" % (HUGE - 1)) +
                           layer("u", "Tile", "y", "z", "tile_param { axis: 1 tiles: %d }" % (HUGE - 1)),
        "caffe_long_word": "layer { name: \"" + "n" * (1 << 24),
    }
    for name, text in cases.items():
        path = tool.written(name + "/net.prototxt", text)
        tool.written(name + "/net.caffemodel", field(1, "net"))
        tool.refuse(name, path)
    path = tool.written("caffe_chain/net.prototxt", head + chain)
    tool.written("caffe_chain/net.caffemodel", field(1, "net") + field(100, field(1, "r0") + field(2, "ReLU")))
    tool.accept("caffe_chain", path)
    path = tool.written("caffe_deep_weights/net.prototxt", head + layer("p", "InnerProduct", "x", "y", product % 4))
    deep = b""
    for _ in range(3000):
        deep = field(100, deep)
    tool.written("caffe_deep_weights/net.caffemodel", field(1, "net") + deep + field(100, b"\xff" * 9))
    tool.refuse("caffe_deep_weights", path)


def darknet_models(tool):
    def net(width=8, height=8):
        return "[net]\nwidth=%d\nheight=%d\nchannels=3\n" % (width, height)

    convolution = "[convolutional]\nfilters=%d\nsize=%d\nstride=1\npad=1\nactivation=leaky\n"
    cases = {
        "darknet_huge_input": net(HUGE - 1, HUGE - 1) + convolution % (1, 1),
        "darknet_huge_layer": net() + convolution % (HUGE - 1, HUGE - 1),
        "darknet_route_to_itself": net() + convolution % (1, 1) + "[route]\nlayers=1\n",
        "darknet_upsampling": net() + "[upsample]\nstride=1000\n" * 8,
        "darknet_doubling": net() + convolution % (1, 1) + "[route]\nlayers=-1,-1\n" * 64,
    }
    for name, text in cases.items():
        path = tool.written(name + "/net.cfg", text)
        tool.written(name + "/net.weights", struct.pack("<iiiq", 0, 2, 0, 0) + b"\0" * 16)
        tool.refuse(name, path)
    path = tool.written("darknet_chain/net.cfg", net() + "[shortcut]\nfrom=-1\nactivation=linear\n" * LONG)
    tool.written("darknet_chain/net.weights", struct.pack("<iiiq", 0, 2, 0, 0))
    tool.refuse("darknet_chain", path)  # the first layer has none before it


def mxnet_symbol(nodes):
    return json.dumps({"nodes": [{"op": op, "name": name, "attrs": attrs, "inputs": [[i, 0, 0] for i in inputs]}
                                 for op, name, attrs, inputs in nodes],
                       "arg_nodes": [0], "heads": [[len(nodes) - 1, 0, 0]]})


def mxnet_parameters(dims, data):
    array = struct.pack("<Iii", 0xF993FAC9, 0, len(dims)) + b"".join(struct.pack("<q", d) for d in dims)
    array += struct.pack("<iii", 1, 0, 0) + data
    return struct.pack("<QQQ", 0x112, 0, 1) + array + struct.pack("<QQ", 1, 5) + b"arg:w"


def mxnet_models(tool):
    x, w = ("null", "data", {}, []), ("null", "w", {}, [])
    empty = struct.pack("<QQQQ", 0x112, 0, 0, 0)
    add = mxnet_symbol([x, w, ("broadcast_add", "y", {}, [0, 1])])
    shape = "(%s)" % ", ".join(["%d" % (HUGE - 1)] * 3)
    cases = {
        "mxnet_nesting": ("[" * (1 << 22), empty),
        "mxnet_nested_attribute": ('{"nodes": ' + "[" * (1 << 20) + "]" * (1 << 20) + "}", empty),
        "mxnet_claimed_size": (add, mxnet_parameters([HUGE, HUGE], b"abcd")),
        "mxnet_claimed_product": (add, mxnet_parameters([1 << 31, 1 << 31, 4], b"abcd")),
        "mxnet_claimed_count": (add, struct.pack("<QQQ", 0x112, 0, 1 << 62)),
        "mxnet_circle": (mxnet_symbol([x, ("Activation", "a", {"act_type": "relu"}, [2]),
                                       ("Activation", "b", {"act_type": "relu"}, [1])]), empty),
        "mxnet_huge_constant": (mxnet_symbol([x, ("_zeros", "z", {"shape": shape}, []), ("broadcast_add", "y", {}, [0, 1])]),
                                empty),
        "mxnet_huge_repeat": (mxnet_symbol([x] + [("tile", "t%d" % i, {"reps": "(2, 2)"}, [i]) for i in range(70)]), empty),
    }
    for name, (text, parameters) in cases.items():
        path = tool.written(name + "/net-symbol.json", text)
        tool.written(name + "/net-0000.params", parameters)
        tool.refuse(name, path, flags=["--input-shapes", "data:1x4"])
    chain = [x] + [("Activation", "r%d" % i, {"act_type": "relu"}, [i]) for i in range(LONG)]
    path = tool.written("mxnet_chain/net-symbol.json", mxnet_symbol(chain))
    tool.written("mxnet_chain/net-0000.params", empty)
    tool.accept("mxnet_chain", path, flags=["--input-shapes", "data:1x4"])


def paddle_operator(kind, inputs, outputs, attributes=b""):
    def slots(number, pairs):
        return b"".join(field(number, field(1, slot) + field(2, name)) for slot, name in pairs)
    return field(4, slots(1, inputs) + slots(2, outputs) + field(3, kind) + attributes)


def paddle_variable(name, dims, kind=7, persistable=False):
    tensor = field(1, 5) + b"".join(field(2, d) for d in dims)
    value = field(1, kind) + (field(3, field(1, tensor)) if kind == 7 else b"")
    return field(3, field(1, name) + field(2, value) + (field(3, 1) if persistable else b""))


def paddle_program(operators, variables, tail="y"):
    feed = paddle_operator("feed", [("X", "feed")], [("Out", "x")], field(4, field(1, "col") + field(2, 0) + field(3, 0)))
    fetch = paddle_operator("fetch", [("X", tail)], [("Out", "fetch")], field(4, field(1, "col") + field(2, 0) + field(3, 0)))
    block = field(1, 0) + field(2, -1) + paddle_variable("feed", [], 9) + paddle_variable("fetch", [], 10)
    return field(1, block + paddle_variable("x", [1, 4]) + variables + feed + operators + fetch)


def paddle_models(tool):
    def relu(a, b):
        return paddle_operator("relu", [("X", a)], [("Out", b)])

    def longs(name, values):
        return field(4, field(1, name) + field(2, 11) + b"".join(field(15, v) for v in values))

    weights = paddle_variable("w", [HUGE, HUGE], persistable=True)
    add = paddle_operator("elementwise_add", [("X", "x"), ("Y", "w")], [("Out", "y")])
    tensor = field(1, 5) + field(2, HUGE) + field(2, HUGE)
    stream = struct.pack("<IQII", 0, 0, 0, len(tensor)) + tensor + b"abcd"
    fill = paddle_operator("fill_constant", [], [("Out", "w")], longs("shape", [HUGE, HUGE]) +
                           field(4, field(1, "dtype") + field(2, 0) + field(3, 5)))
    tile = b"".join(paddle_operator("tile", [("X", "t%d" % i if i else "x")], [("Out", "t%d" % (i + 1))],
                                    field(4, field(1, "repeat_times") + field(2, 3) + field(6, 2) + field(6, 2)))
                    for i in range(70))
    cases = {
        "paddle_claimed_size": (paddle_program(add, weights), stream),
        "paddle_huge_constant": (paddle_program(fill + add, paddle_variable("w", [1])), b""),
        "paddle_doubling": (paddle_program(tile, b"", "t70"), b""),
        "paddle_circle": (paddle_program(relu("b", "a") + relu("a", "b"), b"", "b"), b""),
    }
    for name, (program, parameters) in cases.items():
        path = tool.written(name + "/inference.pdmodel", program)
        tool.written(name + "/inference.pdiparams", parameters)
        tool.refuse(name, path)
    chain = b"".join(relu("t%d" % i if i else "x", "t%d" % (i + 1)) for i in range(LONG))
    path = tool.written("paddle_chain/inference.pdmodel", paddle_program(chain, b"", "t%d" % LONG))
    tool.written("paddle_chain/inference.pdiparams", b"")
    tool.accept("paddle_chain", path)


def torch_archive(lines, attributes=b"", records=(), method=zipfile.ZIP_STORED):
    source = "class Net(Module):\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("net/code/__torch__.py", source + "".join("    %s\n" % line for line in lines))
        archive.writestr("net/data.pkl", b"\x80\x02c__torch__\nNet\n)\x81}(" + attributes + b"ub.")
        for name, data in records:
            archive.writestr("net/" + name, data)
    return buffer.getvalue()


def torch_tensor(name, size):
    """An attribute of `size` floats over data/0."""
    number = b"J" + struct.pack("<i", size)
    return (b"U" + bytes([len(name)]) + name.encode() + b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\n"
            b"FloatStorage\nU\x010U\x03cpu" + number + b"tQK\0(" + number + b"t(K\1t\x89ccollections\nOrderedDict\n)RtR")


def torch_models(tool):
    size = 1 << 25  # floats; deflated they are a thousandth
    bomb = b"".join(torch_tensor("w%02d" % i, size) for i in range(64))
    sums = ["y%d = torch.add(x, torch.sum(self.w%02d))" % (i, i) for i in range(64)]
    cases = {
        "torch_bomb": torch_archive(sums + ["return (%s)" % ", ".join("y%d" % i for i in range(64))], bomb,
                                    [("data/0", bytes(4 * size))], zipfile.ZIP_DEFLATED),
        "torch_nesting": torch_archive(["y = " + "(" * 300000 + "x" + ")" * 300000, "return y"]),
        "torch_endless": torch_archive(["while True:", "  y = torch.relu(x)", "return x"]),
        "torch_recursion": torch_archive(["return (self).forward(x, )"]),
        "torch_huge_result": torch_archive(["return torch.expand(torch.zeros([1, 1]), [%d, %d])" % (HUGE, HUGE)]),
        "torch_doubling": torch_archive(["y = x", "for i in range(70):", "  y = torch.cat([y, y], 0)", "return y"]),
        "torch_foreign_class": torch_archive(["return x"], b"U\x01wcos\nsystem\n(U\x04truetR"),
        "torch_long_search": torch_archive(["a = [1]", "b = [1]", "for i in range(12):", "  a = torch.mul([a], 8)",
                                            "  b = torch.mul([b], 8)", "if torch.eq(a, b):", "  pass", "return x"]),
    }
    for name, data in cases.items():
        tool.refuse(name, tool.written(name + ".pt", data), flags=["--input-shapes", "x:1x4"])
    tool.accept("torch_many_outputs", tool.written("torch_many_outputs.pt", torch_archive(["return torch.mul([x], 9000)"])),
                flags=["--input-shapes", "x:1x4"])
    loop = ["y = x", "for i in range(20):"] + ["  y = torch.add(y, 1)"] * 500 + ["return y"]
    tool.accept("torch_chain", tool.written("torch_chain.pt", torch_archive(loop)), flags=["--input-shapes", "x:1x4"])


def tflite_models(tool):
    """Tables that point at themselves and vectors that claim more than there is: bytes that only look like a model."""
    head = struct.pack("<I4s", 16, b"TFL3")
    for name, data in {"tflite_circle": head + struct.pack("<IIIIII", 0, 4, 4, 4, 4, 4) * 64,
                       "tflite_claimed_count": head + b"\xff\xff\xff\x7f" * 1024,
                       "tflite_empty": head}.items():
        tool.refuse(name, tool.written(name + ".tflite", data))


def arrays(tool):
    """Samples: a bomb in an .npz, and an array that claims more than there is."""
    tool.written("net.onnx", onnx_bytes([node("Relu", ["x"], ["y"])]))
    net, program = tool.out("net.mlir"), tool.out("net.burin")
    tool.must("import", tool.out("net.onnx"), "-o", net)
    tool.must("compile", net, "-o", program)
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (HUGE, HUGE)
    header = header.ljust(117) + "\n"
    claim = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", claim + bytes(1 << 26))
    numpy.savez_compressed(tool.out("bomb.npz"), x=numpy.zeros((1 << 26, 4), numpy.float32))
    for name, data in {"claim.npy": claim, "claim.npz": buffer.getvalue()}.items():
        tool.written(name, data)
    for name in ("claim.npy", "claim.npz", "bomb.npz"):
        if not tool.wants(name):
            continue
        tool.cases += 1
        done = tool.run("run", program, "--input", tool.out(name), preexec_fn=bounded)
        if done.returncode != 3 or "burin: error: " not in done.stderr:
            tool.fail("%s: exit %d: %s" % (name, done.returncode, done.stderr.strip()[-300:]))


def main():
    tool = Hostile()
    for group in (onnx_models, tensorflow_models, tflite_models, caffe_models, darknet_models, mxnet_models, paddle_models,
                  torch_models, arrays):
        group(tool)
    print("%d hostile files" % tool.cases)
    tool.finish()


if __name__ == "__main__":
    main()
