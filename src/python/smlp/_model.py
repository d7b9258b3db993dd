"""Trained models as torch modules."""

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ._library import classes, ops


class _Part(torch.nn.Module):
    """A name in front of parameters' names: no module that computes."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, torch.nn.Module):
            raise TypeError(f"{name} would not be computed with: a model's computation is smlp's own. Put a head of your own "
                            "on model.features(images), or train a new one with `smlp finetune` or `smlp probe`")
        super().__setattr__(name, value)


def _tensor(value: Any) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"expected a torch.Tensor, found a {type(value).__name__}")
    return value


class Model(_Part):
    """A trained model; its computation is smlp's own.

    The names of parameters and buffers are those of the published checkpoints. They are the model's own tensors: an
    optimiser, load_state_dict and to() change what the next call computes with.

    classes     names, in the order of the logits
    image_size  S, pixels a side
    mean, std   three each, of pixels in [0, 1]
    config      the configuration of its run, YAML
    checkpoint  the folder it came from
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self._network = network
        self.classes: list[str] = network.classes()
        self.image_size: int = network.image_size()
        self.mean: list[float] = network.mean()
        self.std: list[float] = network.std()
        self.config: str = network.config()
        self.checkpoint = pathlib.Path(network.checkpoint())
        self._slots: list[tuple[dict[str, Any], str, torch.Tensor]] = []  # where each tensor of the network is to stay
        for name, tensor in network.parameters().items():
            tensor.__class__ = torch.nn.Parameter  # the same tensor: a new Parameter would be one the network does not see
            module, leaf = self._place(name)
            module.register_parameter(leaf, tensor)
            self._slots.append((module._parameters, leaf, tensor))
        for name, tensor in network.buffers().items():
            module, leaf = self._place(name)
            module.register_buffer(leaf, tensor)
            self._slots.append((module._buffers, leaf, tensor))
        self.eval()

    def _place(self, name: str) -> tuple[torch.nn.Module, str]:
        module: torch.nn.Module = self
        *folders, leaf = name.split(".")
        for folder in folders:
            if folder not in module._modules:
                module.add_module(folder, _Part())
            module = module._modules[folder]  # type: ignore[assignment]
        return module, leaf

    def _own(self) -> Any:
        for tensors, leaf, own in self._slots:
            if tensors[leaf] is not own:
                raise RuntimeError(f"a {leaf} of this model was replaced by another tensor, which its computation does not "
                                   "see: copy the values into it")
        return self._network

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """images [B, 3, S, S] float, normalised -> [B, width]"""
        return self._own().features(_tensor(images))

    def head(self, features: torch.Tensor) -> torch.Tensor:
        """features [B, width] -> logits [B, classes]"""
        return self._own().head(_tensor(features))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images [B, 3, S, S] float, normalised -> logits [B, classes]"""
        return self._own().forward(_tensor(images))

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        """images [B, H, H, 3] uint8 RGB -> [B, 3, S, S] float on the model's device, as `smlp eval` resizes and
        normalises them"""
        device = next(self.parameters()).device
        return ops.render(_tensor(images), self.image_size, self.mean, self.std).to(device)

    def train(self, mode: bool = True) -> "Model":
        self._network.train(mode)
        return super().train(mode)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        if assign:
            raise ValueError("assign=True would give the module other tensors than the model computes with")
        return super().load_state_dict(state_dict, strict)

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> "Model":
        super()._apply(fn, recurse)  # changes parameters in place, but replaces buffers
        for tensors, leaf, own in self._slots:
            if tensors[leaf] is not own:
                own.data = tensors[leaf]
                tensors[leaf] = own
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Model":
        other = Model(self._network.copy())
        for own, copied in zip(self.parameters(), other.parameters()):
            copied.requires_grad_(own.requires_grad)
        return other.train(self.training)

    def __reduce__(self) -> Any:
        raise TypeError("an smlp model is not pickled: save its state_dict(), and the run it came from")


def load(run_or_checkpoint: str | os.PathLike[str], best: bool = False) -> Model:
    """The model of a run's last (or best) checkpoint, or of a checkpoint's folder: on the CPU, in evaluation mode."""
    return Model(classes.Network.load(os.fspath(run_or_checkpoint), best))
