#!/usr/bin/env python3
"""Writes tests/golden/schedules.json: learning rates as PyTorch's schedulers make them, step by step.

    python scripts/make_golden_schedules.py

needs torch 2.11. A case: settings of smlp, steps_per_epoch, and the rate of every step.
"""
import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as s

FILE = pathlib.Path(__file__).parent.parent / "tests/golden/schedules.json"
LR, STEPS, PER_EPOCH, MIN_LR = 0.3, 40, 4, 0.03


def rates(make):
    """Of STEPS steps; make(optimizer) returns its scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    scheduler, found = make(optimizer), []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def after_warmup(optimizer, warmup, parts, milestones):
    rise = s.LinearLR(optimizer, 1 / warmup, 1, warmup - 1)
    return s.SequentialLR(optimizer, [rise, *parts], [warmup, *milestones])


def case(settings, make):
    settings = [f"optim.lr={LR}", *(f"schedule.{each}" for each in settings)]
    return {"settings": settings, "steps_per_epoch": PER_EPOCH, "rates": rates(make)}


def wsd(shape, fall):
    stable = lambda o: s.ConstantLR(o, 1, 0)
    return case(["name=wsd", "warmup_epochs=2", "decay_fraction=0.3", f"shape={shape}", f"min_lr={MIN_LR}"],
                lambda o: after_warmup(o, 8, [stable(o), fall(o)], [STEPS * 7 // 10]))


DECAY = STEPS * 3 // 10
low = MIN_LR / LR
cases = [
    case(["warmup_steps=5"], lambda o: after_warmup(o, 5, [s.ConstantLR(o, 1, 0)], [])),
    case(["name=cosine", f"min_lr={MIN_LR}"], lambda o: s.CosineAnnealingLR(o, STEPS, MIN_LR)),
    case(["name=cosine", "final_factor=0.1", "warmup_epochs=1.5"],
         lambda o: after_warmup(o, 6, [s.CosineAnnealingLR(o, STEPS - 6, MIN_LR)], [])),
    case(["name=step", "decay_epochs=3", "decay_rate=0.5"], lambda o: s.StepLR(o, 3 * PER_EPOCH, 0.5)),
    case(["name=step", "milestones=[2, 7.5]"], lambda o: s.MultiStepLR(o, [8, 30], 0.1)),
    case(["name=step", "milestones=[2, 7]", f"min_lr={MIN_LR / 2}"],
         lambda o: s.LambdaLR(o, lambda t: max(low / 2, 0.1 ** ((t >= 8) + (t >= 28))))),
    wsd("linear", lambda o: s.LinearLR(o, 1, low, DECAY)),
    wsd("cosine", lambda o: s.CosineAnnealingLR(o, DECAY, MIN_LR)),
    wsd("sqrt", lambda o: s.LambdaLR(o, lambda t: low + (1 - low) * (1 - (t / DECAY) ** 0.5))),
]
FILE.write_text(json.dumps(cases, indent=1) + "\n")
