#!/usr/bin/env python3
"""Writes tests/golden/foreign/: weights drawn at random, named as their publishers name them, and the logits of each.

    python scripts/make_golden_foreign.py

needs torch 2.11, timm 1.0.22, torchvision 0.26, numpy and safetensors. logits.safetensors has images and, per file, logits.
Google's arrays are half floats, so that two heads of 64 fit a small file.
"""
import functools
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from timm.models.mlp_mixer import Affine, MlpMixer, ResBlock, checkpoint_filter_fn
from timm.models.vision_transformer import VisionTransformer
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionVit

OUT = pathlib.Path(__file__).parent.parent / "tests/golden/foreign"
SIZE, PATCH, CLASSES, DEPTH = 8, 4, 5, 2
TOKENS = (SIZE // PATCH) ** 2


def draw(generator, *shape):
    return (generator.standard_normal(shape) * 0.3).astype(np.float16)


def layer(arrays, generator, name, *kernel, bias=None):
    arrays[f"{name}/kernel"] = draw(generator, *kernel)
    arrays[f"{name}/bias"] = draw(generator, *(bias or kernel[-1:]))


def norm(arrays, generator, name, width):
    arrays[f"{name}/scale"], arrays[f"{name}/bias"] = draw(generator, width), draw(generator, width)


def google_mixer(width=12, token_hidden=6, channel_hidden=20):
    """As google-research/vision_transformer's MlpMixer has its parameters; timm's model computes the same."""
    generator, arrays = np.random.default_rng(1), {}
    layer(arrays, generator, "stem", PATCH, PATCH, 3, width)
    for i in range(DEPTH):
        block = f"MixerBlock_{i}"
        norm(arrays, generator, f"{block}/LayerNorm_0", width)
        norm(arrays, generator, f"{block}/LayerNorm_1", width)
        layer(arrays, generator, f"{block}/token_mixing/Dense_0", TOKENS, token_hidden)
        layer(arrays, generator, f"{block}/token_mixing/Dense_1", token_hidden, TOKENS)
        layer(arrays, generator, f"{block}/channel_mixing/Dense_0", width, channel_hidden)
        layer(arrays, generator, f"{block}/channel_mixing/Dense_1", channel_hidden, width)
    norm(arrays, generator, "pre_head_layer_norm", width)
    layer(arrays, generator, "head", width, CLASSES)

    model = MlpMixer(num_classes=CLASSES, img_size=SIZE, patch_size=PATCH, num_blocks=DEPTH, embed_dim=width,
                     mlp_ratio=(token_hidden / width, channel_hidden / width))
    put = lambda parameter, value: parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)).float())

    def put_layer(module, name):
        kernel = arrays[f"{name}/kernel"]
        put(module.weight, kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1))
        put(module.bias, arrays[f"{name}/bias"])

    def put_norm(module, name):
        put(module.weight, arrays[f"{name}/scale"])
        put(module.bias, arrays[f"{name}/bias"])

    put_layer(model.stem.proj, "stem")
    for i, block in enumerate(model.blocks):
        put_norm(block.norm1, f"MixerBlock_{i}/LayerNorm_0")
        put_norm(block.norm2, f"MixerBlock_{i}/LayerNorm_1")
        for mlp, name in ((block.mlp_tokens, "token_mixing"), (block.mlp_channels, "channel_mixing")):
            put_layer(mlp.fc1, f"MixerBlock_{i}/{name}/Dense_0")
            put_layer(mlp.fc2, f"MixerBlock_{i}/{name}/Dense_1")
    put_norm(model.norm, "pre_head_layer_norm")
    put_layer(model.head, "head")
    return arrays, model


def google_vit(width=128, heads=2, hidden=12):
    """As the same repository's VisionTransformer has its parameters; timm reads them."""
    generator, arrays = np.random.default_rng(2), {}
    arrays["cls"] = draw(generator, 1, 1, width)
    arrays["Transformer/posembed_input/pos_embedding"] = draw(generator, 1, TOKENS + 1, width)
    layer(arrays, generator, "embedding", PATCH, PATCH, 3, width)
    block = "Transformer/encoderblock_0"
    norm(arrays, generator, f"{block}/LayerNorm_0", width)
    norm(arrays, generator, f"{block}/LayerNorm_2", width)
    for name in ("query", "key", "value"):
        layer(arrays, generator, f"{block}/MultiHeadDotProductAttention_1/{name}", width, heads, width // heads,
              bias=(heads, width // heads))
    layer(arrays, generator, f"{block}/MultiHeadDotProductAttention_1/out", heads, width // heads, width)
    layer(arrays, generator, f"{block}/MlpBlock_3/Dense_0", width, hidden)
    layer(arrays, generator, f"{block}/MlpBlock_3/Dense_1", hidden, width)
    norm(arrays, generator, "Transformer/encoder_norm", width)
    layer(arrays, generator, "head", width, CLASSES)
    np.savez(OUT / "google_vit.npz", **arrays)
    model = VisionTransformer(img_size=SIZE, patch_size=PATCH, num_classes=CLASSES, embed_dim=width, depth=1, num_heads=heads,
                              mlp_ratio=hidden / width)
    model.load_pretrained(str(OUT / "google_vit.npz"))
    return arrays, model


def facebook_resmlp(width=8, hidden=12):
    model = MlpMixer(num_classes=CLASSES, img_size=SIZE, patch_size=PATCH, num_blocks=DEPTH, embed_dim=width, mlp_ratio=hidden / width,
                     block_layer=functools.partial(ResBlock, init_values=0.1), norm_layer=Affine)
    theirs = {}
    for name, value in model.state_dict().items():
        for own, other in (("stem.", "patch_embed."), ("linear_tokens.", "attn."), ("mlp_channels.", "mlp."), (".ls", ".gamma_")):
            name = name.replace(own, other)
        value = torch.randn_like(value) * 0.3
        theirs[name] = value.flatten() if name.endswith((".alpha", ".beta")) else value
    model.load_state_dict(checkpoint_filter_fn(dict(theirs), model))
    return theirs, model


def torchvision_vit(width=64):
    model = TorchvisionVit(image_size=SIZE, patch_size=PATCH, num_layers=DEPTH, num_heads=1, hidden_dim=width, mlp_dim=12, num_classes=CLASSES)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.3)
    return model.state_dict(), model


@torch.no_grad()
def main():
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(0)
    images = torch.randn(3, 3, SIZE, SIZE)
    tensors = {"images": images}
    for make in (google_mixer, google_vit, facebook_resmlp, torchvision_vit):
        weights, model = make()
        tensors[make.__name__] = model.eval()(images)
        if make.__name__.startswith("google"):
            np.savez(OUT / f"{make.__name__}.npz", **weights)
        else:
            torch.save({"model": weights}, OUT / f"{make.__name__}.pth")
    save_file(tensors, OUT / "logits.safetensors")


if __name__ == "__main__":
    main()
