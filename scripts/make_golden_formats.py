#!/usr/bin/env python3
"""Writes tests/golden/formats/: small files made and read by the reference implementations.

    python scripts/make_golden_formats.py

needs numpy, scipy, pillow, torch, safetensors and tensorboard. Each image lies beside what PIL's convert("RGB") makes of it.
"""
import io
import pathlib
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.io import savemat
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "formats"
RANDOM = np.random.default_rng(3)


def picture(width, height):
    """A smooth colour field with a little noise and one sharp edge."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)]
    rgb = np.stack(channels, -1) + RANDOM.normal(0, 12, (height, width, 3))
    rgb[height // 2 :, width // 2 :] = 255 - rgb[height // 2 :, width // 2 :]
    return rgb.clip(0, 255).astype(np.uint8)


def keep(name, data):
    (OUT / name).write_bytes(data)
    np.save(OUT / (name + ".npy"), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def make_jpeg():
    rgb = Image.fromarray(picture(37, 29))

    def save(name, image, **options):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=85, **options)
        keep(name, buffer.getvalue())

    save("grey.jpg", rgb.convert("L"))
    save("444.jpg", rgb, subsampling=0)
    save("422.jpg", rgb, subsampling=1)
    save("420.jpg", rgb, subsampling=2)
    save("progressive.jpg", rgb, subsampling=2, progressive=True)
    save("restart.jpg", rgb, subsampling=2, restart_marker_blocks=2)
    cmyk = np.concatenate([255 - picture(37, 29), picture(37, 29)[:, :, :1] // 3], -1)
    save("cmyk.jpg", Image.fromarray(cmyk, "CMYK"))
    data = bytearray((OUT / "cmyk.jpg").read_bytes())
    data[data.index(b"Adobe") + 11] = 2  # the same numbers, declared to be YCCK
    keep("ycck.jpg", bytes(data))


def png_bytes(width, height, depth, colour_type, scanlines, chunks=(), interlaced=False):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    parts += [chunk(kind, data) for kind, data in chunks]
    parts += [chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in scanlines))), chunk(b"IEND", b"")]
    return b"".join(parts)


def make_png():
    rgb = picture(19, 13)
    image = Image.fromarray(rgb)
    alpha = Image.fromarray(picture(19, 13)[:, :, 0])
    rgba = image.copy()
    rgba.putalpha(alpha)
    grey_alpha = image.convert("L")
    grey_alpha.putalpha(alpha)
    palette = image.quantize(16)
    images = {"rgb": image, "rgba": rgba, "grey": image.convert("L"), "grey_alpha": grey_alpha}
    for name, value in (images | {"bit": image.convert("1"), "palette": palette}).items():
        buffer = io.BytesIO()
        value.save(buffer, "PNG")
        keep(name + ".png", buffer.getvalue())
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", transparency=3)
    keep("palette_transparent.png", buffer.getvalue())

    wide = RANDOM.integers(0, 65536, (13, 19, 3)).astype(">u2")
    gamma = [(b"gAMA", struct.pack(">I", 100000))]
    keep("rgb16.png", png_bytes(19, 13, 16, 2, [row.tobytes() for row in wide], gamma))
    grey16 = png_bytes(19, 13, 16, 0, [row.tobytes() for row in wide[:, :, 0]])
    (OUT / "grey16.png").write_bytes(grey16)  # PIL's own conversion changed between versions: the high byte
    np.save(OUT / "grey16.png.npy", np.repeat((wide[:, :, :1] >> 8).astype(np.uint8), 3, -1))
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    lines = [row.tobytes() for y, x, dy, dx in passes for row in rgb[y::dy, x::dx]]
    keep("interlaced.png", png_bytes(19, 13, 8, 2, lines, interlaced=True))


def make_resample():
    for size, out in [(10, 4), (5, 5), (4, 9), (100, 7), (1, 3), (64, 63)]:
        identity = Image.fromarray(np.eye(size, dtype=np.float32), "F")  # resizing it gives the weights
        weights = np.asarray(identity.resize((out, size), Image.Resampling.BILINEAR)).T
        np.save(OUT / f"triangle_{size}_{out}.npy", np.ascontiguousarray(weights))
    for size, out in [(4, 9), (3, 64)]:
        weights = torch.nn.functional.interpolate(
            torch.eye(size)[None], size=out, mode="linear", align_corners=False
        )[0].T
        np.save(OUT / f"enlarge_{size}_{out}.npy", weights.contiguous().numpy())
        both = torch.nn.functional.interpolate(
            torch.eye(size)[None, None], size=(size, out), mode="bilinear", align_corners=False, antialias=True
        )[0, 0].T
        assert torch.allclose(both, weights, atol=1e-6)
    rgb = RANDOM.integers(0, 256, (23, 17, 3)).astype(np.uint8)
    np.save(OUT / "resize_source.npy", rgb)
    for width, height in [(8, 8), (40, 31), (17, 5)]:
        resized = Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR)
        np.save(OUT / f"resize_{width}_{height}.npy", np.asarray(resized))
    box = Image.fromarray(rgb).crop((3, 5, 14, 18)).resize((6, 6), Image.Resampling.BILINEAR)
    np.save(OUT / "resize_box.npy", np.asarray(box))


def make_npy():
    for dtype in ["u1", "i1", "?", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"]:
        array = np.arange(6).reshape(2, 3).astype(dtype)
        np.save(OUT / f"type_{array.dtype.str[1:]}.npy", array)
    np.save(OUT / "scalar.npy", np.float32(2.5))
    np.save(OUT / "vector.npy", np.arange(7, dtype=np.int64))
    np.save(OUT / "empty.npy", np.zeros((0, 3, 2), np.float32))
    np.save(OUT / "fortran.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    np.save(OUT / "big_endian.npy", np.arange(3, dtype=">i4"))
    np.save(OUT / "structured.npy", np.zeros(2, [("a", "<i4")]))
    np.save(OUT / "objects.npy", np.array([None, 1]), allow_pickle=True)
    for version in [(2, 0), (3, 0)]:
        with open(OUT / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, np.arange(4, dtype=np.uint8), version)


def make_safetensors():
    tensors = {
        "stem.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "stem.bias": torch.tensor([0.5, -1.25, 3.0]).to(torch.bfloat16),
        "step": torch.tensor(12345, dtype=torch.int64),
        "mask": torch.tensor([True, False, True]),
        "nothing": torch.zeros(0, 4),
        "größe": torch.tensor([1.0], dtype=torch.float64),
    }
    save_file(tensors, OUT / "reference.safetensors", {"made by": 'the "reference"'})


def make_tfevents():
    with open(OUT / "scalars.tfevents", "wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2").SerializeToString())
        scalars = [(0, "loss", 2.5), (1, "loss", 0.0), (300, "train/accuracy", -1.5), (1 << 40, "größe", 1e-30)]
        for step, tag, value in scalars:
            summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])
            writer.write(event_pb2.Event(wall_time=1700000001.5, step=step, summary=summary).SerializeToString())


def make_archives():
    files = {"b/größe.txt": b"first", "a.txt": b"second" * 100, "b/empty": b""}

    def write_tar(name, mode, **options):
        with tarfile.open(OUT / name, mode, **options) as archive:
            folder = tarfile.TarInfo("b")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
            for path, data in files.items():
                info = tarfile.TarInfo("./" + path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    write_tar("pax.tar.gz", "w:gz", format=tarfile.PAX_FORMAT)
    write_tar("gnu.tar.bz2", "w:bz2", format=tarfile.GNU_FORMAT)
    write_tar("ustar.tar.xz", "w:xz", format=tarfile.USTAR_FORMAT)
    with zipfile.ZipFile(OUT / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("b")
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)


def make_mat():
    """The layout of meta.mat in ImageNet's development kit: leaves are numbered otherwise than their sorted wnids."""
    leaves = [("n02", 3), ("n03", 1), ("n01", 2)]
    rows = [(identity, f"{wnid}000000", "a word, another", "what it is", 0, np.array([]), 0, 1300) for wnid, identity in leaves]
    rows.append((1001, "n09000000", "inner node", "above the leaves", 3, np.array([1, 2, 3]), 1, 0))
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
    synsets = np.array([rows], dtype=[(field, object) for field in fields]).T
    for name, compressed in [("meta_plain.mat", False), ("meta_compressed.mat", True)]:
        savemat(OUT / name, {"other": np.eye(2), "synsets": synsets}, do_compression=compressed)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for make in [make_jpeg, make_png, make_resample, make_npy, make_safetensors, make_tfevents, make_archives, make_mat]:
        make()
    print(sum(file.stat().st_size for file in OUT.iterdir()), "bytes in", OUT)
