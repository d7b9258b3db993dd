#!/usr/bin/env python3
"""Writes tests/golden/scaling/laws.json: points of synthetic laws with noise, and what scipy.optimize.curve_fit
makes of them.

    python scripts/make_golden_scaling.py

needs numpy and scipy. Each law is E(C) = a (b + C)^-alpha + e_inf at forty computes over five decades, each error with
0.2 % of noise; the joint ones are E(P, N) = A P^-alpha + B N^-beta + e_inf on a grid. curve_fit starts at the true
law, within bounds of zero, in logarithms so that its steps are well scaled.
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import curve_fit

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "scaling" / "laws.json"
NOISE = 0.002
TIGHT = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "maxfev": 100_000}


def compute_law(c, log_a, log_b, log_alpha, log_e):
    return np.exp(log_a) * (np.exp(log_b) + c) ** -np.exp(log_alpha) + np.exp(log_e)


def joint_law(x, log_a, log_alpha, log_b, log_beta, log_e):
    return np.exp(log_a) * x[0] ** -np.exp(log_alpha) + np.exp(log_b) * x[1] ** -np.exp(log_beta) + np.exp(log_e)


def fitted(law, x, truth, rng, units):
    y = law(x, *np.log(truth))
    y = y * (1 + NOISE * rng.standard_normal(y.shape))
    found, _ = curve_fit(law, x, y, p0=np.log(truth), **TIGHT)
    squares = float(np.sum((law(x, *found) - y) ** 2))
    shown = np.atleast_2d(x).T * np.array(units)
    return {"x": shown.tolist(), "y": y.tolist(), "fit": np.exp(found).tolist(), "squares": squares}


def main():
    rng = np.random.default_rng(11)
    c = np.geomspace(1, 1e5, 40)
    laws = []
    for alpha, b, e in [(0.12, 3.0, 0.1), (0.25, 5.0, 0.16), (0.35, 2.0, 0.05), (0.6, 20.0, 0.2), (1.0, 50.0, 0.12)]:
        laws.append({"alpha": alpha} | fitted(compute_law, c, [0.8 * (b + 1) ** alpha, b, alpha, e], rng, [1e13]))
    p, n = (grid.ravel() for grid in np.meshgrid(np.geomspace(1, 300, 7), np.geomspace(1, 1000, 8)))
    joint = []
    for alpha, beta, e in [(0.3, 0.4, 0.1), (0.5, 0.25, 0.05)]:
        joint.append({"alpha": alpha} | fitted(joint_law, np.stack([p, n]), [0.3, alpha, 0.5, beta, e], rng, [1e5, 1e4]))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"scipy": scipy.__version__, "compute": laws, "joint": joint}))
    print(OUT.stat().st_size, "bytes in", OUT)


if __name__ == "__main__":
    main()
