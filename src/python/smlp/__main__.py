"""python -m smlp: the command `smlp`."""

from ._command import main

main()
