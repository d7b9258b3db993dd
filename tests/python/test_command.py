"""The command `smlp` of the wheel."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from conftest import COMMAND, settings, smlp_command


def test_tab_completion_knows_the_parts():
    import smlp

    assert {"Loader", "load", "Dataset", "metrics", "train", "Run"} <= set(dir(smlp))


def test_exit_codes_are_the_programs():
    assert "usage" not in smlp_command("--version").stdout
    assert "no such file" in smlp_command("train", "--config", "nothing.yaml", code=2).stderr
    assert "nowhere" in smlp_command("eval", "nowhere", code=3).stderr


def test_finds_its_configurations_and_evaluates_what_it_trained(run):
    assert "quickstart.yaml" in smlp_command("train", "--help").stdout
    assert "top1" in smlp_command("eval", run).stdout
    assert "LibTorch" in smlp_command("info", "--system").stdout


def test_python_m_smlp_is_the_same():
    done = subprocess.run([sys.executable, "-m", "smlp", "--version"], capture_output=True, text=True)
    assert done.stdout == smlp_command("--version").stdout


def test_starts_without_importing_pytorch():
    script = "import sys, smlp, smlp._command; smlp._command.environment(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_signal_reaches_the_program(tmp_path):
    process = subprocess.Popen([COMMAND, "train", "--config", "quickstart.yaml",
                                *settings(run__output=tmp_path, run__name="long", train__epochs=100000)],
                               stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "long/metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert "--resume" in process.stderr.read()


def test_another_pytorch_is_refused_with_the_reason(tmp_path):
    (tmp_path / "smlp").symlink_to(pathlib.Path(__import__("smlp").__file__).parent)
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").touch()
    (tmp_path / "torch/version.py").write_text("__version__ = '2.12.0+cpu'\n")
    done = subprocess.run([sys.executable, "-S", "-m", "smlp", "--version"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "2.12.0+cpu" in done.stderr and "pip install 'torch==2.11.0'" in done.stderr


def test_a_missing_pytorch_is_said(tmp_path):
    (tmp_path / "smlp").symlink_to(pathlib.Path(__import__("smlp").__file__).parent)
    done = subprocess.run([sys.executable, "-S", "-m", "smlp", "--version"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1 and "PyTorch is not installed" in done.stderr


def test_a_pytorch_for_cpus_alone_will_do(tmp_path, run):
    """Its version is 2.11.0+cpu, which torch==2.11.0 admits, and it has no CUDA libraries."""
    import smlp
    import torch

    package, libraries = pathlib.Path(smlp.__file__).parent, pathlib.Path(torch.__file__).parent / "lib"
    for name in ("smlp", "smlp.libs"):
        shutil.copytree(package.parent / name, tmp_path / name)
    (tmp_path / "torch/lib").mkdir(parents=True)
    (tmp_path / "torch/__init__.py").touch()
    (tmp_path / "torch/version.py").write_text("__version__ = '2.11.0+cpu'\n")
    for name in ("libtorch_cpu.so", "libc10.so", "libgomp.so.1"):
        (tmp_path / "torch/lib" / name).symlink_to(libraries / name)
    if (package.parent / "nvidia").exists():  # this libtorch_cpu.so is of a build for CUDA, and wants its runtime
        (tmp_path / "nvidia").symlink_to(package.parent / "nvidia")
    done = subprocess.run([sys.executable, "-S", "-m", "smlp", "eval", run], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0 and "top1" in done.stdout, done.stderr
