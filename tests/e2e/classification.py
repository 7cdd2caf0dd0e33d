#!/usr/bin/python3
"""INT8 accuracy of three ImageNet classifiers against float: tests/e2e/classification.py BURIN [MODEL...]

Calibrated on ilsvrc_calib100 with defaults, measured on imagenet200. Schemes of the host's kernels: five views of each
picture, at most one point of top-1 lost, and the same first class on 93 % of the views. Chips: centre views, at most
2.5 points. One chip is only reported.
"""
from tool import CLASSIFIERS, Tool

FULL = {"cpu_asymmetric": ["--target", "cpu", "--asymmetric"], "cpu_symmetric": ["--target", "cpu", "--symmetric"],
        "tflite": ["--target", "tflite"]}
CHIPS = ["bm1684x", "cv183x", "z1_0701", "t40", "bm1684"]
ONLY_REPORTED = ["bm1684"]
MAX_LOSS, MIN_AGREEMENT, MAX_CHIP_LOSS = 1.0, 93.0, 2.5


class Classifier:
    """One network: its module and its float accuracy, made once for all targets."""

    def __init__(self, tool, name):
        self.tool, self.name = tool, name
        self.offset = CLASSIFIERS[name]["label_offset"]
        self.net = tool.out(name + ".mlir")
        flags = CLASSIFIERS[name]["flags"]
        self.ready = bool(tool.must("import", tool.model(name), "-o", self.net, *flags))
        self.float_top1 = {}

    def evaluate(self, network, views, against=True):
        data = self.tool.data("images", "imagenet200")
        extra = ["--against", self.net] if against else []
        return self.tool.answer("eval", network, "--data", data, "--labels", data + "/labels.txt", "--label-offset",
                                self.offset, "--views", views, *extra)

    def float_accuracy(self, views):
        if views not in self.float_top1:
            result = self.evaluate(self.net, views, against=False)
            self.float_top1[views] = result["top1"] if result else None
        return self.float_top1[views]

    def measure(self, label, target_flags, views):
        """(points lost, agreement in percent, SQNR) of one program, or None."""
        program = self.tool.out("%s_%s.burin" % (self.name, label))
        if not self.tool.must("quantize", self.net, "--data", self.tool.data("images", "ilsvrc_calib100"), "-o", program,
                              *target_flags):
            return None
        reference, result = self.float_accuracy(views), self.evaluate(program, views)
        if reference is None or result is None:
            return None
        agreement = next((result[key] for key in ("agreement", "same_top1", "agree") if key in result), None)
        if agreement is None:
            self.tool.fail("eval --against prints no agreement: %s" % result)
            return None
        sqnr = next((value for key, value in result.items() if "sqnr" in key), None)
        print("%s %s: top-1 %.2f, float %.2f, same class %.2f %%, SQNR before softmax %s dB (%d views)" %
              (self.name, label, result["top1"], reference, agreement, sqnr, result["n"]), flush=True)
        return reference - result["top1"], agreement


def main():
    tool = Tool()
    for name in filter(tool.wants, CLASSIFIERS):
        network = Classifier(tool, name)
        if not network.ready:
            continue
        for label, flags in FULL.items():
            measured = network.measure(label, flags, views=5)
            if measured:
                tool.floor("%s %s: points of top-1 lost" % (name, label), measured[0], at_most=MAX_LOSS)
                tool.floor("%s %s: same class" % (name, label), measured[1], at_least=MIN_AGREEMENT)
        for chip in CHIPS:
            measured = network.measure(chip, ["--target", chip], views=1)
            if measured:
                tool.floor("%s %s: points of top-1 lost" % (name, chip), measured[0], at_most=MAX_CHIP_LOSS,
                           gates=chip not in ONLY_REPORTED)
    tool.finish()


if __name__ == "__main__":
    main()
