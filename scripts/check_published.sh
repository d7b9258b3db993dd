#!/usr/bin/env bash
# Downloads the weights that "Scaling MLPs" publishes, imports them, and measures them beside the published accuracies:
#
#   scripts/check_published.sh [NAME…]     all of them, or these (`smlp fetch --help` has the names)
#
#   SMLP_DATA    packed sets by these names: cifar10 cifar100 imagenet; weights of others are skipped
#   WEIGHTS      where downloads and imported checkpoints go (weights); what is there is used
#   FROM         a mirror: the URL of a folder with NAME.pt
#   TOLERANCE    points that top-1 may be off (1: the published figures are of fine-tunings like these, not of these)
#   SMLP         the program (scripts/smlp)
#
# Needs a network: tested with a server of its own, the authors' files were not tried. Exit code 1 where a
# figure is off or could not be had.
set -euo pipefail
SMLP=${SMLP:-$(dirname "${BASH_SOURCE[0]}")/smlp}
WEIGHTS=${WEIGHTS:-weights} TOLERANCE=${TOLERANCE:-1}
: "${SMLP_DATA:?is not set: the folder of the packed data sets}"

# Model, then top-1 in % on CIFAR-10, CIFAR-100 and ImageNet: the table of the authors' page.
published="
B_6-Wi_512    88.5 71.2 -
B_6-Wi_1024   92.5 77.1 40.0
B_12-Wi_512   91.4 75.1 38.0
B_12-Wi_1024  94.2 80.0 43.2"

# check MODEL SET PUBLISHED: prints a row; false where the figure is off, or there is none
check() {
  local name=${1}_res_64_in21k_$2 top1
  if [ ! -e "$SMLP_DATA/$2/test/dataset.json" ]; then
    printf '%-36s  skipped: no packed data set in %s\n' "$name" "$SMLP_DATA/$2"
    return
  fi
  "$SMLP" fetch "$name" --to "$WEIGHTS" ${FROM:+--from "$FROM"} > /dev/null || return
  [ -e "$WEIGHTS/$name/state.json" ] || "$SMLP" import "$WEIGHTS/$name.pt" --to "$WEIGHTS/$name" > /dev/null || return
  "$SMLP" eval "$WEIGHTS/$name" --data "$SMLP_DATA/$2" --json > "$WEIGHTS/$name.json" || return
  top1=$(sed -n 's/^  "top1": \([0-9.]*\),*$/\1/p' "$WEIGHTS/$name.json")
  awk -v name="$name" -v ours="$top1" -v theirs="$3" -v most="$TOLERANCE" 'BEGIN {
    off = ours - theirs
    bad = (off > most || -off > most)
    printf "%-36s  top1 %6.2f %%  published %5.1f %%%s\n", name, ours, theirs, bad ? "  OFF" : ""
    exit bad }'
}

mkdir -p "$WEIGHTS"
wanted=" $* " code=0 found=0
while read -r model figures; do
  for set in cifar10 cifar100 imagenet; do
    figure=${figures%% *} figures=${figures#* }
    [ "$figure" != - ] || continue
    [ $# -eq 0 ] || [[ $wanted == *" ${model}_res_64_in21k_$set "* ]] || continue
    found=$((found + 1))
    check "$model" "$set" "$figure" || code=1
  done
done <<< "${published#$'\n'}"
if [ $# -gt 0 ] && [ $found -lt $# ]; then
  echo "error: $*: not all are names of fine-tuned weights whose accuracy is published" >&2
  code=2
fi
exit $code
