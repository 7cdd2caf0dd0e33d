"""Files of one operator with 16-bit activations: no zero points, 8-bit weights, biases of 64 bits or of 32.

tflite_cases16.py FROM TO writes an int8 network with 16-bit activations.
"""
import copy
import sys

import numpy

import tflite_file
from tflite_cases import I8, I16, I32, I64, Builder, convolutions, elements, movement, products, windows
from tflite_file import CODES


class Builder16(Builder):
    """`narrow`: biases of 32 bits."""

    def __init__(self, name, narrow=False):
        super().__init__(name + ("_narrow_bias" if narrow else ""), I16)
        self.narrow = narrow

    @staticmethod
    def step(scale):
        """256 times as fine as that of 8 bits."""
        return scale / 256

    def scale(self, low=0.02, high=0.2):
        return float(numpy.float32(self.step(self.rng.uniform(low, high))))

    def zero(self):
        return 0

    def weights(self, shape, axis=None, channels=1):
        count = 1 if axis is None else shape[axis]
        scale = [float(numpy.float32(self.rng.uniform(0.001, 0.01))) for _ in range(count)]
        return self.add("w", shape, I8, scale, [0] * count, self.rng.integers(-127, 128, shape).astype(I8), axis or 0)

    def bias(self, x, w, count):
        """Beyond 32 bits where the type is."""
        x, w = self.graph.tensors[x], self.graph.tensors[w]
        limit, dtype = (20_000_000, I32) if self.narrow else (3_000_000_000, I64)
        return self.add("b", (count,), dtype, x.scale[0] * w.scale, [0] * len(w.scale),
                        self.rng.integers(-limit, limit, count).astype(dtype))

    def case(self, kind, inputs, shape, options=None, **result):
        options = {"pot_scale_int16": 0, **(options or {})}
        if self.narrow:
            options["quantized_bias_type"] = CODES[I32]
        return super().case(kind, inputs, shape, options, **result)


def narrow_biases():
    for group in (convolutions, products):
        yield next(group(lambda name: Builder16(name, narrow=True)))


def functions():
    shape = (1, 8, 32, 3)

    def one(kind, options=None, x_scale=None, name=None, **result):
        b = Builder16(name or kind.lower())
        return b.case(kind, [b.input(*shape, scale=x_scale)], shape, options, **result)

    for kind in ("RELU", "RELU6"):
        yield one(kind)
    yield one("LEAKY_RELU", {"alpha": 0.13})
    yield one("ABS", scale=0.00027)
    yield one("EXP", x_scale=0.0001, scale=0.001)
    yield one("GELU", {"approximate": 0}, x_scale=0.0001, scale=0.001)
    yield one("GELU", {"approximate": 1}, x_scale=0.0003, name="gelu_approximate", scale=0.0002)
    for kind in ("LOGISTIC", "TANH"):
        yield one(kind, scale=2.0 ** -15)
        for name, scale in (("wide", 0.01), ("narrow", 0.00003), ("power", 2.0 ** -12), ("power_11", 2.0 ** -11)):
            yield one(kind, x_scale=scale, name="%s_%s" % (kind.lower(), name), scale=2.0 ** -15)
    for name, beta, size in (("softmax", 1.0, 10), ("softmax_beta", 0.7, 10), ("softmax_long", 1.0, 1001)):
        b = Builder16(name)
        yield b.case("SOFTMAX", [b.input(12, size)], (12, size), {"beta": beta}, scale=2.0 ** -15)
    b = Builder16("softmax_picture")
    yield b.case("SOFTMAX", [b.input(1, 4, 5, 6)], (1, 4, 5, 6), {"beta": 1.0}, scale=2.0 ** -15)


def scales():
    shape = (1, 6, 7, 4)
    for name, to, scale, zero in (("requantize", I16, 0.0003, 0), ("requantize_int8", I8, 0.07, 3)):
        b = Builder16(name)
        yield b.case("QUANTIZE", [b.input(*shape)], shape, scale=scale, zero=zero, dtype=to)
    b = Builder16("requantize_from_int8")
    x = b.add("x0", shape, I8, 0.05, 7)
    b.graph.inputs.append(x)
    yield b.case("QUANTIZE", [x], shape, scale=0.0003)
    b = Builder16("quantize_from_float")
    x = b.add("x0", shape, "f4")
    b.graph.inputs.append(x)
    yield b.case("QUANTIZE", [x], shape, scale=0.00043)
    b = Builder16("concatenation")
    x = b.input(*shape)
    yield b.case("CONCATENATION", [x, b.input(*shape, scale=b.graph.tensors[x].scale[0])], (1, 6, 7, 8), {"axis": 3}, like=x)
    b = Builder16("pad")
    x = b.input(*shape)
    pads = b.add("p", (4, 2), I32, data=numpy.array([[0, 0], [1, 2], [3, 0], [0, 0]], I32))
    yield b.case("PAD", [x, pads], (1, 9, 10, 4), like=x)


def all_cases():
    for group in (convolutions, products, elements, windows, movement):
        yield from group(Builder16)
    for group in (narrow_biases, functions, scales):
        yield from group()


def widened(graph):
    """An int8 network with 16-bit activations over the same ranges: the same weights, biases of 64 bits."""
    graph = copy.deepcopy(graph)
    for tensor in graph.tensors:
        if tensor.data is None and tensor.dtype == I8:
            reach = max(127 - int(tensor.zero_point[0]), 128 + int(tensor.zero_point[0])) * float(tensor.scale[0])
            tensor.dtype, tensor.zero_point = I16, numpy.zeros(1, "i8")
            tensor.scale = numpy.array([reach / 32767], "f4")
    for operator in graph.operators:
        if operator.type == "SOFTMAX":
            graph.tensors[operator.outputs[0]].scale = numpy.array([2.0 ** -15], "f4")
        if operator.type in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            x, w, bias = (graph.tensors[i] for i in operator.inputs)
            real = bias.data * bias.scale.astype("f8")
            bias.scale = x.scale[0] * w.scale
            bias.dtype, bias.data = I64, numpy.rint(real / bias.scale.astype("f8")).astype(I64)
        if operator.type == "ADD":
            operator.options["pot_scale_int16"] = 0
    return graph


if __name__ == "__main__":
    tflite_file.write(sys.argv[2], widened(tflite_file.read(sys.argv[1])))
