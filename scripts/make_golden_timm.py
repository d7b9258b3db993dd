#!/usr/bin/env python3
"""Writes tests/golden/models/timm.safetensors: models as timm computes them.

    python scripts/make_golden_timm.py

needs torch 2.11, timm 1.0.22 and safetensors. Per variant: images, tensors drawn at random, logits, gradients; metadata: variant -> its config.
"""
import functools
import pathlib

import torch
from safetensors.torch import save_file
from timm.layers import GatedMlp
from timm.models.mlp_mixer import Affine, MixerBlock, MlpMixer, ResBlock, SpatialGatingBlock
from timm.models.vision_transformer import VisionTransformer

FILE = pathlib.Path(__file__).parent.parent / "tests/golden/models/timm.safetensors"
SIZE, CLASSES, BATCH = 12, 5, 3


def network(c, **how):
    return MlpMixer(num_classes=CLASSES, img_size=SIZE, patch_size=c["patch_size"], num_blocks=c["depth"], embed_dim=c["width"], **how)


def mixer(c):
    return network(c, mlp_ratio=(c["token_hidden"] / c["width"], c["channel_hidden"] / c["width"]), block_layer=MixerBlock)


def gmlp(c):
    return network(c, mlp_ratio=c["hidden"] / c["width"], block_layer=SpatialGatingBlock, mlp_layer=GatedMlp)


def resmlp(c):
    return network(c, mlp_ratio=c["hidden"] / c["width"], block_layer=functools.partial(ResBlock, init_values=0.1), norm_layer=Affine)


def vit(c):
    return VisionTransformer(img_size=SIZE, patch_size=c["patch_size"], num_classes=CLASSES, embed_dim=c["width"], depth=c["depth"],
                             num_heads=c["heads"], mlp_ratio=c["hidden"] / c["width"])


VARIANTS = {
    "mixer": (mixer, dict(name="mixer", patch_size=4, depth=2, width=8, token_hidden=6, channel_hidden=16)),
    "gmlp": (gmlp, dict(name="gmlp", patch_size=3, depth=2, width=8, hidden=12)),
    "resmlp": (resmlp, dict(name="resmlp", patch_size=6, depth=2, width=8, hidden=12)),
    "vit": (vit, dict(name="vit", patch_size=4, depth=2, width=8, heads=2, hidden=12)),
}


def main():
    tensors, configs = {}, {}
    for name, (make, c) in VARIANTS.items():
        torch.manual_seed(0)
        model = make(c)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn_like(p) * 0.5)
        images, weights = torch.randn(BATCH, 3, SIZE, SIZE), torch.randn(BATCH, CLASSES)
        put = lambda key, value: tensors.__setitem__(f"{name}/{key}", value.detach().clone().contiguous())
        for key, value in model.state_dict().items():
            put("before/" + key, value)
        logits = model(images)
        (logits * weights).sum().backward()
        put("images", images), put("weights", weights), put("logits", logits)
        for key, p in model.named_parameters():
            put("grad/" + key, p.grad)
        model.eval()
        put("eval_logits", model(images))
        configs[name] = "{" + ", ".join(f"{k}: {v}" for k, v in c.items()) + "}"
    save_file(tensors, FILE, metadata=configs)


if __name__ == "__main__":
    main()
