"""Windows, reductions and pictures of TensorFlow Lite on integers: part of tflite_kernels."""
import numpy

from tflite_fixed_point import multiply, multiply_wide, quantize_multiplier, round_half_away, truncated_quotient
from tflite_products import windows

F32 = numpy.float32


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
