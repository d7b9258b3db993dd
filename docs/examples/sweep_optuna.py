import json, optuna, subprocess
study = optuna.create_study(storage="sqlite:///study.db", study_name="b6", direction="maximize", load_if_exists=True)
for trial in (study.ask() for _ in range(20)):
    lr, name = trial.suggest_float("lr", 1e-5, 1e-2, log=True), f"trial-{trial.number}"
    subprocess.run(["smlp", "train", "cifar10_b_mlp.yaml", "--lr", str(lr), "--name", name, "--set", "data.holdout=0.1"], check=True)
    study.tell(trial, json.loads(subprocess.check_output(["smlp", "runs", f"runs/{name}", "--json"]))["holdout_top1"])
