#!/usr/bin/python3
"""Trains the demo classifier on scikit-learn's handwritten digits and writes everything the demo needs.

    /usr/bin/python3 examples/digits/train.py [--out DIR]     (Debian: python3-torch python3-sklearn python3-pil)

Writes digits.onnx (opset 13, batch normalisation left as it was trained), test/*.png with labels.txt, and
calib/*.png. The pictures are the data set's own 8 x 8 pixels; whoever runs the network resizes them to 32 x 32.
Half a minute on one core. The seed is fixed: the same torch version gives the same files.
"""
import argparse
import os

import numpy
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

SEED = 7
INPUT_SIZE = 32
TEST_COUNT = 200
CALIBRATION_COUNT = 100
EPOCHS = 40
BATCH = 64
# y = (x - MEAN) * SCALE maps the bytes 0..255 to -1..1. The demo passes these numbers on the command line.
MEAN = 127.5
SCALE = 1 / 127.5


def conv_bn(in_channels, out_channels, kernel, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels))


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, project, add the input (MobileNetV2, arXiv 1801.04381)."""

    def __init__(self, channels, expansion=3):
        super().__init__()
        wide = channels * expansion
        self.expand = conv_bn(channels, wide, 1)
        self.depthwise = conv_bn(wide, wide, 3, groups=wide)
        self.project = conv_bn(wide, channels, 1)

    def forward(self, x):
        y = functional.relu6(self.expand(x))
        y = functional.relu6(self.depthwise(y))
        return x + self.project(y)


class DigitNet(nn.Module):
    """Small, but with what makes quantization hard: depthwise layers, residual additions, pooling, a dense head."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(1, 16, 3, stride=2)
        self.first = InvertedResidual(16)
        self.down = conv_bn(16, 32, 3, stride=2)
        self.second = InvertedResidual(32)
        self.head = conv_bn(32, 48, 1)
        self.classify = nn.Linear(48, 10)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        x = functional.relu(self.first(x))
        x = functional.relu(self.down(x))
        x = functional.max_pool2d(self.second(x), 2)
        x = functional.relu(self.head(x))
        x = functional.adaptive_avg_pool2d(x, 1)
        return self.classify(torch.flatten(x, 1))


def load_split():
    """Bytes [n,8,8] and classes of the training, calibration and test parts, disjoint."""
    digits = load_digits()
    pixels = numpy.rint(digits.images * (255 / 16)).astype(numpy.uint8)
    order = numpy.random.RandomState(SEED).permutation(len(pixels))
    test, rest = order[:TEST_COUNT], order[TEST_COUNT:]
    parts = {"test": test, "calib": rest[:CALIBRATION_COUNT], "train": rest[CALIBRATION_COUNT:]}
    return {name: (pixels[index], digits.target[index], index) for name, index in parts.items()}


def to_input(pixels):
    """The preprocessing contract: bilinear to the input size (rounded to bytes), then (x - mean) * scale."""
    x = torch.from_numpy(pixels).float().unsqueeze(1)
    x = functional.interpolate(x, size=INPUT_SIZE, mode="bilinear", align_corners=False)
    return (torch.round(x) - MEAN) * SCALE


def jitter(images):
    """Random shift, rotation and size, so that 1500 pictures are enough."""
    count = len(images)
    angle = (torch.rand(count) - 0.5) * 0.5
    zoom = 1 + (torch.rand(count) - 0.5) * 0.25
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = torch.cos(angle) * zoom
    theta[:, 0, 1] = -torch.sin(angle) * zoom
    theta[:, 1, 0] = torch.sin(angle) * zoom
    theta[:, :, 2] = (torch.rand(count, 2) - 0.5) * 0.25
    grid = functional.affine_grid(theta, images.shape, align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def accuracy(model, images, classes):
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(1) == classes).float().mean().item()


def train(model, images, classes):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            index = order[start:start + BATCH]
            loss = functional.cross_entropy(model(jitter(images[index])), classes[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            print("epoch %d: loss %.4f" % (epoch + 1, loss.item()), flush=True)


def export(model, path):
    model.eval()
    # PRESERVE with a model in eval mode: inference behaviour, but the exporter does not fold batch normalisation.
    torch.onnx.export(model, torch.zeros(1, 1, INPUT_SIZE, INPUT_SIZE), path, opset_version=13,
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


def write_pictures(folder, pixels, indices):
    os.makedirs(folder, exist_ok=True)
    names = ["digit_%04d.png" % index for index in indices]
    for name, picture in zip(names, pixels):
        Image.fromarray(picture, mode="L").save(os.path.join(folder, name), optimize=True)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)), help="default: this folder")
    out = parser.parse_args().out
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    parts = load_split()
    model = DigitNet()
    train(model, to_input(parts["train"][0]), torch.from_numpy(parts["train"][1]))
    print("test accuracy: %.1f %%" % (100 * accuracy(model, to_input(parts["test"][0]),
                                                    torch.from_numpy(parts["test"][1]))))
    os.makedirs(out, exist_ok=True)
    export(model, os.path.join(out, "digits.onnx"))
    write_pictures(os.path.join(out, "calib"), parts["calib"][0], parts["calib"][2])
    names = write_pictures(os.path.join(out, "test"), parts["test"][0], parts["test"][2])
    with open(os.path.join(out, "labels.txt"), "w", encoding="ascii") as labels:
        labels.writelines("%s %d\n" % row for row in sorted(zip(names, parts["test"][1])))


if __name__ == "__main__":
    main()
