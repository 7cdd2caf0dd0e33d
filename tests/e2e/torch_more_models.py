"""More networks for the test of TorchScript, by name: what torch_models.py writes besides its own."""
from typing import Dict, List, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """PyTorch's own transformer with a causal mask, and attention that shows its weights."""

    def __init__(self):
        super().__init__()
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, source, target):
        length = target.size(1)
        mask = torch.full((length, length), float("-inf")).triu(1)
        y = self.transformer(source, target, tgt_mask=mask)
        z, weights = self.attention(y, source, source)
        return z, weights


class Segmentation(nn.Module):
    """Down, up by a transposed convolution, padded to the size of the way down, as U-Nets for any size do it."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(True))
        self.deep = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.InstanceNorm2d(16), nn.LeakyReLU(0.1, True))
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = self.down(x)
        b = self.up(self.deep(functional.max_pool2d(a, 2)))
        rows, columns = a.size()[2] - b.size()[2], a.size()[3] - b.size()[3]
        b = functional.pad(b, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return functional.log_softmax(self.out(torch.cat([a, b], dim=1)), dim=1)


class Video(nn.Module):
    """A convolutional LSTM written out, with state that grows in a list; and features shifted in time in place."""

    def __init__(self):
        super().__init__()
        self.gates = nn.Conv2d(6, 16, 3, padding=1)

    def forward(self, x):
        h = torch.zeros(x.size(0), 4, x.size(3), x.size(4), device=x.device)
        c = torch.zeros_like(h)
        steps = []
        for i in range(x.size(1)):
            a, b, d, e = torch.split(self.gates(torch.cat([x[:, i], h], 1)), 4, dim=1)
            c = torch.sigmoid(b) * c + torch.sigmoid(a) * torch.tanh(e)
            h = torch.sigmoid(d) * torch.tanh(c)
            steps.append(h)
        y = torch.stack(steps, 1)
        shifted = torch.zeros_like(y)
        shifted[:, :-1, :2] = y[:, 1:, :2]
        shifted[:, 1:, 2:] = y[:, :-1, 2:]
        return shifted, (h, c)


class Windows(nn.Module):
    """Shifted windows with a table of relative positions, windows as columns and back, and a spatial transformer."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.rand(9, 2))
        place = torch.stack(torch.meshgrid([torch.arange(2), torch.arange(2)])).flatten(1)
        relative = (place[:, :, None] - place[:, None, :]).permute(1, 2, 0) + 1
        self.register_buffer("index", relative[:, :, 0] * 3 + relative[:, :, 1])
        self.qkv, self.where = nn.Linear(8, 24), nn.Linear(8, 6)
        self.unfold, self.fold = nn.Unfold(3, padding=1, stride=2), nn.Fold((6, 6), 3, padding=1, stride=2)

    def forward(self, x):
        batch, height, width, channels = x.shape
        y = torch.roll(x, shifts=(-1, -1), dims=(1, 2))
        y = y.view(batch, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, channels)
        q, k, v = self.qkv(y).reshape(y.size(0), 4, 3, 2, channels // 2).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(4, 4, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        y = ((q @ k.transpose(-2, -1) + bias).softmax(-1) @ v).transpose(1, 2).reshape(-1, 4, channels)
        picture = x.permute(0, 3, 1, 2)
        columns = self.unfold(picture)
        theta = self.where(x.mean((1, 2))).view(-1, 2, 3)
        grid = functional.affine_grid(theta, picture.shape, align_corners=False)
        return y, columns, self.fold(columns), functional.grid_sample(picture, grid, align_corners=False)


class Control(nn.Module):
    """Loops, branches, dicts and optional values that constants decide."""

    names: List[str]

    def __init__(self):
        super().__init__()
        self.mode, self.rounds, self.names = "sum", 3, ["a", "b"]
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.tail = nn.ModuleDict({"norm": nn.LayerNorm(4), "last": nn.Identity()})

    def forward(self, x, extra: Optional[Tensor] = None):
        assert x.dim() == 2, "needs a matrix"
        if x.size(1) != 4:
            raise ValueError("has another width")
        if extra is not None:
            x = x + extra
        i = 0
        while i < self.rounds:
            i += 1
            if i == 2:
                continue
            x = functional.relu(x) if i % 2 == 0 else x * float(i)
        for j, block in enumerate(self.blocks):
            x = block(x) / (j + 1)
        found: Dict[str, Tensor] = {}
        for name in self.names:
            found[name] = x * len(name)
        if self.mode == "sum" and "a" in found:
            x = found["a"] + found["b"]
        for layer in self.tail.values():
            x = layer(x)
        return x + len(found) + max(1, self.rounds), found


class QuantizedJoins(nn.Module):
    """Concatenation, products and sums with numbers, and activations between quantized convolutions."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = torch.quantization.QuantStub(), torch.quantization.DeQuantStub()
        self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(8, 4, 1)
        self.leaky, self.hard = nn.LeakyReLU(0.1), nn.Hardswish()
        self.join, self.times, self.plus = (nn.quantized.FloatFunctional() for _ in range(3))

    def forward(self, x):
        x = self.quant(x)
        y = self.join.cat([self.leaky(self.a(x)), self.hard(self.b(x))], 1)
        y = self.plus.add_scalar(self.times.mul_scalar(y, 0.5), 0.1)
        return self.dequant(torch.sigmoid(self.c(y)))


def networks():
    """Name, network and inputs of each."""
    yield "attention", Attention(), {"source": torch.rand(2, 5, 16), "target": torch.rand(2, 3, 16)}
    yield "segmentation", Segmentation(), {"x": torch.rand(1, 3, 17, 18)}
    yield "video", Video(), {"x": torch.rand(1, 3, 2, 4, 4)}
    yield "windows", Windows(), {"x": torch.rand(1, 6, 6, 8)}
    yield "control", Control(), {"x": torch.rand(3, 4)}
