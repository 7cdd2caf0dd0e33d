#!/usr/bin/python3
"""`burin quantize` with its defaults on every network of the zoo that takes pictures, and on some that are quantized already:
tests/e2e/quantize_zoo.py BURIN [FORMAT/NAME...]

It runs, most ops become integers, the program moves no more data than the float one, and every output has at least this cosine
with float on samples that calibration did not see. Accuracy is measured elsewhere; this finds what breaks a network.
"""
import numpy

import samples
import zoo
from stored import TWINS
from tool import CLASSIFIERS, DETECTORS, Tool, preprocess_only
from zoo_whole import most_transposes

COSINE, SAMPLES, INTEGER_SHARE = 0.98, 40, 0.6
FACE = "--mean 127 --scale 0.0078125 --pixel rgb --fit stretch".split()
RAW = "--mean 0 --scale 1 --pixel rgb --fit stretch".split()
UNIT = "--mean 0 --scale 0.00392156862745098 --pixel rgb --fit stretch".split()
GREY = "--mean 0 --scale 0.00392156862745098 --pixel gray --fit stretch".split()
HALVES = "--mean 127.5 --scale 0.00784313725 --pixel rgb --fit stretch".split()
IMAGENET = CLASSIFIERS["resnet18_pqf_fp32"]["flags"]
# Folder of pictures and preprocessing; networks that samples.py makes arrays for need neither. A file that says itself how
# pictures were fed needs no flags.
PICTURES = {
    "caffe/RFB-320": ("wider40", FACE), "caffe/retinaface_mnet": ("wider40", RAW), "darknet/yolo-fastest-1.1": ("coco100", []),
    "mxnet/retinaface_mnet.25": ("wider40", RAW), "onnx/cifar_resnet20_fp32": ("imagenet200", IMAGENET[:6] + RAW[-2:]),
    "onnx/luong_mobilenetv3": ("coco100", IMAGENET), "onnx/nanodet_m_320": ("coco100", DETECTORS["nanodet_m_320"]),
    "onnx/mobilenet_v2_1.0_224_deq_fp32": ("imagenet200", CLASSIFIERS["mobilenet_v2_1.0_224_deq_fp32"]["flags"]),
    "onnx/osnet_x0_25_msmt17": ("coco100", IMAGENET[:6] + RAW[-2:]), "onnx/resnet18_pqf_fp32": ("imagenet200", IMAGENET),
    "onnx/squeezenet_v1.1_ncnn_fp32": ("imagenet200", preprocess_only(CLASSIFIERS["squeezenet_v1.1_ncnn_fp32"]["flags"])),
    "onnx/super_resolution": ("coco100", GREY), "onnx/version-RFB-320": ("wider40", FACE),
    "onnx/version-RFB-320_simplified": ("wider40", FACE), "onnx/version-RFB-320_without_postprocessing": ("wider40", FACE),
    "onnx/yolox_nano": ("coco100", DETECTORS["yolox_nano"]), "paddle/luong_inference": ("coco100", IMAGENET),
    "tf/FSRCNN_x2": ("coco100", GREY),
    "tflite/mobilenet_v2_1.0_224_quant": ("imagenet200", HALVES),
    "tflite/vww_96_int8": ("coco100", []), "tflite/yolov5n-int8": ("coco100", DETECTORS["yolov5n-fp16"]),
    "tflite/version-RFB-320_without_postprocessing": ("wider40", FACE), "tflite/vww_96_float": ("coco100", UNIT),
    "tflite/yolov5n-fp16": ("coco100", DETECTORS["yolov5n-fp16"]),
    "torch/subham_trafficsign_scripted": ("coco100", HALVES),
}


def check(tool, model, arrays):
    if model.name in arrays:
        numpy.save(tool.out("samples.npy"), arrays[model.name])
        data, flags = tool.out("samples.npy"), list(TWINS[model.name].flags if model.name in TWINS else ())
    else:
        folder, flags = PICTURES[model.name]
        data = tool.data("images", folder)
    program = tool.out("int8.burin")
    result = tool.answer("quantize", model.path, *model.flags, *flags, "--data", data, "--samples", SAMPLES, "-o", program)
    info = result and tool.answer("info", program)
    if not info:
        return
    worst = min(output["cosine"] for output in result["outputs"])
    layer = result["worst"][0] if result["worst"] else {"name": "none", "sqnr_db": 0}
    tool.floor("%s: cosine of %d outputs to float (furthest layer %s, %.0f dB)" % (
        model.name, len(result["outputs"]), layer["name"], layer["sqnr_db"]), worst, at_least=COSINE,
        form="%.5f")
    share = result["integer_ops"] / (result["integer_ops"] + result["float_ops"])
    tool.floor("%s: share of integer ops" % model.name, share, at_least=INTEGER_SHARE)
    tool.floor("%s: transposes" % model.name, info["ops"].get("transpose", 0), at_most=most_transposes(model))


def main():
    tool = Tool()
    arrays = samples.arrays(tool)
    models = {model.name: model for model in zoo.models(tool, chosen=False)}
    for name in sorted(filter(tool.wants, {**PICTURES, **arrays})):
        check(tool, models[name], arrays)
    tool.finish()


if __name__ == "__main__":
    main()
