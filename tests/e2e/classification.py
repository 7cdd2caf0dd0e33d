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
    """One network: its module is made once for all targets."""

    def __init__(self, tool, name):
        self.tool, self.name = tool, name
        self.offset = CLASSIFIERS[name]["label_offset"]
        self.net = tool.out(name + ".mlir")
        flags = CLASSIFIERS[name]["flags"]
        self.ready = bool(tool.must("import", tool.model(name), "-o", self.net, *flags))

    def evaluate(self, network, views):
        data = self.tool.data("images", "imagenet200")
        return self.tool.answer("eval", network, "--data", data, "--labels", data + "/labels.txt", "--label-offset",
                                self.offset, "--views", views, "--against", self.net)

    def measure(self, label, target_flags, views):
        """(points lost, agreement in percent) of one program, or None."""
        program = self.tool.out("%s_%s.burin" % (self.name, label))
        calibration = self.tool.data("images", "ilsvrc_calib100")
        if not self.tool.must("quantize", self.net, "--data", calibration, "-o", program, *target_flags):
            return None
        result = self.evaluate(program, views)
        if result is None:
            return None
        reference = result["against"]["top1"]
        print("%s %s: top-1 %.2f, float %.2f, same class %.2f %%, SQNR before softmax %.1f dB (%d views)" %
              (self.name, label, result["top1"], reference, result["agreement"], result["logits_sqnr_db"], result["n"]),
              flush=True)
        return reference - result["top1"], result["agreement"]


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
