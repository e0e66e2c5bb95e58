#!/usr/bin/env bash
# gpu-generations: the study of that name, as a table, capacity.csv and a picture:
#     bash configs/studies/gpu-generations.sh [DIR]
# Takes about two minutes on two cores.
set -euo pipefail
out=${1:-generations}
servesim capacity configs/studies/gpu-generations.ini -o "$out" --overwrite
/usr/bin/python3 analysis/plot_studies.py generations "$out"
