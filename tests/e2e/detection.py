#!/usr/bin/python3
"""INT8 detections against those of the float network: tests/e2e/detection.py BURIN [MODEL...]

Networks of COCO: the last 80 pictures of coco100 calibrate, the first 20 measure. UltraFace: the odd pictures of wider40
calibrate, the even ones measure. F1 of greedy matching per class at IoU 0.5, see `burin eval --task detect`. The layers named as
furthest from float are worth a look: none is one whose range was cut on purpose, which would have far more noise.
"""
import os

from tool import DETECTORS, Tool

PICTURES = (".jpg", ".jpeg", ".png")
FLOORS = {"yolox_nano": 0.93, "nanodet_m_320": 0.93, "yolov5n-fp16": 0.93, "version-RFB-320": 0.96}
EVAL_FLAGS = {"version-RFB-320": ["--score", "0.7", "--iou", "0.3"]}
FURTHEST_LAYER_DB = 8


def pictures(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.lower().endswith(PICTURES)]


def split(tool, name):
    """(calibration, measurement) pictures."""
    if name == "version-RFB-320":
        files = pictures(tool.data("images", "wider40"))
        return files[::2], files[1::2]  # the first file is number one: odd
    files = pictures(tool.data("images", "coco100"))
    return files[20:], files[:20]


def write_list(path, files):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(name + "\n" for name in files)
    return path


def source(tool, name):
    lite = tool.data("models", "tflite", name + ".tflite")
    return lite if os.path.exists(lite) else tool.model(name)


def measure(tool, name):
    calibration, measurement = split(tool, name)
    lists = [write_list(tool.out("%s_%s.txt" % (name, part)), files)
             for part, files in (("calibrate", calibration), ("measure", measurement))]
    net, program = tool.out(name + ".mlir"), tool.out(name + ".burin")
    made = (tool.must("import", source(tool, name), "-o", net, *DETECTORS[name]) and
            tool.answer("quantize", net, "--data", lists[0], "-o", program))
    if not made:
        return
    result = tool.answer("eval", program, "--task", "detect", "--data", lists[1], "--against", net, *EVAL_FLAGS.get(name, []))
    if not result:
        return
    print("%s: %s (%d pictures calibrate, %d measure)" % (name, result, len(calibration), len(measurement)))
    tool.floor(name + ": F1 of INT8 against float", result["f1"], at_least=FLOORS[name])
    tool.floor("%s: SQNR of the layer furthest from float" % name, made["worst"][0]["sqnr_db"], at_least=FURTHEST_LAYER_DB)


def main():
    tool = Tool()
    for name in filter(tool.wants, FLOORS):
        measure(tool, name)
    tool.finish()


if __name__ == "__main__":
    main()
