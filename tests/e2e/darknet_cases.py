"""Small Darknet networks that end in one layer under test, with their weights."""
import struct

import numpy

PICTURE = [1, 4, 10, 12]
NET = "[net]\nwidth=12\nheight=10\nchannels=4\n"
CONV = "[convolutional]\nfilters=%d\nsize=%d\nstride=%d\npad=1\nbatch_normalize=%d\nactivation=%s\n"


class Case:
    def __init__(self, name, layers, count, output, opencv_output, columns=None):
        """`count` floats in the .weights. OpenCV numbers activations one higher than the layer that they belong to.
        `columns` of rows of boxes are compared; only by its name in --outputs is a head decoded."""
        self.name, self.text, self.output, self.opencv_output = name, NET + layers, output, opencv_output
        self.columns, self.flags = columns, ["--outputs", output] if columns else []
        numbers = numpy.random.default_rng(5).uniform(0.1, 1, count).astype("<f4")  # variances are positive
        self.weights = struct.pack("<3iq", 0, 2, 5, 0) + numbers.tobytes()

    def comparable(self, ours, theirs):
        if not self.columns:
            return ours, theirs
        ours = ours.reshape(-1, ours.shape[-1]).copy()
        ours[:, 5:] *= ours[:, 4:5]  # as OpenCV's class scores are
        return ours[:, :self.columns], theirs[:, :self.columns]


def cases():
    def conv(filters, size=3, stride=1, norm=1, activation="linear", channels=4, more=""):
        count = filters * channels * size * size + filters * (4 if norm else 1)
        return CONV % (filters, size, stride, norm, activation) + more, count

    for activation in ("leaky", "mish", "swish", "logistic", "tanh"):
        text, count = conv(6, activation=activation)
        yield Case("convolutional " + activation, text, count, activation + "_0", activation + "_1")
    text, count = conv(6, stride=2, norm=0)
    yield Case("convolutional stride 2", text, count, "conv_0", "conv_0")
    text, _ = conv(4, more="groups=4\n")
    yield Case("convolutional depthwise", text, 4 * 9 + 16, "bn_0", "bn_0")
    for layer, names in (("[maxpool]\nsize=2\nstride=2\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=3\nstride=2\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=2\nstride=1\n", "maxpool_1 pool_1"),
                         ("[maxpool]\nsize=5\nstride=1\n", "maxpool_1 pool_1"),
                         ("[avgpool]\n", "avgpool_1 avgpool_1"),
                         ("[upsample]\nstride=2\n", "upsample_1 upsample_1"),
                         ("[reorg]\nstride=2\n", "reorg_1 reorg_1"),
                         ("[route]\nlayers=-1\ngroups=2\ngroup_id=1\n", "route_1 slice_1"),
                         ("[avgpool]\n[softmax]\n", "softmax_2 softmax_2"),
                         ("[connected]\noutput=7\nactivation=linear\n", "connected_1 fullyConnected_1")):
        text, count = conv(8, norm=0)
        if "connected" in layer:
            count += 7 * (8 * 120 + 1)
        yield Case(" ".join(layer.split("\n")[:2]), text + layer, count, *names.split())
    first, count = conv(8, norm=0)
    second, more = conv(8, norm=0, channels=8)
    yield Case("[shortcut]", first + second + "[shortcut]\nfrom=-2\nactivation=linear\n", count + more, "shortcut_2",
               "shortcut_2")
    yield Case("[route] of two", first + second + "[route]\nlayers=-1,0\n", count + more, "route_2", "concat_2")
    narrow, more = conv(5, norm=0, channels=8)
    yield Case("[shortcut] of other channels", first + narrow + "[shortcut]\nfrom=-2\nactivation=linear\n", count + more,
           "shortcut_2", "shortcut_2")
    yield Case("[scale_channels]", first + "[avgpool]\n[scale_channels]\nfrom=0\nactivation=linear\n", count,
           "scale_channels_2", "scale_channels_2")
    same, more = conv(8, norm=0, channels=8)
    yield Case("[sam]", first + same + "[sam]\nfrom=0\nactivation=linear\n", count + more, "sam_2", "sam_2")
    for options, columns in (("[yolo]\nmask=1,2\nanchors=2,3, 4,5, 6,2\nclasses=3\nnum=3\nthresh=0\n", 8),
                             ("[yolo]\nmask=0,2\nanchors=2,3, 4,5, 6,2\nclasses=3\nnum=3\nthresh=0\nscale_x_y=1.1\n", 8),
                             # The scores of regions that OpenCV finds too small are 0 there.
                             ("[region]\nanchors=1.5,2.5, 0.5,1\nclasses=3\nnum=2\nsoftmax=1\n", 5)):
        text, count = conv(16, size=1, norm=0)
        name = options[1:options.index("]")]
        yield Case("%s decoded" % name, text + options, count, name + "_1", "yolo_1" if name == "yolo" else "detection_out",
                   columns)
