#!/usr/bin/env python3
"""Reads an event file with TensorBoard's own reader and prints its scalars: step, tag, value.

    python scripts/check_tfevents.py FILE
"""
import sys

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util


def main():
    count = 0
    for event in EventFileLoader(sys.argv[1]).Load():
        for value in event.summary.value:
            print(event.step, value.tag, tensor_util.make_ndarray(value.tensor).item())
            count += 1
    print(f"{count} scalars", file=sys.stderr)
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
