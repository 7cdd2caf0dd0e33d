#!/usr/bin/python3
"""The files of the zoo as other programs read them: tests/e2e/executors.py BURIN [FORMAT/NAME...]

onnxruntime runs the ONNX files, OpenCV the Caffe and Darknet files and one of TensorFlow, each on the same random inputs as our
programs: cosine 0.9999 or more for every output. PyTorch runs TorchScript files in import_torch.py. What no executor here can
load is listed with the reason; what is not installed is skipped.
"""
import opencv_net
import zoo
from export_check import has_onnxruntime, onnxruntime
from stored import channels_last, depth_to_space
from tool import Tool

COSINE = 0.9999
FSRCNN = "tf/FSRCNN_x2"
# Cut where OpenCV stops: it has no DepthToSpace.
FLAGS = {FSRCNN: ["--outputs", "DepthToSpace"]}
CANNOT = {"tf/kws_ref_model": "OpenCV reads no SavedModel",
          "tf/mtcnn_frozen_model:pnet": "OpenCV does not know this form of PReLU",
          "tf/mtcnn_frozen_model:rnet": "OpenCV does not know this form of PReLU",
          "tf/mtcnn_frozen_model:onet": "OpenCV does not know this form of PReLU"}


def opencv(tool, model, inputs, names):
    """What OpenCV computes, in the layout of the file."""
    weights = model.files[1] if len(model.files) > 1 else ""
    if model.name != FSRCNN:
        return opencv_net.outputs(tool, [(model.form, model.path, weights, inputs, names)])[0]
    inputs = {name: x.transpose(0, 3, 1, 2) for name, x in inputs.items()}
    result = opencv_net.outputs(tool, [(model.form, model.path, weights, inputs, ["conv8"])])[0]
    return {"DepthToSpace": depth_to_space(channels_last(result["conv8"]), 2)} if result else {}


def check(tool, model):
    program = zoo.program_of(tool, model, *FLAGS.get(model.name, []))
    info = program and tool.answer("info", program)
    inputs = zoo.random_inputs(info) if info else {}
    ours = zoo.run(tool, program, inputs) if info else None
    if ours is None:
        return
    theirs = (onnxruntime(tool, model.path, inputs) if model.form == "onnx" else opencv(tool, model, inputs, list(ours))) or {}
    worst = min(zoo.cosine(ours[name], theirs[name]) if name in theirs else 0.0 for name in ours)
    tool.floor("%s: cosine, least of %d outputs" % (model.name, len(ours)), worst, at_least=COSINE, form="%.7f")


def main():
    tool = Tool()
    present = {"onnx": has_onnxruntime(), **dict.fromkeys(("caffe", "darknet", "tf"), opencv_net.available())}
    for model in zoo.models(tool, lambda model: model.form in present):
        if model.name in CANNOT:
            print("%s: %s" % (model.name, CANNOT[model.name]))
        elif present[model.form]:
            check(tool, model)
        else:
            print("%s: skipped, its executor is not installed" % model.name)
    tool.finish()


if __name__ == "__main__":
    main()
