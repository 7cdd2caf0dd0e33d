"""Functions of one and two elements, softmax and norms of TensorFlow Lite on integers: part of tflite_kernels."""
import math

import numpy

from tflite_fixed_point import (hard_swish, inverse_square_root, log_softmax, multiply, on_pieces, pieces,
                                quantize_multiplier, quotient, round_half_away, sigmoid16, softmax, softmax16)

F32 = numpy.float32


def add(c):
    """ADD and SUB: both operands to twice the larger scale with 20 more bits, 15 behind 16-bit operands."""
    if not c.output.quantized:
        return c.x[0] + c.x[1] if c.type == "ADD" else c.x[0] - c.x[1]
    bits = 15 if c.output.dtype == numpy.int16 else 20
    twice = 2.0 * float(max(c.scale(0), c.scale(1)))
    a, b = (multiply(c.centred(i) << bits, *quantize_multiplier(float(c.scale(i)) / twice)) for i in (0, 1))
    total = a + b if c.type == "ADD" else a - b
    back = quantize_multiplier(twice / (float(1 << bits) * float(c.to_scale)))
    return c.clamped(multiply(total, *back) + c.to_zero, c.options["activation"])


def mul(c):
    if not c.output.quantized:
        return c.x[0] * c.x[1]
    real = F32(c.scale(0) * c.scale(1)) / c.to_scale
    return c.clamped(multiply(c.centred(0) * c.centred(1), *quantize_multiplier(real)) + c.to_zero,
                     c.options["activation"])


def extremum(c):
    c.same_scale()
    return (numpy.maximum if c.type == "MAXIMUM" else numpy.minimum)(c.x[0], c.x[1])


def squared_difference(c):
    """Both operands to twice the larger scale with 7 more bits."""
    twice = 2.0 * float(max(c.scale(0), c.scale(1)))
    a, b = (multiply(c.centred(i) << 7, *quantize_multiplier(float(c.scale(i)) / twice)) for i in (0, 1))
    back = quantize_multiplier(twice * twice / float(F32(1 << 14) * c.to_scale))
    return c.clamped(multiply((a - b) ** 2, *back) + c.to_zero)


COMPARISONS = {"EQUAL": numpy.equal, "NOT_EQUAL": numpy.not_equal, "LESS": numpy.less, "LESS_EQUAL": numpy.less_equal,
               "GREATER": numpy.greater, "GREATER_EQUAL": numpy.greater_equal}


def compare(c):
    """Both operands times their scales, with 8 more bits."""
    a, b = (multiply(c.centred(i) << 8, *quantize_multiplier(c.scale(i))) for i in (0, 1))
    return COMPARISONS[c.type](a, b)


def div(c):
    if not c.output.quantized:
        return c.x[0] / c.x[1]
    multiplier, shift = quantize_multiplier(c.scale(0) / F32(c.scale(1) * c.to_scale))
    a, b = numpy.broadcast_arrays(c.centred(0), c.centred(1))
    whole = quotient(a, numpy.where(b == 0, 1, b), multiplier, shift)
    whole = numpy.where(b == 0, numpy.sign(a) * 1000, whole)  # the reference leaves it open: ours saturates
    return c.clamped(whole + c.to_zero, c.options["activation"])


def rsqrt(c):
    """Below 0, where the reference stops, the lowest."""
    x = c.centred(0)
    factor = quantize_multiplier(1.0 / float(F32(numpy.sqrt(c.scale(0)) * c.to_scale)))
    low, high = c.bounds

    def one(value):
        if value <= 0:
            return high if value == 0 else low
        multiplier, right = inverse_square_root(value)
        fine = multiply(1, multiplier, 20 - right)
        return int(multiply(fine, factor[0], factor[1] - 20)) + c.to_zero

    return numpy.clip(numpy.vectorize(one, otypes=[numpy.int64])(x), low, high).astype(c.output.dtype)


def sqrt(c):
    if not c.output.quantized:
        return numpy.sqrt(c.x[0])
    x = c.centred(0)
    root = numpy.sqrt(c.scale(0) * numpy.maximum(x, 0).astype(F32))
    y = numpy.trunc(root / c.to_scale).astype(numpy.int64) + c.to_zero
    return c.clamped(numpy.where(x < 0, c.bounds[0], y))


def l2_normalization(c):
    x = c.centred(0)
    assert c.to_scale == 1 / 128
    y = numpy.zeros_like(x)
    for place in numpy.ndindex(x.shape[:-1]):
        multiplier, right = inverse_square_root((x[place] ** 2).sum())
        if c.output.dtype == numpy.int8:
            y[place] = multiply(x[place], multiplier, 7 - right)
        else:
            y[place] = multiply(128 * x[place], multiplier, -right)
    return c.clamped(y + c.to_zero)


def relu(c):
    kind = {"RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}[c.type]
    y = multiply(c.centred(0), *quantize_multiplier(c.scale(0) / c.to_scale)) + c.to_zero
    bound = lambda x: c.to_zero + int(round_half_away(F32(x) / c.to_scale))
    low, high = c.bounds
    return numpy.clip(y, max(low, bound(kind[0])), high if kind[1] is None else min(high, bound(kind[1]))).astype(
        c.output.dtype)


def leaky_relu(c):
    x, ratio = c.centred(0), c.scale(0) / c.to_scale
    below = F32(c.scale(0) * F32(c.options["alpha"])) / c.to_scale
    y = numpy.where(x >= 0, multiply(x, *quantize_multiplier(ratio)), multiply(x, *quantize_multiplier(below)))
    return c.clamped(y + c.to_zero)


def prelu(c):
    x, below = c.centred(0), F32(c.scale(0) * c.scale(1)) / c.to_scale
    y = numpy.where(x >= 0, multiply(x, *quantize_multiplier(c.scale(0) / c.to_scale)),
                    multiply(x * c.centred(1), *quantize_multiplier(below)))
    return c.clamped(y + c.to_zero)


def absolute(c):
    x = numpy.abs(c.centred(0))
    if c.scale(0) != c.to_scale:
        x = multiply(x, *quantize_multiplier(float(c.scale(0) / c.to_scale)))
    return c.clamped(x + c.to_zero)


def swish(c):
    return c.clamped(hard_swish(c.centred(0), c.scale(0), c.to_scale) + c.to_zero)


def _erf(x):
    return numpy.array([math.erf(v) for v in x.ravel()]).reshape(x.shape)


# In double, rounded once: the same as a good float32 function but for values a hair from a tie.
FUNCTIONS = {
    "LOGISTIC": lambda x, o: 1 / (1 + numpy.exp(-x)), "TANH": lambda x, o: numpy.tanh(x),
    "EXP": lambda x, o: numpy.exp(x),
    "LOG": lambda x, o: numpy.where(x > 0, numpy.log(numpy.maximum(x, 1e-30)), -1e4),
    "ELU": lambda x, o: numpy.where(x < 0, numpy.expm1(numpy.minimum(x, 0)), x),
    "GELU": lambda x, o: 0.5 * x * (1 + _erf(x / numpy.sqrt(2))) if not o["approximate"] else
            0.5 * x * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x ** 3)))}


def table(c):
    """A float function of every stored value; the result is multiplied by the scale's float32 reciprocal."""
    if c.output.dtype == numpy.int16 and c.type in ("LOGISTIC", "TANH"):
        return c.clamped(sigmoid16(c.centred(0), c.scale(0), c.type == "TANH"))
    if c.output.dtype == numpy.int16:
        function = lambda x: FUNCTIONS[c.type](x.astype(numpy.float64), c.options)
        steps = F32(65536) / (c.to_scale * F32(32767) - c.to_scale * F32(-32768))
        return c.clamped(on_pieces(pieces(function, c.scale(0) * F32(-32768), c.scale(0) * F32(32767), steps), c.centred(0)))
    real = c.scale(0) * c.centred(0).astype(F32)
    y = FUNCTIONS[c.type](real.astype(numpy.float64), c.options).astype(F32)
    return c.clamped(round_half_away(y * (F32(1) / c.to_scale)).astype(numpy.int64) + c.to_zero)


def soft_max(c):
    if c.output.dtype == numpy.int16:
        assert c.to_scale == 2.0 ** -15 and c.to_zero == 0, "SOFTMAX has results of scale 1/32768"
        return softmax16(c.x[0].astype(numpy.int64), c.scale(0), c.options["beta"]).astype(c.output.dtype)
    low = c.bounds[0]
    assert c.to_scale == 1 / 256 and c.to_zero == low, "SOFTMAX has results of scale 1/256"
    return softmax(c.x[0].astype(numpy.int64), c.scale(0), c.options["beta"], low).astype(c.output.dtype)


def log_soft_max(c):
    low = c.bounds[0]
    assert c.to_scale == 1 / 16 and c.to_zero == low + 255, "LOG_SOFTMAX has results of scale 1/16"
    return log_softmax(c.x[0].astype(numpy.int64), c.scale(0), low).astype(c.output.dtype)
