"""Files of one operator with 16-bit activations: no zero points, 8-bit weights, biases of 64 bits or of 32.

tflite_cases16.py FROM TO writes an int8 network with 16-bit activations.
"""
import copy
import sys

import numpy

import tflite_file
from tflite_cases import I8, I16, I32, I64, Builder
from tflite_file import CODES, NONE, RELU, RELU6, SAME, VALID


class Builder16(Builder):
    def __init__(self, name):
        super().__init__(name, I16)

    def scale(self, low=0.02, high=0.2):
        """256 times as fine as that of 8 bits."""
        return float(numpy.float32(self.rng.uniform(low, high) / 256))

    def zero(self):
        return 0

    def weights(self, shape, axis=None, channels=1):
        count = 1 if axis is None else shape[axis]
        scale = [float(numpy.float32(self.rng.uniform(0.001, 0.01))) for _ in range(count)]
        return self.add("w", shape, I8, scale, [0] * count, self.rng.integers(-127, 128, shape).astype(I8), axis or 0)

    def bias(self, x, w, count, dtype=I64):
        """Beyond 32 bits where the type is."""
        x, w = self.graph.tensors[x], self.graph.tensors[w]
        limit = 20_000_000 if dtype == I32 else 3_000_000_000
        return self.add("b", (count,), dtype, x.scale[0] * w.scale, [0] * len(w.scale),
                        self.rng.integers(-limit, limit, count).astype(dtype))


def convolutions():
    def conv(name, size, window, padding, activation, stride=(1, 1), dilation=(1, 1), bias=I64):
        b = Builder16(name)
        x, w = b.input(1, *size, 5), b.weights((6, *window, 5), 0)
        span = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
        out = [-(-s // t) if padding == SAME else (s - p) // t + 1 for s, p, t in zip(size, span, stride)]
        options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1], "activation": activation,
                   "dilation_h": dilation[0], "dilation_w": dilation[1]}
        if bias == I32:
            options["quantized_bias_type"] = CODES[I32]
        return b.case("CONV_2D", [x, w, b.bias(x, w, 6, bias)] if bias else [x, w], (1, *out, 6), options, scale=0.001)

    def depthwise(name, multiplier, padding, activation, stride):
        b = Builder16(name)
        x, w = b.input(1, 9, 8, 4), b.weights((1, 3, 3, 4 * multiplier), 3)
        out = (-(-9 // stride), -(-8 // stride)) if padding == SAME else ((9 - 3) // stride + 1, (8 - 3) // stride + 1)
        return b.case("DEPTHWISE_CONV_2D", [x, w, b.bias(x, w, 4 * multiplier)], (1, *out, 4 * multiplier),
                      {"padding": padding, "stride_h": stride, "stride_w": stride, "activation": activation,
                       "depth_multiplier": multiplier}, scale=0.0005)

    def transposed(name, padding, stride, bias):
        b = Builder16(name)
        x, w = b.input(1, 4, 5, 3), b.weights((7, 3, 3, 3), 0)
        out = (1, 4 * stride, 5 * stride, 7) if padding == SAME else (1, 3 * stride + 3, 4 * stride + 3, 7)
        inputs = [b.ints(*out), w, x] + ([b.bias(x, w, 7)] if bias else [])
        return b.case("TRANSPOSE_CONV", inputs, out, {"padding": padding, "stride_h": stride, "stride_w": stride}, scale=0.001)

    yield conv("conv", (8, 7), (3, 3), SAME, NONE)
    yield conv("conv_valid_relu", (8, 7), (3, 2), VALID, RELU)
    yield conv("conv_stride_relu6", (8, 8), (3, 3), SAME, RELU6, stride=(2, 2))
    yield conv("conv_dilated", (9, 9), (3, 3), SAME, NONE, dilation=(2, 2))
    yield conv("conv_1x1_no_bias", (6, 6), (1, 1), VALID, NONE, bias=None)
    yield conv("conv_narrow_bias", (8, 7), (3, 3), SAME, NONE, bias=I32)
    yield depthwise("depthwise", 1, SAME, NONE, 1)
    yield depthwise("depthwise_multiplier", 2, VALID, RELU, 1)
    yield depthwise("depthwise_stride", 1, SAME, RELU6, 2)
    yield transposed("transpose_conv", SAME, 2, True)
    yield transposed("transpose_conv_valid", VALID, 1, False)


def products():
    def dense(name, shape, activation, keep=False, per_channel=False, bias=I64):
        b = Builder16(name)
        x, w = b.input(*shape), b.weights((6, 20), 0 if per_channel else None)
        out = (*shape[:-1], 6) if keep else (int(numpy.prod(shape)) // 20, 6)
        options = {"activation": activation, "keep_num_dims": keep}
        if bias == I32:
            options["quantized_bias_type"] = CODES[I32]
        return b.case("FULLY_CONNECTED", [x, w, b.bias(x, w, 6, bias)], out, options, scale=0.0006)

    yield dense("dense", (3, 20), NONE)
    yield dense("dense_relu", (1, 4, 5), RELU)
    yield dense("dense_keep_dims", (2, 3, 20), NONE, keep=True)
    yield dense("dense_per_channel", (2, 20), RELU6, per_channel=True)
    yield dense("dense_narrow_bias", (3, 20), NONE, bias=I32)
    for name, swap in (("batch_matmul", 0), ("batch_matmul_adjoint", 1)):
        b = Builder16(name)
        x, w = b.input(2, 3, 8), b.input(*((2, 5, 8) if swap else (2, 8, 5)))
        yield b.case("BATCH_MATMUL", [x, w], (2, 3, 5), {"adj_y": swap}, scale=0.002)


def elements():
    shape = (1, 16, 16, 3)
    for kind in ("ADD", "SUB", "MUL"):
        options = {} if kind == "MUL" else {"pot_scale_int16": 0}
        for activation in (NONE, RELU, RELU6):
            b = Builder16("%s_%d" % (kind.lower(), activation))
            scale = b.scale(0.5, 0.9) if kind == "MUL" else b.scale(0.1, 0.3)
            yield b.case(kind, [b.input(*shape), b.input(*shape)], shape, {"activation": activation, **options}, scale=scale)
        for name, other in (("constant", (1, 1, 1, 3)), ("scalar", ())):
            b = Builder16("%s_%s" % (kind.lower(), name))
            yield b.case(kind, [b.input(*shape), b.constant(other)], shape, options, scale=0.0016)
        b = Builder16(kind.lower() + "_broadcast")
        yield b.case(kind, [b.input(*shape), b.input(1, 1, 1, 3)], shape, options, scale=0.0016)
    b = Builder16("add_far_scales")
    yield b.case("ADD", [b.input(*shape, scale=0.37), b.input(*shape, scale=0.00011)], shape, {"pot_scale_int16": 0}, scale=0.29)
    for kind in ("MAXIMUM", "MINIMUM"):
        b = Builder16(kind.lower())
        x = b.input(*shape)
        yield b.case(kind, [x, b.input(*shape, scale=b.graph.tensors[x].scale[0])], shape, like=x)


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


def windows():
    def pool(name, kind, size, stride, padding, activation=NONE):
        b = Builder16(name)
        x = b.input(1, 9, 10, 5)
        out = [-(-s // stride) if padding == SAME else (s - k) // stride + 1 for s, k in zip((9, 10), size)]
        return b.case(kind, [x], (1, *out, 5), {"padding": padding, "stride_h": stride, "stride_w": stride,
                                                "filter_h": size[0], "filter_w": size[1], "activation": activation}, like=x)

    for kind, name in (("AVERAGE_POOL_2D", "average_pool"), ("MAX_POOL_2D", "max_pool")):
        yield pool(name, kind, (2, 2), 2, VALID)
        yield pool(name + "_same", kind, (3, 3), 2, SAME)
        yield pool(name + "_relu", kind, (3, 2), 1, SAME, RELU)
    for name, axes, shape, keep in (("mean", (1, 2), (1, 5), 0), ("mean_keep_dims", (1, 2), (1, 1, 1, 5), 1),
                                    ("mean_channels", (3,), (1, 9, 10), 0)):
        for scale in (None, "same"):
            b = Builder16(name + ("_same_scale" if scale else ""))
            x = b.input(1, 9, 10, 5)
            yield b.case("MEAN", [x, b.ints(*axes)], shape, {"keep_dims": keep}, like=x if scale else None)
    for kind, label in (("RESIZE_BILINEAR", "bilinear"), ("RESIZE_NEAREST_NEIGHBOR", "nearest")):
        for name, size, align, half in (("", (11, 7), 0, 0), ("_align", (11, 13), 1, 0), ("_half", (9, 12), 0, 1)):
            b = Builder16(label + name)
            x = b.input(1, 4, 5, 3)
            yield b.case(kind, [x, b.ints(*size)], (1, *size, 3), {"align_corners": align, "half_pixel_centers": half}, like=x)


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


def movement():
    for name, kind, out, ints in (("reshape", "RESHAPE", (1, 42, 4), (1, 42, 4)),
                                  ("transpose", "TRANSPOSE", (1, 7, 4, 6), (0, 2, 3, 1))):
        b = Builder16(name)
        x = b.input(1, 6, 7, 4)
        yield b.case(kind, [x, b.ints(*ints)], out, like=x)


def all_cases():
    for group in (convolutions, products, elements, functions, windows, scales, movement):
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
