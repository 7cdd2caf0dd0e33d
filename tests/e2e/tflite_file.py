"""TensorFlow Lite files read and written with nothing but the public FlatBuffers rules: a table starts with the way
back to its vtable, a vtable holds one 16-bit place per field, a reference is a 32-bit way forward."""
import struct
from dataclasses import dataclass, field

import numpy

DTYPES = {0: "f4", 1: "f2", 2: "i4", 3: "u1", 4: "i8", 6: "?", 7: "i2", 9: "i1"}
CODES = {numpy.dtype(name): code for code, name in DTYPES.items()}
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = 0, 1, 2, 3, 4

# Per operator its code, the number of its option table, and the table's fields: name, slot, format, default.
WINDOW = [("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0)]
ACTIVATION = [("activation", 0, "b", 0)]
REDUCER = [("keep_dims", 0, "b", 0)]
POOL = WINDOW + [("filter_w", 3, "i", 0), ("filter_h", 4, "i", 0), ("activation", 5, "b", 0)]
OPERATORS = {
    "ADD": (0, 11, ACTIVATION + [("pot_scale_int16", 1, "b", 1)]), "AVERAGE_POOL_2D": (1, 5, POOL),
    "CONCATENATION": (2, 10, [("axis", 0, "i", 0), ("activation", 1, "b", 0)]),
    "CONV_2D": (3, 1, WINDOW + [("activation", 3, "b", 0), ("dilation_w", 4, "i", 1), ("dilation_h", 5, "i", 1),
                                 ("quantized_bias_type", 6, "b", 0)]),
    "DEPTHWISE_CONV_2D": (4, 2, WINDOW + [("depth_multiplier", 3, "i", 0), ("activation", 4, "b", 0),
                                          ("dilation_w", 5, "i", 1), ("dilation_h", 6, "i", 1)]),
    "DEQUANTIZE": (6, 0, []), "LOGISTIC": (14, 0, []), "MAX_POOL_2D": (17, 5, POOL), "MUL": (18, 21, ACTIVATION),
    "FULLY_CONNECTED": (9, 8, [("activation", 0, "b", 0), ("weights_format", 1, "b", 0), ("keep_num_dims", 2, "b", 0),
                                ("quantized_bias_type", 4, "b", 0)]),
    "RELU": (19, 0, []), "RELU_N1_TO_1": (20, 0, []), "RELU6": (21, 0, []), "RESHAPE": (22, 17, []),
    "RESIZE_BILINEAR": (23, 15, [("align_corners", 2, "b", 0), ("half_pixel_centers", 3, "b", 0)]),
    "SVDF": (27, 6, [("rank", 0, "i", 0), ("activation", 1, "b", 0)]),
    "LSTM": (16, 14, [("activation", 0, "b", 0), ("cell_clip", 1, "f", 0), ("proj_clip", 2, "f", 0)]),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (44, 71, [("activation", 0, "b", 0), ("cell_clip", 1, "f", 0), ("proj_clip", 2, "f", 0),
                                              ("time_major", 3, "b", 0)]),
    "SOFTMAX": (25, 9, [("beta", 0, "f", 0)]), "TANH": (28, 0, []), "PAD": (34, 0, []),
    "GATHER": (36, 23, [("axis", 0, "i", 0), ("batch_dims", 1, "i", 0)]),
    "BATCH_TO_SPACE_ND": (37, 0, []), "SPACE_TO_BATCH_ND": (38, 0, []), "TRANSPOSE": (39, 0, []),
    "MEAN": (40, 27, REDUCER), "SUB": (41, 28, ACTIVATION + [("pot_scale_int16", 1, "b", 1)]), "SQUEEZE": (43, 30, []), "EXP": (47, 0, []),
    "STRIDED_SLICE": (45, 32, [("begin_mask", 0, "i", 0), ("end_mask", 1, "i", 0), ("ellipsis_mask", 2, "i", 0),
                               ("new_axis_mask", 3, "i", 0), ("shrink_axis_mask", 4, "i", 0)]),
    "CAST": (53, 0, []), "PRELU": (54, 0, []), "MAXIMUM": (55, 0, []),
    "ARG_MAX": (56, 40, [("output_type", 0, "b", 0)]), "MINIMUM": (57, 0, []),
    "PADV2": (60, 0, []), "SLICE": (65, 0, []),
    "TRANSPOSE_CONV": (67, 49, WINDOW + [("activation", 3, "b", 0)]),
    "EXPAND_DIMS": (70, 0, []), "LOG": (73, 0, []), "SUM": (74, 27, REDUCER), "SQRT": (75, 0, []),
    "RSQRT": (76, 0, []), "L2_NORMALIZATION": (11, 12, ACTIVATION), "DIV": (42, 29, ACTIVATION), "TOPK_V2": (48, 0, []),
    "LOG_SOFTMAX": (50, 0, []), "LESS": (58, 0, []), "GREATER": (61, 0, []), "GREATER_EQUAL": (62, 0, []),
    "LESS_EQUAL": (63, 0, []), "EQUAL": (71, 0, []), "NOT_EQUAL": (72, 0, []), "TILE": (69, 0, []),
    "ARG_MIN": (79, 57, [("output_type", 0, "b", 0)]), "REDUCE_PROD": (81, 27, REDUCER), "REDUCE_MAX": (82, 27, REDUCER),
    "REDUCE_MIN": (89, 27, REDUCER), "SQUARED_DIFFERENCE": (99, 0, []), "SELECT_V2": (123, 0, []), "REVERSE_V2": (105, 0, []),
    "REVERSE_SEQUENCE": (112, 87, [("seq_dim", 0, "i", 0), ("batch_dim", 1, "i", 0)]),
    "PACK": (83, 59, [("values_count", 0, "i", 0), ("axis", 1, "i", 0)]),
    "UNPACK": (88, 64, [("num", 0, "i", 0), ("axis", 1, "i", 0)]), "FLOOR_DIV": (90, 0, []), "SPLIT": (49, 35, []), "SPLIT_V": (102, 79, []),
    "RESIZE_NEAREST_NEIGHBOR": (97, 74, [("align_corners", 0, "b", 0), ("half_pixel_centers", 1, "b", 0)]),
    "LEAKY_RELU": (98, 75, [("alpha", 0, "f", 0)]), "ABS": (101, 0, []), "GATHER_ND": (107, 0, []), "ELU": (111, 0, []),
    "QUANTIZE": (114, 0, []), "HARD_SWISH": (117, 0, []),
    "BATCH_MATMUL": (126, 101, [("adj_x", 0, "b", 0), ("adj_y", 1, "b", 0)]),
    "GELU": (150, 116, [("approximate", 0, "b", 0)]), "RELU_0_TO_1": (152, 0, []),
}
NAMES = {code: name for name, (code, _, _) in OPERATORS.items()}


@dataclass
class Tensor:
    name: str
    shape: tuple
    dtype: numpy.dtype
    scale: numpy.ndarray = field(default_factory=lambda: numpy.zeros(0, "f4"))
    zero_point: numpy.ndarray = field(default_factory=lambda: numpy.zeros(0, "i8"))
    axis: int = 0
    data: numpy.ndarray = None  # of a constant
    variable: bool = False      # outlives a run

    @property
    def quantized(self):
        return len(self.scale) > 0 and self.dtype != numpy.float32


@dataclass
class Operator:
    type: str
    inputs: list   # places in the list of tensors, -1: left out
    outputs: list
    options: dict = field(default_factory=dict)
    intermediates: list = field(default_factory=list)  # tensors that only carry scales


@dataclass
class Graph:
    tensors: list
    operators: list
    inputs: list
    outputs: list


class Table:
    """A table of a file; slots that are not there give the default."""

    def __init__(self, data, at):
        self.data, self.at = data, at
        self.vtable = at - struct.unpack_from("<i", data, at)[0]
        self.slots = (struct.unpack_from("<H", data, self.vtable)[0] - 4) // 2

    def _place(self, slot):
        if slot >= self.slots:
            return 0
        offset = struct.unpack_from("<H", self.data, self.vtable + 4 + 2 * slot)[0]
        return self.at + offset if offset else 0

    def scalar(self, slot, form, default=0):
        place = self._place(slot)
        return struct.unpack_from("<" + form, self.data, place)[0] if place else default

    def _target(self, slot):
        place = self._place(slot)
        return place + struct.unpack_from("<I", self.data, place)[0] if place else 0

    def table(self, slot):
        target = self._target(slot)
        return Table(self.data, target) if target else None

    def vector(self, slot, dtype):
        target = self._target(slot)
        if not target:
            return numpy.zeros(0, dtype)
        count = struct.unpack_from("<I", self.data, target)[0]
        return numpy.frombuffer(self.data, numpy.dtype(dtype).newbyteorder("<"), count, target + 4)

    def tables(self, slot):
        target = self._target(slot)
        count = struct.unpack_from("<I", self.data, target)[0] if target else 0
        places = [target + 4 + 4 * i for i in range(count)]
        return [Table(self.data, p + struct.unpack_from("<I", self.data, p)[0]) for p in places]

    def text(self, slot):
        return self.vector(slot, "u1").tobytes().decode()


def _tensor(table, buffers):
    dtype = numpy.dtype(DTYPES[table.scalar(1, "b")])
    tensor = Tensor(table.text(3), tuple(int(d) for d in table.vector(0, "i4")), dtype, variable=table.scalar(5, "?", False))
    quantization = table.table(4)
    if quantization:
        tensor.scale, tensor.zero_point = quantization.vector(2, "f4"), quantization.vector(3, "i8")
        tensor.axis = quantization.scalar(6, "i")
    data = buffers[table.scalar(2, "I")].vector(0, "u1")
    if len(data):
        tensor.data = data.view(dtype).reshape(tensor.shape)
    return tensor


def _operator(table, codes):
    code = codes[table.scalar(0, "I")]
    name = NAMES.get(code, "operator %d" % code)
    options = table.table(4)
    values = {key: options.scalar(slot, form, default) if options else default
              for key, slot, form, default in OPERATORS.get(name, (0, 0, []))[2]}
    return Operator(name, table.vector(1, "i4").tolist(), table.vector(2, "i4").tolist(), values,
                    table.vector(8, "i4").tolist())


def read(path):
    """The first graph of a file."""
    with open(path, "rb") as file:
        data = file.read()
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [max(t.scalar(0, "b"), t.scalar(3, "i")) for t in model.tables(1)]
    graph, buffers = model.tables(2)[0], model.tables(4)
    return Graph([_tensor(t, buffers) for t in graph.tables(0)], [_operator(t, codes) for t in graph.tables(3)],
                 graph.vector(1, "i4").tolist(), graph.vector(2, "i4").tolist())


class Writer:
    """Appends tables; what a table refers to comes behind it and is filled in afterwards."""

    def __init__(self):
        self.data = bytearray()

    def align(self, size, ahead=0):
        self.data += bytes(-(len(self.data) + ahead) % size)

    def refer(self, place, write):
        """The reference at `place` leads to what `write` appends; it returns where that is."""
        target = write()
        struct.pack_into("<I", self.data, place, target - place)

    def vector(self, values):
        self.align(16, ahead=4)
        place = len(self.data)
        self.data += struct.pack("<I", values.size) + values.astype(values.dtype.newbyteorder("<")).tobytes()
        return place

    def text(self, text):
        place = self.vector(numpy.frombuffer(text.encode(), "u1"))
        self.data += b"\0"
        return place

    def tables(self, rows):
        self.align(4)
        place = len(self.data)
        self.data += struct.pack("<I", len(rows)) + bytes(4 * len(rows))
        for i, row in enumerate(rows):
            self.refer(place + 4 + 4 * i, lambda fields=row: self.table(fields))
        return place

    def table(self, fields):
        """`fields`: slot -> ("form", number), a text, an array, a list of tables' fields, or one table's fields."""
        count = max(fields, default=-1) + 1
        self.align(8)
        vtable = len(self.data)
        places, size = {}, 4
        for slot, value in sorted(fields.items()):
            width = struct.calcsize(value[0]) if isinstance(value, tuple) else 4
            size += -size % width
            places[slot] = size
            size += width
        self.data += struct.pack("<HH", 4 + 2 * count, size) + b"".join(
            struct.pack("<H", places.get(slot, 0)) for slot in range(count))
        self.align(8)
        at = len(self.data)
        self.data += struct.pack("<i", at - vtable) + bytes(size - 4)
        for slot, value in sorted(fields.items()):
            self._fill(at + places[slot], value)
        return at

    def _fill(self, place, value):
        if isinstance(value, tuple):
            struct.pack_into("<" + value[0], self.data, place, value[1])
        elif isinstance(value, str):
            self.refer(place, lambda: self.text(value))
        elif isinstance(value, numpy.ndarray):
            self.refer(place, lambda: self.vector(value))
        elif isinstance(value, list):
            self.refer(place, lambda: self.tables(value))
        else:
            self.refer(place, lambda: self.table(value))


def _tensor_fields(tensor, buffer):
    fields = {0: numpy.array(tensor.shape, "i4"), 1: ("b", CODES[numpy.dtype(tensor.dtype)]), 2: ("I", buffer),
              3: tensor.name, 5: ("?", tensor.variable)}
    if len(tensor.scale):
        fields[4] = {2: numpy.asarray(tensor.scale, "f4"), 3: numpy.asarray(tensor.zero_point, "i8"),
                     6: ("i", tensor.axis)}
    return fields


def _operator_fields(operator, index):
    _, number, schema = OPERATORS[operator.type]
    fields = {0: ("I", index), 1: numpy.array(operator.inputs, "i4"), 2: numpy.array(operator.outputs, "i4")}
    if number:
        fields[3] = ("B", number)
        fields[4] = {slot: (form, operator.options[key]) for key, slot, form, _ in schema if key in operator.options}
    if operator.intermediates:
        fields[8] = numpy.array(operator.intermediates, "i4")
    return fields


def write(path, graph):
    buffers = [{}] + [{0: numpy.ascontiguousarray(t.data).view("u1").ravel()} for t in graph.tensors if t.data is not None]
    tensors, used = [], 0
    for tensor in graph.tensors:
        used += tensor.data is not None
        tensors.append(_tensor_fields(tensor, used if tensor.data is not None else 0))
    types = sorted({o.type for o in graph.operators})
    codes = [{0: ("b", min(OPERATORS[t][0], 127)), 2: ("i", 1), 3: ("i", OPERATORS[t][0])} for t in types]
    subgraph = {0: tensors, 1: numpy.array(graph.inputs, "i4"), 2: numpy.array(graph.outputs, "i4"),
                3: [_operator_fields(o, types.index(o.type)) for o in graph.operators]}
    writer = Writer()
    writer.data += b"\0\0\0\0TFL3"
    writer.refer(0, lambda: writer.table({0: ("I", 3), 1: codes, 2: [subgraph], 4: buffers}))
    with open(path, "wb") as file:
        file.write(writer.data)
