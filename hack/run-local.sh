#!/usr/bin/env bash
# The main job on real input: a control plane with an embedded PostgreSQL, an S3 server on loopback and a local directory
# filled with a data set, two nodes that show both as one tree, and two users who train on them. Then the storage is
# indexed, and what was used, by whom, what for and at which price is printed. Stays up until Ctrl-C.
#
#   hack/run-local.sh [--exit] [--data DIR] [--epochs N]
#
#   --exit       stop after that instead of staying up
#   --data DIR   mount DIR as well (read only, under /data) and read it in every epoch
#   --epochs N   how often to go over the data (2)
#
# Sets this checkout up first if needed. Leaves no mount, no process and no file behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for argument in "$@"; do
    case "$argument" in -h | --help) sed -n '2,14s/^# \{0,1\}//p' hack/run-local.sh; exit 0 ;; esac
done
hack/setup-dev.sh
exec .venv/bin/python -m hack.run_local "$@"
