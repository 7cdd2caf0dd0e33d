"""One operator of a TensorFlow Lite file with its tensors: what the numpy kernels are given."""
import numpy

from tflite_file import NONE, RELU, RELU6, RELU_N1_TO_1
from tflite_fixed_point import round_half_away

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
