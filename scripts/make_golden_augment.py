#!/usr/bin/env python3
"""Writes tests/data/augment_golden.hpp: crops rendered by PyTorch (F.interpolate, bilinear, antialias=True).

  make_golden_augment.py | clang-format > tests/data/augment_golden.hpp     (torch 2.11)
"""
import torch
from torch.nn import functional as F

SIZE, MEAN, STD = 8, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# x, y, width, height, flip, output size
CASES = [(1, 2, 5, 4, 0, 6), (0, 0, 8, 8, 0, 3), (2, 0, 6, 7, 1, 4), (0, 1, 8, 7, 1, 11), (3, 3, 1, 2, 0, 3), (1, 0, 4, 4, 1, 4), (0, 0, 7, 4, 0, 4)]


def main():
    image = torch.tensor([[[(x * 37 + y * 101 + c * 59 + x * y * 13) % 256 for x in range(SIZE)] for y in range(SIZE)] for c in range(3)]).float()
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    print("// Made by scripts/make_golden_augment.py with torch", torch.__version__.split("+")[0])
    print("#pragma once\n#include <vector>\n\nnamespace smlp {\n")
    print("struct GoldenCrop {\n  int x, y, width, height, flip, size;\n  std::vector<float> values;  // [3][size][size]\n};\n")
    print(f"// Of an image of {SIZE} pixels a side whose value at (x, y, c) is (37x + 101y + 59c + 13xy) mod 256.")
    print("inline const std::vector<GoldenCrop> golden_crops = {")
    for x, y, w, h, flip, size in CASES:
        crop = image[:, y:y + h, x:x + w]
        out = F.interpolate(crop[None], size=(size, size), mode="bilinear", antialias=True)[0]
        out = (out / 255 - mean) / std
        if flip:
            out = out.flip(2)
        values = ", ".join(f"{v:.7g}f" if "." in f"{v:.7g}" or "e" in f"{v:.7g}" else f"{v:.7g}.0f" for v in out.flatten().tolist())
        print(f"    {{{x}, {y}, {w}, {h}, {flip}, {size}, {{{values}}}}},")
    print("};\n\n}  // namespace smlp")


main()
