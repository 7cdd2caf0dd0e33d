#!/usr/bin/python3
"""Every Caffe model of the zoo: tests/e2e/import_caffe.py BURIN [MODEL...]

Against stored results, OpenCV on other inputs, the same network in ONNX, and labels; import time and memory. Small
networks made here check single layers against OpenCV.
"""
import gzip
import os
import resource
import struct

import numpy

import caffe_cases
import opencv_net
from import_check import import_flags
from tool import Tool

MODELS = ("RFB-320", "lenet", "mtcnn_det1", "mtcnn_det2", "mtcnn_det3", "retinaface_mnet")
SECONDS = 1.0


def run(tool, program, inputs):
    numpy.savez(tool.out("in.npz"), **inputs)
    if tool.must("run", program, "--input", tool.out("in.npz"), "-o", tool.out("out.npz"), "--quiet") is None:
        return None
    return dict(numpy.load(tool.out("out.npz")))


def compiled(tool, model, *flags):
    program = tool.out("net.burin")
    if tool.must("import", model, "-o", tool.out("net.mlirbc"), *flags) is None:
        return None
    return program if tool.must("compile", tool.out("net.mlirbc"), "--precision", "f32", "-o", program) else None


def random_input(shape, seed=7):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape).astype(numpy.float32)


def weights_of(tool, name):
    return tool.data("models", "caffe", "lenet_iter_10000" if name == "lenet" else name) + ".caffemodel"


def check_model(tool, name, flags):
    model = tool.data("models", "caffe", name + ".prototxt")
    golden = tool.data("golden", "cv2dnn", "caffe_%s.npz" % name)
    tool.must("import", model, "--check", golden, *flags)
    program = compiled(tool, model, *flags)
    info = tool.answer("info", program) if program else None
    if info is None:
        return
    with open(model, encoding="utf-8") as file:
        permutes = file.read().count('"Permute"')
    if info["ops"].get("transpose", 0) > permutes:
        tool.fail("%s: %d transposes are left in the program" % (name, info["ops"]["transpose"]))
    outputs = [output["name"] for output in info["outputs"]]
    inputs = {entry["name"]: random_input(entry["shape"]) for entry in info["inputs"]}
    ours = run(tool, program, inputs)
    if ours and opencv_net.available():
        theirs = opencv_net.outputs(tool, [("caffe", model, weights_of(tool, name), inputs, outputs)])[0]
        opencv_net.compare(tool, name, ours, theirs)
    check_cost(tool, name, model, weights_of(tool, name), flags)


def check_cost(tool, name, model, weights, flags):
    """Processor time of an import, which a busy machine does not stretch, and its memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    tool.must("import", model, "-o", tool.out("cost.mlirbc"), *flags)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    tool.floor("%s: import, seconds" % name, seconds, at_most=SECONDS)
    peak = tool.peak_bytes("import", model, "-o", tool.out("cost.mlirbc"), *flags)
    size = os.path.getsize(model) + os.path.getsize(weights)
    tool.floor("%s: import, MB" % name, peak / 1e6, at_most=(3 * size + 100e6) / 1e6)


def check_against_onnx(tool):
    """UltraFace in both formats gives the same boxes and scores on the same picture."""
    golden = dict(numpy.load(tool.data("golden", "cv2dnn", "caffe_RFB-320.npz")))
    results = []
    for model in (tool.data("models", "caffe", "RFB-320.prototxt"), tool.model("version-RFB-320_without_postprocessing")):
        program = compiled(tool, model)
        if program is None:
            return
        results.append(run(tool, program, {"input": golden["input"]}))
    if all(results):
        opencv_net.compare(tool, "RFB-320 in Caffe and ONNX", results[0], results[1], least=0.9999)


def check_digits(tool, count=1000):
    """LeNet on handwritten digits."""
    with gzip.open(tool.data("mnist", "t10k-images-idx3-ubyte.gz")) as file:
        _, _, rows, columns = struct.unpack(">4I", file.read(16))
        pictures = numpy.frombuffer(file.read(count * rows * columns), numpy.uint8)
    with gzip.open(tool.data("mnist", "t10k-labels-idx1-ubyte.gz")) as file:
        labels = numpy.frombuffer(file.read(8 + count), numpy.uint8)[8:]
    shape = [count, 1, rows, columns]
    program = compiled(tool, tool.data("models", "caffe", "lenet.prototxt"), "--input-shapes",
                       "data:" + "x".join(map(str, shape)))
    result = run(tool, program, {"data": pictures.reshape(shape).astype(numpy.float32) / 256}) if program else None
    if result:
        right = (result["prob"].reshape(count, -1).argmax(1) == labels).mean()
        tool.floor("lenet on %d digits, %%" % count, 100 * right, at_least=98.5)


def check_cases(tool):
    """Layers one by one, on files written here."""
    if not opencv_net.available():
        print("python3-opencv is missing: single layers are not compared")
        return
    cases, ours, jobs = list(caffe_cases.cases()), [], []
    for i, case in enumerate(cases):
        model, weights = tool.out("case%d.prototxt" % i), tool.out("case%d.caffemodel" % i)
        with open(model, "w", encoding="utf-8") as file:
            file.write(case.text)
        with open(weights, "wb") as file:
            file.write(case.weights)
        program = compiled(tool, model)
        ours.append(run(tool, program, case.inputs) if program else None)
        jobs.append(("caffe", model, weights, case.inputs, [case.output]))
    for case, mine, theirs in zip(cases, ours, opencv_net.outputs(tool, jobs)):
        if mine and case.rows_of_detections:
            # Caffe goes class by class, OpenCV by score.
            rows = sorted((row for row in mine[case.output].reshape(-1, 7) if row[2] >= 0), key=lambda row: -row[2])
            mine = {case.output: numpy.array(rows)}
        opencv_net.compare(tool, "layer " + case.name, mine or {}, theirs)


def check_refusals(tool):
    text = tool.data("models", "caffe", "lenet.prototxt")
    alone = tool.out("alone.prototxt")
    with open(text, encoding="utf-8") as source, open(alone, "w", encoding="utf-8") as sink:
        sink.write(source.read())
    wrong = ("--weights", weights_of(tool, "mtcnn_det1"))
    shapes = ("--input-shapes", "data:1x1x28x28")
    for what, code, message, arguments in (
            ("no weights", 3, "was not found beside it", [alone, *shapes]),
            ("other weights", 3, "are needed", [alone, *wrong, *shapes]),
            ("text as weights", 3, "is no .caffemodel", [alone, "--weights", text, *shapes]),
            ("weights as model", 3, "give the .prototxt", [weights_of(tool, "lenet")])):
        done = tool.run("import", *arguments, "-o", tool.out("refused.mlirbc"))
        if done.returncode != code or message not in done.stderr or os.path.exists(tool.out("refused.mlirbc")):
            tool.fail("%s: exit %d: %s" % (what, done.returncode, done.stderr.strip()[-300:]))


def main():
    tool = Tool()
    flags = import_flags(tool)
    if not opencv_net.available():
        print("python3-opencv is missing: stored results only")
    for name in filter(tool.wants, MODELS):
        check_model(tool, name, flags.get("models/caffe/%s.prototxt" % name, []))
    if not tool.only:
        check_against_onnx(tool)
        check_digits(tool)
        check_cases(tool)
        check_refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
