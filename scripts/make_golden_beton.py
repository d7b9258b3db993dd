#!/usr/bin/env python3
"""Writes tests/golden/formats/beton_*: files of FFCV's writer, and what is in them.

    python scripts/make_golden_beton.py

needs numpy, pillow and ffcv 1.0.2. FFCV's smallest page has 2 MiB, nearly all zeros here: each file is kept as a tar.gz.
beton_raw, beton_jpg: an image and a label; beton_fields: the label before the image, other fields around them, both modes.
"""
import gzip
import io
import pathlib
import tarfile
import tempfile

import numpy as np
from ffcv.fields import BytesField, FloatField, IntField, JSONField, NDArrayField, RGBImageField
from ffcv.reader import Reader
from ffcv.writer import DatasetWriter
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "formats"
SIZES = [(8, 8), (20, 12), (9, 11), (16, 10), (8, 20), (12, 12)]  # width, height
LABELS = [3, 0, 7, 3, 1, 2]


def picture(index):
    width, height = SIZES[index]
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], -1)
    noise = np.random.default_rng(index).normal(0, 8, smooth.shape)
    return (smooth + noise).clip(0, 255).astype(np.uint8)


class Samples:
    def __init__(self, names):
        self.names = names

    def __len__(self):
        return len(SIZES)

    def __getitem__(self, index):
        values = {
            "image": picture(index),
            "label": LABELS[index],
            "index": 100 + index,
            "weight": index / 2,
            "blob": np.arange(index, dtype=np.uint8),  # the first is empty
            "note": {"label": -1},
            "vector": np.ones(3, np.float32),
        }
        return tuple(values[name] for name in self.names)


def pixels(path):
    """Of every image, by FFCV's reader; JPEG by PIL."""
    reader = Reader(path)
    name = f"f{list(reader.handlers).index('image')}"
    data = path.read_bytes()
    sizes = {int(row["ptr"]): int(row["size"]) for row in reader.alloc_table if row["size"]}
    flat = []
    for row in reader.metadata[name]:
        start = int(row["data_ptr"])
        content = data[start : start + sizes[start]]
        image = np.frombuffer(content, np.uint8) if row["mode"] == 1 else np.asarray(Image.open(io.BytesIO(content)))
        assert image.size == int(row["width"]) * int(row["height"]) * 3
        flat.append(image.reshape(-1))
    return np.concatenate(flat)


def keep(path):
    entry = tarfile.TarInfo(path.name)
    entry.size = path.stat().st_size
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry, path.open("rb"))
    (OUT / f"{path.stem}.tar.gz").write_bytes(gzip.compress(buffer.getvalue(), mtime=0))


def make(folder, name, fields):
    path = pathlib.Path(folder) / f"beton_{name}.beton"
    writer = DatasetWriter(str(path), fields, page_size=1 << 21, num_workers=1)
    writer.from_indexed_dataset(Samples(list(fields)))
    np.save(OUT / f"{path.stem}.pixels.npy", pixels(path))
    keep(path)


with tempfile.TemporaryDirectory() as folder:
    make(folder, "raw", {"image": RGBImageField("raw"), "label": IntField()})
    make(folder, "jpg", {"image": RGBImageField("jpg"), "label": IntField()})
    make(
        folder,
        "fields",
        {
            "blob": BytesField(),
            "index": IntField(),
            "note": JSONField(),
            "label": IntField(),
            "image": RGBImageField("smart", smart_threshold=400),
            "weight": FloatField(),
            "vector": NDArrayField(np.dtype("<f4"), (3,)),
        },
    )
