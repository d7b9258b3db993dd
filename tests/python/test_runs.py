"""smlp.metrics, smlp.train and smlp.Run."""
import json
import math
import pathlib
import subprocess
import sys
import time

import pytest
import smlp
import torch
from conftest import DATA, SMALL, settings, smlp_command

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs/examples"


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_metrics_are_the_logs_columns(run):
    columns, rows = smlp.metrics(run), rows_of(run)
    for kind in ("train", "eval"):
        of_kind = [row for row in rows if row["kind"] == kind]
        assert list(columns[kind]["loss"]) == [row["loss"] for row in of_kind]
        assert list(columns[kind]["step"]) == [row["step"] for row in of_kind]


def test_metrics_of_a_log_that_is_being_written(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(
        '{"kind":"train","step":1,"loss":null}\n{"kind":"train","step":2,"loss":1.5,"lr":0.1}\n{"kind":"tr')
    columns = smlp.metrics(tmp_path)["train"]
    assert math.isnan(columns["loss"][0]) and columns["loss"][1] == 1.5 and math.isnan(columns["lr"][0])


def test_train_tells_the_callback_every_line_and_is_the_programs_run(run, tmp_path):
    rows = []
    ours = smlp.train("quickstart.yaml", {**SMALL, "run.output": tmp_path}, callback=rows.append)
    assert ours.parent == tmp_path and rows == rows_of(ours)
    weights = "checkpoints/last/model.safetensors"
    assert (ours / weights).read_bytes() == (run / weights).read_bytes()


def test_train_stops_where_the_callback_says_so_and_can_go_on(tmp_path):
    long = {**SMALL, "run.output": tmp_path, "run.name": "long", "train.epochs": 100000}
    ours = smlp.train("quickstart.yaml", long, callback=lambda row: row["step"] < 3)
    step = json.loads((ours / "checkpoints/last/state.json").read_text())["step"]
    assert 3 <= step < 100000
    smlp_command("train", "--resume", ours, "--epochs", math.ceil(step * 64 / 200) + 1)


def test_an_exception_of_the_callback_leaves_a_saved_run(tmp_path):
    def broken(row):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        smlp.train("quickstart.yaml", {**SMALL, "run.output": tmp_path, "run.name": "x", "train.epochs": 1000}, broken)
    assert (tmp_path / "x/checkpoints/last/state.json").exists()


def test_a_run_outlives_the_python_that_began_it(tmp_path):
    code = f"import smlp; smlp.train('quickstart.yaml', {({**SMALL, 'data.root': str(DATA), 'train.epochs': 300, 'run.output': str(tmp_path), 'run.name': 'x'})!r})"
    python = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while not (tmp_path / "x/metrics.jsonl").exists() or not (tmp_path / "x/metrics.jsonl").read_text():
        assert python.poll() is None
        time.sleep(0.01)
    python.kill()
    python.wait()
    ends = time.monotonic() + 60
    while '"exit": "finished"' not in (tmp_path / "x/env.json").read_text() and time.monotonic() < ends:
        time.sleep(0.05)
    assert rows_of(tmp_path / "x")[-1]["epoch"] == 300


def test_train_that_fails_says_why(tmp_path, capsys):
    with pytest.raises(RuntimeError, match='exit code 3: no packed train data for "nowhere"'):
        smlp.train("quickstart.yaml", {"data.root": "nowhere", "run.output": tmp_path})
    assert "nowhere" in capsys.readouterr().err


def test_train_does_not_tell_of_an_earlier_run(run):
    with pytest.raises(FileExistsError, match="--resume"):
        smlp.train("quickstart.yaml", {**SMALL, "run.output": run.parent, "run.name": run.name},
                   lambda row: pytest.fail(str(row)))


def test_a_run_of_ones_own_is_a_run(tmp_path):
    loader = smlp.Loader("quickstart.yaml", {**SMALL, "run.output": tmp_path, "run.name": "mine"})
    model = torch.nn.Linear(2, 3)
    run = smlp.Run(loader)
    for batch in loader:
        run.log("train", loss=torch.tensor(1.5))
    run.log("eval", loss=1.0, top1=62.5)
    saved = run.save(model)
    assert run.folder == tmp_path / "mine" and saved.parent == run.folder / "checkpoints"
    assert smlp.metrics(run.folder)["eval"]["top1"] == [62.5]
    assert list(smlp.metrics(run.folder)["train"]["step"]) == [1, 2, 3, 4]
    table = smlp_command("runs", tmp_path).stdout
    assert "mine" in table and "62.50" in table
    safetensors = pytest.importorskip("safetensors.torch")
    assert torch.equal(safetensors.load_file(saved / "model.safetensors")["weight"], model.weight)
    with pytest.raises(RuntimeError, match="mine"):
        smlp.Run(loader)
    run.end()
    assert "finished" in smlp_command("runs", tmp_path / "mine").stdout


def test_a_run_of_ones_own_refuses_what_would_damage_it(tmp_path):
    run = smlp.Run(smlp.Loader("quickstart.yaml", {**SMALL, "run.output": tmp_path, "run.name": "mine"}))
    for values in ({"step": 3}, {"epoch": 7.0}):
        with pytest.raises(RuntimeError, match="is the line's own"):
            run.log("train", **values)
    with pytest.raises(RuntimeError, match="no tensor"):
        run.save({})
    run.end()
    with pytest.raises(RuntimeError, match="has ended"):
        run.log("train", loss=1)


def test_a_run_of_ones_own_says_why_it_failed(tmp_path):
    loader = smlp.Loader("quickstart.yaml", {**SMALL, "run.output": tmp_path, "run.name": "mine"})
    with pytest.raises(ZeroDivisionError), smlp.Run(loader):
        1 / 0
    shown = smlp_command("runs", tmp_path / "mine").stdout
    assert "failed" in shown and "ZeroDivisionError" in shown


def example(name, *arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [name, *arguments])
    exec(compile((EXAMPLES / name).read_text(), name, "exec"), {"__name__": "__main__"})


def test_the_example_trains_a_model_of_ones_own(tmp_path, monkeypatch, capsys):
    (tmp_path / "small.yaml").write_text(f"base: quickstart.yaml\ndata: {{root: {DATA}}}\n")
    example("train_own_model.py", "small.yaml", "2", monkeypatch=monkeypatch, tmp_path=tmp_path)
    assert "epoch 2" in capsys.readouterr().out
    (run,) = (tmp_path / "runs").iterdir()
    assert len(smlp.metrics(run)["eval"]["top1"]) == 2
    assert run.name in smlp_command("runs", tmp_path / "runs").stdout


WORDS = [f"{key}={value}" for key, value in {**SMALL, "train.epochs": 1}.items()]


def test_the_example_logs_to_wandb(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    example("track_wandb.py", "quickstart.yaml", *WORDS, monkeypatch=monkeypatch, tmp_path=tmp_path)
    (log,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    deadline = time.monotonic() + 30  # a process of its own writes it
    while b"eval/top1" not in log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_example_logs_to_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}/mlruns")
    example("track_mlflow.py", "quickstart.yaml", *WORDS, monkeypatch=monkeypatch, tmp_path=tmp_path)
    (metric,) = (tmp_path / "mlruns").glob("*/*/metrics/eval/top1")
    (run,) = (tmp_path / "runs").iterdir()
    assert float(metric.read_text().split()[1]) == smlp.metrics(run)["eval"]["top1"][-1]


def test_the_example_logs_to_trackio(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # read when it is imported
    pytest.importorskip("trackio")
    example("track_trackio.py", "quickstart.yaml", *WORDS, monkeypatch=monkeypatch, tmp_path=tmp_path)
    assert any(b"eval/top1" in file.read_bytes() for file in (tmp_path / "trackio").rglob("*") if file.is_file())
