#!/usr/bin/env python3
"""Writes tests/golden/models/repmlp.safetensors: RepMLPNets written out in plain operations, in double precision.

    python scripts/make_golden_repmlp.py            # the file
    python scripts/make_golden_repmlp.py --count    # parameters and MACs of published sizes, as fvcore counts them

needs torch 2.11 and safetensors; to count, fvcore. Per variant: images, tensors drawn at random, weights of the logits, logits while training,
gradients, running statistics after, logits in evaluation, and those again with every block's fc3, batch norm and convolutions in one matrix, built
entry by entry; metadata: variant -> its config.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

FILE = pathlib.Path(__file__).parent.parent / "tests/golden/models/repmlp.safetensors"
CLASSES, BATCH = 5, 3


def conv_bn(inputs, outputs, kernel, stride=1, padding=0, groups=1):
    module = nn.Module()
    module.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    module.bn = nn.BatchNorm2d(outputs)
    return module


def apply(module, x):
    return module.bn(module.conv(x))


class Block(nn.Module):
    """One partition of one channel after another."""

    def __init__(self, channels, sets, side, kernels, reduction):
        super().__init__()
        self.sets, self.side, self.kernels = sets, side, kernels
        self.gp = nn.Module()
        self.gp.fc1, self.gp.fc2 = nn.Conv2d(channels, channels // reduction, 1), nn.Conv2d(channels // reduction, channels, 1)
        self.fc3 = nn.Module()
        self.fc3.weight = nn.Parameter(torch.empty(sets * side**2, side**2, 1, 1))
        self.fc3_bn = nn.BatchNorm2d(sets)
        for k in kernels:
            self.add_module(f"repconv{k}", conv_bn(sets, sets, k, padding=k // 2, groups=sets))
        self.matrices = None

    def fc3_of(self, channel):
        rows = self.side**2
        first = (channel % self.sets) * rows
        return self.fc3.weight[first : first + rows, :, 0, 0]

    def linear(self, parts):
        """parts[channel][n, side, side] -> the same, each by the matrix of its set; with the batch norm of all channels of a set."""
        mixed = [(part.flatten(1) @ self.fc3_of(c).t()).view(part.shape) for c, part in enumerate(parts)]
        return self.by_sets(mixed, self.fc3_bn)

    def by_sets(self, parts, layer):
        """layer on [n * channels of a set, sets, side, side]."""
        count, n = len(parts) // self.sets, parts[0].shape[0]
        stacked = torch.stack([torch.stack([parts[q * self.sets + s] for s in range(self.sets)], 1) for q in range(count)])
        out = layer(stacked.flatten(0, 1)).view(stacked.shape)
        return [out[c // self.sets, :, c % self.sets] for c in range(len(parts))]

    def mix(self, parts):
        if self.matrices is not None:
            weights, biases = self.matrices
            return [(p.flatten(1) @ weights[c % self.sets].t() + biases[c % self.sets]).view(p.shape) for c, p in enumerate(parts)]
        sums = self.linear(parts)
        for k in self.kernels:
            local = self.by_sets(parts, lambda x: apply(getattr(self, f"repconv{k}"), x))
            sums = [a + b for a, b in zip(sums, local)]
        return sums

    def forward(self, x):
        n, channels, height, width = x.shape
        factors = torch.sigmoid(self.gp.fc2(torch.relu(self.gp.fc1(F.adaptive_avg_pool2d(x, 1)))))
        corners = [(i, j) for i in range(0, height, self.side) for j in range(0, width, self.side)]
        parts = [torch.cat([x[:, c, i : i + self.side, j : j + self.side] for i, j in corners]) for c in range(channels)]
        out = torch.empty_like(x)
        for c, mixed in enumerate(self.mix(parts)):
            for (i, j), part in zip(corners, mixed.split(n)):
                out[:, c, i : i + self.side, j : j + self.side] = part
        return out * factors

    def merge(self):
        """Entry (output pixel, input pixel) of each set: fc3's, and what the convolution has at their distance."""
        side, weights, biases = self.side, [], []
        for s in range(self.sets):
            scale = self.fc3_bn.weight[s] / (self.fc3_bn.running_var[s] + self.fc3_bn.eps).sqrt()
            matrix = self.fc3_of(s) * scale
            bias = self.fc3_bn.bias[s] - self.fc3_bn.running_mean[s] * scale
            for k in self.kernels:
                branch = getattr(self, f"repconv{k}")
                scale = branch.bn.weight[s] / (branch.bn.running_var[s] + branch.bn.eps).sqrt()
                local = torch.zeros_like(matrix)
                for a in range(side**2):
                    for b in range(side**2):
                        dy, dx = b // side - a // side + k // 2, b % side - a % side + k // 2
                        if 0 <= dy < k and 0 <= dx < k:
                            local[a, b] = branch.conv.weight[s, 0, dy, dx]
                matrix = matrix + local * scale
                bias = bias + branch.bn.bias[s] - branch.bn.running_mean[s] * scale
            weights.append(matrix), biases.append(bias)
        self.matrices = weights, biases


class Unit(nn.Module):
    def __init__(self, channels, sets, side, c):
        super().__init__()
        self.repmlp_block = Block(channels, sets, side, c["kernels"], c["reduction"])
        self.ffn_block = nn.Module()
        self.ffn_block.ffn_fc1 = conv_bn(channels, c["expansion"] * channels, 1)
        self.ffn_block.ffn_fc2 = conv_bn(c["expansion"] * channels, channels, 1)
        self.prebn1, self.prebn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        x = x + self.repmlp_block(self.prebn1(x))
        return x + apply(self.ffn_block.ffn_fc2, F.gelu(apply(self.ffn_block.ffn_fc1, self.prebn2(x))))


class Net(nn.Module):
    def __init__(self, c, classes):
        super().__init__()
        channels = c["channels"]
        self.conv_embedding = conv_bn(3, channels[0], c["patch_size"], c["patch_size"])
        self.stages = nn.ModuleList(
            nn.ModuleList(Unit(width, sets, side, c) for _ in range(blocks))
            for blocks, width, sets, side in zip(c["blocks"], channels, c["share_sets"], c["partition"])
        )
        self.embeds = nn.ModuleList(conv_bn(a, b, 2, 2) for a, b in zip(channels, channels[1:]))
        self.head_norm, self.head = nn.BatchNorm2d(channels[-1]), nn.Linear(channels[-1], classes)

    def forward(self, x):
        x = torch.relu(apply(self.conv_embedding, x))
        for i, stage in enumerate(self.stages):
            for unit in stage:
                x = unit(x)
            if i < len(self.embeds):
                x = torch.relu(apply(self.embeds[i], x))
        return self.head(F.adaptive_avg_pool2d(self.head_norm(x), 1).flatten(1))


KEYS = dict(patch_size=2, kernels=[1, 3], reduction=2, expansion=2)
VARIANTS = {  # of images of 16 pixels: maps of 8x8, then 4x4
    "two_stages": dict(KEYS, blocks=[1, 2], channels=[4, 6], share_sets=[2, 3], partition=[4, 4]),
    "wide_kernels": dict(KEYS, blocks=[1], channels=[6], share_sets=[3], partition=[4], kernels=[3, 5, 9]),
    "no_kernels": dict(KEYS, blocks=[1], channels=[4], share_sets=[1], partition=[8], kernels=[], expansion=3),
}


def written(value):
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def main():
    tensors, configs = {}, {}
    for name, c in VARIANTS.items():
        torch.manual_seed(0)
        model = Net(c, CLASSES).double()
        with torch.no_grad():
            for key, p in model.named_parameters():
                p.copy_((torch.randn_like(p) * (0.5 if p.dim() > 1 else 0.3) + (1 if p.dim() == 1 and "bias" not in key else 0)).float())
        for key, value in model.state_dict().items():
            tensors[f"{name}/before/{key}"] = value.clone()
        images, weights = torch.randn(BATCH, 3, 16, 16).double(), torch.randn(BATCH, CLASSES).double()
        logits = model(images)
        (logits * weights).sum().backward()
        for key, p in model.named_parameters():
            tensors[f"{name}/grad/{key}"] = p.grad
        for key, value in model.named_buffers():
            tensors[f"{name}/after/{key}"] = value.clone()
        model.eval()
        found = dict(images=images, weights=weights, logits=logits, eval_logits=model(images))
        with torch.no_grad():
            for each in model.modules():
                if isinstance(each, Block):
                    each.merge()
            found["merged_logits"] = model(images)
        tensors |= {f"{name}/{key}": value for key, value in found.items()}
        configs[name] = "{name: repmlp, " + ", ".join(f"{k}: {written(v)}" for k, v in c.items()) + "}"
    save_file({k: (v.detach().float() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}, FILE, metadata=configs)


def count():
    from fvcore.nn import FlopCountAnalysis

    keys = dict(patch_size=4, kernels=[1, 3], reduction=4, expansion=4)
    sizes = {
        "t224": dict(keys, blocks=[2, 2, 6, 2], channels=[64, 128, 256, 512], share_sets=[1, 4, 16, 128], partition=[56, 28, 14, 7]),
        "b224": dict(keys, blocks=[2, 2, 12, 2], channels=[96, 192, 384, 768], share_sets=[1, 4, 32, 128], partition=[56, 28, 14, 7]),
    }
    for name, c in sizes.items():
        model = Net(c, 1000).eval()
        flops = FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224))
        print(name, sum(p.numel() for p in model.parameters()), int(flops.total()), dict(flops.by_operator()), dict(flops.unsupported_ops()))


if __name__ == "__main__":
    count() if "--count" in sys.argv else main()
