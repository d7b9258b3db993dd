#!/usr/bin/env python3
"""Writes tests/golden/models/resnet.safetensors: ResNets as torchvision computes them.

    python scripts/make_golden_resnet.py

needs torch 2.11, torchvision 0.26 and safetensors. In double precision, for deep ones amplify what is rounded. Their weights are
too many for a file: they follow from `value`, which the test repeats.
Per variant: images, weights of the logits, logits while training and in evaluation, the first convolution's gradient and the norm of every
gradient; metadata: variant -> its config.
"""
import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18, resnet50

FILE = pathlib.Path(__file__).parent.parent / "tests/golden/models/resnet.safetensors"
SIZE, CLASSES, BATCH = 32, 5, 4


def value(k, shape):
    """From -1/2 to 1/2, the k-th tensor's."""
    bits = (torch.arange(math.prod(shape), dtype=torch.int64) * 2654435761 + 97531 * (k + 1)) % 2**32
    return (bits.to(torch.float64) / 2**32 - 0.5).to(torch.float32).view(shape)


def fill(model):
    with torch.no_grad():
        for k, (name, p) in enumerate(model.named_parameters()):
            if p.dim() > 1:
                p.copy_(value(k, p.shape) * math.sqrt(12 / p[0].numel()))
            else:
                p.copy_(value(k, p.shape) + (1 if name.endswith("weight") else 0))


def small(model):
    model.conv1, model.maxpool = nn.Conv2d(3, 64, 7, bias=False), nn.Identity()
    return model


VARIANTS = {
    "resnet18": (resnet18(num_classes=CLASSES), dict(name="resnet", depth=18)),
    "resnet50_small": (small(resnet50(num_classes=CLASSES)), dict(name="resnet", depth=50, stem="small")),
}


def main():
    tensors, configs = {}, {}
    for name, (model, c) in VARIANTS.items():
        fill(model)
        model.double()
        torch.manual_seed(0)
        images, weights = torch.randn(BATCH, 3, SIZE, SIZE).double(), torch.randn(BATCH, CLASSES).double()
        logits = model(images)
        (logits * weights).sum().backward()
        gradients = [p.grad for p in model.parameters()]
        model.eval()
        for key, tensor in dict(images=images, weights=weights, logits=logits, eval_logits=model(images), conv1=gradients[0],
                                norms=torch.stack([g.norm() for g in gradients])).items():
            tensors[f"{name}/{key}"] = tensor.detach().float().contiguous()
        configs[name] = "{" + ", ".join(f"{k}: {v}" for k, v in c.items()) + "}"
    save_file(tensors, FILE, metadata=configs)


if __name__ == "__main__":
    main()
