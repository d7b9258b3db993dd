"""docs/examples/sweep_optuna.py, with a module in the place of optuna that has what it uses."""
import json
import os
import pathlib
import subprocess
import sys

from conftest import COMMAND, DATA

OPTUNA = '''
import json, types
class Study:
    def __init__(self): self.told = []
    def ask(self):
        number = len(self.told)
        return types.SimpleNamespace(number=number, suggest_float=lambda name, low, high, log: low * 10 ** number)
    def tell(self, trial, value):
        self.told.append(value)
        open("told.json", "w").write(json.dumps(self.told))
def create_study(storage, study_name, direction, load_if_exists):
    assert direction == "maximize"
    return Study()
'''


def test_optuna_asks_for_runs_and_is_told_their_scores(tmp_path):
    (tmp_path / "optuna.py").write_text(OPTUNA)
    (tmp_path / "cifar10").symlink_to(DATA)
    (tmp_path / "cifar10_b_mlp.yaml").write_text("model: {depth: 1, width: 8}\ntrain: {epochs: 1, batch_size: 64}\n"
                                                 "data: {image_size: 8}\n")
    example = pathlib.Path(__file__).parents[2] / "docs/examples/sweep_optuna.py"
    (tmp_path / "study.py").write_text(example.read_text().replace("range(20)", "range(3)"))
    path = os.pathsep.join([str(COMMAND.parent), os.environ["PATH"]])
    subprocess.run([sys.executable, "study.py"], cwd=tmp_path, check=True, timeout=120,
                   env={**os.environ, "PATH": path, "SMLP_CONFIGS": str(tmp_path), "SMLP_DATA": str(tmp_path)})
    told = json.loads((tmp_path / "told.json").read_text())
    assert len(told) == 3 and all(0 <= value <= 100 for value in told)
    assert "1e-04" in (tmp_path / "runs/trial-1/config.yaml").read_text()
