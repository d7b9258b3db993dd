"""The installed package, a small packed data set, and a small run that the installed command trained."""
import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
COMMAND = pathlib.Path(sys.executable).with_name("smlp")


def smlp_command(*arguments, code=0):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done


def pack_noise(folder):
    random = np.random.default_rng(0)
    for split, images in (("train", 200), ("test", 100)):
        (folder / "raw" / split).mkdir(parents=True)
        np.save(folder / "raw" / split / "images.npy", random.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8))
        np.save(folder / "raw" / split / "labels.npy", np.arange(images) % 10)
    smlp_command("pack", "npy", "--from", folder / "raw", "--to", folder / "noise")
    return folder / "noise"


_folder = pathlib.Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, _folder)
DATA = pack_noise(_folder)
SMALL = {"device.type": "cpu", "device.precision": "fp32", "device.threads": 1, "data.root": DATA, "train.epochs": 2,
         "train.batch_size": 64, "model.depth": 2, "model.width": 32, "train.log_every": 1}


def settings(**more):
    words = {**SMALL, **{key.replace("__", "."): value for key, value in more.items()}}
    return [word for key, value in words.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    smlp_command("train", "--config", "quickstart.yaml", *settings(run__output=folder, run__name="small"))
    return folder / "small"


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)
