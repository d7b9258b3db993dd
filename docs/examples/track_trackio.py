"""smlp train, followed live in trackio: python track_trackio.py CONFIG [KEY=VALUE…]"""
import sys

import smlp
import trackio

settings = dict(word.split("=", 1) for word in sys.argv[2:])
trackio.init(project="smlp", config=settings)
smlp.train(sys.argv[1], settings,
           callback=lambda row: trackio.log({f"{row['kind']}/{key}": value for key, value in row.items()
                                             if key not in ("kind", "step") and value is not None}, step=row["step"]))
trackio.finish()
