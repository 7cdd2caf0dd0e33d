#!/usr/bin/python3
"""Every Paddle and MXNet file of the zoo, imported, compiled, run and compared: tests/e2e/import_paddle_mxnet.py BURIN

Truths: the PP-OCR classifier has the weights of the ONNX file whose outputs are stored; the MXNet networks have those of
the Caffe files whose outputs are stored, MTCNN with rows, columns and channels in another order. The Paddle MobileNetV3 has
weights of its own: it is held to the ONNX file's structure, and its probabilities to their sum.
"""
import os

import numpy as np

from tool import Tool

COSINE = 0.9999
SECONDS = 1.0
ORDINARY = {"transpose", "gather", "concat", "pad"}  # what an ordinary network needs none of when compiled


def cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / max(np.sqrt((a @ a) * (b @ b)), 1e-30))


def mtcnn_input(x):
    """Caffe takes RGB with rows and columns exchanged, MXNet BGR as it is."""
    return np.ascontiguousarray(x[:, ::-1].transpose(0, 1, 3, 2))


def check_cost(tool, name, command, files):
    seconds = tool.timed(*command)[0]
    tool.floor("%s: import, seconds" % name, seconds, at_most=SECONDS)
    bound = 3 * sum(os.path.getsize(path) for path in files) + 100e6
    tool.floor("%s: import, peak bytes" % name, tool.peak_bytes(*command), at_most=bound, form="%.0f")


def compiled(tool, name, model, flags, files):
    """Imports and compiles; the program's path and its op counts."""
    module, program = tool.out(name + ".mlirbc"), tool.out(name + ".burin")
    command = ["import", model, "-o", module, *flags]
    if not tool.must(*command) or not tool.must("compile", module, "--precision", "f32", "-o", program):
        return None, {}
    check_cost(tool, name, command, files)
    info = tool.answer("info", program)
    return program, info["ops"] if info else {}


def outputs_of(tool, program, inputs):
    np.savez(tool.out("in.npz"), **inputs)
    if not tool.must("run", program, "--input", tool.out("in.npz"), "-o", tool.out("out.npz")):
        return {}
    with np.load(tool.out("out.npz")) as stored:
        return {name: stored[name] for name in stored.files}


def compare(tool, name, got, expected):
    for tensor, value in expected.items():
        if tensor not in got or got[tensor].size != value.size:
            tool.fail("%s: no output '%s' of %d values" % (name, tensor, value.size))
            continue
        tool.floor("%s: %s" % (name, tensor), cosine(got[tensor], value), at_least=COSINE, form="%.9f")


def no_leftovers(tool, name, ops):
    left = ORDINARY & set(ops)
    if left:
        tool.fail("%s: the program still has %s" % (name, ", ".join(sorted(left))))


def paddle(tool):
    folder = tool.data("models", "paddle", "ch_ppocr_mobile_v2.0_cls")
    files = [os.path.join(folder, file) for file in os.listdir(folder)]
    golden = tool.data("golden", "ch_ppocr_mobile_v2.0_cls_infer.npz")
    flags = ["--input-shapes", "x:1x3x48x192"]
    for model in (folder, os.path.join(folder, "inference.pdmodel")):
        tool.must("import", model, "--check", golden, *flags)
    program, ops = compiled(tool, "ch_ppocr_cls", folder, flags, files)
    if program:
        no_leftovers(tool, "ch_ppocr_cls", ops)
        with np.load(golden) as stored:
            expected = {name: stored[name] for name in stored.files if name != "x"}
            compare(tool, "ch_ppocr_cls", outputs_of(tool, program, {"x": stored["x"]}), expected)

    folder = tool.data("models", "paddle", "luong_inference")
    files = [os.path.join(folder, file) for file in os.listdir(folder)]
    program, ops = compiled(tool, "luong", folder, [], files)
    other, expected_ops = compiled(tool, "luong_onnx", tool.model("luong_mobilenetv3"), ["--input-shapes", "x:1x3x224x224"],
                                   [tool.model("luong_mobilenetv3")])
    if program and other:
        no_leftovers(tool, "luong", ops)
        if ops.get("conv2d") != expected_ops.get("conv2d"):
            tool.fail("luong: %s convolutions, the ONNX file has %s" % (ops.get("conv2d"), expected_ops.get("conv2d")))
        with np.load(tool.data("golden", "luong_mobilenetv3.npz")) as stored:
            image = next(stored[name] for name in stored.files if stored[name].shape[-2:] == (224, 224))
        for value in outputs_of(tool, program, {"x": image}).values():
            tool.floor("luong: |sum of probabilities - 1|", abs(float(value.sum()) - 1), at_most=1e-5)


def mxnet(tool):
    networks = {
        "mtcnn_det1": ("mtcnn_det1-0001", "1x3x12x12", {"conv4_2_output": "conv4-2", "prob1_output": "prob1"}),
        "mtcnn_det2": ("mtcnn_det2-0001", "1x3x24x24", {"conv5_2_output": "conv5-2", "prob1_output": "prob1"}),
        "mtcnn_det3": ("mtcnn_det3-0001", "1x3x48x48",
                       {"conv6_2_output": "conv6-2", "conv6_3_output": "conv6-3", "prob1_output": "prob1"}),
        "retinaface_mnet.25": ("retinaface_mnet.25-0000", "1x3x640x640", None),
    }
    for name, (parameters, shape, pairs) in networks.items():
        symbol = tool.data("models", "mxnet", name + "-symbol.json")
        files = [symbol, tool.data("models", "mxnet", parameters + ".params")]
        program, ops = compiled(tool, name, symbol, ["--input-shapes", "data:" + shape], files)
        if not program:
            continue
        no_leftovers(tool, name, {op: n for op, n in ops.items() if op != "concat" or name.startswith("mtcnn")})
        with np.load(tool.data("golden", "cv2dnn", "caffe_" + name.replace(".25", "") + ".npz")) as stored:
            data = stored["data"] if pairs is None else mtcnn_input(stored["data"])
            if pairs is None:
                pairs = {key + "_output": key for key in stored.files if key != "data"}
            expected = {ours: stored[theirs] for ours, theirs in pairs.items()}
        compare(tool, name, outputs_of(tool, program, {"data": data}), expected)


def refusals(tool):
    """A damaged or incomplete pair of files is invalid input, said at once."""
    folder = tool.data("models", "paddle", "ch_ppocr_mobile_v2.0_cls")
    program, parameters = (os.path.join(folder, "inference." + end) for end in ("pdmodel", "pdiparams"))
    symbol, params = (tool.data("models", "mxnet", "mtcnn_det1-" + end) for end in ("symbol.json", "0001.params"))
    cases = [(program, parameters, ".pdmodel"), (symbol, params, "-symbol.json")]
    for model, weights, ending in cases:
        with open(weights, "rb") as file:
            data = file.read()
        for what, changed in (("cut", data[:len(data) // 2]), ("empty", b""), ("zeros", bytes(len(data)))):
            path = tool.out(what + ".params")
            with open(path, "wb") as file:
                file.write(changed)
            done = tool.run("import", model, "--weights", path, "-o", tool.out("bad.mlirbc"))
            if done.returncode != 3:
                tool.fail("%s with %s weights: exit %d: %s" % (model, what, done.returncode, done.stderr[:200]))
        with open(model, "rb") as file:
            data = file.read()
        with open(tool.out("bad" + ending), "wb") as file:
            file.write(data[:len(data) // 2])
        done = tool.run("import", tool.out("bad" + ending), "--weights", weights, "-o", tool.out("bad.mlirbc"))
        if done.returncode != 3:
            tool.fail("half of %s: exit %d: %s" % (model, done.returncode, done.stderr[:200]))


def main():
    tool = Tool()
    paddle(tool)
    mxnet(tool)
    refusals(tool)
    tool.finish()


if __name__ == "__main__":
    main()
