"""Stored results of the zoo under each file's own names and layouts, and which files hold the same network.

A network that comes in several formats has its results stored for one of them; a Twin says how the other file's tensors
follow from those.
"""
import os
from typing import Callable, NamedTuple

import numpy


def same(x):
    return x


def channels_last(x):
    return numpy.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x


def upright_bgr(x):
    """MTCNN in Caffe takes RGB with rows and columns exchanged, in MXNet BGR as it is."""
    return numpy.ascontiguousarray(x[:, ::-1].transpose(0, 1, 3, 2))


class Twin(NamedTuple):
    """The same network as `of`, whose tensors are called `names[...]` here; `feed` and `give` change the layout."""
    of: str
    inputs: dict
    outputs: dict
    feed: Callable = same
    give: Callable = same
    flags: tuple = ()


RETINAFACE = ["face_rpn_%s_stride%d" % (head, stride) for head in ("cls_prob_reshape", "bbox_pred", "landmark_pred")
              for stride in (32, 16, 8)]
ULTRAFACE = "onnx/version-RFB-320_without_postprocessing"
TWINS = {
    "onnx/version-RFB-320_simplified": Twin(ULTRAFACE, {"input": "input"}, {"scores": "scores", "boxes": "boxes"}),
    "caffe/RFB-320": Twin(ULTRAFACE, {"input": "input"}, {"scores": "scores", "boxes": "boxes"}),
    "tflite/version-RFB-320_without_postprocessing": Twin(
        ULTRAFACE, {"input": "input_1"}, {"boxes": "Identity", "scores": "Identity_1"}, channels_last),
    "mxnet/mtcnn_det1": Twin("caffe/mtcnn_det1", {"data": "data"}, {"conv4-2": "conv4_2_output", "prob1": "prob1_output"},
                             upright_bgr),
    "mxnet/mtcnn_det2": Twin("caffe/mtcnn_det2", {"data": "data"}, {"conv5-2": "conv5_2_output", "prob1": "prob1_output"},
                             upright_bgr),
    "mxnet/mtcnn_det3": Twin("caffe/mtcnn_det3", {"data": "data"}, {"conv6-2": "conv6_2_output", "conv6-3": "conv6_3_output",
                                                                   "prob1": "prob1_output"}, upright_bgr),
    "mxnet/retinaface_mnet.25": Twin("caffe/retinaface_mnet", {"data": "data"},
                                     {name: name + "_output" for name in RETINAFACE}),
    "tf/mtcnn_frozen_model:pnet": Twin("caffe/mtcnn_det1", {"data": "pnet/input"}, {
        "conv4-2": "pnet/conv4-2/BiasAdd", "prob1": "pnet/prob1"}, channels_last, channels_last,
        ("--outputs", "pnet/conv4-2/BiasAdd")),
    "tf/mtcnn_frozen_model:rnet": Twin("caffe/mtcnn_det2", {"data": "rnet/input"}, {
        "conv5-2": "rnet/conv5-2/conv5-2", "prob1": "rnet/prob1"}, channels_last, channels_last),
    "tf/mtcnn_frozen_model:onet": Twin("caffe/mtcnn_det3", {"data": "onet/input"}, {
        "conv6-2": "onet/conv6-2/conv6-2", "conv6-3": "onet/conv6-3/conv6-3", "prob1": "onet/prob1"},
        channels_last, channels_last),
    "paddle/ch_ppocr_mobile_v2.0_cls": Twin(
        "onnx/ch_ppocr_mobile_v2.0_cls_infer", {"x": "x"},
        {"save_infer_model/scale_0.tmp_1": "save_infer_model/scale_0.tmp_1"}, flags=("--input-shapes", "x:1x3x48x192")),
}
FOLDERS = {"onnx": "", "caffe": "cv2dnn/caffe_", "darknet": "cv2dnn/darknet_", "tflite": "tflite_float/"}


def depth_to_space(x, block):
    """Channels last: pixels of a block come from neighbouring groups of channels."""
    n, h, w, c = x.shape
    x = x.reshape(n, h, w, block, block, c // block**2).transpose(0, 1, 3, 2, 4, 5)
    return numpy.ascontiguousarray(x.reshape(n, h * block, w * block, c // block**2))


def fsrcnn(tool):
    """Stored with channels first and only up to its last convolution."""
    with numpy.load(tool.data("golden", "cv2dnn", "tf_FSRCNN_x2.npz")) as file:
        arrays = {name: channels_last(file[name]) for name in file.files}
    return {**arrays, "DepthToSpace": depth_to_space(arrays["conv8"], 2)}


def stored(tool, name):
    """Inputs and expected tensors of a model by tensor name, its own or those of its twin; None where nothing is stored."""
    form, stem = name.split("/", 1)
    if name == "tf/FSRCNN_x2":
        return fsrcnn(tool)
    path = tool.data("golden", FOLDERS[form] + stem + ".npz") if form in FOLDERS else ""
    if os.path.exists(path):
        with numpy.load(path) as file:
            return dict(file)
    return translated(TWINS[name], stored(tool, TWINS[name].of)) if name in TWINS else None


def translated(twin, arrays):
    """Arrays under the twin's names and in its layouts; what it has no name for is left out."""
    result = {ours: twin.feed(arrays[theirs]) for theirs, ours in twin.inputs.items() if theirs in arrays}
    result.update({ours: twin.give(arrays[theirs]) for theirs, ours in twin.outputs.items() if theirs in arrays})
    return result
