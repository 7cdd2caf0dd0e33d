#!/usr/bin/python3
"""Networks that come in several formats compute the same on the same picture: tests/e2e/cross_format.py BURIN
[FORMAT/NAME...]

Every output has cosine 0.9999 or more with that of the other format's file. stored.py says which files are twins and how
their tensors are laid out; the pictures are others than those with stored results.
"""
import glob

import numpy

import zoo
from stored import TWINS, translated
from tool import Tool

COSINE, PICTURES = 0.9999, 3
# Preprocessing of the network in the format whose tensors the twins' follow from, and a folder with its pictures.
PREPROCESSING = {
    "onnx/version-RFB-320_without_postprocessing": ("wider40", "--mean 127 --scale 0.0078125 --pixel rgb --fit stretch"),
    "caffe/mtcnn_det1": ("wider40", "--mean 127.5 --scale 0.0078125 --pixel rgb --fit stretch"),
    "caffe/mtcnn_det2": ("wider40", "--mean 127.5 --scale 0.0078125 --pixel rgb --fit stretch"),
    "caffe/mtcnn_det3": ("wider40", "--mean 127.5 --scale 0.0078125 --pixel rgb --fit stretch"),
    "caffe/retinaface_mnet": ("wider40", "--mean 0 --scale 1 --pixel rgb --fit stretch"),
    "onnx/ch_ppocr_mobile_v2.0_cls_infer": ("misc", "--mean 127.5 --scale 0.00784313725 --pixel bgr --fit stretch"),
}


def results_of(tool, model):
    """Inputs and outputs of a network on some pictures, one dictionary each."""
    folder, flags = PREPROCESSING[model.name]
    program = zoo.program_of(tool, model, *flags.split())
    info, results = program and tool.answer("info", program), []
    wanted = {entry["name"] for entry in info["inputs"] + info["outputs"]} if info else set()
    for picture in sorted(glob.glob(tool.data("images", folder, "*.jpg")))[:PICTURES] if info else ():
        if tool.must("run", program, "--input", picture, "-o", tool.out("all.npz"), "--all-tensors", "--quiet"):
            with numpy.load(tool.out("all.npz")) as file:
                results.append({name: file[name] for name in file.files if name in wanted})
    return results


def check(tool, model, twin, results):
    program, worst, compared = zoo.program_of(tool, model, *twin.flags), 1.0, 0
    for arrays in results if program else ():
        expected = translated(twin, arrays)
        ours = zoo.run(tool, program, {name: expected[name] for name in twin.inputs.values()})
        if ours is None:
            return
        shared = [name for name in twin.outputs.values() if name in ours]
        compared += len(shared)
        worst = min([worst] + [zoo.cosine(ours[name], expected[name]) for name in shared])
    if compared < PICTURES * len(twin.outputs):
        tool.fail("%s and %s: %d outputs compared" % (model.name, twin.of, compared))
    tool.floor("%s as %s: cosine, least of %d" % (model.name, twin.of, compared), worst, at_least=COSINE, form="%.7f")


def main():
    tool, known = Tool(), {}
    models = {model.name: model for model in zoo.models(tool, lambda model: True, chosen=False)}
    for name, twin in TWINS.items():
        if not tool.wants(name):
            continue
        if twin.of not in known:
            known[twin.of] = results_of(tool, models[twin.of])
            if len(known[twin.of]) < PICTURES:
                tool.fail("%s: ran on %d pictures, not %d" % (twin.of, len(known[twin.of]), PICTURES))
        check(tool, models[name], twin, known[twin.of])
    tool.finish()


if __name__ == "__main__":
    main()
