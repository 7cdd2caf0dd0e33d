#!/usr/bin/python3
"""Wrong input of every kind gives its exit code and a message that names it: tests/e2e/bad_input.py BURIN

Files are cut short and have bits flipped; paths, shapes, types, tensors, targets, flags and methods are wrong; tables
and plans belong to another network; operators are unknown; disks are full; names are no UTF-8. No case may end by a
signal, run on, or leave a half-written file behind.
"""
import glob
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess

import numpy
import onnx
from onnx import TensorProto, helper

from tool import ROOT, Tool

USAGE, INVALID, UNSUPPORTED, UNWRITABLE = 2, 3, 4, 5
CUTS, FLIPS, SECONDS = 6, 10, 60
COMPANIONS = ("", ".weights", ".json")  # what may lie beside a file under its name
DIGITS = os.path.join(ROOT, "examples", "digits")
PREPROCESS = "--pixel gray --mean 127.5 --scale 0.00784313725490196".split()


class BadInput(Tool):
    def __init__(self):
        super().__init__(needs_zoo=False)
        self.cases = 0
        self.random = random.Random(1)

    def attempt(self, arguments, **how):
        """The process, or None (a failure) when it hung or was ended by a signal. `how` is for subprocess.run()."""
        self.cases += 1
        line = shown(arguments)
        try:
            done = self.run(*arguments, timeout=SECONDS, **how)
        except subprocess.TimeoutExpired:
            self.fail("%s: still running after %d s" % (line, SECONDS))
            return None
        if done.returncode < 0 or done.returncode >= 128 or done.returncode == 70:
            self.fail("%s: crashed, exit %d: %s" % (line, done.returncode, done.stderr.strip()[-300:]))
            return None
        return done

    def expect(self, code, words, *arguments, **how):
        """`words`: parts of the message, all needed."""
        output = self.out("unwritten")
        arguments = [output if argument == "OUT" else argument for argument in arguments]
        done = self.attempt(arguments, **how)
        left = glob.glob(output + "*")
        for path in left:
            os.remove(path)
        if done is None:
            return
        line = shown(arguments)
        if done.returncode != code:
            self.fail("%s: exit %d instead of %d: %s" % (line, done.returncode, code, done.stderr.strip()[-300:]))
        missing = [word for word in words if word not in done.stderr]
        if missing or "burin: error: " not in done.stderr:
            self.fail("%s: no %s in: %s" % (line, missing or "'burin: error: '", done.stderr.strip()[-300:]))
        if left:
            self.fail("%s: left %s behind" % (line, ", ".join(map(os.path.basename, left))))

    def survive(self, path, command, part=""):
        """`command` (with FILE in it) on damaged copies of `path`, or of its companion `part` beside a whole `path`.
        Success is allowed: a flipped weight is a weight."""
        damaged = self.out("damaged" + os.path.splitext(path)[1])
        for companion in COMPANIONS:
            if os.path.exists(path + companion):
                shutil.copyfile(path + companion, damaged + companion)
        with open(path + part, "rb") as file:
            data = file.read()
        for variant in self.variants(data):
            with open(damaged + part, "wb") as file:
                file.write(variant)
            done = self.attempt([damaged if word == "FILE" else word for word in command])
            if done is not None and done.returncode and "burin: error: " not in done.stderr:
                self.fail("%s (damaged): exit %d without a message" % (os.path.basename(path + part), done.returncode))
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


def shown(arguments):
    return "burin " + " ".join(map(str, arguments)).encode("utf-8", "backslashreplace").decode()


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
    good["jpg"] = os.path.join(ROOT, "fuzz", "corpus", "image", "420.jpg")
    good["bmp"], good["array"] = tool.out("net.bmp"), tool.out("net.npy")
    with open(good["bmp"], "wb") as file:
        file.write(bmp(5, 4, bytes(range(16)) * 4))
    shape = tool.answer("info", good["burin"])["inputs"][0]["shape"]
    numpy.save(good["array"], numpy.zeros(shape, numpy.float32))
    for kind in ("jpg", "bmp", "array"):
        tool.must("run", good["burin"], "--input", good[kind])
    return good


def bmp(width, height, pixels):
    return (struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54) +
            struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels)


def save_model(tool, name, nodes, opsets=(("", 13),), shape=(1, 4)):
    """A network from x to y, both float."""
    value = [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape) for tensor in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", value[:1], value[1:]), ir_version=8,
                              opset_imports=[helper.make_opsetid(*opset) for opset in opsets])
    onnx.save(model, tool.out(name))
    return tool.out(name)


def damaged_files(tool, good):
    out = tool.out("damaged_result")
    compile_int8 = ["compile", good["mlir"], "--precision", "int8", "-o", out + ".burin"]
    tool.survive(good["onnx"], ["import", "FILE", "-o", out + ".mlir"])
    tool.survive(good["mlir"], ["compile", "FILE", "-o", out + ".burin"])
    tool.survive(good["mlir"], ["compile", "FILE", "-o", out + ".burin"], part=".weights")
    tool.survive(good["mlirbc"], ["compile", "FILE", "-o", out + ".burin"])
    tool.survive(good["burin"], ["run", "FILE", "--input", good["picture"]])
    tool.survive(good["table"], compile_int8 + ["--calibration", "FILE"])
    tool.survive(good["table"], compile_int8 + ["--calibration", "FILE"], part=".json")
    tool.survive(good["plan"], compile_int8 + ["--plan", "FILE"])
    tool.survive(good["npz"], ["compare", "FILE", good["npz"]])
    for kind in ("array", "picture", "jpg", "bmp"):
        tool.survive(good[kind], ["run", good["burin"], "--input", "FILE"])


def wrong_weights(tool, good):
    """The weights beside a text module, cut, missing, or of another network: refused, never used in part."""
    net = tool.out("other.mlir")
    shutil.copyfile(good["mlir"], net)
    with open(good["mlir"] + ".weights", "rb") as file:
        data = file.read()
    with open(net + ".weights", "wb") as file:
        file.write(data[:len(data) // 2])
    tool.expect(INVALID, [".weights", "truncated"], "compile", net, "-o", "OUT")
    os.remove(net + ".weights")
    tool.expect(INVALID, [".weights"], "compile", net, "-o", "OUT")
    small = tool.out("small.mlir")
    tool.must("import", save_model(tool, "small.onnx", [helper.make_node("Relu", ["x"], ["y"], "r")]), "-o", small)
    shutil.copyfile(small + ".weights", net + ".weights")
    tool.expect(INVALID, ["weights"], "compile", net, "-o", "OUT")


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


def unsupported(tool, good):
    """Each is named with its node, and all of them in one message."""
    model = save_model(tool, "unknown.onnx", [
        helper.make_node("Frobnicate", ["x"], ["a"], "first", domain="org.example"),
        helper.make_node("Relu", ["a"], ["b"], "second"), helper.make_node("Wobble", ["b"], ["y"], "third")],
                       opsets=(("", 13), ("org.example", 1)))
    tool.expect(UNSUPPORTED, ["Frobnicate", "first", "Wobble", "third"], "import", model, "-o", "OUT")
    tool.expect(UNSUPPORTED, ["Frobnicate"], "quantize", model, "--data", good["calib"], "-o", "OUT")
    model = save_model(tool, "words.onnx", [
        helper.make_node("Cast", ["x"], ["s"], "to_words", to=TensorProto.STRING),
        helper.make_node("Cast", ["s"], ["y"], "to_numbers", to=TensorProto.FLOAT)])
    tool.expect(UNSUPPORTED, ["to_words"], "import", model, "-o", "OUT")
    tool.expect(UNSUPPORTED, ["as-is"], "compile", good["mlir"], "--precision", "as-is", "-o", "OUT")
    tool.expect(UNSUPPORTED, ["detection"], "eval", good["burin"], "--data", good["calib"], "--task", "detect",
                "--against", good["mlir"])


def full_disk(tool, good):
    """Every command that writes, on a disk without room: the old file stays as it was, nothing else is left."""
    int8 = ["--precision", "int8", "--calibration", good["table"]]
    commands = {
        "net.mlir": ["import", good["onnx"]], "net.mlirbc": ["import", good["onnx"]],
        "net.cali": ["calibrate", good["mlir"], "--data", good["calib"], "--samples", "2"],
        "net.burin": ["compile", good["mlir"], *int8], "net.onnx": ["export", good["mlir"], "--format", "onnx"],
        "all.burin": ["quantize", good["onnx"], *PREPROCESS, "--data", good["calib"], "--samples", "12"],
        "out.npz": ["run", good["burin"], "--input", good["picture"], "--all-tensors"]}
    folder = tool.out("disk")
    os.mkdir(folder)
    for name, command in commands.items():
        path = os.path.join(folder, name)
        # A link, for the device itself must not be at the mercy of this test.
        os.symlink("/dev/full", path)
        tool.expect(UNWRITABLE, [path, "No space left"], *command, "-o", path)
        if not os.path.islink(path) or os.listdir(folder) != [name]:
            tool.fail("burin %s to a full disk: left %s" % (command[0], os.listdir(folder)))
        os.unlink(path)
        # The disk fills up in the middle of the file.
        with open(path, "w", encoding="utf-8") as file:
            file.write("old")
        tool.expect(UNWRITABLE, [name], *command, "-o", path, preexec_fn=little_room)
        with open(path, encoding="utf-8", errors="replace") as file:
            if file.read() != "old" or os.listdir(folder) != [name]:
                tool.fail("burin %s to a disk that fills up: left %s" % (command[0], os.listdir(folder)))
        os.unlink(path)
    plan = os.path.join(folder, "plan.json")
    os.symlink("/dev/full", plan)
    tool.expect(UNWRITABLE, [plan], "compile", good["mlir"], *int8, "--save-plan", plan, "-o", "OUT")
    with open("/dev/full", "w", encoding="utf-8") as full:
        tool.expect(UNWRITABLE, ["No space left"], "info", good["burin"], "--json", stdout=full)


def little_room():
    """In the process to be: a file may have 300 bytes, and a write that goes further fails without a signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))


def strange_names(tool, good):
    """Names of files and of tensors that are no UTF-8 are used as they are, and reports about them are still JSON."""
    name = os.fsdecode(b"\xff\xfe net \xc3")
    model, net, table, program = (tool.out(name + suffix) for suffix in (".onnx", ".mlir", ".cali", ".burin"))
    with open(good["onnx"], "rb") as source, open(model, "wb") as file:
        file.write(source.read())
    for arguments in (["import", model, "-o", net, *PREPROCESS],
                      ["calibrate", net, "--data", good["calib"], "--samples", "4", "-o", table],
                      ["compile", net, "--precision", "int8", "--calibration", table, "-o", program],
                      ["run", program, "--input", good["picture"], "-o", tool.out(name + ".npz")]):
        done = tool.attempt(arguments)
        if done and done.returncode:
            tool.fail("%s: exit %d: %s" % (shown(arguments), done.returncode, done.stderr[-300:]))
    tool.expect(INVALID, ["nothing"], "import", tool.out(name + "nothing"), "-o", "OUT")
    bad_tensor_names(tool)


def bad_tensor_names(tool):
    model = save_model(tool, "names.onnx", [helper.make_node("Relu", ["x"], ["MARK"], "MARK1"),
                                            helper.make_node("Sigmoid", ["MARK"], ["y"], "MARK2")])
    with open(model, "rb") as file:
        data = file.read().replace(b"MARK", b"M\xff\xc3K")
    with open(model, "wb") as file:
        file.write(data)
    net, program = tool.out("names.mlir"), tool.out("names.burin")
    done = tool.attempt(["import", model, "-o", net])
    if done and done.returncode:
        if done.returncode != INVALID or "burin: error: " not in done.stderr:
            tool.fail("tensor names that are no UTF-8: exit %d: %s" % (done.returncode, done.stderr[-300:]))
        return
    samples, plan, table = tool.out("names.npy"), tool.out("names.json"), tool.out("names.cali")
    numpy.save(samples, numpy.linspace(-1, 1, 16, dtype=numpy.float32).reshape(4, 4))
    tool.must("quantize", net, "--data", samples, "--save-plan", plan, "--save-calibration", table, "-o", program)
    tool.attempt(["compile", net, "--precision", "int8", "--plan", plan, "-o", program])
    tool.attempt(["compile", net, "--precision", "int8", "--calibration", table, "-o", program])
    tool.must("compile", net, "-o", program)
    for arguments in (["dump", model], ["dump", net], ["info", program], ["bench", program, "--runs", "1"]):
        tool.answer(*arguments)


def main():
    tool = BadInput()
    if not os.path.isdir(DIGITS):
        print("no %s" % DIGITS)
        raise SystemExit(77)
    good = make_good_files(tool)
    if not tool.failures:
        for group in (wrong_paths, wrong_flags, wrong_arrays, corrupt_pictures, other_model, wrong_weights,
                      unsupported, full_disk, strange_names, damaged_files):
            group(tool, good)
    print("%d cases of bad input" % tool.cases)
    tool.finish()


if __name__ == "__main__":
    main()
