#!/usr/bin/env bash
# Run the control plane with its embedded PostgreSQL. Says where its API, its docs and the first admin's token are, and
# serves until Ctrl-C. What was decided stays in the data directory and is there at the next start.
#
#   hack/run-control.sh [OPTION...]     options of warpdrive-control, such as --rest-addr 127.0.0.1:9000
#
# The data directory is /var/lib/warpdrive-control for root, else warpdrive-control below $XDG_STATE_HOME
# (~/.local/state); --data-dir or --config choose another. Sets this checkout up first if needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for argument in "$@"; do
    case "$argument" in -h | --help) sed -n '2,8s/^# \{0,1\}//p' hack/run-control.sh; exit 0 ;; esac
done
hack/setup-dev.sh --no-servers >&2
chosen=()
if [ "$(id -u)" -ne 0 ] && [[ " $* " != *" --data-dir"* ]] && [[ " $* " != *" --config"* ]]; then
    home=${XDG_STATE_HOME:-$HOME/.local/state}/warpdrive-control
    mkdir -p "$home"
    chosen=(--data-dir "$home")
fi
exec .venv/bin/warpdrive-control "${chosen[@]}" "$@"
