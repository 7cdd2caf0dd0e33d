#!/usr/bin/python3
"""TorchScript archives against PyTorch: tests/e2e/import_torch.py BURIN [NAME...]

torch_models.py makes the archives and what they compute, in a process of its own; without PyTorch (Debian: python3-torch)
nothing is compared. Every output has to reach cosine 0.9999 and 1e-4 of its greatest value; quantized networks may be off by a
step of their output's scale.
"""
import os
import subprocess
import sys

import numpy

from tool import SKIPPED, Tool

PYTHON = "/usr/bin/python3"
# Of the quantized ones the step of their outputs' scale.
NETWORKS = {"resnet18": 0.0, "mobilenet_v2": 0.0, "yolo": 0.0, "lstm": 0.0, "gru": 0.0, "transformer": 0.0, "operators": 0.0,
            "attention": 0.0, "segmentation": 0.0, "video": 0.0, "windows": 0.0, "control": 0.0, "quantized": 0.01,
            "quantized_joins": 1 / 256}
ZOO = ["keithyin_traced", "subham_trafficsign_scripted"]


def has_torch():
    return subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False).returncode == 0


def make_models(tool):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_models.py")
    done = subprocess.run([PYTHON, script, tool.folder, *([tool.zoo] if tool.has_zoo else [])], capture_output=True,
                          text=True, check=False, timeout=600)
    if done.returncode:
        tool.fail("torch_models.py: " + done.stderr[-1000:])
    return done.returncode == 0


def same(tool, what, wanted, got, step=0.0):
    if wanted.shape != got.shape:
        return tool.fail("%s has the shape %s, PyTorch's %s" % (what, got.shape, wanted.shape))
    wanted, got = wanted.astype(numpy.float64).ravel(), got.astype(numpy.float64).ravel()
    if not wanted.size:
        return None
    finite = numpy.isfinite(wanted)
    if not numpy.array_equal(finite, numpy.isfinite(got)):
        return tool.fail("%s: other elements are infinite than in PyTorch" % what)
    wanted, got = wanted[finite], got[finite]
    top = max(numpy.abs(wanted).max(initial=0.0), 1e-30)
    off = numpy.abs(wanted - got).max(initial=0.0)
    cosine = 1.0 if off == 0 else wanted @ got / max(numpy.linalg.norm(wanted) * numpy.linalg.norm(got), 1e-30)
    if cosine < 0.9999 and not step or off > max(1e-4 * top, 1.01 * step):
        return tool.fail("%s: cosine %.6f, off by %.3g of %.3g" % (what, cosine, off, top))
    return None


def output_names(tool, program):
    info = tool.answer("info", program)
    return [output["name"] for output in info["outputs"]] if info else []


def compare(tool, archive, truth, label, step=0.0):
    """Imports, compiles, runs, and compares with the stored outputs."""
    arrays = numpy.load(truth)
    inputs = {name: arrays[name] for name in arrays.files if not name.startswith("out")}
    wanted = [arrays["out%d" % i] for i in range(len(arrays.files) - len(inputs))]
    numpy.savez(tool.out("in.npz"), **inputs)
    shapes = ",".join("%s:%s" % (name, "x".join(map(str, array.shape))) for name, array in inputs.items())
    module, program, result = tool.out("net.mlirbc"), tool.out("net.burin"), tool.out("out.npz")
    if not (tool.must("import", archive, "--input-shapes", shapes, "-o", module)
            and tool.must("compile", module, "--precision", "f32", "-o", program)
            and tool.must("run", program, "--input", tool.out("in.npz"), "-o", result)):
        return
    got = numpy.load(result)
    names = output_names(tool, program)
    if len(names) != len(wanted):
        return tool.fail("%s has %d outputs, PyTorch %d" % (label, len(names), len(wanted)))
    for name, array in zip(names, wanted):
        same(tool, "%s: %s" % (label, name), array, got[name], step)
    print("%s: %d outputs compared" % (label, len(names)), flush=True)


def check_refusals(tool):
    done = tool.run("import", tool.data("models", "torch", "keithyin_traced.pt"), "-o", tool.out("refused.mlir"))
    if done.returncode != 2 or "batch_feature" not in done.stderr:
        tool.fail("an input without a shape: exit %d: %s" % (done.returncode, done.stderr))


def main():
    tool = Tool(needs_zoo=False)
    torch = has_torch()
    if not torch and not tool.has_zoo:
        print("neither python3-torch nor a zoo: nothing to compare")
        sys.exit(SKIPPED)
    if torch and make_models(tool):
        for name in filter(tool.wants, NETWORKS):
            for kind in ("traced", "scripted"):
                compare(tool, tool.out("%s_%s.pt" % (name, kind)), tool.out(name + ".npz"), name + " " + kind,
                        step=NETWORKS[name])
    for name in ZOO if torch and tool.has_zoo else ():
        compare(tool, tool.data("models", "torch", name + ".pt"), tool.out(name + ".npz"), name)
    if tool.has_zoo:
        check_refusals(tool)
    if not torch:
        print("skipped for want of python3-torch: %d comparisons" % (2 * len(NETWORKS) + len(ZOO)))
    tool.finish()


if __name__ == "__main__":
    main()
