"""Samples for networks that take no whole pictures: digits, small pictures, words and faces, as arrays [N, ...]."""
import glob
import gzip

import numpy

import zoo
from stored import TWINS, channels_last, stored

PICTURES, FACES_PER_PICTURE, LEAST_SCORE = 40, 8, 0.8
SMALLEST_PORTRAIT, PORTRAIT_SIDE = 0.06, 1.8  # a face of the picture's height; a portrait of its face
ULTRAFACE = "onnx/version-RFB-320"


def digits(tool, count=100):
    with gzip.open(tool.data("mnist", "t10k-images-idx3-ubyte.gz")) as file:
        pixels = numpy.frombuffer(file.read(16 + count * 28 * 28), numpy.uint8)[16:]
    return pixels.reshape(count, 1, 28, 28).astype(numpy.float32)


def small_pictures(tool):
    """Every fifth picture of CIFAR-10, RGB, channels last, 0 to 255."""
    pixels = numpy.fromfile(tool.data("cifar10", "test500.u8"), numpy.uint8).reshape(500, 32, 32, 3)
    return pixels[::5].astype(numpy.float32)


def words(tool):
    """One line of text at many places, every second one upside down."""
    word = stored(tool, "onnx/ch_ppocr_mobile_v2.0_cls_infer")["x"]
    moved = [numpy.roll(word, shift, axis=3) for shift in range(0, 192, 8)]
    return numpy.concatenate([array[:, :, ::-1, ::-1] if i % 2 else array for i, array in enumerate(moved)])


def crop(picture, box, size):
    """The square around a box (fractions of the picture), by nearest pixels; None where it leaves the picture."""
    height, width = picture.shape[1:]
    x0, y0, x1, y1 = box * [width, height, width, height]
    side = max(x1 - x0, y1 - y0)
    steps = (numpy.arange(size) + 0.5) / size - 0.5
    columns = numpy.floor((x0 + x1) / 2 + side * steps).astype(int)
    rows = numpy.floor((y0 + y1) / 2 + side * steps).astype(int)
    if columns[0] < 0 or rows[0] < 0 or columns[-1] >= width or rows[-1] >= height:
        return None
    return picture[:, rows][:, :, columns]


class Faces:
    """Faces that UltraFace finds, RGB as it is fed: MTCNN's preprocessing up to half a grey level."""

    def __init__(self, tool):
        self.found = []
        model = next(model for model in zoo.models(tool, chosen=False) if model.name == ULTRAFACE)
        program = zoo.program_of(tool, model, *"--mean 127 --scale 0.0078125 --pixel rgb --fit stretch".split())
        for picture in sorted(glob.glob(tool.data("images", "wider40", "*.jpg")))[:PICTURES] if program else ():
            done = tool.must("run", program, "--input", picture, "-o", tool.out("face.npz"), "--all-tensors", "--quiet")
            if done:
                with numpy.load(tool.out("face.npz")) as file:
                    self.take(file["input"][0], file["boxes"][0], file["scores"][0, :, 1])

    def take(self, picture, boxes, scores):
        best = numpy.argsort(-scores)[:FACES_PER_PICTURE * 8:8]  # neighbours in this list are the same face
        self.found += [(picture, boxes[i]) for i in best if scores[i] > LEAST_SCORE]

    def transposed(self, size):
        """As MTCNN in Caffe takes them: rows and columns exchanged."""
        crops = [crop(picture, box, size) for picture, box in self.found]
        return numpy.stack([numpy.ascontiguousarray(c.transpose(0, 2, 1)) for c in crops if c is not None])

    def portraits(self, size):
        """The larger faces with what is around them, channels last."""
        crops = []
        for picture, box in self.found:
            centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * PORTRAIT_SIDE
            if box[3] - box[1] > SMALLEST_PORTRAIT:
                crops.append(crop(picture, numpy.concatenate([centre - half, centre + half]), size))
        return channels_last(numpy.stack([c for c in crops if c is not None]))


def arrays(tool):
    """Samples by the name of the network."""
    faces, centred = Faces(tool), (digits(tool) / 256).astype(numpy.float32)
    result = {"caffe/lenet": centred, "onnx/mnist": digits(tool), "tflite/pretrainedResnet": small_pictures(tool),
              "tflite/face_detection_front": faces.portraits(128),
              "tflite/pretrainedResnet_large_float": small_pictures(tool)}
    for net, size, tf in (("mtcnn_det1", 12, "pnet"), ("mtcnn_det2", 24, "rnet"), ("mtcnn_det3", 48, "onet")):
        found = faces.transposed(size)
        result["caffe/" + net] = found
        result["mxnet/" + net] = TWINS["mxnet/" + net].feed(found)
        result["tf/mtcnn_frozen_model:" + tf] = TWINS["tf/mtcnn_frozen_model:" + tf].feed(found)
    result["onnx/ch_ppocr_mobile_v2.0_cls_infer"] = result["paddle/ch_ppocr_mobile_v2.0_cls"] = words(tool)
    return result
