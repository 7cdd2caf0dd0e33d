"""Layers of TensorFlow Lite that keep a state between runs, on integers: part of tflite_kernels."""
import numpy

from tflite_fixed_point import multiply, quantize_multiplier, rounding_shift, sigmoid_q3, tanh_q

F32 = numpy.float32


def wrapped(sums):
    """Sums as 32 bits hold them."""
    return numpy.asarray(sums).astype(numpy.int64).astype(numpy.uint32).astype(numpy.int32).astype(numpy.int64)


def factor(a, b, result):
    """The multiplier of a sum of products; scales in float32."""
    return quantize_multiplier(F32(F32(a) * F32(b)) / F32(result))


def svdf(c):
    """The state, [batch, filters, memory], loses its oldest feature and gains one."""
    feature, time, state = c.centred(1), c.x[2].astype(numpy.int64), c.inputs[4]
    shape, rank = (len(c.x[0]), *time.shape), c.options["rank"]
    info = numpy.iinfo(state.dtype)
    fresh = multiply(wrapped(c.centred(0) @ feature.T), *factor(c.scale(0), c.scale(1), c.scale(4))) + c.zero(4)
    memory = numpy.concatenate([c.x[4].astype(numpy.int64).reshape(shape)[:, :, 1:],
                                numpy.clip(fresh, info.min, info.max)[:, :, None]], 2)
    sums = ((memory - c.zero(4)) * time).sum(2).reshape(shape[0], -1, rank).sum(2)
    if c.x[3] is not None:
        sums = sums + c.x[3].astype(numpy.int64)
    y = multiply(wrapped(sums), *factor(c.scale(4), c.scale(2), c.to_scale)) + c.to_zero
    c.states[4] = memory.astype(state.dtype).reshape(state.shape)
    return c.clamped(y)


def sequence_lstm(c):
    """A sequence, or one step of LSTM; gates in the order input, forget, cell, output."""
    x = c.centred(0)
    x = x[None] if x.ndim == 2 else x if c.options["time_major"] else x.swapaxes(0, 1)
    h, cell = c.centred(18), c.x[19].astype(numpy.int64)
    exponent = int(numpy.log2(c.scale(19)))
    clip = int(F32(c.options["cell_clip"]) / c.scale(19))
    hidden = c.intermediates[4]  # the result's integers, whatever scale the result has
    to_y = factor(2.0 ** -15, 2.0 ** -15, hidden.scale[0])
    narrow = lambda v: numpy.clip(v, -32768, 32767)

    def gate(g, step):
        driven = wrapped(step @ c.centred(1 + g).T + c.x[12 + g].astype(numpy.int64))
        recurrent = wrapped(h @ c.centred(5 + g).T)
        z = narrow(multiply(driven, *factor(c.scale(1 + g), c.scale(0), 2.0 ** -12)))
        z = narrow(z + multiply(recurrent, *factor(c.scale(5 + g), c.scale(18), 2.0 ** -12)))
        return tanh_q(z, 3) if g == 2 else sigmoid_q3(z)

    rows = []
    for step in x:
        take, keep, fresh, show = (gate(g, step) for g in range(4))
        cell = narrow(rounding_shift(keep * cell, 15) + rounding_shift(take * fresh, 30 + exponent))
        if clip > 0:
            cell = numpy.clip(cell, -clip, clip)
        y = multiply(show * tanh_q(cell, 15 + exponent), *to_y) + int(hidden.zero_point[0])
        rows.append(c.clamped(y))
        h = rows[-1].astype(numpy.int64) - c.zero(18)
    c.states[18], c.states[19] = rows[-1], cell.astype(numpy.int16)
    y = numpy.stack(rows)
    if c.output.shape == rows[-1].shape:
        return rows[-1]
    return y if c.options["time_major"] else y.swapaxes(0, 1)
