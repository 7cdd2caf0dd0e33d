#!/usr/bin/python3
"""Time and memory that the tool may take: tests/e2e/limits.py BURIN [all]

Memory floors gate. Times are reported; a test fails over them only when they are far off (three times the limit),
because machines that test are often busy.
"""
import time

from tool import CLASSIFIERS, Tool

FAR_OFF = 3
NAME = "resnet18_pqf_fp32"


def seconds_limit(tool, what, seconds, limit):
    tool.floor("%s: seconds" % what, seconds, at_most=limit, gates=seconds > FAR_OFF * limit)


def check_calibration(tool, net):
    """Throughput with JPEG decoding, share of the statistics, and memory over the number of samples."""
    pictures = tool.out("pictures.txt")
    with open(pictures, "w", encoding="utf-8") as file:
        for folder in ("imagenet200", "ilsvrc_calib100"):
            with open(tool.data("images", folder, "labels.txt"), encoding="utf-8") as labels:
                file.writelines(tool.data("images", folder, line.split()[0]) + "\n" for line in labels if line.strip())
    arguments = ["calibrate", net, "--data", pictures, "--threads", 2]
    start = time.monotonic()
    result = tool.answer(*arguments, "--samples", 200, "-o", tool.out("net.cali"))
    seconds = time.monotonic() - start
    if not result:
        return
    rate = 200 / seconds
    tool.floor("calibration of 200 pictures, 2 threads: pictures per second", rate, at_least=40,
               gates=rate * FAR_OFF < 40)
    share = 100 * result["statistics_seconds"] / result["inference_seconds"]
    tool.floor("calibration: statistics in % of inference", share, at_most=30, gates=share > 30 * FAR_OFF)
    small, large = (tool.peak_bytes(*arguments, "--samples", n, "-o", tool.out("peak.cali")) for n in (50, 200))
    print("calibration: peak memory %.1f MB for 50 samples, %.1f MB for 200" % (small / 1e6, large / 1e6))
    tool.floor("calibration: peak memory of 200 samples over that of 50", large / small, at_most=1.05)


def check_arena(tool, net):
    program = tool.out("net.burin")
    if not tool.must("compile", net, "--precision", "int8", "--calibration", tool.out("net.cali"), "-o", program):
        return
    info = tool.answer("info", program)
    if info:
        print("arena %(arena_bytes)d bytes, lower bound %(peak_live_bytes)d, kernel scratch %(scratch_bytes)d" % info)
        tool.floor("arena over the largest sum of live tensors", info["arena_bytes"] / info["peak_live_bytes"],
                   at_most=1.15)


def main():
    tool = Tool()
    net = tool.out("net.mlir")
    seconds_limit(tool, "--help", tool.timed("--help", rounds=10)[0], 0.02)
    seconds_limit(tool, "import of resnet18",
                  tool.timed("import", tool.model(NAME), "-o", net, *CLASSIFIERS[NAME]["flags"])[0], 1)
    check_calibration(tool, net)
    seconds_limit(tool, "compile of resnet18, f32",
                  tool.timed("compile", net, "--precision", "f32", "-o", tool.out("float.burin"))[0], 2)
    seconds_limit(tool, "compile of resnet18, int8",
                  tool.timed("compile", net, "--precision", "int8", "--calibration", tool.out("net.cali"), "-o",
                             tool.out("int8.burin"))[0], 2)
    check_arena(tool, net)
    tool.finish()


if __name__ == "__main__":
    main()
