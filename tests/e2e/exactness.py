#!/usr/bin/python3
"""Reference and fast kernels give the same bits, on any number of threads: tests/e2e/exactness.py BURIN [onnx/MODEL...]

Every ONNX model of the zoo is quantized for cpu; then every tensor of a run, floats included, must be the same from the
reference kernels and from the machine's own with one, two and three threads.
"""
import glob
import os
import subprocess
import sys

import numpy

import zoo
from tool import CLASSIFIERS, DETECTORS, ROOT, Tool, preprocess_only

MIN_INTEGER_TENSORS, CALIBRATION_SAMPLES = 20, 8
STREAMING = {"dtln_model_1": "dtln", "gtcrn_simple": "gtcrn"}
RUNS = [("auto", 1), ("auto", 2), ("auto", 3), ("reference", 2)]


def noise_samples(tool, net, folder):
    """Stand-ins for sequences on a machine without the programs that make them."""
    info = tool.answer("info", net)
    random = numpy.random.default_rng(1)
    os.makedirs(folder, exist_ok=True)
    for i in range(CALIBRATION_SAMPLES):
        arrays = {t["name"]: random.normal(0, 0.1, t["shape"]).astype(numpy.float32) for t in info["inputs"]}
        numpy.savez(os.path.join(folder, "%03d.npz" % i), **arrays)


def sequence_folder(tool, name, net):
    folder = tool.out(name)
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "audio", "make_sequences.py"), STREAMING[name],
                           "--model", tool.model(name), "--out", folder, "--frames", "20"],
                          capture_output=True, text=True, check=False)
    if done.returncode or not glob.glob(folder + "/**/*.npz", recursive=True):
        print("%s: no sequences (%s): noise instead" % (name, done.stderr.strip()[-120:]))
        noise_samples(tool, net, folder)
    return folder


def data_for(tool, name, net):
    if name in STREAMING:
        return sequence_folder(tool, name, net)
    if name in CLASSIFIERS:
        return tool.data("images", "ilsvrc_calib100")
    if name.startswith("version-RFB"):
        return tool.data("images", "wider40")
    files = sorted(glob.glob(tool.data("images", "coco100", "*.jpg")))[:CALIBRATION_SAMPLES]
    if name.startswith("ch_ppocr"):
        files = [tool.data("images", "misc", "ocr_word.jpg")] + files
    path = tool.out(name + ".txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in files)
    return path


def flags_for(name):
    if name in CLASSIFIERS:
        return preprocess_only(CLASSIFIERS[name]["flags"])
    return DETECTORS.get("version-RFB-320" if name.startswith("version-RFB") else name, [])


def tensors_of(tool, program, data, kernels, threads):
    out = tool.out("run_%s_%d.npz" % (kernels, threads))
    if not tool.must("run", program, "--data", data, "--sample", 1, "--raw", "--all-tensors", "--kernels", kernels,
                     "--threads", threads, "-o", out):
        return None
    with numpy.load(out) as arrays:
        return {name: arrays[name] for name in arrays.files}


def differing(first, second):
    """Names whose type, shape or bytes differ."""
    return [name for name in sorted(set(first) | set(second))
            if name not in first or name not in second or first[name].dtype != second[name].dtype or
            first[name].shape != second[name].shape or first[name].tobytes() != second[name].tobytes()]


def check(tool, name, flags):
    net, program = tool.out(name + ".mlir"), tool.out(name + ".burin")
    if not tool.must("import", tool.model(name), "-o", net, *flags, *flags_for(name)):
        return
    data = data_for(tool, name, net)
    if not tool.must("quantize", net, "--data", data, "--samples", CALIBRATION_SAMPLES, "-o", program,
                     "--target", "cpu"):
        return
    expected = tensors_of(tool, program, data, "reference", 1)
    if expected is None:
        return
    integers = sum(1 for key in expected if key + ":scale" in expected)
    for kernels, threads in RUNS:
        found = tensors_of(tool, program, data, kernels, threads)
        wrong = differing(expected, found) if found is not None else []
        if wrong:
            tool.fail("%s: %s kernels, %d threads: %d of %d tensors differ from the reference kernels, first %s" %
                      (name, kernels, threads, len(wrong), len(expected), ", ".join(wrong[:3])))
    ops = sum((tool.answer("info", program) or {"ops": {}})["ops"].values())
    tensors = sum(1 for key in expected if not key.endswith((":scale", ":zero_point")))
    print("%s: %d tensors compared, %d of them quantized integers, %d ops" % (name, tensors, integers, ops), flush=True)
    if ops > MIN_INTEGER_TENSORS + 5:
        tool.floor(name + ": integer tensors compared", integers, at_least=MIN_INTEGER_TENSORS)
    for path in glob.glob(tool.out("run_*.npz")):
        os.remove(path)


def main():
    tool = Tool()
    for model in zoo.models(tool, lambda model: model.form == "onnx" and not model.refused):
        check(tool, os.path.basename(model.name), model.flags)
    tool.finish()


if __name__ == "__main__":
    main()
