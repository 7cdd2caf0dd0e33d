#!/usr/bin/python3
"""The stages one by one: tests/e2e/stages.py BURIN

A calibration table fits its network whether that comes from its own file or from a saved module, with or without the
preprocessing that pictures are given where nobody says one; it does not fit one that is fed otherwise. What the user says about
preprocessing holds against what the file says.
"""
import os

from tool import ROOT, Tool


def check_tables(tool, name, source, data, *other):
    """`other`: flags that feed the network otherwise."""
    modules = [tool.out(name + ".mlir"), tool.out(name + ".mlirbc")]
    for module in modules:
        tool.must("import", source, "-o", module)
    programs = set()
    for calibrated in [source] + modules:
        table = tool.out("table")
        if not tool.must("calibrate", calibrated, "--data", data, "--samples", 8, "-o", table):
            return
        for network in [source] + modules:
            program = tool.out("int8.burin")
            if tool.must("compile", network, "--precision", "int8", "--calibration", table, "-o", program):
                with open(program, "rb") as file:
                    programs.add(file.read())
        done = tool.run("compile", source, "--precision", "int8", "--calibration", table, "-o", tool.out("other.burin"), *other)
        if done.returncode != 3 or "another graph" not in done.stderr:
            tool.fail("%s: a table for other preprocessing is taken: exit %d, %s" % (name, done.returncode, done.stderr[-200:]))
    if len(programs) != 1:
        tool.fail("%s: %d different programs from one network" % (name, len(programs)))
    print("%s: file, text and bytecode give one program" % name)


def check_hints(tool, source):
    """The file says mean 127.5 and a scale; flags change what they name and nothing else."""
    for flags, mean in (([], 127.5), (["--mean", "3"], 3), (["--mean", "input:3"], 3)):
        module = tool.out("hinted.mlir")
        if tool.must("import", source, "-o", module, *flags):
            fed = tool.answer("info", module)["preprocess"]
            if set(fed["mean"]) != {mean} or abs(fed["scale"][0] - 1 / 127.5) > 1e-6:
                tool.fail("%s with %s: fed as %s" % (source, flags, fed))


def main():
    tool = Tool(needs_zoo=os.environ.get("BURIN_REQUIRE_ZOO") == "1")
    digits = os.path.join(ROOT, "examples", "digits")
    check_tables(tool, "digits", os.path.join(digits, "digits.onnx"), os.path.join(digits, "calib"), "--mean", "3")
    if tool.has_zoo:
        lite = tool.data("models", "tflite")
        pictures = tool.data("images", "coco100")
        check_tables(tool, "quantized", os.path.join(lite, "mobilenet_v1_0.25_128_quant.tflite"), pictures, "--mean", "3")
        check_tables(tool, "vww", os.path.join(lite, "vww_96_float.tflite"), pictures, "--scale", "0.5")
        check_hints(tool, os.path.join(lite, "mobilenet_v1_0.25_128_quant.tflite"))
    else:
        print("no model zoo: 3 of 4 checks skipped; set BURIN_ZOO")
    tool.finish()


if __name__ == "__main__":
    main()
