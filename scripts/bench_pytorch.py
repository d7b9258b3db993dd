#!/usr/bin/env python3
"""The step of `smlp bench step` in PyTorch on a CUDA device, to be timed beside it: B-MLP, label smoothing 0.3, MixUp as two
targets, LION. Compiled (torch.compile), unless --eager; --graphs adds CUDA graphs (mode reduce-overhead).

  bench_pytorch.py --width 1024 --depth 12 --classes 11230 --batch 16384 [--precision bf16|tf32|fp32] [--eager] [--graphs]
"""
import argparse
import statistics
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, z):
        return z + self.branch(z)


def make_step(a):
    blocks = [Block(a.width) for _ in range(a.depth)]
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * a.size**2, a.width), *blocks, nn.Linear(a.width, a.classes)).cuda()
    parameters = list(model.parameters())
    averages = [torch.zeros_like(p) for p in parameters]
    criterion = nn.CrossEntropyLoss(label_smoothing=0.3)
    x = torch.randn(a.batch, 3, a.size, a.size, device="cuda")
    y = torch.randint(a.classes, (a.batch,), device="cuda")

    def loss(x, y, partner):
        with torch.autocast("cuda", torch.bfloat16, enabled=a.precision == "bf16"):
            logits = model(x)
        logits = logits.float()
        return 0.75 * criterion(logits, y) + 0.25 * criterion(logits, partner)

    def lion(parameters, gradients, averages):
        for p, g, m in zip(parameters, gradients, averages):
            p.mul_(1 - 5e-8).sub_(5e-5 * torch.sign(0.9 * m + 0.1 * g))
            m.mul_(0.99).add_(g, alpha=0.01)

    if not a.eager:
        loss = torch.compile(loss, **({"mode": "reduce-overhead"} if a.graphs else {}))
        lion = torch.compile(lion)

    def step():
        if a.graphs:
            torch.compiler.cudagraph_mark_step_begin()
        for p in parameters:
            p.grad = None
        loss(x, y, y.roll(1)).backward()
        with torch.no_grad():
            lion(parameters, [p.grad for p in parameters], averages)

    return step


def timed(step, calls):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / calls


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("width", 1024), ("depth", 12), ("classes", 11230), ("batch", 2048), ("size", 64), ("repeats", 5)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--precision", choices=["bf16", "tf32", "fp32"], default="bf16")
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--graphs", action="store_true")
    a = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = a.precision != "fp32"
    step = make_step(a)
    timed(step, 5)
    calls = max(10, round(0.3 / timed(step, 5)))
    times = sorted(timed(step, calls) for _ in range(a.repeats))
    seconds = statistics.median(times)
    print(f"{torch.cuda.get_device_name()}: {1e3 * seconds:.2f} ms ({1e3 * times[0]:.2f} to {1e3 * times[-1]:.2f}), "
          f"{a.batch / seconds:,.0f} images/s, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
