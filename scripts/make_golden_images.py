#!/usr/bin/env python3
"""Writes tests/golden/formats/*.{webp,bmp,gif} and beside each what PIL's convert("RGB") makes of it, as .npy.

    python scripts/make_golden_images.py

needs numpy and pillow.
"""
import io
import pathlib
import struct

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "formats"
RANDOM = np.random.default_rng(5)


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 / width, y * 255 / height, (x * y) % 256], -1) + RANDOM.normal(0, 9, (height, width, 3))
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))


def keep(name, data):
    (OUT / name).write_bytes(data)
    np.save(OUT / (name + ".npy"), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def save(name, image, **options):
    buffer = io.BytesIO()
    image.save(buffer, name.rsplit(".", 1)[1].upper(), **options)
    keep(name, buffer.getvalue())
    return buffer.getvalue()


def make_webp():
    image = picture(23, 17)
    rgba = image.copy()
    rgba.putalpha(picture(23, 17).convert("L"))
    save("lossy.webp", image, quality=80)
    save("lossless.webp", image, lossless=True)
    save("alpha.webp", rgba, quality=80)
    save("alpha_lossless.webp", rgba, lossless=True)
    save("animated.webp", image, save_all=True, append_images=[picture(23, 17)], lossless=True)


def make_bmp():
    image = picture(19, 13)
    rgba = image.copy()
    rgba.putalpha(picture(19, 13).convert("L"))
    save("rgb.bmp", image)
    save("rgba.bmp", rgba)
    save("grey.bmp", image.convert("L"))
    save("bit.bmp", image.convert("1"))
    palette = save("palette.bmp", image.quantize(200))
    size, offset = struct.unpack("<i", palette[22:26])[0], struct.unpack("<I", palette[10:14])[0]
    rows = palette[offset:]
    stride = len(rows) // size
    upside_down = b"".join(rows[i * stride : (i + 1) * stride] for i in reversed(range(size)))
    keep("top_down.bmp", palette[:22] + struct.pack("<i", -size) + palette[26:offset] + upside_down)


def make_gif():
    image = picture(21, 15).quantize(60)
    save("palette.gif", image, interlace=0)
    save("interlaced.gif", image, interlace=1)
    save("grey.gif", image.convert("L"), interlace=0)
    save("animated.gif", image, save_all=True, append_images=[picture(21, 15).quantize(60)], duration=50)
    transparent = bytearray(save("transparent.gif", image, transparency=7, interlace=0))
    frame = transparent.index(b",\0\0\0\0" + struct.pack("<HH", 21, 15))
    transparent[6:10] = struct.pack("<HH", 30, 20)  # the frame does not fill the screen
    transparent[frame + 1 : frame + 5] = struct.pack("<HH", 4, 3)
    keep("offset_transparent.gif", bytes(transparent))


if __name__ == "__main__":
    for make in [make_webp, make_bmp, make_gif]:
        make()
