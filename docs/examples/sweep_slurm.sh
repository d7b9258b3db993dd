#!/bin/bash
#SBATCH --array=0-7 --requeue --open-mode=append --signal=B:USR1@120
trap 'kill -USR1 $!' USR1 # two minutes before the end: everything is saved, and the task comes again
smlp sweep run "${SWEEP:-sweep.yaml}" --task "$SLURM_ARRAY_TASK_ID" & wait $!
wait $! && exit # a second time: the first one ends with the signal
code=$?; [ $code -lt 128 ] || scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; exit $code
