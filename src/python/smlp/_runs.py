"""Runs: their logs, `smlp train` from Python, and folders for training loops of one's own."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from ._command import PROGRAM, environment
from ._data import Loader
from ._library import Settings, classes, ops, words

Row = dict[str, Any]  # {"kind": "train", "step": 50, "epoch": 0.2, "loss": 1.9, …}; a value that is not finite is None


def metrics(run: str | os.PathLike[str]) -> dict[str, dict[str, np.ndarray]]:
    """The log of a run: for each kind of line ("train", "eval") its columns, float64 [lines]; NaN where a line has no
    such value. pandas.DataFrame(metrics(run)["eval"]) is a table."""
    rows: dict[str, list[Row]] = {}
    with open(pathlib.Path(run) / "metrics.jsonl", encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # a run that is being written may be in the middle of one
                row = json.loads(line)
                rows.setdefault(row.pop("kind"), []).append(row)
    return {kind: {name: np.array([row.get(name) for row in of_kind], dtype=np.float64)
                   for name in dict.fromkeys(name for row in of_kind for name in row)}
            for kind, of_kind in rows.items()}


class _Lines:
    """The whole lines of a text file that is being written."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path, self._file, self._rest = path, None, ""

    def new(self) -> Iterator[str]:
        if self._file is None:
            if not self._path.exists():
                return
            self._file = open(self._path, encoding="utf-8", errors="replace")
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        yield from lines


def _tell(messages: _Lines) -> str:
    """What the program said since the last call goes to sys.stderr; the last error in it."""
    error = ""
    for line in messages.new():
        print(line, file=sys.stderr)
        if line.startswith("error: "):
            error = line.removeprefix("error: ")
    return error


def train(config: str | os.PathLike[str], settings: Settings | None = None,
          callback: Callable[[Row], object] | None = None) -> pathlib.Path:
    """`smlp train --config CONFIG --set …` in a process of its own; the run's folder.

    callback is given every line of the log as it is written: {"kind": "train", "step", "epoch", "loss", "lr", …} at log
    steps, {"kind": "eval", "top1", …} after epochs. When it returns False, the run is saved and stopped, as it is after
    Ctrl-C or an exception: `smlp train --resume RUN` goes on with it. What the program says goes to sys.stderr. A run
    that fails: RuntimeError with the reason; one of that name that is there: FileExistsError.
    """
    output, name = ops.run_place(os.fspath(config), words(settings))
    run = pathlib.Path(output) / name
    if (run / "config.yaml").exists():
        raise FileExistsError(f"{run} is there: give another run.name, or go on with it by `smlp train --resume {run}`")
    said = {**(settings or {}), "run.name": name}
    config = pathlib.Path(config) / "config.yaml" if os.path.isdir(config) else config
    command = [PROGRAM, "train", "--config", os.fspath(config), *(word for each in words(said) for word in ("--set", each))]
    error, stopped = "", False
    # Standard error by a file: a notebook's is not the process's own, and a pipe would end the run with this process.
    with tempfile.NamedTemporaryFile() as spoken:
        process = subprocess.Popen(command, env=environment(), stderr=spoken)
        log, messages = _Lines(run / "metrics.jsonl"), _Lines(pathlib.Path(spoken.name))
        try:
            running = True
            while running:
                running = process.poll() is None  # before the last look at the files
                error = _tell(messages) or error
                for line in log.new():
                    if callback and callback(json.loads(line)) is False and not stopped:
                        stopped = True
                        process.terminate()
                if running:
                    time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
            error = _tell(messages) or error
    if process.returncode != 0 and not (stopped and process.returncode == 128 + signal.SIGTERM):
        raise RuntimeError(f"smlp train ended with exit code {process.returncode}" + (f": {error}" if error else ""))
    return run


class Run:
    """A new run folder, run.output/run.name of the loader's configuration, for a training loop of one's own: log files
    as `smlp train` writes them (metrics.jsonl, TensorBoard), and checkpoints. `smlp runs` lists it. The configuration is
    the loader's; what it says of model and optimiser is not this run's.

    In a `with` statement, the run ends with it, finished or failed; without, `end()` says so. A run that nobody ended
    counts as killed."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._writer = classes.RunWriter(loader._stream)
        self._ended = False
        self.folder = pathlib.Path(self._writer.folder())

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.end("" if kind is None else f"{kind.__name__}: {error}")

    def end(self, reason: str = "") -> None:
        """Ends the run: finished, or failed for this reason. Nothing is logged or saved after that."""
        if not self._ended:
            self._ended = True
            self._writer.end(reason)

    def log(self, kind: str, **values: float) -> None:
        """A line of the log at the loader's step; kind "train", or "eval" with top1 in percent for results."""
        self._writer.log(kind, self._loader.step, self._loader.epoch, {k: float(v) for k, v in values.items()})

    def save(self, model: torch.nn.Module | Mapping[str, torch.Tensor]) -> pathlib.Path:
        """A checkpoint of the model's tensors (model.safetensors) at the loader's step, complete when this returns. Of
        all, checkpoint.keep_last are kept."""
        tensors = model.state_dict() if isinstance(model, torch.nn.Module) else model
        return pathlib.Path(self._writer.save(self._loader.step, dict(tensors)))
