#!/usr/bin/env bash
# policies-at-load: the study of that name, as sweep.csv and a picture:
#     bash configs/studies/policies-at-load.sh [DIR]
set -euo pipefail
out=${1:-policies-at-load}
servesim sweep configs/studies/policies-at-load.ini -o "$out" --overwrite
/usr/bin/python3 analysis/plot_studies.py policies "$out"
