#!/usr/bin/python3
"""The TensorFlow models of the zoo: imported, compiled to f32 and run, and compared with what is known about them:
tests/e2e/import_tensorflow.py BURIN [MODEL...]

- FSRCNN: golden/cv2dnn holds its last convolution; what follows (blocks to pixels, one bias) is done here. OpenCV, where
  it is installed, computes another input in a process of its own.
- MTCNN: three networks in one file, cut apart. They are the Caffe networks up to the order of the axes.
- The keyword network is a SavedModel with variables; its accuracy on 1000 recorded words is known.
"""
import io
import os
import subprocess
import sys
import tarfile

import numpy as np

from tool import Tool

MODELS = "models/tf/"
CHANNELS_LAST = (0, 2, 3, 1)
MAX_SECONDS = 1.0
EXTRA_BYTES = 100 << 20
FSRCNN_BIAS = 0.203887865  # the file's constant "b8"
KEYWORD_ACCURACY = 89  # %; the float network of the same publication has 90.1

MTCNN = {
    "pnet": ("caffe_mtcnn_det1", {"conv4-2": "pnet/conv4-2/BiasAdd", "prob1": "pnet/prob1"}),
    "rnet": ("caffe_mtcnn_det2", {"conv5-2": "rnet/conv5-2/conv5-2", "prob1": "rnet/prob1"}),
    "onet": ("caffe_mtcnn_det3", {"conv6-2": "onet/conv6-2/conv6-2", "conv6-3": "onet/conv6-3/conv6-3",
                                  "prob1": "onet/prob1"}),
}
# conv8 of a frozen FSRCNN for an input [1,1,h,w]; OpenCV has no DepthToSpace, which is not reached.
WITNESS = """
import sys
import cv2
import numpy as np
class Unused:
    def __init__(self, params, blobs): pass
    def getMemoryShapes(self, inputs): return inputs
    def forward(self, inputs): return inputs
cv2.dnn_registerLayer("DepthToSpace", Unused)
net = cv2.dnn.readNetFromTensorflow(sys.argv[1])
net.setInput(np.load(sys.argv[2]))
np.save(sys.argv[3], net.forward("conv8"))
"""


def channels_last(x):
    return np.ascontiguousarray(x.transpose(CHANNELS_LAST)) if x.ndim == 4 else x


def depth_to_space(x, block):
    n, h, w, c = x.shape
    x = x.reshape(n, h, w, block, block, c // block**2).transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(x.reshape(n, h * block, w * block, c // block**2))


def cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def check_cost(tool, name, model, flags, size):
    """Import within a second and little more memory than the file."""
    command = ["import", model, "-o", tool.out("cost.mlirbc"), *flags]
    tool.floor("%s: import, s" % name, tool.timed(*command)[0], at_most=MAX_SECONDS)
    tool.floor("%s: import, peak MB" % name, tool.peak_bytes(*command) / 2**20, at_most=(3 * size + EXTRA_BYTES) / 2**20)


def check_network(tool, name, model, flags, tensors, inputs, transposes):
    """Tensors of one import against `tensors`, then the compiled program's outputs; `transposes` may be left in it."""
    golden = tool.out(name + ".npz")
    np.savez(golden, **tensors)
    module, program = tool.out(name + ".mlirbc"), tool.out(name + ".burin")
    done = tool.must("import", model, "-o", module, "--check", golden, *flags)
    if not done or not tool.must("compile", module, "--precision", "f32", "-o", program):
        return None
    print("%s: %s" % (name, next(line for line in (done.stdout + done.stderr).splitlines() if "compared" in line)))
    data = tool.out(name + "_in.npz")
    np.savez(data, **{key: tensors[key] for key in inputs})
    out = tool.out(name + "_out.npz")
    if not tool.must("run", program, "--input", data, "-o", out):
        return None
    results = dict(np.load(out))
    for key in results:
        if key in tensors:
            tool.floor("%s: %s, cosine" % (name, key), cosine(results[key], tensors[key]), at_least=0.99999, form="%.7f")
    info = tool.answer("info", program)
    if info:
        tool.floor("%s: transposes left" % name, info["ops"].get("transpose", 0), at_most=transposes)
    return results


def fsrcnn(tool):
    model = tool.data(MODELS + "FSRCNN_x2.pb")
    golden = {key: channels_last(value) for key, value in np.load(tool.data("golden/cv2dnn/tf_FSRCNN_x2.npz")).items()}
    golden["DepthToSpace"] = depth_to_space(golden["conv8"], 2)
    flags = ["--input-shapes", "IteratorGetNext:1x96x96x1"]
    results = check_network(tool, "FSRCNN_x2", model, flags, golden, ["IteratorGetNext"], 0)
    if results:  # the tail adds one number to every pixel and puts channels first
        step = results["NCHW_output"].transpose(CHANNELS_LAST) - golden["DepthToSpace"]
        tool.floor("FSRCNN_x2: spread of the last bias", float(np.ptp(step)), at_most=1e-5)
        tool.floor("FSRCNN_x2: last bias, error", abs(float(step.mean()) - FSRCNN_BIAS), at_most=1e-5)
    check_cost(tool, "FSRCNN_x2", model, flags, os.path.getsize(model))
    witness(tool, model)


def witness(tool, model):
    x = np.random.default_rng(3).random((1, 1, 40, 56), dtype=np.float32)
    np.save(tool.out("x.npy"), x)
    done = subprocess.run([sys.executable, "-c", WITNESS, model, tool.out("x.npy"), tool.out("y.npy")], check=False,
                          capture_output=True, text=True)
    if done.returncode:
        if "No module named 'cv2'" not in done.stderr:
            tool.fail("OpenCV: " + done.stderr.strip()[-300:])
        print("FSRCNN_x2: python3-opencv is missing, no second executor")
        return
    tensors = {"IteratorGetNext": channels_last(x), "conv8": channels_last(np.load(tool.out("y.npy")))}
    np.savez(tool.out("witness.npz"), **tensors)
    done = tool.must("import", model, "-o", tool.out("witness.mlirbc"), "--check", tool.out("witness.npz"),
                     "--input-shapes", "IteratorGetNext:1x40x56x1")
    if done:
        print("FSRCNN_x2 against OpenCV: %s" % next(line for line in (done.stdout + done.stderr).splitlines()
                                                   if "compared" in line))


def mtcnn(tool):
    model = tool.data(MODELS + "mtcnn_frozen_model.pb")
    for net, (golden_name, names) in MTCNN.items():
        golden = dict(np.load(tool.data("golden/cv2dnn/%s.npz" % golden_name)))
        tensors = {names[key]: channels_last(value) for key, value in golden.items() if key in names}
        source = net + "/input"
        tensors[source] = channels_last(golden["data"])
        flags = ["--inputs", source, "--input-shapes", "%s:%s" % (source, "x".join(map(str, tensors[source].shape))),
                 "--outputs", ",".join(names.values())]
        check_network(tool, net, model, flags, tensors, [source], 1)  # the pictures come with channels last
        check_cost(tool, net, model, flags, os.path.getsize(model))


def keywords(tool):
    model = tool.data(MODELS + "kws_ref_model")
    folder = tool.out("kws")
    os.mkdir(folder)
    with tarfile.open(tool.data("kws/energyrunner_kws01.tar.gz")) as archive:
        files = {os.path.basename(entry.name): archive.extractfile(entry).read() for entry in archive if entry.isfile()}
    rows = [line.split(",") for line in io.StringIO(files["y_labels.csv"].decode()) if line.strip()]
    labels = []
    for name, _, label in rows:
        stored = np.frombuffer(files[name], dtype=np.int8).reshape(1, 49, 10, 1)
        x = (stored.astype(np.float32) - 83) * np.float32(0.5847029)
        np.savez(os.path.join(folder, name[:-4] + ".npz"), input_1=x)
        labels.append("%s.npz %d" % (name[:-4], int(label)))
    with open(tool.out("labels.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(labels) + "\n")
    module, program = tool.out("kws.mlirbc"), tool.out("kws.burin")
    if not tool.must("import", model, "-o", module) or not tool.must("compile", module, "--precision", "f32", "-o", program):
        return
    answer = tool.answer("eval", program, "--data", folder, "--labels", tool.out("labels.txt"))
    if answer:
        tool.floor("kws_ref_model: accuracy on %d words, %%" % len(labels), answer["top1"], at_least=KEYWORD_ACCURACY)
    info = tool.answer("info", program)
    if info:
        tool.floor("kws_ref_model: transposes left", info["ops"].get("transpose", 0), at_most=0)
    size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(model) for name in names)
    check_cost(tool, "kws_ref_model", model, [], size)


def main():
    tool = Tool()
    for name, check in (("FSRCNN_x2", fsrcnn), ("mtcnn", mtcnn), ("kws_ref_model", keywords)):
        if tool.wants(name):
            check(tool)
    tool.finish()


if __name__ == "__main__":
    main()
