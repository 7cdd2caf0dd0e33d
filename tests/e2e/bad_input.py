#!/usr/bin/python3
"""Wrong input of every kind gives its exit code and a message that names it: tests/e2e/bad_input.py BURIN

Files are cut short and have bits flipped; paths, shapes, types, tensors, targets, flags and methods are wrong; tables
and plans belong to another network. No case may end by a signal, run on, or leave a half-written file behind.
"""
import glob
import json
import os
import random
import shutil
import subprocess

import numpy

from tool import ROOT, Tool

USAGE, INVALID, UNSUPPORTED, UNWRITABLE = 2, 3, 4, 5
CUTS, FLIPS, SECONDS = 6, 10, 60
DIGITS = os.path.join(ROOT, "examples", "digits")
PREPROCESS = "--pixel gray --mean 127.5 --scale 0.00784313725490196".split()


class BadInput(Tool):
    def __init__(self):
        super().__init__(needs_zoo=False)
        self.cases = 0
        self.random = random.Random(1)

    def attempt(self, arguments):
        """The process, or None (a failure) when it hung or was ended by a signal."""
        self.cases += 1
        line = "burin " + " ".join(map(str, arguments))
        try:
            done = self.run(*arguments, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.fail("%s: still running after %d s" % (line, SECONDS))
            return None
        if done.returncode < 0 or done.returncode >= 128 or done.returncode == 70:
            self.fail("%s: crashed, exit %d: %s" % (line, done.returncode, done.stderr.strip()[-300:]))
            return None
        return done

    def expect(self, code, words, *arguments):
        """`words`: parts of the message, all needed."""
        output = self.out("unwritten")
        arguments = [output if argument == "OUT" else argument for argument in arguments]
        done = self.attempt(arguments)
        left = glob.glob(output + "*")
        for path in left:
            os.remove(path)
        if done is None:
            return
        line = "burin " + " ".join(map(str, arguments))
        if done.returncode != code:
            self.fail("%s: exit %d instead of %d: %s" % (line, done.returncode, code, done.stderr.strip()[-300:]))
        missing = [word for word in words if word not in done.stderr]
        if missing or "burin: error: " not in done.stderr:
            self.fail("%s: no %s in: %s" % (line, missing or "'burin: error: '", done.stderr.strip()[-300:]))
        if left:
            self.fail("%s: left %s behind" % (line, ", ".join(map(os.path.basename, left))))

    def survive(self, path, command):
        """`command` (with FILE in it) on damaged copies of `path`. Success is allowed: a flipped weight is a weight."""
        with open(path, "rb") as file:
            data = file.read()
        damaged = self.out("damaged" + os.path.splitext(path)[1])
        for variant in self.variants(data):
            with open(damaged, "wb") as file:
                file.write(variant)
            if os.path.exists(path + ".weights"):
                shutil.copyfile(path + ".weights", damaged + ".weights")
            done = self.attempt([damaged if word == "FILE" else word for word in command])
            if done is not None and done.returncode and "burin: error: " not in done.stderr:
                self.fail("%s (damaged): exit %d without a message" % (os.path.basename(path), done.returncode))
            for left in glob.glob(self.out("damaged*")):
                os.remove(left)

    def variants(self, data):
        for cut in [0, 1, len(data) - 1] + [self.random.randrange(len(data)) for _ in range(CUTS)]:
            yield data[:cut]
        for i in range(FLIPS):
            flipped = bytearray(data)
            limit = len(data) if i % 2 else min(len(data), 512)  # headers hold the sizes
            flipped[self.random.randrange(limit)] ^= 1 << self.random.randrange(8)
            yield bytes(flipped)


def make_good_files(tool):
    """One valid file of every kind, by kind."""
    model = os.path.join(DIGITS, "digits.onnx")
    calibration = os.path.join(DIGITS, "calib")
    good = {"onnx": model, "calib": calibration, "picture": sorted(glob.glob(calibration + "/*.*"))[0]}
    for kind, name in (("mlir", "net.mlir"), ("mlirbc", "net.mlirbc")):
        good[kind] = tool.out(name)
        tool.must("import", model, "-o", good[kind], *PREPROCESS)
    good["table"], good["plan"], good["burin"] = tool.out("net.cali"), tool.out("plan.json"), tool.out("net.burin")
    good["npz"] = tool.out("out.npz")
    tool.must("calibrate", good["mlir"], "--data", calibration, "-o", good["table"])
    tool.must("compile", good["mlir"], "--precision", "int8", "--calibration", good["table"],
              "--save-plan", good["plan"], "-o", good["burin"])
    tool.must("run", good["burin"], "--input", good["picture"], "-o", good["npz"])
    return good


def damaged_files(tool, good):
    out = tool.out("damaged_result")
    tool.survive(good["onnx"], ["import", "FILE", "-o", out + ".mlir"])
    tool.survive(good["mlir"], ["compile", "FILE", "-o", out + ".burin"])
    tool.survive(good["mlirbc"], ["compile", "FILE", "-o", out + ".burin"])
    tool.survive(good["burin"], ["run", "FILE", "--input", good["picture"]])
    tool.survive(good["npz"], ["compare", "FILE", good["npz"]])
    tool.survive(good["table"], ["compile", good["mlir"], "--precision", "int8", "--calibration", "FILE", "-o",
                                 out + ".burin"])
    tool.survive(good["plan"], ["compile", good["mlir"], "--precision", "int8", "--plan", "FILE", "-o", out + ".burin"])
    tool.survive(good["picture"], ["run", good["burin"], "--input", "FILE"])
    damaged_weights(tool, good)
    if tool.has_zoo:
        jpeg = sorted(glob.glob(tool.data("images", "coco100", "*.jpg")))[0]
        tool.survive(jpeg, ["run", good["burin"], "--input", "FILE"])


def damaged_weights(tool, good):
    """The weights beside a text module: a changed file is refused by its hash or size, never used half."""
    net = tool.out("other.mlir")
    shutil.copyfile(good["mlir"], net)
    with open(good["mlir"] + ".weights", "rb") as file:
        data = file.read()
    for variant in tool.variants(data):
        with open(net + ".weights", "wb") as file:
            file.write(variant)
        tool.attempt(["compile", net, "-o", tool.out("weights.burin")])
    os.remove(net + ".weights")
    tool.expect(INVALID, [".weights"], "compile", net, "-o", "OUT")


def wrong_paths(tool, good):
    nothing = tool.out("nothing_here")
    for command in (["import", nothing, "-o", "OUT"], ["compile", nothing, "-o", "OUT"], ["info", nothing],
                    ["run", nothing, "--input", good["picture"]], ["run", good["burin"], "--input", nothing],
                    ["calibrate", good["mlir"], "--data", nothing, "-o", "OUT"],
                    ["quantize", good["mlir"], "--data", nothing, "-o", "OUT"], ["compare", nothing, good["npz"]],
                    ["import", good["onnx"], "--check", nothing, "-o", tool.out("checked.mlir")],
                    ["compile", good["mlir"], "--precision", "int8", "--calibration", nothing, "-o", "OUT"],
                    ["compile", good["mlir"], "--precision", "int8", "--plan", nothing, "-o", "OUT"]):
        tool.expect(INVALID, ["nothing_here"], *command)
    unwritable = os.path.join(nothing, "net.burin")
    tool.expect(UNWRITABLE, [unwritable], "compile", good["mlir"], "-o", unwritable)
    tool.expect(UNWRITABLE, [nothing], "import", good["onnx"], "-o", os.path.join(nothing, "net.mlir"))
    tool.expect(INVALID, [], "import", good["table"], "-o", "OUT")


def wrong_flags(tool, good):
    net, data = good["mlir"], good["calib"]
    tool.expect(USAGE, ["nonsense"], "nonsense")
    tool.expect(USAGE, ["--nonsense"], "import", good["onnx"], "--nonsense", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "compile", net, "--precision", "int8", "--calibration", good["table"], "--target",
                "nonsense", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "calibrate", net, "--data", data, "--method", "nonsense", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "compile", net, "--precision", "nonsense", "-o", "OUT")
    tool.expect(USAGE, ["ranges"], "compile", net, "--precision", "int8", "-o", "OUT")
    tool.expect(USAGE, ["--threads"], "calibrate", net, "--data", data, "--threads", "0", "-o", "OUT")
    tool.expect(USAGE, ["--mean"], "import", good["onnx"], "--mean", "much", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "import", good["onnx"], "--pixel", "nonsense", "-o", "OUT")
    tool.expect(USAGE, ["--override-preprocess"], "compile", net, "--mean", "3", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "import", good["onnx"], "--outputs", "nonsense", "-o", "OUT")
    tool.expect(USAGE, ["nonsense"], "import", good["onnx"], "--input-shapes", "nonsense:1x2", "-o", "OUT")
    tool.expect(USAGE, ["--input-shapes"], "import", good["onnx"], "--input-shapes", "1xfast", "-o", "OUT")
    tool.expect(USAGE, ["symmetric"], "compile", net, "--precision", "int8", "--calibration", good["table"], "--target",
                "t40", "--symmetric", "--asymmetric", "-o", "OUT")


def wrong_arrays(tool, good):
    spec = tool.answer("info", good["burin"])["inputs"][0]
    name, shape = spec["name"], spec["shape"]
    path = tool.out("sample.npz")
    bad = {"shape": ({name: numpy.zeros(shape[:-1] + [shape[-1] + 1], numpy.float32)}, [name]),
           "dtype": ({name: numpy.full(shape, "x")}, [name]),
           "missing tensor": ({"one": numpy.zeros(shape, numpy.float32), "two": numpy.zeros(3)}, [name])}
    for _, (arrays, words) in bad.items():
        numpy.savez(path, **arrays)
        tool.expect(INVALID, words, "run", good["burin"], "--input", path)
    numpy.savez(path, unrelated=numpy.zeros(3, numpy.float32))
    tool.expect(1, [], "compare", path, good["npz"])
    numpy.savez(path, **{name: numpy.full(shape, numpy.nan, numpy.float32)})
    tool.expect(INVALID, ["NaN"], "calibrate", good["mlir"], "--data", path_folder(tool, path), "-o", "OUT")


def path_folder(tool, path):
    folder = tool.out("arrays")
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(path, os.path.join(folder, "sample.npz"))
    return folder


def corrupt_pictures(tool, good):
    folder = tool.out("pictures")
    os.mkdir(folder)
    for path in sorted(glob.glob(good["calib"] + "/*.*"))[:4]:
        shutil.copy(path, folder)
    broken = os.path.join(folder, "broken.jpg")
    with open(broken, "wb") as file:
        file.write(b"\xff\xd8\xff\xe0 no picture")
    done = tool.attempt(["calibrate", good["mlir"], "--data", folder, "-o", tool.out("some.cali")])
    if done and (done.returncode or "broken.jpg" not in done.stderr or "warning" not in done.stderr):
        tool.fail("a corrupt picture among good ones: exit %d, no warning that names it: %s" %
                  (done.returncode, done.stderr[-300:]))
    for path in glob.glob(folder + "/*"):
        if path != broken:
            os.remove(path)
    tool.expect(INVALID, ["broken.jpg"], "calibrate", good["mlir"], "--data", folder, "-o", "OUT")


def other_model(tool, good):
    """A table and a plan of the same network, cut in the middle."""
    tensors = json.loads(tool.run("dump", good["onnx"], "--json").stdout)["tensors"]
    names = [tensor["name"] for tensor in tensors if not tensor["constant"]]
    net, table, plan = tool.out("cut.mlir"), tool.out("cut.cali"), tool.out("cut.json")
    if not tool.must("import", good["onnx"], "--outputs", names[len(names) // 2], "-o", net, *PREPROCESS):
        return
    tool.must("calibrate", net, "--data", good["calib"], "-o", table)
    tool.must("compile", net, "--precision", "int8", "--calibration", table, "--save-plan", plan, "-o",
              tool.out("cut.burin"))
    tool.expect(INVALID, ["another"], "compile", good["mlir"], "--precision", "int8", "--calibration", table,
                "-o", "OUT")
    tool.expect(INVALID, ["another"], "compile", good["mlir"], "--precision", "int8", "--plan", plan, "-o", "OUT")


def main():
    tool = BadInput()
    if not os.path.isdir(DIGITS):
        print("no %s" % DIGITS)
        raise SystemExit(77)
    good = make_good_files(tool)
    if not tool.failures:
        for group in (wrong_paths, wrong_flags, wrong_arrays, corrupt_pictures, other_model, damaged_files):
            group(tool, good)
    print("%d cases of bad input" % tool.cases)
    tool.finish()


if __name__ == "__main__":
    main()
