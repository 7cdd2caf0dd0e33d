"""Files of one quantized operator: random weights and scales, every rule of the arithmetic at least once.

tflite_cases.py NAME FILE writes one of them.
"""
import sys
from dataclasses import dataclass

import numpy

from tflite_file import CODES, NONE, RELU, RELU6, SAME, TANH, VALID, Graph, Operator, Tensor, write

I8, U8, I16, I32, I64, BOOL = (numpy.dtype(name) for name in ("i1", "u1", "i2", "i4", "i8", "?"))
NAMES = {I8: "int8", U8: "uint8", I16: "int16"}


@dataclass
class Case:
    name: str
    graph: Graph
    may_float: bool = False  # the operator is known to run in float ...
    within: int = 0          # ... and may then differ by so much


class Builder:
    """One operator; scales and zero points are drawn where none are given."""

    def __init__(self, name, dtype):
        self.name, self.dtype = "%s_%s" % (name, NAMES[dtype]), numpy.dtype(dtype)
        self.low = numpy.iinfo(dtype).min
        self.rng = numpy.random.default_rng(sum(self.name.encode()))
        self.graph = Graph([], [], [], [])

    def add(self, name, shape, dtype, scale=(), zero=(), data=None, axis=0):
        scale, zero = numpy.atleast_1d(numpy.array(scale, "f4")), numpy.atleast_1d(numpy.array(zero, "i8"))
        self.graph.tensors.append(Tensor(name, tuple(shape), numpy.dtype(dtype), scale, zero, axis, data))
        return len(self.graph.tensors) - 1

    def scale(self, low=0.02, high=0.2):
        return float(numpy.float32(self.rng.uniform(low, high)))

    @staticmethod
    def step(scale):
        """A scale that is given for 8 bits."""
        return scale

    def zero(self):
        return int(self.rng.integers(-100, 100)) + (0 if self.dtype == I8 else 128)

    def input(self, *shape, scale=None, zero=None):
        index = self.add("x%d" % len(self.graph.inputs), shape, self.dtype, self.scale() if scale is None else scale,
                         self.zero() if zero is None else zero)
        self.graph.inputs.append(index)
        return index

    def ints(self, *values):
        return self.add("c%d" % len(self.graph.tensors), numpy.shape(values), I32, data=numpy.array(values, I32))

    def weights(self, shape, axis=None, channels=1):
        """int8 per channel along `axis`, or uint8 (or int8) with one scale."""
        if axis is not None and self.dtype == I8:
            scale, zero = [self.scale(0.001, 0.01) for _ in range(shape[axis])], [0] * shape[axis]
        else:
            scale, zero = [self.scale(0.001, 0.01)], [0 if self.dtype == I8 else 123]
        low, high = (-127, 128) if self.dtype == I8 else (0, 256)
        return self.add("w", shape, self.dtype, scale, zero, self.rng.integers(low, high, shape).astype(self.dtype),
                        axis or 0)

    def bias(self, x, w, count):
        x, w = self.graph.tensors[x], self.graph.tensors[w]
        return self.add("b", (count,), I32, x.scale[0] * w.scale, [0] * len(w.scale),
                        self.rng.integers(-20000, 20000, count).astype(I32))

    def constant(self, shape, scale=None, zero=None):
        info = numpy.iinfo(self.dtype)
        return self.add("k", shape, self.dtype, self.scale() if scale is None else scale,
                        self.zero() if zero is None else zero,
                        self.rng.integers(info.min, info.max + 1, shape).astype(self.dtype))

    def symmetric(self, name, shape, dtype, scale):
        """A constant without a zero point."""
        info = numpy.iinfo(dtype)
        return self.add(name, shape, dtype, scale, 0, self.rng.integers(-info.max, info.max + 1, shape).astype(dtype))

    def state(self, name, shape, dtype, scale, zero=0):
        index = self.add(name, shape, dtype, scale, zero)
        self.graph.tensors[index].variable = True
        return index

    def case(self, kind, inputs, shape, options=None, scale=None, zero=None, like=None, dtype=None, may_float=False,
             within=0, indices=None):
        """Ends with the operator; its result takes the scale of tensor `like`. `indices`: type of a second result."""
        if like is not None:
            scale, zero = self.graph.tensors[like].scale[0], self.graph.tensors[like].zero_point[0]
        dtype = self.dtype if dtype is None else dtype
        if dtype in NAMES:
            y = self.add("y", shape, dtype, self.scale() if scale is None else scale, self.zero() if zero is None else zero)
        else:
            y = self.add("y", shape, dtype)
        results = [y] if indices is None else [y, self.add("i", shape, indices)]
        self.graph.operators.append(Operator(kind, list(inputs), results, options or {}))
        self.graph.outputs = [y]
        return Case(self.name, self.graph, may_float, within)


def convolutions(make):
    def conv(name, size, window, padding, activation, stride=(1, 1), dilation=(1, 1), bias=True):
        b = make(name)
        x, w = b.input(1, *size, 5), b.weights((6, *window, 5), 0)
        span = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
        out = [-(-s // t) if padding == SAME else (s - p) // t + 1 for s, p, t in zip(size, span, stride)]
        return b.case("CONV_2D", [x, w, b.bias(x, w, 6)] if bias else [x, w], (1, *out, 6),
                      {"padding": padding, "stride_h": stride[0], "stride_w": stride[1], "activation": activation,
                       "dilation_h": dilation[0], "dilation_w": dilation[1]}, scale=b.step(0.3))

    def depthwise(name, multiplier, padding, activation, stride):
        b = make(name)
        x, w = b.input(1, 9, 8, 4), b.weights((1, 3, 3, 4 * multiplier), 3)
        out = (-(-9 // stride), -(-8 // stride)) if padding == SAME else ((9 - 3) // stride + 1, (8 - 3) // stride + 1)
        return b.case("DEPTHWISE_CONV_2D", [x, w, b.bias(x, w, 4 * multiplier)], (1, *out, 4 * multiplier),
                      {"padding": padding, "stride_h": stride, "stride_w": stride, "activation": activation,
                       "depth_multiplier": multiplier}, scale=b.step(0.1))

    def transposed(name, padding, stride, bias):
        b = make(name)
        x, w = b.input(1, 4, 5, 3), b.weights((7, 3, 3, 3), 0)
        out = (1, 4 * stride, 5 * stride, 7) if padding == SAME else (1, 3 * stride + 3, 4 * stride + 3, 7)
        inputs = [b.ints(*out), w, x] + ([b.bias(x, w, 7)] if bias else [])
        return b.case("TRANSPOSE_CONV", inputs, out, {"padding": padding, "stride_h": stride, "stride_w": stride}, scale=b.step(0.2))

    yield conv("conv", (8, 7), (3, 3), SAME, NONE)
    yield conv("conv_valid_relu", (8, 7), (3, 2), VALID, RELU)
    yield conv("conv_stride_relu6", (8, 8), (3, 3), SAME, RELU6, stride=(2, 2))
    yield conv("conv_dilated", (9, 9), (3, 3), SAME, NONE, dilation=(2, 2))
    yield conv("conv_1x1_no_bias", (6, 6), (1, 1), VALID, NONE, bias=False)
    yield depthwise("depthwise", 1, SAME, NONE, 1)
    yield depthwise("depthwise_multiplier", 2, VALID, RELU, 1)
    yield depthwise("depthwise_stride", 1, SAME, RELU6, 2)
    yield transposed("transpose_conv", SAME, 2, True)
    yield transposed("transpose_conv_valid", VALID, 1, False)


def products(make):
    def dense(name, shape, activation, keep=False, per_channel=False):
        b = make(name)
        x, w = b.input(*shape), b.weights((6, 20), 0 if per_channel else None)
        out = (*shape[:-1], 6) if keep else (int(numpy.prod(shape)) // 20, 6)
        return b.case("FULLY_CONNECTED", [x, w, b.bias(x, w, 6)], out, {"activation": activation, "keep_num_dims": keep},
                      scale=b.step(0.13))

    yield dense("dense", (3, 20), NONE)
    yield dense("dense_relu", (1, 4, 5), RELU)
    yield dense("dense_keep_dims", (2, 3, 20), NONE, keep=True)
    if make("").dtype != U8:
        yield dense("dense_per_channel", (2, 20), RELU6, per_channel=True)
        for name, swap in (("batch_matmul", 0), ("batch_matmul_adjoint", 1)):
            b = make(name)
            x, w = b.input(2, 3, 8), b.input(*((2, 5, 8) if swap else (2, 8, 5)))
            yield b.case("BATCH_MATMUL", [x, w], (2, 3, 5), {"adj_y": swap}, scale=b.step(0.4))


def elements(make):
    shape = (1, 16, 16, 3)
    for kind in ("ADD", "SUB", "MUL"):
        for activation in (NONE, RELU, RELU6):
            b = make("%s_%d" % (kind.lower(), activation))
            scale = b.scale(0.5, 0.9) if kind == "MUL" else b.scale(0.1, 0.3)
            yield b.case(kind, [b.input(*shape), b.input(*shape)], shape, {"activation": activation}, scale=scale)
        b = make(kind.lower() + "_constant")
        yield b.case(kind, [b.input(*shape), b.constant((1, 1, 1, 3))], shape, scale=b.step(0.4))
        b = make(kind.lower() + "_scalar")
        yield b.case(kind, [b.input(*shape), b.constant(())], shape, scale=b.step(0.4))
        b = make(kind.lower() + "_broadcast")
        yield b.case(kind, [b.input(*shape), b.input(1, 1, 1, 3)], shape, scale=b.step(0.4))
    b = make("mul_itself")
    x = b.input(*shape)
    yield b.case("MUL", [x, x], shape, scale=b.step(0.4))
    b = make("add_far_scales")
    yield b.case("ADD", [b.input(*shape, scale=b.step(3.7)), b.input(*shape, scale=b.step(0.0011))], shape, scale=b.step(2.9))
    for kind in ("MAXIMUM", "MINIMUM"):
        b = make(kind.lower())
        x = b.input(*shape)
        t = b.graph.tensors[x]
        yield b.case(kind, [x, b.input(*shape, scale=t.scale[0], zero=t.zero_point[0])], shape, like=x)


def functions(dtype):
    shape = (1, 8, 32, 3)
    low = -128 if dtype == I8 else 0

    def one(kind, options=None, x_scale=None, **result):
        b = Builder(kind.lower(), dtype)
        return b.case(kind, [b.input(*shape, scale=x_scale)], shape, options, **result)

    for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
        yield one(kind)
    yield one("LEAKY_RELU", {"alpha": 0.13})
    yield one("LOGISTIC", scale=1 / 256, zero=low)
    yield one("TANH", scale=1 / 128, zero=low + 128)
    yield one("HARD_SWISH", scale=0.031)
    if dtype == I8:
        yield one("ABS", scale=0.07)
        yield one("ELU", scale=0.09)
        yield one("EXP", x_scale=0.03, scale=0.2)
        yield one("GELU", {"approximate": 0}, scale=0.05)
    b = Builder("prelu", dtype)
    yield b.case("PRELU", [b.input(*shape), b.constant((1, 1, 3), scale=0.004)], shape, scale=0.11)
    b = Builder("prelu_elements", dtype)
    yield b.case("PRELU", [b.input(*shape), b.constant(shape[1:], scale=0.004)], shape, scale=0.11)
    b = Builder("prelu_computed", dtype)
    yield b.case("PRELU", [b.input(*shape), b.input(1, 1, 32, 1, scale=0.004)], shape, scale=0.11)
    for name, beta, size in (("softmax", 1.0, 10), ("softmax_beta", 0.7, 10), ("softmax_long", 1.0, 1001)):
        b = Builder(name, dtype)
        yield b.case("SOFTMAX", [b.input(12, size)], (12, size), {"beta": beta}, scale=1 / 256, zero=low)
    b = Builder("softmax_picture", dtype)
    yield b.case("SOFTMAX", [b.input(1, 4, 5, 6)], (1, 4, 5, 6), {"beta": 1.0}, scale=1 / 256, zero=low)


def windows(make):
    def pool(name, kind, size, stride, padding, activation=NONE, zero=None):
        b = make(name)
        x = b.input(1, 9, 10, 5, zero=zero)
        out = [-(-s // stride) if padding == SAME else (s - k) // stride + 1 for s, k in zip((9, 10), size)]
        return b.case(kind, [x], (1, *out, 5), {"padding": padding, "stride_h": stride, "stride_w": stride,
                                                "filter_h": size[0], "filter_w": size[1], "activation": activation}, like=x)

    for kind, name in (("AVERAGE_POOL_2D", "average_pool"), ("MAX_POOL_2D", "max_pool")):
        yield pool(name, kind, (2, 2), 2, VALID)
        yield pool(name + "_same", kind, (3, 3), 2, SAME)
        yield pool(name + "_relu", kind, (3, 2), 1, SAME, RELU)
        yield pool(name + "_global", kind, (9, 10), 1, VALID)
    for name, axes, shape, keep in (("mean", (1, 2), (1, 5), 0), ("mean_keep_dims", (1, 2), (1, 1, 1, 5), 1),
                                    ("mean_channels", (3,), (1, 9, 10), 0), ("mean_rows", (1,), (1, 10, 5), 0)):
        for scale in (None, "same"):
            b = make(name + ("_same_scale" if scale else ""))
            x = b.input(1, 9, 10, 5)
            yield b.case("MEAN", [x, b.ints(*axes)], shape, {"keep_dims": keep}, like=x if scale else None)
    b = make("reduce_max")
    x = b.input(1, 9, 10, 5)
    yield b.case("REDUCE_MAX", [x, b.ints(1, 2)], (1, 5), {"keep_dims": 0}, like=x)
    b = make("reduce_min")
    x = b.input(1, 9, 10, 5)
    yield b.case("REDUCE_MIN", [x, b.ints(3)], (1, 9, 10, 1), {"keep_dims": 1}, like=x)
    for kind, label in (("RESIZE_BILINEAR", "bilinear"), ("RESIZE_NEAREST_NEIGHBOR", "nearest")):
        for name, size, align, half in (("", (11, 7), 0, 0), ("_align", (11, 13), 1, 0), ("_half", (9, 12), 0, 1),
                                        ("_double", (8, 10), 0, 0), ("_half_double", (8, 10), 0, 1), ("_smaller", (3, 2), 0, 1)):
            b = make(label + name)
            x = b.input(1, 4, 5, 3)
            yield b.case(kind, [x, b.ints(*size)], (1, *size, 3), {"align_corners": align, "half_pixel_centers": half}, like=x)


def scales(dtype):
    shape = (1, 6, 7, 4)
    other = U8 if dtype == I8 else I8
    for name, to in (("requantize", dtype), ("requantize_type", other)):
        b = Builder(name, dtype)
        yield b.case("QUANTIZE", [b.input(*shape)], shape, scale=0.07, zero=3 if to == I8 else 131, dtype=to)
    b = Builder("quantize_from_float", dtype)
    x = b.add("x0", shape, "f4")
    b.graph.inputs.append(x)
    yield b.case("QUANTIZE", [x], shape, scale=0.043)
    b = Builder("concatenation", dtype)
    x = b.input(*shape)
    t = b.graph.tensors[x]
    yield b.case("CONCATENATION", [x, b.input(*shape, scale=t.scale[0], zero=t.zero_point[0])], (1, 6, 7, 8), {"axis": 3},
                 like=x)
    b = Builder("float_between", dtype)  # an operator of the file on real numbers
    real = [b.add(name, shape, "f4") for name in ("dequantized", "root")]
    b.graph.operators = [Operator("DEQUANTIZE", [b.input(*shape, zero=b.low)], real[:1]), Operator("SQRT", real[:1], real[1:])]
    yield b.case("QUANTIZE", real[1:], shape, scale=0.043, may_float=True)
    if dtype == U8:
        b = Builder("concatenation_scales", dtype)
        yield b.case("CONCATENATION", [b.input(*shape), b.input(*shape)], (1, 6, 7, 8), {"axis": 3}, scale=0.12)
    b = Builder("concatenation_constant", dtype)
    x = b.input(*shape)
    t = b.graph.tensors[x]
    yield b.case("CONCATENATION", [x, b.constant((1, 6, 7, 2), scale=t.scale[0], zero=t.zero_point[0])], (1, 6, 7, 6),
                 {"axis": 3}, like=x)
    b = Builder("pad", dtype)
    x = b.input(*shape)
    pads = b.add("p", (4, 2), I32, data=numpy.array([[0, 0], [1, 2], [3, 0], [0, 0]], I32))
    yield b.case("PAD", [x, pads], (1, 9, 10, 4), like=x)
    b = Builder("pad_value", dtype)
    x = b.input(*shape)
    pads = b.add("p", (4, 2), I32, data=numpy.array([[0, 0], [1, 0], [0, 1], [0, 0]], I32))
    t = b.graph.tensors[x]
    value = b.add("v", (1,), dtype, t.scale, t.zero_point, numpy.array([77], dtype))
    yield b.case("PADV2", [x, pads, value], (1, 7, 8, 4), like=x)


def movement(make):
    shape = (1, 6, 7, 4)

    def moved(name, kind, out, *ints, **options):
        b = make(name)
        x = b.input(*shape)
        return b.case(kind, [x] + [b.ints(*i) for i in ints], out, options, like=x)

    yield moved("reshape", "RESHAPE", (1, 42, 4), (1, 42, 4))
    yield moved("transpose", "TRANSPOSE", (1, 7, 4, 6), (0, 2, 3, 1))
    yield moved("strided_slice", "STRIDED_SLICE", (1, 3, 5, 4), (0, 0, 1, 0), (1, 6, 6, 4), (1, 2, 1, 1))
    yield moved("strided_slice_masks", "STRIDED_SLICE", (1, 6, 4), (0, 0, 2, 0), (1, 1, 9, 9), (1, 1, 1, 1), begin_mask=1,
                end_mask=10, shrink_axis_mask=4)
    yield moved("slice", "SLICE", (1, 2, 7, 3), (0, 3, 0, 1), (1, 2, -1, 3))
    if make("").dtype == U8:  # TFLite turns no signed bytes
        yield moved("reverse_sequence", "REVERSE_SEQUENCE", shape, (3,), seq_dim=1)
    yield moved("tile", "TILE", (1, 12, 7, 12), (1, 2, 1, 3))
    yield moved("reverse", "REVERSE_V2", shape, (2,))
    yield moved("gather_nd", "GATHER_ND", (2, 4), ((0, 5, 1), (0, 2, 6)))
    b = make("arg_max")
    yield b.case("ARG_MAX", [b.input(*shape), b.ints(3)], (1, 6, 7), {"output_type": CODES[I32]}, dtype=I32)
    b = make("arg_min")
    yield b.case("ARG_MIN", [b.input(*shape), b.ints(1)], (1, 7, 4), {"output_type": CODES[I32]}, dtype=I32)
    b = make("top_k")
    x = b.input(*shape)
    yield b.case("TOPK_V2", [x, b.add("c", (), I32, data=numpy.array(3, I32))], (1, 6, 7, 3), like=x, indices=I32)
    b = make("gather")
    x = b.input(*shape)
    index = b.add("x1", (5,), I32)
    b.graph.inputs.append(index)
    yield b.case("GATHER", [x, index], (1, 6, 5, 4), {"axis": 2}, like=x)
    b = make("select")
    condition = b.add("x0", shape, "?")
    b.graph.inputs.append(condition)
    x = b.input(*shape, scale=0.07, zero=11)
    yield b.case("SELECT_V2", [condition, x, b.input(1, 1, 1, 4, scale=0.07, zero=11)], shape, like=x)


def comparisons(dtype):
    shape = (1, 9, 16, 3)
    for kind in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        b = Builder(kind.lower(), dtype)
        yield b.case(kind, [b.input(*shape), b.input(*shape)], shape, dtype=BOOL)
        b = Builder(kind.lower() + "_constant", dtype)
        yield b.case(kind, [b.input(*shape), b.constant(())], shape, dtype=BOOL)
    b = Builder("less_fine", dtype)  # several integers are one
    yield b.case("LESS", [b.input(*shape, scale=0.0011), b.input(1, 1, 1, 3, scale=0.0009)], shape, dtype=BOOL)
    b = Builder("equal_same_scale", dtype)
    x = b.input(*shape)
    t = b.graph.tensors[x]
    yield b.case("EQUAL", [x, b.input(*shape, scale=t.scale[0], zero=t.zero_point[0])], shape, dtype=BOOL)


def fixed_point(dtype):
    """Roots, quotients, norms, sums and products."""
    shape = (1, 8, 32, 3)
    low = -128 if dtype == I8 else 0
    if dtype == I8:  # TFLite has these for signed bytes alone
        b = Builder("squared_difference", dtype)
        yield b.case("SQUARED_DIFFERENCE", [b.input(*shape), b.input(*shape)], shape, scale=0.9)
        b = Builder("squared_difference_constant", dtype)
        yield b.case("SQUARED_DIFFERENCE", [b.input(*shape), b.constant((1, 1, 1, 3))], shape, scale=0.9)
        b = Builder("squared_difference_scalar", dtype)
        yield b.case("SQUARED_DIFFERENCE", [b.constant(()), b.input(*shape)], shape, scale=0.9)
        for kind, scale in (("RSQRT", 0.07), ("SQRT", 0.013), ("LOG", 0.02)):
            b = Builder(kind.lower(), dtype)
            yield b.case(kind, [b.input(*shape, zero=low)], shape, scale=scale, zero=-20)
        b = Builder("rsqrt_negative", dtype)
        yield b.case("RSQRT", [b.input(*shape, zero=-7)], shape, scale=0.0071)
    for name, other in (("div", shape), ("div_broadcast", (1, 1, 1, 3))):
        b = Builder(name, dtype)
        yield b.case("DIV", [b.input(*shape), b.input(*other)], shape, {"activation": NONE}, scale=0.09)
    b = Builder("div_relu", dtype)
    yield b.case("DIV", [b.input(*shape), b.constant((1, 1, 1, 3))], shape, {"activation": RELU}, scale=0.03)
    b = Builder("div_scalar", dtype)
    yield b.case("DIV", [b.input(*shape), b.constant(())], shape, {"activation": NONE}, scale=0.03)
    for name, size in (("l2_normalization", 7), ("l2_normalization_long", 513)):
        b = Builder(name, dtype)
        yield b.case("L2_NORMALIZATION", [b.input(11, size)], (11, size), scale=1 / 128, zero=low + 128)
    b = Builder("l2_normalization_picture", dtype)
    yield b.case("L2_NORMALIZATION", [b.input(1, 4, 5, 6)], (1, 4, 5, 6), scale=1 / 128, zero=low + 128)
    for name, size, scale in (("log_softmax", 10, None), ("log_softmax_long", 1001, None), ("log_softmax_flat", 20, 0.002),
                              ("log_softmax_steep", 20, 0.9)):
        b = Builder(name, dtype)
        yield b.case("LOG_SOFTMAX", [b.input(12, size, scale=scale)], (12, size), scale=1 / 16, zero=low + 255)
    for name, axes, out in (("sum", (1, 2), (1, 5)), ("sum_channels", (3,), (1, 9, 10))):
        b = Builder(name, dtype)
        yield b.case("SUM", [b.input(1, 9, 10, 5), b.ints(*axes)], out, {"keep_dims": 0}, scale=0.4)
    if dtype == I8:
        for name, axes, out in (("product", (1,), (2, 4, 5)), ("product_rows", (1, 2), (2, 5))):
            b = Builder(name, dtype)
            yield b.case("REDUCE_PROD", [b.input(2, 3, 4, 5, scale=0.02, zero=3), b.ints(*axes)], out, {"keep_dims": 0},
                         scale=0.004)
    b = Builder("sum_same_scale", dtype)
    x = b.input(1, 9, 10, 5, zero=b.low + 128)
    yield b.case("SUM", [x, b.ints(3)], (1, 9, 10), {"keep_dims": 0}, like=x)


def recurrent():
    def svdf(name, units, rank, memory, batch=1, narrow=False, bias=True, size=9):
        b = Builder(name, I8)
        x, filters, kind = b.input(batch, size), units * rank, I8 if narrow else I16
        state_scale, time_scale = (0.04, 0.01) if narrow else (0.0008, 3e-5)
        inputs = [x, b.symmetric("feature", (filters, size), I8, b.scale(0.002, 0.01)),
                  b.symmetric("time", (filters, memory), kind, time_scale),
                  b.add("b", (units,), I32, state_scale * time_scale, 0,
                        b.rng.integers(-9000000, 9000000, units).astype(I32)) if bias else -1,
                  b.state("memory", (batch, filters * memory), kind, state_scale, b.zero() if narrow else 0)]
        return b.case("SVDF", inputs, (batch, units), {"rank": rank, "activation": RELU}, scale=0.05, zero=-128)

    def lstm(name, steps, size, units, batch=1, time_major=0, clip=0.0, cell=2.0 ** -11, bias=True, hidden=None):
        b = Builder(name, I8)
        frame = lambda depth: ((steps, batch, depth) if time_major else (batch, steps, depth)) if steps else (batch, depth)
        x = b.input(*frame(size), scale=b.scale(0.01, 0.02))
        h_scale, h_zero = 1 / 128, int(b.rng.integers(-20, 20))
        inputs = [x] + [-1] * 23
        for gate, letter in enumerate("ifco"):
            w, r = b.scale(0.002, 0.01), b.scale(0.002, 0.01)
            inputs[1 + gate] = b.symmetric("w_" + letter, (units, size), I8, w)
            inputs[5 + gate] = b.symmetric("r_" + letter, (units, units), I8, r)
            inputs[12 + gate] = b.add("b_" + letter, (units,), I32, b.graph.tensors[x].scale[0] * numpy.float32(w), 0,
                                      b.rng.integers(-9000, 9000, units).astype(I32) * bias)
        inputs[18] = b.state("h", (batch, units), I8, h_scale, h_zero)
        inputs[19] = b.state("c", (batch, units), I16, cell)
        case = b.case("UNIDIRECTIONAL_SEQUENCE_LSTM" if steps else "LSTM", inputs, frame(units),
                      {"activation": TANH, "cell_clip": clip, "time_major": time_major}, like=inputs[18])
        # Scales of the gates, which only layers with normalisation read, and of the result before a projection.
        case.graph.operators[0].intermediates = [
            b.add("gate%d" % i, (), I16, 2.0 ** -12, 0) for i in range(4)] + [
                b.add("hidden", (), I8, *(hidden or (h_scale, h_zero)))]
        return case

    yield svdf("svdf", 4, 1, 5)
    yield svdf("svdf_rank_batch", 3, 2, 8, batch=2)
    yield svdf("svdf_one_step_no_bias", 5, 1, 1, bias=False)
    yield svdf("svdf_long", 4, 2, 10, size=40)
    yield svdf("svdf_bytes", 3, 2, 6, batch=2, narrow=True)
    yield lstm("lstm", 5, 7, 6)
    yield lstm("lstm_one_step", 0, 7, 6, batch=2)
    yield lstm("lstm_time_major_batch", 4, 3, 9, batch=3, time_major=1)
    yield lstm("lstm_long_clip", 24, 5, 8, clip=10.0)
    yield lstm("lstm_tight_clip", 12, 5, 8, clip=0.4, cell=2.0 ** -15)
    yield lstm("lstm_hidden_scale", 6, 4, 5, hidden=(0.0071, 11))
    yield lstm("lstm_coarse_cell", 12, 16, 33, cell=2.0 ** -9, bias=False)


def all_cases():
    yield from recurrent()
    for dtype in (I8, U8):
        for group in (convolutions, products, elements, windows, movement):
            yield from group(lambda name, dtype=dtype: Builder(name, dtype))
        for group in (functions, scales, comparisons, fixed_point):
            yield from group(dtype)


if __name__ == "__main__":
    write(sys.argv[2], next(case.graph for case in all_cases() if case.name == sys.argv[1]))
