"""smlp's parts for Python: its loader, trained models, data sets and runs, for any PyTorch model.

Loader      augmented, mixed, normalised batches, the sample stream of `smlp train`
load        a trained model as a torch.nn.Module
Dataset     a packed data set as NumPy arrays
metrics     a run's log as columns
train       `smlp train`, telling a callback every line of the log
Run         a run folder for a training loop of one's own
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._data import Batch, Dataset, Loader
    from ._model import Model, load
    from ._runs import Run, metrics, train

__all__ = ["Batch", "Dataset", "Loader", "Model", "Run", "load", "metrics", "train"]
_PLACES = {"Batch": "_data", "Dataset": "_data", "Loader": "_data", "Model": "_model", "load": "_model",
           "Run": "_runs", "metrics": "_runs", "train": "_runs"}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    # PyTorch is imported with the first part that needs it; the command `smlp` comes by here, and does not.
    if name == "__version__":
        from importlib.metadata import version

        return version("smlp")
    if name not in _PLACES:
        raise AttributeError(f"module 'smlp' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
