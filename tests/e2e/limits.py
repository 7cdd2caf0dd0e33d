#!/usr/bin/python3
"""Time and memory that the tool may take: tests/e2e/limits.py BURIN [all]

Machines that test are often busy, so what gates is processor time: what the command would take on an idle machine.
Wall time is printed beside it.
"""
import json

from tool import CLASSIFIERS, Tool

NAME = "resnet18_pqf_fp32"
THREADS = 2


def seconds_limit(tool, what, limit, *arguments, rounds=3):
    seconds, wall, _ = tool.timed(*arguments, rounds=rounds)
    tool.floor("%s: %.3f s by the clock, processor seconds" % (what, wall), seconds, at_most=limit)


def check_calibration(tool, net):
    """Throughput with JPEG decoding, share of the statistics, and memory over the number of samples."""
    pictures = tool.out("pictures.txt")
    with open(pictures, "w", encoding="utf-8") as file:
        for folder in ("imagenet200", "ilsvrc_calib100"):
            with open(tool.data("images", folder, "labels.txt"), encoding="utf-8") as labels:
                file.writelines(tool.data("images", folder, line.split()[0]) + "\n" for line in labels if line.strip())
    arguments = ["calibrate", net, "--data", pictures, "--threads", THREADS]
    seconds, wall, done = tool.timed(*arguments, "--samples", 200, "--json", "-o", tool.out("net.cali"), rounds=1)
    if done.returncode:
        return
    result = json.loads(done.stdout)
    print("calibration of 200 pictures, %d threads: %.1f pictures per second by the clock" % (THREADS, 200 / wall))
    tool.floor("calibration: pictures per %d processor seconds" % THREADS, 200 / seconds * THREADS, at_least=40)
    tool.floor("calibration: statistics in % of inference",
               100 * result["statistics_seconds"] / result["inference_seconds"], at_most=30)
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
    seconds_limit(tool, "--help", 0.02, "--help", rounds=10)
    seconds_limit(tool, "import of resnet18", 1, "import", tool.model(NAME), "-o", net, *CLASSIFIERS[NAME]["flags"])
    check_calibration(tool, net)
    seconds_limit(tool, "compile of resnet18, f32", 2, "compile", net, "--precision", "f32", "-o",
                  tool.out("float.burin"))
    seconds_limit(tool, "compile of resnet18, int8", 2, "compile", net, "--precision", "int8", "--calibration",
                  tool.out("net.cali"), "-o", tool.out("int8.burin"))
    check_arena(tool, net)
    tool.finish()


if __name__ == "__main__":
    main()
