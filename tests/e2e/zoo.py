"""The model files of the zoo as a table: what belongs together, with which flags it is imported, and what is fed."""
import glob
import os
from typing import NamedTuple

import numpy

# By folder of the zoo: how the name of a model's main file ends. A folder instead of a file stands under its marker.
ENDINGS = {"caffe": ".prototxt", "darknet": ".cfg", "mxnet": "-symbol.json", "onnx": ".onnx", "paddle": "inference.pdmodel",
           "tf": ".pb", "tflite": ".tflite", "torch": (".pt", ".th")}
FOLDERS = ("inference.pdmodel", "saved_model.pb")
DTYPES = {"f32": "f4", "i8": "i1", "u8": "u1", "i32": "i4", "i64": "i8"}


class Model(NamedTuple):
    """One way to import one model: `flags` from shapes.txt, `files` all that it is read from."""
    name: str
    form: str
    path: str
    files: list
    flags: list
    refused: bool


def listed_flags(tool):
    """[(flags, is refused)] by path, from shapes.txt."""
    rows = {}
    with open(tool.data("shapes.txt"), encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 3 and not line.startswith("#"):
                rows.setdefault(fields[0], []).append((fields[1].split(), fields[2] == "refuse"))
    return rows


def parts(path):
    """The files of a model: those below its folder, or beside it under the same stem."""
    if os.path.isdir(path):
        return sorted(file for file in glob.glob(path + "/**", recursive=True) if os.path.isfile(file))
    stem = path.split("-symbol.json")[0] if path.endswith(".json") else os.path.splitext(path)[0]
    weights = {".prototxt": [stem + ".caffemodel", stem + "_iter_*.caffemodel"], ".cfg": [stem + ".weights"],
               ".json": [stem + "-0*.params"]}
    return [path] + [file for pattern in weights.get(os.path.splitext(path)[1], ()) for file in glob.glob(pattern)]


def label(form, path, flags):
    """`tf/mtcnn_frozen_model:pnet` names one of several networks of a file."""
    name = os.path.basename(path)
    if not os.path.isdir(path):
        name = name.split("-symbol.json")[0] if name.endswith(".json") else os.path.splitext(name)[0]
    if "--inputs" in flags:
        name += ":" + flags[flags.index("--inputs") + 1].split("/")[0]
    return "%s/%s" % (form, name)


def models(tool, wanted=lambda model: True, chosen=True):
    """Every model of the zoo, by format and name; with `chosen` those that the command line names, if it names any."""
    listed, result = listed_flags(tool), []
    for form, endings in ENDINGS.items():
        found = glob.glob(tool.data("models", form, "**"), recursive=True)
        for path in sorted(file.removesuffix(".xz") for file in found if file.removesuffix(".xz").endswith(endings)):
            rows = listed.get(os.path.relpath(path, tool.zoo), [([], False)])
            if not os.path.exists(path):
                path = tool.model(os.path.basename(path).removesuffix(".onnx"))  # the packed ones
            if os.path.basename(path) in FOLDERS:
                path = os.path.dirname(path)
            result += [Model(label(form, path, flags), form, path, parts(path), flags, refused) for flags, refused in rows]
    return [model for model in result if wanted(model) and (not chosen or tool.wants(model.name))]


def unclaimed(tool):
    """Files below models/ that no model is read from."""
    stored = {file for file in glob.glob(tool.data("models", "**"), recursive=True) if os.path.isfile(file)}
    claimed = {file for model in models(tool, chosen=False) for file in model.files}
    return sorted(file for file in stored - claimed if not file.endswith(".xz"))


def compiled(tool, path, *flags, precision="f32"):
    """The program of a model file, or None after a failure."""
    module, program = tool.out("net.mlirbc"), tool.out("net.burin")
    done = (tool.must("import", path, "-o", module, *flags)
            and tool.must("compile", module, "--precision", precision, "-o", program))
    return program if done else None


def program_of(tool, model, *flags, precision="f32"):
    return compiled(tool, model.path, *model.flags, *flags, precision=precision)


def random_array(shape, dtype=numpy.float32, seed=7):
    generator, dtype = numpy.random.default_rng(seed), numpy.dtype(dtype)
    if dtype.kind == "f":
        return generator.uniform(-1, 1, shape).astype(dtype)
    limits = numpy.iinfo(dtype)
    return generator.integers(max(limits.min, -128), min(limits.max, 255), shape, dtype)


def random_inputs(info):
    """An array per input of a program, with the element types its file declares."""
    return {entry["name"]: random_array(entry["shape"], DTYPES[entry["dtype"]]) for entry in info["inputs"]}


def run(tool, program, inputs, *flags):
    """Outputs by name, or None after a failure; with --raw stored integers, without their scales."""
    numpy.savez(tool.out("in.npz"), **inputs)
    command = ["run", program, "--input", tool.out("in.npz"), "-o", tool.out("out.npz"), "--quiet", *flags]
    if program is None or not tool.must(*command):
        return None
    with numpy.load(tool.out("out.npz")) as stored:
        return {name: stored[name] for name in stored.files if not name.endswith((":scale", ":zero_point"))}


def cosine(a, b):
    """Of two arrays of the same number of elements; 0 where the numbers differ or one is not finite."""
    a, b = a.ravel().astype(numpy.float64), b.ravel().astype(numpy.float64)
    if a.size != b.size or not (numpy.isfinite(a).all() and numpy.isfinite(b).all()):
        return 0.0
    size = numpy.linalg.norm(a) * numpy.linalg.norm(b)
    return float(a @ b / size) if size else float(numpy.array_equal(a, b))
