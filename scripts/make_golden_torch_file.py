#!/usr/bin/env python3
"""Writes tests/golden/formats/torch_file/: small files of torch.save, beside what each holds as safetensors.

    python scripts/make_golden_torch_file.py

needs torch and safetensors. Files in refused/ must not be read; those in mixed/ hold more than one dictionary of
tensors, or others. None of them does harm.
"""
import io
import os
import pathlib
import pickle
import tarfile
from collections import OrderedDict

import torch
from safetensors.torch import save_file
from torch import nn

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "formats" / "torch_file"
REFUSED = OUT / "refused"
MIXED = OUT / "mixed"
IMAGE_SIZE, WIDTH, DEPTH, CLASSES = 8, 6, 2, 5


class SMlp(nn.Module):
    """The published plain MLP, with its tensor names."""

    def __init__(self, depth, width):
        super().__init__()
        self.linear_in = nn.Linear(3 * IMAGE_SIZE**2, width)
        self.linear_out = nn.Linear(width, CLASSES)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.layernorms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth - 1))

    def forward(self, images):
        z = self.linear_in(images.flatten(1))
        for layer, norm in zip(self.layers, self.layernorms):
            z = layer(nn.functional.gelu(norm(z)))
        return self.linear_out(z)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, z):
        return self.block(z)


class BMlp(nn.Module):
    """The published MLP of inverted bottlenecks, with its tensor names."""

    def __init__(self, depth, width):
        super().__init__()
        self.linear_in = nn.Linear(3 * IMAGE_SIZE**2, width)
        self.linear_out = nn.Linear(width, CLASSES)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.layernorms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))

    def forward(self, images):
        z = self.linear_in(images.flatten(1))
        for block, norm in zip(self.blocks, self.layernorms):
            z = z + block(norm(z))
        return self.linear_out(z)


def expect(name, tensors):
    """The tensors and, since a safetensors file sorts them, their order."""
    resolved = {key: tensor.detach().resolve_conj().resolve_neg() for key, tensor in tensors.items()}
    copies = {key: tensor.clone(memory_format=torch.contiguous_format) for key, tensor in resolved.items()}
    save_file(copies, OUT / (name + ".safetensors"), {"order": "\n".join(tensors)})


def keep(name, tensors, saved=None, **options):
    torch.save(tensors if saved is None else saved, OUT / (name + ".pt"), **options)
    expect(name, tensors)


def make_models():
    for name, model in [("b_mlp", BMlp(DEPTH, WIDTH)), ("s_mlp", SMlp(DEPTH + 1, WIDTH))]:
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.5)  # norms too
        assert model.state_dict()._metadata
        keep(name, model.state_dict())
        images = torch.randn(4, 3, IMAGE_SIZE, IMAGE_SIZE)
        save_file({"images": images, "logits": model(images).detach()}, OUT / (name + "_logits.safetensors"))


def make_checkpoints():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    state = model.state_dict()
    whole = {"epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "seed": 2**64 - 1, "loss": 0.25}
    whole |= {"history": [(1, -70000, 2**40), None, True, {"note": "größe"}], "step": torch.tensor(7)}
    keep("checkpoint", state, whole)
    keep("legacy", state, whole, _use_new_zipfile_serialization=False)
    keep("lightning", state, {"state_dict": state, "global_step": 5, "loops": {}})
    keep("data_parallel", state, nn.DataParallel(model).state_dict())
    keep("compiled", state, OrderedDict(("_orig_mod.module." + key, value) for key, value in state.items()))


def make_tensors():
    floats = torch.randn(3, 4)
    integers = torch.arange(-6, 6)
    types = {str(dtype)[6:]: floats.to(dtype) for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)}
    types |= {str(dtype)[6:]: integers.to(dtype) for dtype in (torch.int64, torch.int32, torch.int16, torch.int8)}
    types |= {"uint8": integers.abs().to(torch.uint8), "bool": integers > 0}
    keep("types", types)

    cube = torch.arange(60, dtype=torch.int16).reshape(3, 4, 5)
    views = {
        "whole": cube,
        "transposed": cube.transpose(0, 2),
        "sliced": cube[1:, ::2, 1:4],
        "rows": cube[2],
        "column": cube[:, 1, 3],
        "expanded": cube[:1, :, :1].expand(3, 4, 2),
        "scalar": cube[1, 1, 1],
        "nothing": cube[:, 4:],
        "row of one": cube[:1].transpose(0, 1),
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
    }
    keep("views", views)
    keep("legacy_views", views, _use_new_zipfile_serialization=False)
    negated = {name: torch._neg_view(tensor) for name, tensor in types.items() if name != "bool"}
    keep("negated", negated | {"column": torch._neg_view(cube[:, 1, 3])})
    complex_numbers = torch.randn(2, 3, dtype=torch.complex64)
    keep("complex", {"plain": complex_numbers, "conjugated": complex_numbers.t().conj(), "imag": complex_numbers.clone().conj().imag})
    keep("parameters", {"weight": nn.Parameter(floats), "fixed": nn.Parameter(floats.t(), requires_grad=False)})
    shapes = {"": torch.tensor(1.5), "empty": torch.zeros(0, 4), "größe": torch.zeros(1, 1, 3, 1), "true": torch.tensor(True)}
    keep("shapes", shapes)
    torch.save(shapes, OUT / "protocol_3.pt", pickle_protocol=3)


class CallsSystem:
    def __reduce__(self):
        return os.system, ("true",)


def make_refused():
    state = {"weight": torch.randn(2, 3)}

    def save(name, value, **options):
        torch.save(value, REFUSED / (name + ".pt"), **options)

    save("module", nn.Sequential(nn.Linear(3, 2)))
    save("protocol_4", state, pickle_protocol=4)
    save("twice", state, _use_new_zipfile_serialization=False)
    with open(REFUSED / "twice.pt", "ab") as file:
        torch.save(state, file, _use_new_zipfile_serialization=False)
    save("unsigned", {"weight": torch.arange(3).to(torch.uint16)})
    save("sparse", {"weight": torch.eye(3).to_sparse()})
    save("empty", OrderedDict())
    save("expanded_bomb", {"weight": torch.zeros(1).expand(1 << 20, 1 << 20)})
    torch.serialization.set_crc32_options(False)
    save("no_crc", state)
    torch.serialization.set_crc32_options(True)
    torch.jit.save(torch.jit.script(nn.Linear(3, 2)), str(REFUSED / "torchscript.pt"))
    with tarfile.open(REFUSED / "tar.pt", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps({}, 2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def make_mixed():
    state = {"weight": torch.randn(2, 3)}
    for name, value in {
        "calls_system": {"weight": torch.zeros(1), "x": CallsSystem()},
        "numpy": {"model": state, "best": torch.randn(3).numpy()},
        "several": {"model": state, "net": state},
        "none": {"epoch": 3, "weights": state},
        "list": [torch.zeros(1)],
        "tensor": torch.zeros(1),
    }.items():
        torch.save(value, MIXED / (name + ".pt"))


if __name__ == "__main__":
    torch.manual_seed(5)
    for folder in (REFUSED, MIXED):
        folder.mkdir(parents=True, exist_ok=True)
    for make in [make_models, make_checkpoints, make_tensors, make_refused, make_mixed]:
        make()
    print(sum(file.stat().st_size for file in OUT.rglob("*.*") if file.is_file()), "bytes in", OUT)
