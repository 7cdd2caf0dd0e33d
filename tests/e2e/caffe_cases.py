"""Small Caffe networks of one layer under test, with weights in the format's binary form."""
import numpy


def field(number, payload):
    """A length-delimited field of a protocol buffer."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def stored_layer(name, kind, blobs):
    body = field(1, name.encode()) + field(2, kind.encode())
    for blob in blobs:
        shape = field(7, field(1, b"".join(varint(dim) for dim in blob.shape)))
        body += field(7, field(5, blob.astype("<f4").tobytes()) + shape)
    return field(100, body)


class Case:
    def __init__(self, name, layers, inputs, blobs=None, rows_of_detections=False):
        """`layers` are (name, type, bottoms, fields); each has one top of its own name, the last is compared."""
        self.name, self.output, self.rows_of_detections = name, layers[-1][0], rows_of_detections
        self.inputs = inputs
        self.text = 'name: "case"\n'
        for key, value in inputs.items():
            self.text += 'layer { name: "%s" type: "Input" top: "%s" input_param { shape { %s } } }\n' % (
                key, key, " ".join("dim: %d" % dim for dim in value.shape))
        self.weights = b""
        for layer, kind, bottoms, fields in layers:
            links = " ".join('bottom: "%s"' % bottom for bottom in bottoms)
            self.text += 'layer { name: "%s" type: "%s" %s top: "%s" %s }\n' % (layer, kind, links, layer, fields)
            self.weights += stored_layer(layer, kind, (blobs or {}).get(layer, []))


def cases():
    random = numpy.random.default_rng(3)

    def values(*shape):
        return random.uniform(-1, 1, shape).astype(numpy.float32)

    def one(kind, fields, shape, blobs=(), name=None):
        return Case(name or kind + " " + fields, [("y", kind, ["x"], fields)], {"x": values(*shape)}, {"y": list(blobs)})

    picture = (1, 4, 9, 7)
    yield one("Convolution", "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0 stride_h: 2 "
              "stride_w: 1 group: 2 }", picture, [values(6, 2, 3, 2), values(6)])
    yield one("Convolution", "convolution_param { num_output: 3 kernel_size: 3 pad: 2 dilation: 2 bias_term: false }",
              picture, [values(3, 4, 3, 3)])
    yield one("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4 "
              "bias_term: false }", picture, [values(4, 1, 4, 4)])
    yield one("Deconvolution", "convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 }", picture,
              [values(4, 3, 3, 3), values(3)])
    yield one("InnerProduct", "inner_product_param { num_output: 5 }", picture, [values(5, 252), values(5)])
    for pool in ("MAX", "AVE"):
        for window in ("kernel_size: 3 stride: 2", "kernel_size: 2 stride: 2", "kernel_size: 3 stride: 2 pad: 1",
                       "kernel_size: 3 stride: 1 pad: 1", "global_pooling: true",
                       "kernel_h: 3 kernel_w: 2 stride_h: 3 stride_w: 2"):
            if pool == "AVE" and window == "kernel_size: 3 stride: 2 pad: 1":
                continue  # OpenCV divides the last, cut window differently from Caffe
            yield one("Pooling", "pooling_param { pool: %s %s }" % (pool, window), picture)
    yield one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }", picture)
    yield one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }", picture)
    yield one("BatchNorm", "batch_norm_param { eps: 0.001 }", picture,
              [values(4), abs(values(4)) + 1, numpy.array([2], numpy.float32)])
    yield one("Scale", "scale_param { bias_term: true }", picture, [values(4), values(4)])
    yield one("PReLU", "", picture, [values(4)])
    for kind, fields in (("ReLU", "relu_param { negative_slope: 0.1 }"), ("ReLU6", ""), ("ELU", ""), ("Sigmoid", ""),
                         ("TanH", ""), ("AbsVal", ""), ("BNLL", ""),
                         ("Power", "power_param { power: 2 scale: 0.5 shift: 1 }"),
                         ("Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }"),
                         ("MVN", ""), ("MVN", "mvn_param { across_channels: true normalize_variance: false }"),
                         ("Softmax", ""), ("Softmax", "softmax_param { axis: 2 }"), ("Flatten", ""),
                         ("Flatten", "flatten_param { axis: 2 }"),
                         ("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }"),
                         ("Permute", "permute_param { order: [0, 2, 3, 1] }")):
        yield one(kind, fields, picture)
    yield one("Normalize", "norm_param { across_spatial: false channel_shared: false }", picture, [values(4)])
    yield one("Normalize", "norm_param { across_spatial: true channel_shared: true }", picture, [values(1)])
    yield from joining_cases(values)
    yield detector(values)


def joining_cases(values):
    a, b = values(1, 4, 5, 3), values(1, 4, 5, 3)
    for fields in ("", "eltwise_param { operation: PROD }", "eltwise_param { operation: MAX }",
                   "eltwise_param { coeff: 0.5 coeff: -2 }"):
        yield Case("Eltwise " + fields, [("y", "Eltwise", ["a", "b"], fields)], {"a": a, "b": b})
    yield Case("Concat", [("y", "Concat", ["a", "b"], "concat_param { axis: 2 }")], {"a": a, "b": b})
    yield Case("Crop", [("y", "Crop", ["a", "b"], "crop_param { axis: 2 offset: 1 offset: 0 }")],
               {"a": a, "b": values(1, 4, 3, 2)})
    # In place: what comes before and after.
    yield Case("in place", [("c", "Power", ["a"], "power_param { shift: -0.5 }"),
                            ("y", "Eltwise", ["c", "b"], "")], {"a": a, "b": b})


def detector(values):
    """Priors on two maps and the choice of detections, as single-shot detectors end."""
    inputs = {"data": values(1, 3, 40, 60), "big": values(1, 2, 4, 6), "small": values(1, 2, 2, 3),
              "loc": 0.5 * values(1, 4 * (24 * 4 + 6 * 3)), "conf": values(1, 3 * (24 * 4 + 6 * 3)) / 2 + 0.5}
    layers = [
        ("p0", "PriorBox", ["big", "data"], "prior_box_param { min_size: 8 max_size: 16 aspect_ratio: 2 flip: true "
         "clip: false variance: [0.1, 0.1, 0.2, 0.2] }"),
        ("p1", "PriorBox", ["small", "data"], "prior_box_param { min_size: 20 aspect_ratio: 3 flip: true clip: true "
         "variance: [0.1, 0.1, 0.2, 0.2] step: 20 }"),
        ("priors", "Concat", ["p0", "p1"], "concat_param { axis: 2 }"),
        ("y", "DetectionOutput", ["loc", "conf", "priors"], "detection_output_param { num_classes: 3 "
         "share_location: true background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 50 } "
         "code_type: CENTER_SIZE keep_top_k: 20 confidence_threshold: 0.4 }")]
    return Case("DetectionOutput", layers, inputs, rows_of_detections=True)
