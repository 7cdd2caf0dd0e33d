"""Networks through OpenCV's own importers, an independent executor of Caffe, Darknet and TensorFlow files. OpenCV runs in a child
process: opencv_net.py JOBS.json, a list of jobs as `outputs` writes it.
"""
import json
import os
import subprocess
import sys

import numpy


def available():
    return subprocess.run(["/usr/bin/python3", "-c", "import cv2"], capture_output=True, check=False).returncode == 0


def outputs(tool, jobs):
    """Of every job (format, model, weights, inputs, names of layers) the arrays by layer; none after a failure."""
    listed = []
    for i, (form, model, weights, inputs, names) in enumerate(jobs):
        source, sink = tool.out("opencv_in%d.npz" % i), tool.out("opencv_out%d.npz" % i)
        if os.path.exists(sink):
            os.remove(sink)
        numpy.savez(source, **inputs)
        listed.append([form, model, weights, source, sink, names])
    with open(tool.out("opencv.json"), "w", encoding="utf-8") as file:
        json.dump(listed, file)
    subprocess.run(["/usr/bin/python3", os.path.abspath(__file__), tool.out("opencv.json")], check=False, timeout=600)
    results = []
    for form, model, _, _, sink, _ in listed:
        if not os.path.exists(sink):
            tool.fail("OpenCV gives no result for the %s network %s" % (form, model))
        results.append(dict(numpy.load(sink)) if os.path.exists(sink) else {})
    return results


def compare(tool, what, ours, theirs, least=0.99999):
    """Cosine and largest difference relative to the range of each array; a miss is a failure."""
    for name, expected in theirs.items():
        mine = ours.get(name)
        if mine is None or mine.size != expected.size:
            tool.fail("%s: %s is %s here, %s in OpenCV" % (what, name, mine if mine is None else mine.shape,
                                                           expected.shape))
            continue
        a, b = mine.ravel().astype(numpy.float64), expected.ravel().astype(numpy.float64)
        size = numpy.linalg.norm(a) * numpy.linalg.norm(b)
        cosine = float(a @ b / size) if size else float(numpy.array_equal(a, b))
        spread = float(numpy.abs(a - b).max() / max(numpy.ptp(b), numpy.abs(b).max(), 1e-6))
        if cosine < least or spread > 2e-3:
            tool.fail("%s: %s has cosine %.7f with OpenCV and is off by %.2e of its range" % (what, name, cosine, spread))


class Unknown:
    """Stands for an operator that OpenCV lacks, so that the network before it can be read."""

    def __init__(self, *_):
        pass

    @staticmethod
    def getMemoryShapes(inputs):
        return inputs

    @staticmethod
    def forward(inputs):
        return inputs


def main():
    import cv2  # callers skip their check where it is missing
    cv2.dnn_registerLayer("DepthToSpace", Unknown)
    readers = {"caffe": cv2.dnn.readNetFromCaffe, "darknet": cv2.dnn.readNetFromDarknet,
               "tf": lambda model, _: cv2.dnn.readNetFromTensorflow(model)}
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    for form, model, weights, source, sink, names in jobs:
        try:
            net = readers[form](model, weights)
            net.enableFusion(False)
            inputs = numpy.load(source)
            for name in inputs:
                net.setInput(inputs[name], name if len(inputs.files) > 1 else "")
            numpy.savez(sink, **dict(zip(names, net.forward(names))))
        except cv2.error as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
