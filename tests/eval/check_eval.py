#!/usr/bin/python3
"""`burin eval` against stored float results: tests/eval/check_eval.py BURIN [ZOO] [UNPACKED]

- The detections of two float networks equal golden/detections.json: the same number, boxes within half a pixel,
  scores within 0.002.
- The same detections as ground truth are found: F1 1, average precision 1.
- The float accuracies of three classifiers equal those in the zoo's README.
- One thread and three give the same answer; wrong input gives the promised exit codes.

Exit 77: no zoo there (skipped).
"""
import json
import os
import subprocess
import sys
import tempfile

DETECTORS = {
    "yolox_nano": "--fit letterbox --pad-value 114 --pad-align corner --pixel bgr --mean 0 --scale 1",
    "nanodet_m_320": "--fit stretch --pixel bgr --mean 103.53,116.28,123.675 "
                     "--scale 0.017429194,0.017507004,0.017124754",
}
CLASSIFIERS = {
    "resnet18_pqf_fp32": (75.5, 94.0, "--fit crop --resize 256 --pixel rgb --mean 123.675,116.28,103.53 "
                                      "--scale 0.017124754,0.017507004,0.017429194"),
    "mobilenet_v2_1.0_224_deq_fp32": (89.5, 99.5, "--fit crop --resize 256 --pixel rgb --mean 128 --scale 0.0078125 "
                                                  "--label-offset 1"),
    "squeezenet_v1.1_ncnn_fp32": (69.5, 88.5, "--fit crop --resize 256 --pixel bgr --mean 104,117,123 --scale 1 "
                                              "--input-shapes data:1x3x224x224"),
}
BOX_TOLERANCE, SCORE_TOLERANCE = 0.5, 0.002


def run(burin, *arguments):
    return subprocess.run([burin, *arguments], capture_output=True, text=True, check=False)


def answer(burin, *arguments):
    done = run(burin, *arguments, "--json", "--quiet")
    if done.returncode:
        sys.exit("burin %s: exit %d\n%s" % (" ".join(arguments), done.returncode, done.stderr))
    return json.loads(done.stdout)


def close(a, b):
    return a["class"] == b["class"] and abs(a["score"] - b["score"]) <= SCORE_TOLERANCE and \
        all(abs(x - y) <= BOX_TOLERANCE for x, y in zip(a["box"], b["box"]))


def difference(found, expected):
    """Why the two lists of one picture are not the same, or None; equal scores may come in any order."""
    if len(found) != len(expected):
        return "%d detections instead of %d" % (len(found), len(expected))
    left = list(found)
    for wanted in expected:
        match = next((d for d in left if close(d, wanted)), None)
        if match is None:
            return "nothing like %s" % wanted
        left.remove(match)
    return None


def check_detector(burin, zoo, name, flags, folder):
    out = os.path.join(folder, name + ".json")
    answer(burin, "eval", "%s/models/onnx/%s.onnx" % (zoo, name), "--task", "detect", "--data", zoo + "/images/coco100",
           "--save-detections", out, *flags.split())
    with open(out, encoding="utf-8") as file:
        found = json.load(file)["detections"]
    with open(zoo + "/golden/detections.json", encoding="utf-8") as file:
        expected = json.load(file)[name]["detections"]
    wrong = []
    for picture in sorted(set(found) | set(expected)):
        reason = difference(found.get(picture, []), expected.get(picture, []))
        if reason:
            wrong.append("%s: %s: %s" % (name, picture, reason))
    print("%s: %d detections on %d pictures, %d pictures differ" %
          (name, sum(map(len, expected.values())), len(expected), len(wrong)))
    return wrong


def check_ground_truth(burin, zoo, name, flags, folder):
    """The stored detections as ground truth in COCO's format: everything is found, and nothing wrong scores higher."""
    with open(zoo + "/golden/detections.json", encoding="utf-8") as file:
        stored = json.load(file)[name]["detections"]
    labels = {"images": [], "annotations": [], "categories": [{"id": 2 * i + 1, "name": str(i)} for i in range(80)]}
    for picture, detections in stored.items():
        labels["images"].append({"id": len(labels["images"]), "file_name": "val/" + picture})
        for d in detections:
            x0, y0, x1, y1 = d["box"]
            labels["annotations"].append({"image_id": len(labels["images"]) - 1, "category_id": 2 * d["class"] + 1,
                                          "bbox": [x0, y0, x1 - x0, y1 - y0], "iscrowd": 0})
    path = os.path.join(folder, "coco.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(labels, file)
    result = answer(burin, "eval", "%s/models/onnx/%s.onnx" % (zoo, name), "--task", "detect", "--data",
                    zoo + "/images/coco100", "--labels", path, *flags.split())
    print("%s against its own boxes: %s" % (name, result))
    exact = result["f1"] == result["precision"] == result["recall"] == 1 and result["map50"] > 0.9999
    return [] if exact and result["map"] > 0.99 else ["%s: its own boxes are not found: %s" % (name, result)]


def check_classifier(burin, zoo, unpacked, name, wanted):
    top1, top5, flags = wanted
    path = "%s/models/onnx/%s.onnx" % (zoo, name)
    if not os.path.exists(path):
        path = next((os.path.join(d, name + ".onnx") for d, _, files in os.walk(unpacked) if name + ".onnx" in files),
                    None)
        if path is None:
            return ["%s.onnx is neither in %s nor in %s" % (name, zoo, unpacked)]
    data = zoo + "/images/imagenet200"
    result = answer(burin, "eval", path, "--data", data, "--labels", data + "/labels.txt", *flags.split())
    print("%s: %s" % (name, result))
    expected = {"top1": top1, "top5": top5, "n": 200, "skipped": 0}
    return [] if result == expected else ["%s: %s instead of %s" % (name, result, expected)]


def check_threads(burin, zoo):
    arguments = ["eval", zoo + "/models/onnx/version-RFB-320.onnx", "--task", "detect", "--data",
                 zoo + "/images/wider40", "--samples", "8", "--against", zoo + "/models/onnx/version-RFB-320_simplified.onnx",
                 "--mean", "127", "--scale", "0.0078125"]
    one, three = answer(burin, *arguments, "--threads", "1"), answer(burin, *arguments, "--threads", "3")
    print("ultraface, graph decoding against raw boxes: %s" % one)
    wrong = [] if one == three else ["1 thread: %s, 3 threads: %s" % (one, three)]
    return wrong if one["f1"] == 1 else wrong + ["two exports of one network agree with F1 %s" % one["f1"]]


def check_errors(burin, zoo, folder):
    net, data = zoo + "/models/onnx/cifar_resnet20_fp32.onnx", os.path.join(folder, "pictures")
    os.mkdir(data)
    for name in ("a.jpg", "b.jpg"):
        with open(os.path.join(data, name), "wb") as file:
            file.write(b"\xff\xd8\xff\xe0 no picture")
    labels = os.path.join(folder, "labels.txt")
    with open(labels, "w", encoding="utf-8") as file:
        file.write("a.jpg 1\nb.jpg 99\n")
    few = os.path.join(folder, "few.txt")
    with open(few, "w", encoding="utf-8") as file:
        file.write("a.jpg 1\n")
    all_bad = os.path.join(folder, "good.txt")
    with open(all_bad, "w", encoding="utf-8") as file:
        file.write("a.jpg 1\nb.jpg 2\n")
    cases = [
        (2, "nothing to compare", ["eval", net, "--data", data]),
        (2, "unknown task", ["eval", net, "--data", data, "--labels", labels, "--task", "segment"]),
        (2, "--views", ["eval", net, "--data", data, "--labels", labels, "--views", "3"]),
        (2, "unknown detection decoder", ["eval", net, "--data", data, "--task", "detect", "--decode", "nonsense",
                                          "--against", net]),
        (2, "two measurements", ["eval", net, "--data", data, "--task", "detect", "--labels", labels, "--against", net]),
        (3, "class 99", ["eval", net, "--data", data, "--labels", labels]),
        (3, "no label for 'b.jpg'", ["eval", net, "--data", data, "--labels", few]),
        (3, "no sample could be used", ["eval", net, "--data", data, "--labels", all_bad]),
        (3, "missing.txt", ["eval", net, "--data", data, "--labels", folder + "/missing.txt"]),
        (3, "missing.burin", ["eval", folder + "/missing.burin", "--data", data, "--labels", labels]),
    ]
    wrong = []
    for code, text, arguments in cases:
        done = run(burin, *arguments)
        if done.returncode != code or text not in done.stderr or "burin: error: " not in done.stderr:
            wrong.append("burin %s: exit %d instead of %d, or no '%s' in: %s" %
                         (" ".join(arguments), done.returncode, code, text, done.stderr.strip()))
    print("%d wrong uses" % len(cases))
    return wrong


def main():
    burin = sys.argv[1]
    zoo = sys.argv[2] if len(sys.argv) > 2 else os.environ.get("BURIN_ZOO", "../shared/zoo")
    unpacked = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("BURIN_ZOO_UNPACKED", "build/zoo")
    if not os.path.isdir(zoo):
        print("no model zoo at %s; set BURIN_ZOO" % zoo)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        wrong = check_errors(burin, zoo, folder)
        wrong += check_threads(burin, zoo)
        for name, flags in DETECTORS.items():
            wrong += check_detector(burin, zoo, name, flags, folder)
        wrong += check_ground_truth(burin, zoo, "yolox_nano", DETECTORS["yolox_nano"], folder)
        for name, wanted in CLASSIFIERS.items():
            wrong += check_classifier(burin, zoo, unpacked, name, wanted)
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
