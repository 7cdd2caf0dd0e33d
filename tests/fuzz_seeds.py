#!/usr/bin/python3
"""Seeds for the fuzz targets, made by the tool itself: tests/fuzz_seeds.py BURIN FOLDER

FOLDER/NAME holds the seeds of fuzz_NAME: modules, weights, plans, tables and programs of every precision from the
small graphs in fuzz/corpus/onnx and from examples/digits, a program of every ONNX node test that is installed, small
models of the zoo where there is one (BURIN_ZOO), and pictures and arrays of the kinds the readers know. Seeds that are
small text or hand-made are in fuzz/corpus.
"""
import glob
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import caffe_cases  # noqa: E402 the path comes first
import darknet_cases  # noqa: E402
DIGITS = os.path.join(ROOT, "examples", "digits")
NODE_TESTS = "/usr/include/onnx/backend/test/data/node"  # Debian's libonnx-testdata
MOST_BYTES = 65536  # what tests/fuzz.sh lets libFuzzer read


class Seeds:
    def __init__(self, burin, folder):
        self.burin, self.folder = os.path.abspath(burin), os.path.abspath(folder)
        self.scratch = tempfile.TemporaryDirectory(prefix="burin_seeds_")

    def path(self, target, name):
        os.makedirs(os.path.join(self.folder, target), exist_ok=True)
        return os.path.join(self.folder, target, name)

    def temporary(self, name):
        return os.path.join(self.scratch.name, name)

    def attempt(self, *arguments):
        return subprocess.run([self.burin, *arguments], capture_output=True, text=True, check=False)

    def tool(self, *arguments):
        done = self.attempt(*arguments)
        if done.returncode:
            sys.exit("fuzz_seeds: burin %s: %s" % (" ".join(arguments), done.stderr.strip()))
        return done.stdout

    def two_files(self, target, first, second):
        """Both behind the length of the first in two bytes, as much of the second as fits."""
        with open(first, "rb") as file:
            data = file.read()
        if len(data) >= MOST_BYTES:
            return
        with open(second, "rb") as file:
            data = struct.pack("<H", len(data)) + data + file.read(MOST_BYTES)
        with open(self.path(target, os.path.basename(first)), "wb") as file:
            file.write(data[:MOST_BYTES])

    def copy(self, source, target, name):
        if os.path.getsize(source) <= MOST_BYTES:
            shutil.copyfile(source, self.path(target, name))


def random_sample(inputs, generator):
    """Zeros and ones for integers and booleans (often indices or conditions), floats for the rest."""
    kinds = {"f32": numpy.float32, "f16": numpy.float16, "i64": numpy.int64, "i32": numpy.int32, "bool": numpy.bool_}
    sample = {}
    for spec in inputs:
        kind = kinds[spec["dtype"]]
        values = generator.standard_normal(spec["shape"])
        sample[spec["name"]] = values.astype(kind) if kind in (numpy.float32, numpy.float16) else (values > 0).astype(kind)
    return sample


def seeds_of_network(seeds, model, data=None, preprocess=()):
    """Everything the tool makes of one model: `data` is a folder of samples, random ones when there is none."""
    name = os.path.splitext(os.path.basename(model))[0]
    module, sealed = seeds.temporary(name + ".mlir"), seeds.temporary(name + ".mlirbc")
    program = seeds.temporary(name + ".burin")
    for output in (module, sealed):
        seeds.tool("import", model, "--quiet", "-o", output, *preprocess)
    seeds.copy(sealed, "module", name + ".mlirbc")
    seeds.copy(module + ".weights", "module", name + ".weights")
    for precision in ("f32", "f16", "bf16"):
        seeds.tool("compile", module, "--quiet", "--precision", precision, "-o", program)
        seeds.copy(program, "program", "%s_%s.burin" % (name, precision))
    if data is None:
        inputs = json.loads(seeds.tool("info", program, "--json"))["inputs"]
        data, generator = seeds.temporary(name), numpy.random.default_rng(1)
        os.mkdir(data)
        for i in range(2):
            numpy.savez(os.path.join(data, "%d.npz" % i), **random_sample(inputs, generator))
    table, plan = seeds.temporary(name + ".cali"), seeds.temporary(name + ".plan.json")
    for target in ("cpu", "tflite", "bm1684"):
        seeds.tool("quantize", module, "--quiet", "--target", target, "--data", data, "--save-plan", plan,
                   "--save-calibration", table, "-o", program)
        seeds.copy(program, "program", "%s_%s.burin" % (name, target))
        seeds.copy(plan, "plan", "%s_%s.json" % (name, target))
    seeds.copy(table, "table", name + ".cali")
    seeds.copy(table + ".json", "table", name + ".cali.json")


def seeds_of_node_tests(seeds):
    """Every op once: the models, and float programs of those that the tool takes."""
    module, program = seeds.temporary("node.mlirbc"), seeds.temporary("node.burin")
    for model in sorted(glob.glob(os.path.join(NODE_TESTS, "*", "model.onnx"))):
        name = os.path.basename(os.path.dirname(model))
        seeds.copy(model, "onnx", name + ".onnx")
        if not (seeds.attempt("import", model, "-o", module).returncode
                or seeds.attempt("compile", module, "-o", program).returncode):
            seeds.copy(program, "program", name + ".burin")


def seeds_of_zoo(seeds, zoo):
    """Small models of other frameworks: what the tool cannot make itself."""
    def models(*pattern):
        return sorted(glob.glob(os.path.join(zoo, "models", *pattern)))

    for model in models("tflite", "*.tflite"):
        seeds.copy(model, "tflite", os.path.basename(model))
    for model in models("tf", "*.pb") + models("tf", "*", "saved_model.pb") + models("tf", "*", "*", "*.index"):
        seeds.copy(model, "tensorflow", model.replace("/", "_"))
    for symbol in models("mxnet", "*-symbol.json"):
        seeds.two_files("mxnet", symbol, glob.glob(symbol[:-len("symbol.json")] + "*.params")[0])
    for archive in models("torch", "*.pt"):
        seeds_of_archive(seeds, archive)
    # A text, a zero byte, and as much of the weights as fits.
    for target, text, weights in (("caffe", ".prototxt", ".caffemodel"), ("darknet", ".cfg", ".weights")):
        for model in models(target, "*" + text):
            with open(model, "rb") as file:
                data = file.read() + b"\0"
            beside = model[:-len(text)] + weights
            if os.path.exists(beside):
                with open(beside, "rb") as file:
                    data += file.read(MOST_BYTES)
            with open(seeds.path(target, os.path.basename(model)), "wb") as file:
                file.write(data[:MOST_BYTES])


def seeds_of_archive(seeds, path):
    """The sources and pickles of a TorchScript archive, each behind the byte that fuzz_torch.cpp knows it by."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".py", ".pkl")) and not name.endswith("debug_pkl"):
                kind = b"1" if name.endswith(".py") else b"2"
                with open(seeds.path("torch", name.replace("/", "_")), "wb") as file:
                    file.write(kind + archive.read(name))


def seeds_of_torch(seeds):
    """Whole archives of the sources in fuzz/corpus, stored and deflated."""
    for source in sorted(glob.glob(os.path.join(ROOT, "fuzz", "corpus", "torch", "*"))):
        with open(source, "rb") as file:
            text = file.read()[1:]
        for kind, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", method) as archive:
                archive.writestr("net/code/__torch__.py", text)
                archive.writestr("net/data.pkl", b"\x80\x02c__torch__\nNet\n)\x81}b.")
            with open(seeds.path("torch", "%s_%s" % (os.path.basename(source), kind)), "wb") as file:
                file.write(b"0" + buffer.getvalue())


def bmp(width, height, bits, pixels):
    """An uncompressed bitmap; 8 bits bring a grey palette."""
    palette = b"".join(bytes([i, i, i, 0]) for i in range(256)) if bits == 8 else b""
    start = 54 + len(palette)
    return (struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) +
            struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(pixels), 0, 0, 0, 0) + palette + pixels)


def seeds_of_pictures(seeds):
    seeds.copy(sorted(glob.glob(os.path.join(DIGITS, "calib", "*.png")))[0], "image", "digit.png")
    noise = numpy.random.default_rng(1).integers(0, 256, 16 * 12, numpy.uint8).tobytes()
    for bits, width, height in ((8, 16, 12), (24, 4, -16), (32, 4, 12)):
        with open(seeds.path("image", "%d.bmp" % bits), "wb") as file:
            file.write(bmp(width, height, bits, noise))


def seeds_of_arrays(seeds):
    arrays = {"f": numpy.linspace(-1, 1, 24, dtype=numpy.float32).reshape(2, 3, 4), "i": numpy.arange(6, dtype=">i4"),
              "h": numpy.ones((2, 2), numpy.float16, order="F"), "b": numpy.array([True, False]),
              "d": numpy.zeros((0, 3)), "s": numpy.array(7, numpy.int64)}
    numpy.savez(seeds.path("npz", "stored.npz"), **arrays)
    numpy.savez_compressed(seeds.path("npz", "deflated.npz"), **arrays)
    for name, array in arrays.items():
        numpy.save(seeds.path("npz", name + ".npy"), array)


def seeds_of_layers(seeds):
    """Networks of one layer: the text, a zero byte, the weights."""
    for i, case in enumerate(caffe_cases.cases()):
        with open(seeds.path("caffe", "%d.bin" % i), "wb") as file:
            file.write(case.text.encode() + b"\0" + case.weights)
    for i, case in enumerate(darknet_cases.cases()):
        with open(seeds.path("darknet", "%d.bin" % i), "wb") as file:
            file.write(case.text.encode() + b"\0" + case.weights)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    seeds = Seeds(*sys.argv[1:])
    for model in sorted(glob.glob(os.path.join(ROOT, "fuzz", "corpus", "onnx", "*.onnx"))):
        seeds_of_network(seeds, model)
    seeds_of_network(seeds, os.path.join(DIGITS, "digits.onnx"), os.path.join(DIGITS, "calib"),
                     "--pixel gray --mean 127.5 --scale 0.00784313725490196".split())
    seeds_of_node_tests(seeds)
    seeds_of_zoo(seeds, os.environ.get("BURIN_ZOO", os.path.join(ROOT, "..", "shared", "zoo")))
    seeds_of_pictures(seeds)
    seeds_of_arrays(seeds)
    seeds_of_layers(seeds)
    seeds_of_torch(seeds)
    for target in sorted(os.listdir(seeds.folder)):
        print("fuzz seeds: %s: %d" % (target, len(os.listdir(os.path.join(seeds.folder, target)))))


if __name__ == "__main__":
    main()
