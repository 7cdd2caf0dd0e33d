"""The integer operators of TensorFlow Lite in numpy: tflite_file's graphs run as the reference kernels run them."""
import math

import numpy

from tflite_file import NONE, RELU, RELU6, RELU_N1_TO_1, SAME
from tflite_fixed_point import (hard_swish, inverse_square_root, log_softmax, multipliers, multiply, multiply_wide,
                                on_pieces, pieces, quantize_multiplier, quotient, round_half_away, sigmoid16, softmax,
                                softmax16, truncated_quotient)
from tflite_recurrent import sequence_lstm, svdf

F32 = numpy.float32


class Call:
    """One operator with its tensors: `x[i]` are stored integers as int64, or what they are."""

    def __init__(self, operator, tensors, values):
        self.type, self.options = operator.type, operator.options
        self.inputs = [tensors[i] if i >= 0 else None for i in operator.inputs]
        self.output = tensors[operator.outputs[0]]
        self.outputs = [tensors[i] for i in operator.outputs]
        self.x = [None if i < 0 else values[i] for i in operator.inputs]
        self.intermediates = [tensors[i] for i in operator.intermediates]
        self.states = {}  # after the run, by the place of the operand

    def scale(self, i):
        return F32(self.inputs[i].scale[0])

    def zero(self, i):
        return int(self.inputs[i].zero_point[0])

    def centred(self, i):
        return self.x[i].astype(numpy.int64) - self.zero(i)

    @property
    def to_scale(self):
        return F32(self.output.scale[0])

    @property
    def to_zero(self):
        return int(self.output.zero_point[0])

    @property
    def bounds(self):
        info = numpy.iinfo(self.output.dtype)
        return info.min, info.max

    def clamped(self, values, activation=NONE):
        """With the zero point already added; a fused activation in stored integers."""
        low, high = self.bounds
        quantized = lambda x: self.to_zero + int(round_half_away(F32(x) / self.to_scale))
        least, most = {NONE: (None, None), RELU: (0, None), RELU6: (0, 6), RELU_N1_TO_1: (-1, 1)}[activation]
        low = low if least is None else max(low, quantized(least))
        high = high if most is None else min(high, quantized(most))
        return numpy.clip(values, low, high).astype(self.output.dtype)

    def same_scale(self):
        assert all(t.scale[0] == self.output.scale[0] and t.zero_point[0] == self.output.zero_point[0]
                   for t in self.inputs if t is not None and t.quantized), self.type + " needs one scale"


# --- convolutions and products

def pads(size, kernel, stride, dilation, padding):
    """What stands before and after, and how many windows there are."""
    span = (kernel - 1) * dilation + 1
    if padding != SAME:
        return 0, 0, (size - span) // stride + 1
    count = -(-size // stride)
    total = max((count - 1) * stride + span - size, 0)
    return total // 2, total - total // 2, count


def windows(x, kernel, c, fill):
    """x [N, H, W, C] as [N, y, x, kh, kw, C]; outside it holds `fill`."""
    o = c.options
    steps = [(o["stride_h"], o.get("dilation_h", 1)), (o["stride_w"], o.get("dilation_w", 1))]
    axes = [pads(x.shape[i + 1], kernel[i], *steps[i], o["padding"]) for i in range(2)]
    x = numpy.pad(x, [(0, 0), axes[0][:2], axes[1][:2], (0, 0)], constant_values=fill)
    rows, columns = ([numpy.arange(axes[i][2])[:, None] * steps[i][0] + numpy.arange(kernel[i]) * steps[i][1]]
                     for i in range(2))
    return x[:, rows[0][:, None, :, None], columns[0][None, :, None, :]]


def requantized(c, sums, bias, activation, x=0, w=1):
    """Sums [.., O] plus the bias under one multiplier, or one per channel."""
    if bias is not None:
        sums = sums + bias.astype(numpy.int64)
    scales = c.inputs[w].scale
    if c.output.dtype == numpy.uint8 or (len(scales) == 1 and c.type in ("FULLY_CONNECTED", "BATCH_MATMUL")):
        # These multiply the scales of the operands in float32.
        real = [float(F32(c.scale(x) * F32(scales[0]))) / float(c.to_scale)]
    else:
        real = [float(c.scale(x)) * float(s) / float(c.to_scale) for s in scales]
    # 16-bit operands are summed in 64 bits, unless a bias of 32 says otherwise.
    wide = c.output.dtype == numpy.int16 and (bias is None or bias.dtype != numpy.int32)
    scaled = (multiply_wide if wide else multiply)(sums, *multipliers(real))
    return c.clamped(scaled + c.to_zero, activation)


def exact_product(a, b):
    """Of integers below 2^26 with sums below 2^53: exact in double, and fast."""
    return numpy.rint(a.astype(numpy.float64) @ b.astype(numpy.float64)).astype(numpy.int64)


def third(c):
    return c.x[2] if len(c.x) > 2 else None


def conv_2d(c):
    w = c.centred(1) if len(c.inputs[1].zero_point) == 1 else c.x[1].astype(numpy.int64)
    patches = windows(c.centred(0), w.shape[1:3], c, 0)
    sums = exact_product(patches.reshape(*patches.shape[:3], -1), w.reshape(w.shape[0], -1).T)
    return requantized(c, sums, third(c), c.options["activation"])


def depthwise_conv_2d(c):
    w = c.centred(1) if len(c.inputs[1].zero_point) == 1 else c.x[1].astype(numpy.int64)
    patches = windows(c.centred(0), w.shape[1:3], c, 0)
    multiplier = w.shape[3] // patches.shape[5]
    sums = (numpy.repeat(patches, multiplier, 5) * w[0]).sum((3, 4))
    return requantized(c, sums, third(c), c.options["activation"])


def transpose_conv(c):
    x, w = c.centred(2), c.centred(1) if len(c.inputs[1].zero_point) == 1 else c.x[1].astype(numpy.int64)
    o, shape = c.options, [int(d) for d in c.x[0]]
    before = [pads(shape[i + 1], w.shape[i + 1], o["stride_" + "hw"[i]], 1, o["padding"])[0] for i in range(2)]
    sums = numpy.zeros(shape, numpy.int64)
    for y, row in enumerate(numpy.moveaxis(x, 1, 0)):
        for column in range(x.shape[2]):
            spread = numpy.einsum("nc,ohwc->nhwo", row[:, column], w)
            top, left = y * o["stride_h"] - before[0], column * o["stride_w"] - before[1]
            rows, columns = (slice(max(a, 0), min(a + w.shape[i + 1], shape[i + 1])) for i, a in
                             enumerate((top, left)))
            sums[:, rows, columns] += spread[:, rows.start - top:rows.stop - top, columns.start - left:columns.stop - left]
    return requantized(c, sums, c.x[3] if len(c.x) > 3 else None, o.get("activation", NONE), x=2)


def fully_connected(c):
    w = c.centred(1) if len(c.inputs[1].zero_point) == 1 else c.x[1].astype(numpy.int64)
    sums = exact_product(c.centred(0).reshape(-1, w.shape[1]), w.T)
    return requantized(c, sums, third(c), c.options["activation"]).reshape(c.output.shape)


def batch_matmul(c):
    a, b = c.centred(0), c.centred(1)
    a = numpy.swapaxes(a, -1, -2) if c.options["adj_x"] else a
    b = numpy.swapaxes(b, -1, -2) if c.options["adj_y"] else b
    return requantized(c, exact_product(a, b), None, NONE)


# --- elements

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


# --- windows, means, pictures

def average_pool_2d(c):
    c.same_scale()
    kernel = (c.options["filter_h"], c.options["filter_w"])
    count = windows(numpy.ones_like(c.x[0], numpy.int64), kernel, c, 0).sum((3, 4))
    total = windows(c.x[0].astype(numpy.int64), kernel, c, 0).sum((3, 4))
    mean = truncated_quotient(total + numpy.where(total > 0, count // 2, -(count // 2)), count)
    return c.clamped(mean, c.options["activation"])


def max_pool_2d(c):
    c.same_scale()
    kernel = (c.options["filter_h"], c.options["filter_w"])
    return c.clamped(windows(c.x[0].astype(numpy.int64), kernel, c, c.bounds[0]).max((3, 4)), c.options["activation"])


def mean(c):
    """The reciprocal of the count becomes part of the multiplier, cut off below its last bit."""
    axes = tuple(int(a) % c.x[0].ndim for a in numpy.atleast_1d(c.x[1]))
    count = int(numpy.prod([c.x[0].shape[a] for a in axes]))
    multiplier, shift = quantize_multiplier(float(c.scale(0)) / float(c.to_scale))
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    total = c.centred(0).sum(axes, keepdims=bool(c.options["keep_dims"]))
    return c.clamped(multiply(total, (multiplier << extra) // count, shift - extra) + c.to_zero)


def reduced_sum(c):
    axes = tuple(int(a) % c.x[0].ndim for a in numpy.atleast_1d(c.x[1]))
    total = c.centred(0).sum(axes, keepdims=bool(c.options["keep_dims"]))
    return c.clamped(multiply(total, *quantize_multiplier(float(c.scale(0)) / float(c.to_scale))) + c.to_zero)


def reduced_product(c):
    """One factor after the other, each product scaled by the n-th part of the whole factor."""
    axes = tuple(int(a) % c.x[0].ndim for a in numpy.atleast_1d(c.x[1]))
    rows = numpy.moveaxis(c.centred(0), axes, range(len(axes)))
    rows = rows.reshape(-1, *rows.shape[len(axes):])
    factor = quantize_multiplier(float(c.scale(0)) / float(c.to_scale) ** (1.0 / len(rows)))
    product = rows[0]
    for row in rows[1:]:
        product = multiply_wide(product * row, *factor)
        assert numpy.abs(product).max() < 1 << 31, "a product beyond 32 bits"
    return c.clamped(multiply_wide(product, *factor) + c.to_zero).reshape(c.output.shape)


def reduced_extremum(c):
    c.same_scale()
    axes = tuple(int(a) for a in numpy.atleast_1d(c.x[1]))
    extremum_of = c.x[0].max if c.type == "REDUCE_MAX" else c.x[0].min
    return extremum_of(axes, keepdims=bool(c.options["keep_dims"]))


def corners(size, count, align, half):
    """Per output place twice: the lower and the upper neighbour and the way to the lower one in 1024ths."""
    step = (1024 * size + count // 2) // count
    if align and count > 1:
        step = (1024 * (size - 1) + (count - 1) // 2) // (count - 1)
    place = numpy.arange(count) * step + (step // 2 - 512 if half else 0)
    low = numpy.maximum(truncated_quotient(place, 1024), 0)
    high = numpy.minimum(truncated_quotient(place + 1023, 1024), size - 1)
    return low, high, place - 1024 * low


def resize_int8(c, x, shape):
    o = c.options
    y0, y1, dy = corners(x.shape[1], shape[0], o["align_corners"], o["half_pixel_centers"])
    x0, x1, dx = corners(x.shape[2], shape[1], o["align_corners"], o["half_pixel_centers"])
    dy, dx = dy[:, None, None], dx[:, None]
    pick = lambda rows, columns: x[:, rows[:, None], columns].astype(numpy.int64)
    total = (pick(y0, x0) * (1024 - dy) * (1024 - dx) + pick(y1, x0) * dy * (1024 - dx)
             + pick(y0, x1) * (1024 - dy) * dx + pick(y1, x1) * dy * dx)
    return truncated_quotient(total + numpy.where(total > 0, 1 << 19, -(1 << 19)), 1 << 20)


def float_corners(size, count, align, half):
    step = F32(size) / F32(count)
    if align and count > 1:
        step = F32(size - 1) / F32(count - 1)
    at = numpy.arange(count).astype(F32)
    place = (at + F32(0.5)) * step - F32(0.5) if half else at * step
    low = numpy.maximum(numpy.floor(place).astype(numpy.int64), 0)
    return low, numpy.minimum(numpy.ceil(place).astype(numpy.int64), size - 1), place - low.astype(F32)


def resize_uint8(c, x, shape):
    """Float32, one product and one sum after the other, and a half before the fraction is cut off."""
    o = c.options
    y0, y1, dy = float_corners(x.shape[1], shape[0], o["align_corners"], o["half_pixel_centers"])
    x0, x1, dx = float_corners(x.shape[2], shape[1], o["align_corners"], o["half_pixel_centers"])
    dy, dx, one = dy[:, None, None], dx[:, None], F32(1)
    pick = lambda rows, columns: x[:, rows[:, None], columns].astype(F32)
    total = pick(y0, x0) * (one - dy) * (one - dx) + pick(y1, x0) * dy * (one - dx)
    total = total + pick(y0, x1) * (one - dy) * dx
    total = total + pick(y1, x1) * dy * dx
    return numpy.trunc(total + F32(0.5))


def resize_bilinear(c):
    c.same_scale()
    form = resize_uint8 if c.output.dtype == numpy.uint8 else resize_int8
    return form(c, c.x[0], [int(v) for v in c.x[1]]).astype(c.output.dtype)


def resize_nearest(c):
    o, x = c.options, c.x[0]

    def places(size, count):
        step = F32(size - 1) / F32(count - 1) if o["align_corners"] and count > 1 else F32(size) / F32(count)
        at = (numpy.arange(count).astype(F32) + F32(0.5 if o["half_pixel_centers"] else 0)) * step
        at = round_half_away(at) if o["align_corners"] else numpy.floor(at)
        return numpy.clip(at.astype(numpy.int64), 0, size - 1)

    return x[:, places(x.shape[1], int(c.x[1][0]))][:, :, places(x.shape[2], int(c.x[1][1]))]


# --- between scales

def quantize(c):
    if c.inputs[0].dtype == numpy.float32:
        return c.clamped(round_half_away(c.x[0] / c.to_scale).astype(numpy.float64) + c.to_zero)
    real = float(c.scale(0)) / float(c.to_scale)
    return c.clamped(multiply(c.centred(0), *quantize_multiplier(real)) + c.to_zero)


def dequantize(c):
    if c.inputs[0].dtype == numpy.float16:
        return c.x[0].astype(F32)
    return (c.centred(0).astype(F32) * c.scale(0)).astype(F32)


def concatenation(c):
    parts = []
    for i, x in enumerate(c.x):
        if c.inputs[i].quantized and (c.scale(i) != c.to_scale or c.zero(i) != c.to_zero):
            assert c.output.dtype == numpy.uint8, "only unsigned operands may differ in scale"
            ratio = c.scale(i) * (F32(1) / c.to_scale)
            x = round_half_away(x.astype(F32) * ratio + F32(-c.zero(i)) * ratio) + c.to_zero
            x = numpy.clip(x, *c.bounds).astype(c.output.dtype)
        parts.append(x)
    return numpy.concatenate(parts, c.options["axis"])


# --- integers that only move

def padded(c):
    c.same_scale()
    value = c.x[2].item() if len(c.x) > 2 else c.to_zero if c.output.quantized else 0
    return numpy.pad(c.x[0], c.x[1].reshape(-1, 2), constant_values=value)


def strided_slice(c):
    begin, end, step = (v.tolist() for v in c.x[1:4])
    o, index = c.options, []
    assert not o["ellipsis_mask"] and not o["new_axis_mask"]
    for i, s in enumerate(step):
        if o["shrink_axis_mask"] >> i & 1:
            index.append(begin[i])
            continue
        index.append(slice(None if o["begin_mask"] >> i & 1 else begin[i], None if o["end_mask"] >> i & 1 else end[i], s))
    return c.x[0][tuple(index)]


def sliced(c):
    return c.x[0][tuple(slice(b, None if s < 0 else b + s) for b, s in zip(c.x[1].tolist(), c.x[2].tolist()))]


def top_k(c):
    """The largest, equal ones by place."""
    return numpy.sort(c.x[0], -1)[..., ::-1][..., :int(c.x[1])]


def reversed_sequence(c):
    """Of one length: the first places along an axis turn round."""
    x, axis, length = c.x[0], c.options["seq_dim"], int(c.x[1][0])
    front, rest = numpy.split(x, [length], axis)
    return numpy.concatenate([numpy.flip(front, axis), rest], axis)


KERNELS = {
    "CONV_2D": conv_2d, "DEPTHWISE_CONV_2D": depthwise_conv_2d, "TRANSPOSE_CONV": transpose_conv,
    "FULLY_CONNECTED": fully_connected, "BATCH_MATMUL": batch_matmul, "ADD": add, "SUB": add, "MUL": mul,
    "MAXIMUM": extremum, "MINIMUM": extremum, "RELU": relu, "RELU6": relu, "RELU_N1_TO_1": relu, "RELU_0_TO_1": relu,
    "LEAKY_RELU": leaky_relu, "PRELU": prelu, "ABS": absolute, "HARD_SWISH": swish, "SOFTMAX": soft_max,
    "AVERAGE_POOL_2D": average_pool_2d, "MAX_POOL_2D": max_pool_2d, "MEAN": mean, "SUM": reduced_sum, "REDUCE_PROD": reduced_product,
    "REDUCE_MAX": reduced_extremum, "REDUCE_MIN": reduced_extremum, "SQUARED_DIFFERENCE": squared_difference, "DIV": div,
    "RSQRT": rsqrt, "SQRT": sqrt, "L2_NORMALIZATION": l2_normalization, "LOG_SOFTMAX": log_soft_max,
   
    "RESIZE_BILINEAR": resize_bilinear, "RESIZE_NEAREST_NEIGHBOR": resize_nearest, "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize, "CONCATENATION": concatenation, "PAD": padded, "PADV2": padded,
    "STRIDED_SLICE": strided_slice, "SLICE": sliced,
    "RESHAPE": lambda c: c.x[0].reshape(c.output.shape), "SQUEEZE": lambda c: c.x[0].reshape(c.output.shape),
    "EXPAND_DIMS": lambda c: c.x[0].reshape(c.output.shape), "TRANSPOSE": lambda c: c.x[0].transpose(c.x[1]),
    "ARG_MAX": lambda c: c.x[0].argmax(int(numpy.ravel(c.x[1])[0])).astype(c.output.dtype),
    "LSTM": sequence_lstm, "SVDF": svdf, "UNIDIRECTIONAL_SEQUENCE_LSTM": sequence_lstm,
    "ARG_MIN": lambda c: c.x[0].argmin(int(numpy.ravel(c.x[1])[0])).astype(c.output.dtype),
    "UNPACK": lambda c: [numpy.take(c.x[0], i, c.options["axis"]) for i in range(len(c.outputs))],
    "CAST": lambda c: c.x[0].astype(c.output.dtype), "FLOOR_DIV": lambda c: c.x[0] // c.x[1],
    "PACK": lambda c: numpy.stack(c.x, c.options["axis"]),
    "GATHER": lambda c: numpy.take(c.x[0], c.x[1], c.options["axis"]),
    "GATHER_ND": lambda c: c.x[0][tuple(numpy.moveaxis(c.x[1], -1, 0))], "TILE": lambda c: numpy.tile(c.x[0], c.x[1]),
    "REVERSE_V2": lambda c: numpy.flip(c.x[0], tuple(c.x[1])), "REVERSE_SEQUENCE": reversed_sequence,
    "SELECT_V2": lambda c: numpy.where(c.x[0], c.x[1], c.x[2]), "TOPK_V2": top_k,
    **{name: compare for name in COMPARISONS},
    **{name: table for name in FUNCTIONS},
}


def run(graph, inputs):
    """Every tensor of the graph by its place, and states after the run by "NAME/next"; `inputs` in the graph's order."""
    values = {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    values.update({i: numpy.full(t.shape, t.zero_point[0], t.dtype) for i, t in enumerate(graph.tensors) if t.variable})
    values.update(zip(graph.inputs, inputs))
    for operator in graph.operators:
        if operator.type not in KERNELS:
            raise NotImplementedError(operator.type)
        call = Call(operator, graph.tensors, values)
        results = KERNELS[operator.type](call)
        results = results if isinstance(results, list) else [results]
        for place, tensor, result in zip(operator.outputs, call.outputs, results):
            assert result.shape == tensor.shape, (operator.type, result.shape, tensor.shape)
            values[place] = result
        values.update({call.inputs[i].name + "/next": state for i, state in call.states.items()})
    return values
