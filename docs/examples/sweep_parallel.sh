#!/bin/sh
# Every task of a sweep by GNU parallel, two at a time; --sshlogin shares them among machines with one file system.
export OMP_NUM_THREADS=1
seq 0 "$((${TASKS:?is not set: how many tasks there are} - 1))" |
  parallel -j 2 smlp sweep run "${SWEEP:-sweep.yaml}" --task '{}'
