"""Packed data sets and batches of them."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from ._library import Settings, classes, ops, words


class Batch(NamedTuple):
    """images    [B, 3, S, S] float, normalised; under MixUp share * image + (1 - share) * another one of the batch
    labels    [B] int64
    partners  [B] int64, the labels of the images mixed in; None without MixUp
    share     [] float, of the labels' own images; None without MixUp
    """

    images: torch.Tensor
    labels: torch.Tensor
    partners: torch.Tensor | None
    share: torch.Tensor | None

    def loss(self, logits: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """The mean cross entropy of logits [B, classes], mixed as the images are: [] float, differentiable."""
        return ops.cross_entropy(logits, self.labels, self.partners, self.share, label_smoothing)


class Loader:
    """The batches of a run's images, on `device`: for CUDA made by smlp's own threads while the model computes, for a
    CPU, whose cores the model needs, by all of torch's threads between its steps, or beside them with "data.workers": 1.
    With "data.resident": "on" a CUDA device keeps the packed images and renders from its own memory.

    source    a configuration (a file, or the name of a shipped one), a run or checkpoint, or the root of a packed data
              set, which takes the defaults that `smlp config keys` lists
    settings  laid on it, as --set: {"train.batch_size": 256, "augment.mixup": 0}
    part      "train"; "holdout" or "test", whose images come whole, in order, the last batch shorter
    rank, world  of the training's: this process gets the rank-th of `world` equal parts of every batch

    Of the training images, `for batch in loader` gives one epoch, and the next `for` the next: the batches that
    `smlp train` takes, to the bit. All have train.batch_size images, so the last of an epoch also holds the first images
    of the next one. A loop that was left early goes on where it was.

    classes, image_size, mean, std, config  as Model has them
    images      of an epoch
    batch_size  over all ranks
    epochs      train.epochs of the configuration, for whoever writes the loop; the stream itself has no end
    steps       batches of that many epochs, for a schedule; len(loader) is of the next one, and not always the same
    """

    def __init__(self, source: str | os.PathLike[str], settings: Settings | None = None, *, part: str = "train",
                 device: str | torch.device = "cpu", rank: int = 0, world: int = 1) -> None:
        self.device = torch.device(device)
        if self.device.type not in ("cpu", "cuda"):
            raise ValueError(f"batches are made for cpu and cuda, not for {self.device.type}")
        if self.device.type == "cuda" and self.device.index is None:
            self.device = torch.device("cuda", torch.cuda.current_device())
        self.part = part
        self._stream = classes.ImageStream(os.fspath(source), words(settings), part, self.device, rank, world)
        self.classes: list[str] = self._stream.classes()
        self.image_size: int = self._stream.image_size()
        self.mean: list[float] = self._stream.mean()
        self.std: list[float] = self._stream.std()
        self.config: str = self._stream.config()
        self.images: int = self._stream.images()
        self.batch_size: int = self._stream.batch_size()
        self.epochs: int = self._stream.epochs()
        self.steps: int = self._stream.step_of_epoch(self.epochs)

    @property
    def step(self) -> int:
        """Batches handed out since the beginning of the training."""
        return self._stream.step()

    @property
    def epoch(self) -> float:
        """Passes over the training images, with their fraction."""
        return self.step * self.batch_size / self.images

    def _end(self) -> int:
        return self._stream.step_of_epoch(self._stream.epochs_at(self.step) + 1)

    def __len__(self) -> int:
        """Batches of the next `for`."""
        return self._end() - self.step if self.part == "train" else self._end()

    def __iter__(self) -> Iterator[Batch]:
        if self.part != "train":
            self._stream.seek(0)
        end = self._end()
        while self.step < end:
            yield Batch(*self._stream.next())

    def state_dict(self) -> dict[str, int]:
        """Where the stream is: the step, and by what it is known to be the same stream."""
        return {"step": self.step, "batch_size": self.batch_size, "images": self.images, "seed": self._stream.seed()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on where the state was taken, under as many ranks as there are now. The state of another stream:
        ValueError."""
        for key, value in self.state_dict().items():
            if key not in state:
                raise ValueError(f"this is no state of a Loader: it has no {key}")
            if key != "step" and state[key] != value:
                raise ValueError(f"the state is of another stream: its {key} is {state[key]}, this one's is {value}")
        self._stream.seek(state["step"])


class Dataset:
    """One split of a packed data set: "train", "test", or "unlabeled" where there is one; `root` as the program's --data
    takes it, or "shapes".

    images   uint8 [N, S, S, 3], read-only: the file, mapped
    labels   int64 [N], -1 where there are no classes
    classes  their names
    mean, std  three each, of the pixels in [0, 1]
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        self._place = (os.fspath(root), split)
        packed = classes.PackedImages(*self._place)
        self.images: np.ndarray = packed.images().numpy()
        self.images.flags.writeable = False
        self.labels: np.ndarray = packed.labels().numpy()
        self.classes: list[str] = packed.classes()
        self.mean: list[float] = packed.mean()
        self.std: list[float] = packed.std()
        self.description: str = packed.description()

    def __reduce__(self) -> tuple[type["Dataset"], tuple[str, str]]:
        return Dataset, self._place  # workers map the file themselves

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: Any) -> tuple[np.ndarray, Any]:
        """An image and its label; of a slice or an array of indices, the images and their labels."""
        label = self.labels[i]
        return self.images[i], int(label) if label.ndim == 0 else label
