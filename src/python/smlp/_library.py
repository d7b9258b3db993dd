"""torch.classes.smlp and torch.ops.smlp, registered by the shared library of this package."""

import json
import os
from collections.abc import Mapping

import torch

from ._torch import problem

_why = problem(torch.__version__, os.path.dirname(torch.__file__))
if _why:
    raise ImportError(_why)
torch.classes.load_library(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "libsmlp_python.so"))
classes = torch.classes.smlp
ops = torch.ops.smlp

Settings = Mapping[str, object]  # {"train.batch_size": 256}: keys as `smlp config keys` lists them


def _plain(value: object) -> object:
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, and tensors
        return value.tolist()
    raise TypeError


def words(settings: Settings | None) -> list[str]:
    """As the program's --set takes them. A value that is no number, text, list or dict: TypeError."""
    said = []
    for key, value in (settings or {}).items():
        try:
            text = value if isinstance(value, (str, os.PathLike)) else json.dumps(value, default=_plain)
        except TypeError:
            raise TypeError(f"{key} is {value!r}, a {type(value).__name__}: expected a number, a text, a list or a dict"
                            ) from None
        said.append(f"{key}={text}")
    return said
