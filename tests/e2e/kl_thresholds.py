#!/usr/bin/python3
"""The KL thresholds of one streaming pass against the two-pass definition: tests/e2e/kl_thresholds.py BURIN [onnx/MODEL...]

The definition: w = absmax / 2047, a histogram of 2048 bins floor(|x| / w + 0.5) without zeros, and the cut i of 128, 256,
..., 2048 with the least divergence between the clipped histogram P and P on 128 levels, Q; the threshold is
(i + 0.5) * absmax / 2048, at most absmax. It is computed here with numpy from every value that `burin run --all-tensors`
gives, and must agree with `burin calibrate` within 1 % on every tensor. Where two cuts are a tie, their divergences
being less than 0.5 % apart, either is right.
"""
import json
import os

import numpy

import zoo
from exactness import data_for, flags_for
from tool import Tool

SAMPLES, BINS, LEVELS, TIE = 4, 2048, 128, 0.005
PREPROCESS = ["--mean", "127.5", "--scale", "0.0078125"] # where the network is known by nothing better


def histogram(arrays):
    """(absmax, counts) of all values, with absmax known before the first is counted."""
    absmax = max((float(numpy.abs(a).max()) for a in arrays if a.size), default=0.0)
    counts = numpy.zeros(BINS, numpy.int64)
    if absmax == 0:
        return 0.0, counts
    width = absmax / (BINS - 1)
    for a in arrays:
        magnitudes = numpy.abs(a[a != 0]).astype(numpy.float64)
        counts += numpy.bincount(numpy.floor(magnitudes / width + 0.5).astype(numpy.int64), minlength=BINS)[:BINS]
    return absmax, counts


def divergence(counts, cut):
    kept = counts[:cut].astype(numpy.float64)
    if kept.sum() == 0:
        return numpy.inf
    p = kept.copy()
    p[-1] += counts[cut:].sum()
    runs, filled = kept.reshape(LEVELS, -1), (p > 0).reshape(LEVELS, -1)
    filled &= runs > 0
    mean = runs.sum(axis=1) / numpy.maximum(filled.sum(axis=1), 1)
    q = numpy.where(filled, mean[:, None], 0.0).ravel()
    p, q = p / p.sum(), q / q.sum()
    return float(numpy.sum(p * (numpy.log(p + 1e-30) - numpy.log(q + 1e-30))))


def check_tensor(name, found, arrays):
    """None if right, 'tie', or what is wrong."""
    absmax, counts = histogram(arrays)
    if absmax == 0:
        return None
    cuts = range(LEVELS, BINS + 1, LEVELS)
    divergences = [divergence(counts, cut) for cut in cuts]
    thresholds = [min((cut + 0.5) * absmax / BINS, absmax) for cut in cuts]
    best = int(numpy.argmin(divergences))
    if abs(found - thresholds[best]) <= 0.01 * thresholds[best]:
        return None
    chosen = int(numpy.argmin(numpy.abs(numpy.array(thresholds) - found)))
    if abs(found - thresholds[chosen]) <= 0.01 * thresholds[chosen] and \
            divergences[chosen] - divergences[best] <= TIE * abs(divergences[best]):
        return "tie"
    return "%s: threshold %.6g with divergence %.6g, two passes give %.6g with %.6g" % (
        name, found, divergences[chosen], thresholds[best], divergences[best])


def check(tool, name, flags):
    net, program, table = tool.out(name + ".mlir"), tool.out(name + ".burin"), tool.out(name + ".cali")
    if not tool.must("import", tool.model(name), "-o", net, *flags, *(flags_for(name) or PREPROCESS)):
        return 0, 0
    data = data_for(tool, name, net)
    if not tool.must("compile", net, "-o", program) or \
            not tool.must("calibrate", net, "--data", data, "--samples", SAMPLES, "-o", table):
        return 0, 0
    values, out = {}, tool.out("values.npz")
    for sample in range(SAMPLES):
        if not tool.must("run", program, "--data", data, "--sample", sample, "--all-tensors", "-o", out):
            return 0, 0
        with numpy.load(out) as arrays:
            for key in arrays.files:
                values.setdefault(key, []).append(arrays[key])
    os.remove(out)
    with open(table + ".json", encoding="utf-8") as file:
        thresholds = {t["name"]: t["threshold"] for t in json.load(file)["tensors"]}
    known = [key for key in thresholds if key in values]
    tool.floor(name + ": tensors of the table that the program has, %", 100 * len(known) / len(thresholds), at_least=95)
    outcomes = [check_tensor(key, thresholds[key], values[key]) for key in known]
    for problem in (o for o in outcomes if o not in (None, "tie")):
        tool.fail(name + ": " + problem)
    return len(known), outcomes.count("tie")


def main():
    tool = Tool()
    tensors = ties = 0
    for model in zoo.models(tool, lambda model: model.form == "onnx" and not model.refused):
        name = os.path.basename(model.name)
        checked, tied = check(tool, name, model.flags)
        print("%s: %d tensors, %d of them ties" % (name, checked, tied), flush=True)
        tensors, ties = tensors + checked, ties + tied
    print("%d tensors, %d ties" % (tensors, ties))
    tool.finish()


if __name__ == "__main__":
    main()
