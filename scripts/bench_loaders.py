#!/usr/bin/env python3
"""Images a second of smlp.Loader beside FFCV's loader and PyTorch's DataLoader, over the same images and transforms: random
crops (scale 0.4 to 1, ratio 1) resized to --size, flips, normalised float32 batches in memory order [B, 3, S, S].

  bench_loaders.py ROOT [--size 32] [--batch 512] [--workers 2] [--repeats 5] [--without ffcv,torch]

ROOT is a packed data set. FFCV's file of it, raw images, is made in a temporary folder first. Each loader reads an epoch to warm
up, then all take turns; the median counts, and the ratios are to smlp.Loader. Wants the wheel (docs/python.md), and ffcv and
torchvision where they are measured. FFCV 1.0.2 builds from PyPI with the headers of OpenCV (core, imgproc) and libturbojpeg.
"""
import argparse
import os
import statistics
import tempfile
import time

import numpy as np
import smlp

SCALE, RATIO, FLIP = (0.4, 1.0), (1.0, 1.0), 0.5


def smlp_epochs(a):
    loader = smlp.Loader(a.root, {
        "data.image_size": a.size, "data.workers": a.workers, "train.batch_size": a.batch, "augment.mixup": 0,
        "augment.crop.scale": list(SCALE), "augment.crop.ratio": list(RATIO), "augment.flip": FLIP})
    return lambda: sum(len(batch.labels) for batch in loader)


def ffcv_epochs(a):
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.decoders import IntDecoder
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import NormalizeImage, RandomHorizontalFlip, ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter

    file = os.path.join(a.folder, "train.beton")
    writer = DatasetWriter(file, {"image": RGBImageField(write_mode="raw"), "label": IntField()}, num_workers=1)
    writer.from_indexed_dataset(Pairs(a.root))
    mean, std = (255 * np.array(each) for each in a.statistics)
    loader = Loader(file, batch_size=a.batch, num_workers=a.workers, order=OrderOption.RANDOM, os_cache=True, pipelines={
        "image": [RandomResizedCropRGBImageDecoder((a.size, a.size), SCALE, RATIO), RandomHorizontalFlip(FLIP),
                  NormalizeImage(mean, std, np.float32), ToTensor(), ToTorchImage(channels_last=False)],
        "label": [IntDecoder(), ToTensor()]})

    def epoch():
        images = 0
        for pixels, labels in loader:
            assert pixels.shape[1:] == (3, a.size, a.size) and pixels.dtype.is_floating_point
            images += len(labels)
        return images

    return epoch


def torch_epochs(a):
    from torch.utils.data import DataLoader
    from torchvision import transforms

    transform = transforms.Compose([transforms.RandomResizedCrop(a.size, SCALE, RATIO), transforms.RandomHorizontalFlip(FLIP),
                                    transforms.ToTensor(), transforms.Normalize(*a.statistics)])
    loader = DataLoader(Pairs(a.root, transform), a.batch, shuffle=True, num_workers=a.workers,
                        persistent_workers=a.workers > 0)
    return lambda: sum(len(labels) for _, labels in loader)


class Pairs:
    """The packed images one by one: for FFCV's writer as arrays, for torchvision's transforms as PIL's images."""

    def __init__(self, root, transform=None):
        self.data, self.transform = smlp.Dataset(root, "train"), transform

    def __len__(self):
        return len(self.data.labels)

    def __getitem__(self, i):
        image, label = np.asarray(self.data.images[i]), int(self.data.labels[i])
        if self.transform is None:
            return image, label
        from PIL import Image
        return self.transform(Image.fromarray(image)), label


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without", default="")
    a = parser.parse_args()
    made = {"smlp.Loader": smlp_epochs, "FFCV": ffcv_epochs, "torch DataLoader": torch_epochs}
    for name in list(made):
        if any(word and word in name.lower() for word in a.without.split(",")):
            del made[name]
    probe = smlp.Loader(a.root)
    a.statistics = (probe.mean, probe.std)
    with tempfile.TemporaryDirectory() as a.folder:
        epochs = {name: make(a) for name, make in made.items()}
        for epoch in epochs.values():
            epoch()
        rates = {name: [] for name in epochs}
        for _ in range(a.repeats):
            for name, epoch in epochs.items():
                start = time.perf_counter()
                images = epoch()
                rates[name].append(images / (time.perf_counter() - start))
    own = statistics.median(next(iter(rates.values())))
    print(f"{len(Pairs(a.root))} images at {a.size}x{a.size}, batch {a.batch}, {a.workers} workers, median of {a.repeats} epochs")
    for name, each in rates.items():
        rate = statistics.median(each)
        print(f"{name:<18} {rate:>10.0f} images/s  {rate / own:>6.3f} of smlp.Loader's  ({min(each):.0f} to {max(each):.0f})")


if __name__ == "__main__":
    main()
