#!/usr/bin/python3
"""Every ONNX model of the zoo, imported and compared with stored results: tests/e2e/import_check.py BURIN [MODEL...]

golden/MODEL.npz holds inputs and outputs, golden/MODEL_all.npz statistics and first values of every tensor. The tool
fails a tensor below cosine 0.99999 or off by more than 1e-3 of its range.
"""
import glob
import os

from tool import Tool

MODELS_IN_ZOO = 16


def import_flags(tool):
    """Flags by model from shapes.txt."""
    flags = {}
    with open(tool.data("shapes.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(fields) < 3 or fields[2] != "ok":
                continue
            flags[fields[0]] = fields[1].split()
    return flags


def names(tool):
    found = {os.path.basename(path).split(".onnx")[0] for path in glob.glob(tool.data("models", "onnx", "*.onnx*"))}
    return sorted(found)


def main():
    tool = Tool()
    flags = import_flags(tool)
    found = names(tool)
    if len(found) < MODELS_IN_ZOO:
        tool.fail("%d ONNX models in the zoo, expected %d" % (len(found), MODELS_IN_ZOO))
    for name in filter(tool.wants, found):
        for suffix in ("", "_all"):
            golden = tool.data("golden", name + suffix + ".npz")
            if not os.path.exists(golden):
                if not suffix:
                    tool.fail("%s: no golden file" % name)
                continue
            done = tool.must("import", tool.model(name), "-o", tool.out("net.mlirbc"), "--check", golden,
                             *flags.get("models/onnx/%s.onnx" % name, []))
            if done:
                text = (done.stdout + done.stderr).strip().splitlines()
                tool.must("info", tool.out("net.mlirbc"))  # what was written can be read again
                print("%s%s: %s" % (name, suffix, next((line for line in text if "compared" in line), text[-1:])))
    tool.finish()


if __name__ == "__main__":
    main()
