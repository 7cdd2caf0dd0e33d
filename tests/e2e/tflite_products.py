"""Convolutions and matrix products of TensorFlow Lite on integers: part of tflite_kernels."""
import numpy

from tflite_file import NONE, SAME
from tflite_fixed_point import multipliers, multiply, multiply_wide

F32 = numpy.float32


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
