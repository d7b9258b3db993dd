#!/usr/bin/env python3
"""Builds an exported S-MLP or B-MLP in PyTorch.

    smlp export RUN --to DIR
    python scripts/load_in_pytorch.py DIR [IMAGES.npy LABELS.npy [LOGITS.npy]]    (in the wheel: python -m smlp.load_in_pytorch)

IMAGES.npy and LABELS.npy: of a packed test split; LOGITS.npy: as `smlp eval --logits` wrote them.

As a module: model, config = load("DIR"); logits = model(images), images float [B, 3, S, S], normalised with
config["pretrained_cfg"]["mean"] and ["std"] of pixels in [0, 1]. Needs torch, numpy, and safetensors for model.safetensors.
"""
import json
import pathlib
import sys

import torch
from torch import nn

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


def make_norm(kind, width):
    return {"layer": nn.LayerNorm, "batch": nn.BatchNorm1d, "none": lambda _: nn.Identity()}[kind](width)


class Block(nn.Module):
    def __init__(self, widths, activation, activate_last):
        super().__init__()
        layers = []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            layers += [nn.Linear(a, b), activation() if activate_last or i + 2 < len(widths) else nn.Identity()]
        self.block = nn.Sequential(*layers)


class BMlp(nn.Module):
    def __init__(self, inputs, classes, args):
        super().__init__()
        width = args["width"]
        widths = [width, args["expansion"] * width, width] if args["bottleneck"] else [width] * (args["layers_per_block"] + 1)
        self.linear_in, self.linear_out = nn.Linear(inputs, width), nn.Linear(width, classes)
        activation = ACTIVATIONS[args["activation"]]
        self.blocks = nn.ModuleList(Block(widths, activation, not args["bottleneck"]) for _ in range(args["depth"]))
        self.layernorms = nn.ModuleList(make_norm(args["norm"], width) for _ in range(args["depth"]))
        self.pre, self.skip = args["norm_position"] == "pre", args["skip"]

    def forward(self, images):
        z = self.linear_in(images.flatten(1))
        for block, norm in zip(self.blocks, self.layernorms):
            out = block.block(norm(z) if self.pre else z)
            out = out + z if self.skip else out
            z = out if self.pre else norm(out)
        return self.linear_out(z)


class SMlp(nn.Module):
    def __init__(self, inputs, classes, args):
        super().__init__()
        width, rest = args["width"], args["depth"] - 1
        self.linear_in, self.linear_out = nn.Linear(inputs, width), nn.Linear(width, classes)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(rest))
        self.layernorms = nn.ModuleList(make_norm(args["norm"], width) for _ in range(rest))
        self.activation, self.linear_last = ACTIVATIONS[args["activation"]](), args["block_order"] == "norm_act_linear"

    def forward(self, images):
        z = self.linear_in(images.flatten(1))
        for layer, norm in zip(self.layers, self.layernorms):
            z = layer(self.activation(norm(z))) if self.linear_last else self.activation(layer(norm(z)))
        return self.linear_out(z)


def load(folder):
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    channels, height, width = config["pretrained_cfg"]["input_size"]
    family = {"b_mlp": BMlp, "s_mlp": SMlp}[config["architecture"]]
    model = family(channels * height * width, config["num_classes"], config["model_args"])
    if (folder / "model.pt").exists():
        weights = torch.load(folder / "model.pt", weights_only=True)
    else:
        from safetensors.torch import load_file

        weights = load_file(folder / "model.safetensors")
    model.load_state_dict(weights)
    return model.eval(), config


def main():
    import numpy as np

    if len(sys.argv) not in (2, 4, 5) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    model, config = load(sys.argv[1])
    print(f"{config['architecture']}, {sum(p.numel() for p in model.parameters())} parameters, {config['num_classes']} classes")
    if len(sys.argv) < 4:
        return
    size, cfg = config["pretrained_cfg"]["input_size"][1], config["pretrained_cfg"]
    mean, std = (torch.tensor(cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    images, labels, logits = np.load(sys.argv[2], mmap_mode="r"), np.load(sys.argv[3]), []
    with torch.no_grad():
        for start in range(0, len(images), 500):
            x = torch.from_numpy(np.array(images[start : start + 500])).permute(0, 3, 1, 2).float() / 255
            if x.shape[-1] != size:
                x = nn.functional.interpolate(x, (size, size), mode="bilinear", antialias=x.shape[-1] > size)
            logits.append(model((x - mean) / std))
    logits = torch.cat(logits)
    print(f"top1 {100 * (logits.argmax(1).numpy() == labels).mean():.2f} %")
    if len(sys.argv) > 4:  # what `smlp eval --logits FILE.npy` wrote
        expected = torch.from_numpy(np.load(sys.argv[4]))
        print(f"largest difference {((logits - expected).abs().max() / expected.abs().max()).item():.2e} of the largest logit")


if __name__ == "__main__":
    main()
