"""smlp train, followed live in Weights & Biases: python track_wandb.py CONFIG [KEY=VALUE…]"""
import sys

import smlp
import wandb

settings = dict(word.split("=", 1) for word in sys.argv[2:])
with wandb.init(project="smlp", config=settings) as run:
    smlp.train(sys.argv[1], settings,
               callback=lambda row: run.log({f"{row['kind']}/{key}": value for key, value in row.items()
                                             if key not in ("kind", "step") and value is not None}, step=row["step"]))
