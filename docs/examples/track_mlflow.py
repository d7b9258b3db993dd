"""smlp train, followed live in MLflow: python track_mlflow.py CONFIG [KEY=VALUE…]"""
import sys

import mlflow
import smlp

settings = dict(word.split("=", 1) for word in sys.argv[2:])
with mlflow.start_run():
    mlflow.log_params(settings)
    smlp.train(sys.argv[1], settings,
               callback=lambda row: mlflow.log_metrics({f"{row['kind']}/{key}": value for key, value in row.items()
                                                        if key not in ("kind", "step") and value is not None},
                                                       step=row["step"]))
