#!/usr/bin/env python3
"""What a user would run instead, in PyTorch, to be timed beside `smlp bench`: a B-MLP with label smoothing 0.3, MixUp as two
targets, gradients clipped to a norm of 1, LION. One JSON object on the last line.

  bench_pytorch.py step --width 512 --depth 6 --classes 1000 --batch 512     forward, backward, clipping, update
  bench_pytorch.py optimizer --width 1024 --depth 12 --classes 11230         clipping and update alone
  bench_pytorch.py epoch ROOT --width 256 --depth 6 --batch 512              steps on FFCV's batches of a packed data set
  bench_pytorch.py loader ROOT --batch 512 [--torchvision]                   FFCV's batches alone, or a DataLoader's
  bench_pytorch.py tta ROOT --width 512 --depth 6                            random crops of its test images

Compiled (torch.compile, wants g++ on a CPU) unless --eager, whose LION goes over the tensors one by one, as lion-pytorch does;
on CUDA --graphs adds CUDA graphs (mode reduce-overhead), for step alone. Batches of epoch and loader are random crops resized to
64×64, flipped, mixed and normalised, of the first --images of the training set. pip install torch==2.11.0 torchvision==0.26.0;
for epoch and loader also ffcv, which builds with the headers of OpenCV (core, imgproc) and libturbojpeg.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

import torch
from torch import nn

MEAN, DEVIATION = [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, z):
        return z + self.branch(z)


def make_model(a):
    blocks = [Block(a.width) for _ in range(a.depth)]
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * a.size**2, a.width), *blocks, nn.Linear(a.width, a.classes)).to(a.device)


def make_update(a, parameters):
    averages = [torch.zeros_like(p) for p in parameters]

    def update(parameters, gradients, averages):
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        clip = torch.clamp(1 / (norm + 1e-6), max=1)
        for p, g, m in zip(parameters, gradients, averages):
            g = g * clip
            p.mul_(1 - 5e-8).sub_(5e-5 * torch.sign(0.9 * m + 0.1 * g))
            m.mul_(0.99).add_(g, alpha=0.01)

    if not a.eager:
        update = torch.compile(update)

    def run():
        with torch.no_grad():
            update(parameters, [p.grad for p in parameters], averages)

    return run


def make_step(a):
    model = make_model(a)
    parameters = list(model.parameters())
    update, criterion = make_update(a, parameters), nn.CrossEntropyLoss(label_smoothing=0.3)

    def loss(x, y, partner):
        with torch.autocast(a.device, torch.bfloat16, enabled=a.precision == "bf16"):
            logits = model(x)
        logits = logits.float()
        return 0.75 * criterion(logits, y) + 0.25 * criterion(logits, partner)

    if not a.eager:
        loss = torch.compile(loss, **({"mode": "reduce-overhead"} if a.graphs else {}))

    def step(x, y, partner):
        if a.graphs:
            torch.compiler.cudagraph_mark_step_begin()
        for p in parameters:
            p.grad = None
        loss(x, y, partner).backward()
        update()

    return step


def wait(a):
    if a.device == "cuda":
        torch.cuda.synchronize()


def timed(a, work):
    """Seconds of a call, in each of the repeats, which take --seconds each."""
    def of(calls):
        wait(a)
        start = time.perf_counter()
        for _ in range(calls):
            work()
        wait(a)
        return (time.perf_counter() - start) / calls

    of(3)
    calls = max(1, round(a.seconds / of(1)))
    return [of(calls) for _ in range(a.repeats)]


def bench_step(a):
    step = make_step(a)
    x = torch.randn(a.batch, 3, a.size, a.size, device=a.device)
    y = torch.randint(a.classes, (a.batch,), device=a.device)
    return a.batch, timed(a, lambda: step(x, y, y.roll(1)))


def bench_optimizer(a):
    parameters = list(make_model(a).parameters())
    for p in parameters:
        p.grad = torch.randn_like(p)
    return 1, timed(a, make_update(a, parameters))


def ffcv_loader(a, folder):
    import numpy as np
    import torchvision
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.decoders import IntDecoder
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import Convert, ImageMixup, LabelMixup, RandomHorizontalFlip, Squeeze, ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter

    file = os.path.join(folder, "train.beton")
    writer = DatasetWriter(file, {"image": RGBImageField(write_mode="raw"), "label": IntField()}, num_workers=1)
    writer.from_indexed_dataset(Packed(a.root, "train", most=a.images))
    return Loader(file, batch_size=a.batch, num_workers=a.workers, order=OrderOption.QUASI_RANDOM, drop_last=True, os_cache=True,
                  pipelines={
                      "image": [RandomResizedCropRGBImageDecoder((a.size, a.size), (0.4, 1), (1, 1)), RandomHorizontalFlip(),
                                ImageMixup(alpha=0.8, same_lambda=True), ToTensor(), ToTorchImage(), Convert(torch.float32),
                                torchvision.transforms.Normalize(255 * np.array(MEAN), 255 * np.array(DEVIATION))],
                      "label": [IntDecoder(), LabelMixup(alpha=0.8, same_lambda=True), ToTensor(), Squeeze()]})


class Packed(torch.utils.data.Dataset):
    """Images and labels of a split, one by one; cropped and flipped by torchvision where `size` is given."""

    def __init__(self, root, split, size=None, most=1 << 62):
        import numpy as np
        self.most = most
        self.images = np.load(os.path.join(root, split, "images.npy"), mmap_mode="r")
        self.labels = np.load(os.path.join(root, split, "labels.npy"))
        self.transform = crops(size) if size else None

    def __len__(self):
        return min(len(self.labels), self.most)

    def __getitem__(self, i):
        import numpy as np
        image = np.array(self.images[i])
        if self.transform:
            image = self.transform(torch.from_numpy(image).permute(2, 0, 1))
        return image, int(self.labels[i])


def crops(size):
    from torchvision.transforms import v2
    return v2.Compose([v2.RandomResizedCrop(size, (0.4, 1), (1, 1), antialias=True), v2.RandomHorizontalFlip()])


def mixed(a, batches):
    mean, deviation = (255 * torch.tensor(each).view(3, 1, 1) for each in (MEAN, DEVIATION))
    for x, _ in batches:
        x = x.float()
        yield ((0.7 * x + 0.3 * x.roll(1, 0)) - mean) / deviation


def bench_loader(a):
    with tempfile.TemporaryDirectory() as folder:
        if a.torchvision:
            torch.set_num_threads(1)
            loader = torch.utils.data.DataLoader(Packed(a.root, "train", a.size, a.images), a.batch, shuffle=True, drop_last=True,
                                                 num_workers=a.workers, persistent_workers=True)
            epoch = lambda: sum(len(x) for x in mixed(a, loader))
        else:
            loader = ffcv_loader(a, folder)
            epoch = lambda: sum(len(x) for x, _ in loader)
        return seconds_an_image(a, epoch)


def seconds_an_image(a, epoch):
    epoch()
    times = []
    for _ in range(a.repeats):
        start = time.perf_counter()
        images = epoch()
        times.append((time.perf_counter() - start) / images)
    return 1, times


def bench_epoch(a):
    step = make_step(a)
    with tempfile.TemporaryDirectory() as folder:
        loader = ffcv_loader(a, folder)

        def epoch():
            images = 0
            for x, labels in loader:
                step(x, labels[:, 0].long(), labels[:, 1].long())
                images += len(x)
            return images

        return seconds_an_image(a, epoch)


def bench_tta(a):
    model, images, transform = make_model(a).eval(), Packed(a.root, "test").images[:a.batch], crops(a.size)
    images = torch.from_numpy(images.copy()).permute(0, 3, 1, 2)
    mean, deviation = (255 * torch.tensor(each).view(3, 1, 1) for each in (MEAN, DEVIATION))

    def crop():
        with torch.inference_mode(), torch.autocast(a.device, torch.bfloat16, enabled=a.precision == "bf16"):
            x = torch.stack([transform(each) for each in images]).float().sub_(mean).div_(deviation)
            return model(x.to(a.device)).softmax(-1)

    return len(images), timed(a, crop)


BENCHMARKS = {"step": bench_step, "optimizer": bench_optimizer, "epoch": bench_epoch, "loader": bench_loader, "tta": bench_tta}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=BENCHMARKS)
    parser.add_argument("root", nargs="?", help="a packed data set")
    cores = len(os.sched_getaffinity(0))
    for name, default in [("width", 512), ("depth", 6), ("classes", 1000), ("batch", 512), ("size", 64), ("repeats", 5),
                          ("images", 1 << 62), ("threads", cores), ("workers", cores)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a repeat")
    parser.add_argument("--precision", choices=["bf16", "tf32", "fp32"], default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    for flag in ["eager", "graphs", "torchvision"]:
        parser.add_argument(f"--{flag}", action="store_true")
    a = parser.parse_args()
    if a.root is None and a.what in ("epoch", "loader", "tta"):
        parser.error(f"{a.what} needs ROOT, a packed data set")
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    torch.backends.cuda.matmul.allow_tf32 = a.precision != "fp32"
    images, times = BENCHMARKS[a.what](a)
    print("repeats, ms:", *(f"{1e3 * each:.4g}" for each in times), file=sys.stderr)
    seconds = statistics.median(times)
    result = {"seconds": seconds, "per_s": images / seconds, "torch": torch.__version__, "threads": a.threads}
    if a.device == "cuda":
        result.update(device=torch.cuda.get_device_name(), memory=torch.cuda.max_memory_allocated())
    print(json.dumps(result))


if __name__ == "__main__":
    main()
