"""The integer operators of TensorFlow Lite in numpy: tflite_file's graphs run as the reference kernels run them."""
import numpy

from tflite_call import Call
from tflite_elements import (COMPARISONS, FUNCTIONS, absolute, add, compare, div, extremum, l2_normalization,
                             leaky_relu, log_soft_max, mul, prelu, relu, rsqrt, soft_max, sqrt, squared_difference,
                             swish, table)
from tflite_fixed_point import multiply, quantize_multiplier, round_half_away
from tflite_products import batch_matmul, conv_2d, depthwise_conv_2d, fully_connected, transpose_conv
from tflite_recurrent import sequence_lstm, svdf
from tflite_windows import (average_pool_2d, max_pool_2d, mean, reduced_extremum, reduced_product, reduced_sum,
                            resize_bilinear, resize_nearest)

F32 = numpy.float32

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
