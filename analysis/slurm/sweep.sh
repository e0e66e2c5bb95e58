#!/usr/bin/env bash
# sweep: `servesim sweep` as a Slurm job array, one shard of the grid per task.
#
#     sbatch --array=1-N [OPTIONS OF SBATCH] analysis/slurm/sweep.sh N CONFIG OUT \
#         [--over KEY=VALUES]... [OPTIONS OF SWEEP]
#
# Task I computes shard I of N into OUT/shard-I.  N is an argument of its own because the
# tasks of a later submission are fewer: with --array=3, to resubmit one that failed, Slurm
# itself would say that the array has one task, and that task would compute the whole grid.
# A task that is begun again goes on where it was: by hand, or by Slurm when a node fails.
# SERVESIM names the program where it is not on PATH.  README.md beside this file has the
# rest: what to watch, what to resubmit, how to merge.
#
# What the command line of sbatch says goes before these lines; a site may need --time,
# --partition and --account as well.
#
#SBATCH --job-name=servesim-sweep
# One log per task; a task that is begun again adds to its own.
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
# A node failed, or somebody with a higher priority came: the task is queued again.
#SBATCH --requeue
# Half a minute before its time is up the task is told, as by Ctrl-C (B: the script itself,
# which is servesim by then); what it has finished is kept whether it is told or not.
#SBATCH --signal=B:TERM@30
# A point of the grid is one thread; with --cpus-per-task=C a task computes C at a time.
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
set -euo pipefail

refuse() {
    echo "sweep.sh: $1" >&2
    exit 2
}

usage="usage: sbatch --array=1-N analysis/slurm/sweep.sh N CONFIG OUT [--over KEY=VALUES]..."
[ $# -ge 3 ] || refuse "$usage"
shards=$1 config=$2 out=$3
shift 3
[[ $shards =~ ^[1-9][0-9]{0,8}$ ]] ||
    refuse "'$shards' is not a number of shards: expected N, as in --array=1-N; $usage"
[ -n "${SLURM_ARRAY_TASK_ID-}" ] ||
    refuse "this is no task of a job array: submit it with sbatch --array=1-$shards"
for task in "${SLURM_ARRAY_TASK_MIN:-$SLURM_ARRAY_TASK_ID}" \
    "${SLURM_ARRAY_TASK_MAX:-$SLURM_ARRAY_TASK_ID}"; do
    if [ "$task" -lt 1 ] || [ "$task" -gt "$shards" ]; then
        refuse "the array has a task $task, but there are $shards shards: expected tasks from 1 to $shards"
    fi
done
servesim=${SERVESIM:-servesim}
command -v "$servesim" >/dev/null ||
    refuse "no program '$servesim': put servesim on PATH or its path into SERVESIM"

mkdir -p "$out"
exec "$servesim" sweep "$config" "$@" -j "${SLURM_CPUS_PER_TASK:-1}" \
    --shard "$SLURM_ARRAY_TASK_ID/$shards" -o "$out/shard-$SLURM_ARRAY_TASK_ID"
