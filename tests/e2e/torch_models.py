#!/usr/bin/python3
"""Networks for the test of TorchScript: tests/e2e/torch_models.py FOLDER [ZOO], run by import_torch.py in a process of
its own. Writes NAME_traced.pt, NAME_scripted.pt and NAME.npz (inputs by name, outputs as "out0", ...), and for each
archive of the zoo a copy and its npz. Weights are random, from a fixed seed."""
import os
import sys
import zipfile

import numpy
import torch
from torch import nn
from torch.nn import functional

import torch_more_models


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU6):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation(inplace=True)] if activation else []))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, 100)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = inputs * expand
        layers = [conv_bn(inputs, hidden, 1)] if expand != 1 else []
        layers += [conv_bn(hidden, hidden, 3, stride, hidden), conv_bn(hidden, outputs, 1, activation=None)]
        self.conv = nn.Sequential(*layers)
        self.use_res_connect = stride == 1 and inputs == outputs

    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        features = [conv_bn(3, 32, 3, 2)]
        inputs = 32
        for expand, channels, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                                (6, 160, 3, 2), (6, 320, 1, 1)]:
            for i in range(count):
                features.append(InvertedResidual(inputs, channels, stride if i == 0 else 1, expand))
                inputs = channels
        features.append(conv_bn(inputs, 1280, 1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 100))

    def forward(self, x):
        x = functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class C3(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.cv1 = conv_bn(inputs, half, 1, activation=nn.SiLU)
        self.cv2 = conv_bn(inputs, half, 1, activation=nn.SiLU)
        self.cv3 = conv_bn(2 * half, outputs, 1, activation=nn.SiLU)
        self.m1 = conv_bn(half, half, 1, activation=nn.SiLU)
        self.m2 = conv_bn(half, half, 3, activation=nn.SiLU)

    def forward(self, x):
        y = self.cv1(x)
        return self.cv3(torch.cat((y + self.m2(self.m1(y)), self.cv2(x)), 1))


class Yolo(nn.Module):
    """Two scales, SPPF, upsampling, and the decoding of boxes into one tensor, as YOLOv5 does it."""

    def __init__(self, classes=4):
        super().__init__()
        self.outputs = classes + 5
        self.stem = conv_bn(3, 16, 3, 2, activation=nn.SiLU)
        self.c1 = C3(16, 32)
        self.down1 = conv_bn(32, 32, 3, 2, activation=nn.SiLU)
        self.down2 = conv_bn(32, 64, 3, 2, activation=nn.SiLU)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.sppf = conv_bn(256, 64, 1, activation=nn.SiLU)
        self.up = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.c2 = C3(96, 32)
        self.heads = nn.ModuleList([nn.Conv2d(32, 3 * self.outputs, 1), nn.Conv2d(64, 3 * self.outputs, 1)])
        self.register_buffer("anchors", torch.tensor([[10., 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]).view(2, 3, 2))

    def decode(self, y, anchors, stride: float):
        batch, _, height, width = y.shape
        y = y.view(batch, 3, self.outputs, height, width).permute(0, 1, 3, 4, 2).contiguous()
        rows, columns = torch.meshgrid([torch.arange(height), torch.arange(width)])
        grid = torch.stack((columns, rows), 2).view(1, 1, height, width, 2).float()
        y = y.sigmoid()
        y[..., 0:2] = (y[..., 0:2] * 2.0 - 0.5 + grid) * stride
        y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * anchors.view(1, 3, 1, 1, 2)
        return y.view(batch, -1, self.outputs)

    def forward(self, x):
        fine = self.down1(self.c1(self.stem(x)))
        deep = self.down2(fine)
        pools = [deep]
        for _ in range(3):
            pools.append(self.pool(pools[-1]))
        deep = self.sppf(torch.cat(pools, 1))
        fine = self.c2(torch.cat([self.up(deep), fine], 1))
        results = []
        for i, head in enumerate(self.heads):
            results.append(self.decode(head(fine if i == 0 else deep), self.anchors[i], 4.0 if i == 0 else 8.0))
        return torch.cat(results, 1)


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(12, 20, 2, batch_first=True, bidirectional=True)
        self.projected = nn.LSTM(40, 16, 2, batch_first=True, bidirectional=True, proj_size=6)
        self.cell = nn.LSTMCell(40, 8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        y, (h, c) = self.lstm(x)
        z, (ph, pc) = self.projected(y)
        state, _ = self.cell(y[:, -1])
        return self.fc(state), h, c, z, ph, pc


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(12, 16, 2)
        self.rnn = nn.RNN(16, 6, bidirectional=True)
        self.cell = nn.GRUCell(12, 4)

    def forward(self, x):
        y, h = self.gru(x)
        z, _ = self.rnn(y)
        return functional.log_softmax(z.mean(0), dim=-1), h, self.cell(x[0])


class SelfAttention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)

    def forward(self, x):
        batch, length, size = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / (size // self.heads) ** 0.5
        mask = torch.ones(length, length).tril() > 0
        y = scores.masked_fill(torch.logical_not(mask), float("-inf")).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(batch, length, size))


class Transformer(nn.Module):
    """Tokens in; attention of our own, then PyTorch's encoder layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.position = nn.Parameter(torch.rand(1, 10, 16))
        self.norm = nn.LayerNorm(16)
        self.attention = SelfAttention(16, 4)
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu")
        self.fc = nn.Linear(16, 7)

    def forward(self, tokens):
        x = self.embedding(tokens)
        x = x + self.position[:, :x.size(1)]
        x = x + self.attention(self.norm(x))
        return self.fc(self.encoder(x)).argmax(-1), self.fc(x)


class Operators(nn.Module):
    """One use of many operators; each result is an output."""

    def __init__(self):
        super().__init__()
        self.conv1d, self.conv3d = nn.Conv1d(4, 6, 3, padding=1, groups=2), nn.Conv3d(2, 3, 3, padding=(1, 0, 1))
        self.up1d, self.up2d = nn.ConvTranspose1d(4, 5, 4, 2, 1), nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2)
        self.same = nn.Conv2d(4, 4, 4, padding="same")
        self.prelu, self.instance = nn.PReLU(4), nn.InstanceNorm2d(4, affine=True)
        self.group, self.shuffle = nn.GroupNorm(2, 4), nn.PixelShuffle(2)
        self.reflect, self.replicate = nn.ReflectionPad2d(1), nn.ReplicationPad2d((1, 2, 0, 1))

    def forward(self, x):
        flat = x.flatten(2)
        volume = x.view(1, 2, 2, 6, 8)
        windows = [functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True), functional.max_pool2d(x, 3, 2, ceil_mode=True),
                   functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), functional.adaptive_avg_pool2d(x, (4, 3)),
                   functional.adaptive_max_pool2d(x, 2)]
        convolutions = [self.conv1d(flat), self.conv3d(volume), self.up1d(flat), self.up2d(x), self.same(x)]
        norms = [self.instance(x), self.group(x), functional.normalize(x, dim=1), x.std(1), x.var((2, 3), unbiased=False)]
        activations = [self.prelu(x), functional.hardswish(x), functional.hardsigmoid(x), functional.mish(x),
                       functional.elu(x, 0.5), functional.leaky_relu(x, 0.2), functional.softplus(x), functional.gelu(x),
                       functional.glu(x, 1), functional.logsigmoid(x), x.clamp(-0.5, 0.25), functional.celu(x, 0.7)]
        sizes = [functional.interpolate(x, scale_factor=2.0, mode="nearest"),
                 functional.interpolate(x, size=[9, 5], mode="bilinear", align_corners=False),
                 functional.interpolate(x, size=[9, 5], mode="bilinear", align_corners=True),
                 functional.interpolate(x, scale_factor=1.5, mode="bicubic", align_corners=False)]
        moved = [self.shuffle(x), self.reflect(x), self.replicate(x), functional.pad(x, [1, 0, 2, 1], value=0.5),
                 x.roll(2, 3), x.flip([1, 3]), x.repeat(1, 2, 1, 1), torch.cat([x.chunk(2, 1)[1], x], 1),
                 torch.stack(x.split([2, 4], 2)[0].unbind(1), -1), x.index_select(1, torch.tensor([2, 0])),
                 x[:, [3, 1]], x[0, :, ::2, 1:-1], x.transpose(1, 2).reshape(1, -1)]
        order = [x.topk(3, dim=2)[0], x.max(1)[0], x.amin((2, 3)), torch.norm(x, 2.0, [1]), x.cumsum(3), x.logsumexp(1), x.sort(3)[0]]
        arithmetic = [torch.where(x > 0, x, x * 2), x ** 3, (x * 10).floor_divide(3), torch.remainder(x * 10, 3), x.abs().rsqrt(),
                      x.erf(), torch.addcmul(x, x, x, value=0.5), x.masked_fill(x < 0, -1.0), x.exp().log1p(),
                      torch.baddbmm(x[0], x[0], x[0].transpose(1, 2).matmul(x[0]))]
        return windows, convolutions, norms, activations, sizes, moved, order, arithmetic


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = torch.quantization.QuantStub(), torch.quantization.DeQuantStub()
        self.conv1, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 3, groups=2)
        self.pool, self.fc = nn.MaxPool2d(2), nn.Linear(8, 4)
        self.sum = nn.quantized.FloatFunctional()

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(self.quant(x))))
        y = self.conv2(x)
        y = self.sum.add(y, y)
        return self.dequant(self.fc(torch.flatten(functional.adaptive_avg_pool2d(y, 1), 1)))


def quantized(model):
    torch.backends.quantized.engine = next(e for e in torch.backends.quantized.supported_engines if e != "none")
    model.eval()
    model.qconfig = torch.quantization.get_default_qconfig(torch.backends.quantized.engine)
    if isinstance(model, Quantized):
        model = torch.quantization.fuse_modules(model, [["conv1", "relu"]])
    torch.quantization.prepare(model, inplace=True)
    for _ in range(4):
        model(torch.rand(1, 3, 16, 16))
    return torch.quantization.convert(model)


def flat(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for item in value for tensor in flat(item)]


def remember(folder, name, inputs, outputs):
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    arrays.update({"out%d" % i: tensor.detach().numpy() for i, tensor in enumerate(flat(outputs))})
    numpy.savez(os.path.join(folder, name + ".npz"), **arrays)


def write(folder, name, model, **inputs):
    model.eval()
    for module in model.modules():  # statistics as after training, so that batch norms do something
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    remember(folder, name, inputs, model(*inputs.values()))
    for kind, make in (("traced", lambda: torch.jit.trace(model, tuple(inputs.values()), check_trace=False, strict=False)),
                       ("scripted", lambda: torch.jit.script(model))):
        make().save(os.path.join(folder, "%s_%s.pt" % (name, kind)))


def write_zoo(folder, path, **inputs):
    """The archive with its devices renamed to the one that is here, and what it computes."""
    name = os.path.basename(path)[:-3]
    local = os.path.join(folder, name + ".cpu")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(local, "w") as copy:
        for entry in archive.namelist():
            content = archive.read(entry)
            copy.writestr(entry, content.replace(b"cuda:0", b"cpu") if entry.endswith(".py") else content)
    remember(folder, name, inputs, torch.jit.load(local, map_location="cpu")(*inputs.values()))


def main():
    folder = sys.argv[1]
    torch.manual_seed(1)
    torch.set_num_threads(1)
    write(folder, "resnet18", ResNet18(), x=torch.rand(1, 3, 64, 64))
    write(folder, "mobilenet_v2", MobileNetV2(), x=torch.rand(1, 3, 64, 64))
    write(folder, "yolo", Yolo(), x=torch.rand(1, 3, 64, 96))
    write(folder, "lstm", Lstm(), x=torch.rand(2, 7, 12))
    write(folder, "gru", Gru(), x=torch.rand(7, 2, 12))
    write(folder, "transformer", Transformer(), tokens=torch.randint(0, 50, (2, 6)))
    write(folder, "operators", Operators(), x=torch.randn(1, 4, 6, 8))
    write(folder, "quantized", quantized(Quantized()), x=torch.rand(1, 3, 16, 16))
    write(folder, "quantized_joins", quantized(torch_more_models.QuantizedJoins()), x=torch.rand(1, 3, 16, 16))
    for name, model, inputs in torch_more_models.networks():
        write(folder, name, model, **inputs)
    if len(sys.argv) > 2:
        models = os.path.join(sys.argv[2], "models", "torch")
        write_zoo(folder, os.path.join(models, "keithyin_traced.pt"), batch_feature=torch.rand(1, 5, 10))
        write_zoo(folder, os.path.join(models, "subham_trafficsign_scripted.pt"), x=torch.rand(1, 3, 30, 30))


if __name__ == "__main__":
    main()
