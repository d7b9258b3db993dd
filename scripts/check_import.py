#!/usr/bin/env python3
"""Checks smlp import against PyTorch at the published sizes: random weights, saved as model.state_dict() by torch.save.

    python scripts/check_import.py [SMLP]          (default: scripts/smlp; needs torch, numpy, safetensors; 4 GB of disk for a while)

For each head of the published checkpoints, on their four architectures and S-6/2048: the imported tensors must equal the saved
ones bit for bit, and the logits of `smlp eval --logits` (fp32) PyTorch's within 1e-5 of the largest. Last, a file that would run
a command must be refused.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from load_in_pytorch import BMlp, SMlp
from safetensors.torch import load_file

HEADS = {"imagenet21": 11230, "imagenet": 1000, "tiny-imagenet": 200, "cifar100": 100, "cifar10": 10}
ARGUMENTS = {"expansion": 4, "bottleneck": True, "layers_per_block": 2, "activation": "gelu", "norm": "layer", "norm_position": "pre",
             "skip": True, "block_order": "norm_act_linear"}
MODELS = [("B", 6, 512), ("B", 12, 512), ("B", 6, 1024), ("B", 12, 1024), ("S", 6, 2048)]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CIFAR = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))


def smlp(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)


def make_pack(folder, classes):
    """64 random images of that many classes, packed; what of it is the test split."""
    (folder / "raw" / "test").mkdir(parents=True)
    images = numpy.random.default_rng(0).integers(0, 256, (64, 64, 64, 3), dtype=numpy.uint8)
    labels = numpy.linspace(0, classes - 1, 64).astype(numpy.int64)
    numpy.save(folder / "raw/test/images.npy", images)
    numpy.save(folder / "raw/test/labels.npy", labels)
    (folder / "classes.txt").write_text("".join(f"class {i}\n" for i in range(classes)))
    done = smlp("pack", "npy", "--from", folder / "raw", "--to", folder / "pack", "--classes", folder / "classes.txt")
    assert done.returncode == 0, done.stderr
    return images


def check(folder, kind, depth, width, data, classes):
    model = {"B": BMlp, "S": SMlp}[kind](3 * 64 * 64, classes, ARGUMENTS | {"depth": depth, "width": width}).eval()
    file = folder / f"{kind}-{depth}_Wi-{width}_res_64_{data}_epochs_800"
    torch.save(model.state_dict(), file)
    done = smlp("import", file, "--to", folder / "imported")
    assert done.returncode == 0, done.stderr
    found, saved = load_file(folder / "imported/model.safetensors"), model.state_dict()
    assert found.keys() == saved.keys()
    assert all(torch.equal(found[k].view(torch.int32), saved[k].view(torch.int32)) for k in saved), "tensors differ"

    images = make_pack(folder, classes)
    done = smlp("eval", folder / "imported", "--data", folder / "pack", "--force-classes", "--device", "cpu", "--precision", "fp32",
                "--logits", folder / "logits.npy")
    assert done.returncode == 0, done.stderr
    mean, std = (torch.tensor(x).reshape(1, 3, 1, 1) for x in (CIFAR if data.startswith("cifar") else IMAGENET))
    with torch.no_grad():
        expected = model((torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std).numpy()
    return numpy.abs(numpy.load(folder / "logits.npy") - expected).max() / numpy.abs(expected).max()


class Command:
    def __reduce__(self):
        return os.system, ("echo this was run",)


PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(pathlib.Path(__file__).parent / "smlp")
torch.manual_seed(0)
for kind, depth, width in MODELS:
    for data, classes in HEADS.items():
        with tempfile.TemporaryDirectory() as folder:
            apart = check(pathlib.Path(folder), kind, depth, width, data, classes)
        print(f"{f'{kind}-{depth}/{width}':10} {data:14} tensors equal, logits within {apart:.1e} of the largest", flush=True)
        assert apart < 1e-5
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "B-6_Wi-512_res_64_cifar10"
    torch.save({"linear_in.weight": Command()}, file)
    done = smlp("import", file, "--to", pathlib.Path(folder) / "imported")
    print(f"a command in place of a tensor: exit {done.returncode}: {done.stderr.strip()}")
    assert done.returncode == 3 and "this was run" not in done.stdout + done.stderr
