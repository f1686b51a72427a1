#!/usr/bin/env bash
# Make this checkout ready to build, test and run WarpDrive. Safe to repeat: what is there is skipped.
#
#   hack/setup-dev.sh            everything
#   hack/setup-dev.sh --no-apt   leave the operating system's packages alone
#   hack/setup-dev.sh --no-servers   leave the test servers out: enough to run WarpDrive itself
#
# Parts: the operating system's packages (Debian, Ubuntu), .venv (WarpDrive with all extras and the development
# tools), and under .tools the test servers, each family in an environment of its own since their dependencies clash.
# A part is made anew only when its inputs changed: a stamp beside it holds their hash.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

use_apt=yes
use_servers=yes
for argument in "$@"; do
    case "$argument" in
        --no-apt) use_apt=no ;;
        --no-servers) use_servers=no ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "setup: unknown option $argument (see --help)" >&2; exit 2 ;;
    esac
done

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Run a command as root: directly, or through sudo, which is asked for only here.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        say "needs root: sudo $1 ..."
        sudo "$@"
    else
        die "needs root and there is no sudo: run as root, or install by hand and repeat with --no-apt"
    fi
}

apt_refreshed=no
apt_install() {
    # Servers that the tests start themselves (sshd, nginx) must not be started by their packages too.
    local guard=/usr/sbin/policy-rc.d guarded=no status=0
    if [ "$apt_refreshed" = no ]; then
        say "apt-get update"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
        apt_refreshed=yes
    fi
    if [ ! -e "$guard" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
        as_root chmod 755 "$guard"
        guarded=yes
    fi
    say "apt-get install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null ||
        status=$?
    if [ "$guarded" = yes ]; then as_root rm -f "$guard"; fi
    [ "$status" -eq 0 ] || die "apt-get install failed (status $status): $*"
}

# Print the packages among "$@" that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        # shellcheck disable=SC2016 # the dollar belongs to dpkg-query's format
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# Print the first Python 3.11 to 3.13 that can make environments and has its headers.
find_python() {
    local candidate
    for candidate in "${WARPDRIVE_PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" - 2>/dev/null <<'PYTHON'
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13) and os.path.exists(header)))
PYTHON
        then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

install_system_packages() {
    local wanted=(gcc libc6-dev pkg-config make git fuse3 libfuse3-dev ca-certificates)
    if [ "$use_servers" = yes ]; then
        wanted+=(openssh-server openssh-client nginx-light s3fs iproute2 iptables attr)
        # A Node.js that did not come from apt serves as well.
        if ! command -v node >/dev/null || ! command -v npm >/dev/null; then wanted+=(nodejs npm); fi
    fi
    local absent=()
    mapfile -t absent < <(missing_packages "${wanted[@]}")
    if [ "${#absent[@]}" -gt 0 ]; then apt_install "${absent[@]}"; else say "system packages: there"; fi
    if ! find_python >/dev/null; then
        apt_install python3 python3-venv python3-dev
        if ! find_python >/dev/null && apt-cache show python3.11 >/dev/null 2>&1; then
            apt_install python3.11 python3.11-venv python3.11-dev
        fi
    fi
}

check_system_commands() {
    local command absent=() wanted=(gcc pkg-config fusermount3)
    if [ "$use_servers" = yes ]; then wanted+=(ssh-keygen s3fs ip iptables getfattr node npm); fi
    for command in "${wanted[@]}"; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null || absent+=("$command")
    done
    [ "${#absent[@]}" -eq 0 ] || say "not found, what needs them will fail or be skipped: ${absent[*]}"
}

# stamp_of FILE... prints the hash of the files' contents, of the Python in use and of the place (scripts name it).
stamp_of() { { echo "$PWD $python $python_version"; cat -- "$@"; } | sha256sum | cut -d ' ' -f 1; }
is_fresh() { [ -f "$1" ] && [ "$(<"$1")" = "$2" ]; }
new_environment() {
    # An environment whose interpreter is gone (moved checkout, upgraded Python) is made anew.
    if [ -e "$1/bin/python" ] && "$1/bin/python" -c '' 2>/dev/null; then return; fi
    "$python" -m venv --clear "$1"
}

make_development_environment() {
    local stamp=.venv/.warpdrive-setup hash
    hash=$(stamp_of pyproject.toml constraints.txt)
    if is_fresh "$stamp" "$hash"; then say ".venv: up to date"; return; fi
    say ".venv: installing WarpDrive with all extras and the development tools"
    new_environment .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]' --group dev
    echo "$hash" >"$stamp"
}

# make_tool_environment NAME: .tools/NAME from hack/servers/NAME.txt
make_tool_environment() {
    local name=$1 requirements=hack/servers/$1.txt stamp=.tools/.stamps/$1 hash
    hash=$(stamp_of "$requirements")
    if is_fresh "$stamp" "$hash" && [ -x ".tools/$name/bin/python" ]; then say ".tools/$name: up to date"; return; fi
    say ".tools/$name: installing $(grep -Ev '^#' "$requirements" | grep -E 'ministack|seaweedfs|rclone' | paste -sd ' ')"
    mkdir -p .tools/.stamps
    rm -f "$stamp" # who is interrupted from here on has nothing to show
    new_environment ".tools/$name"
    ".tools/$name/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
    echo "$hash" >"$stamp"
}

make_azurite() {
    local stamp=.tools/.stamps/azurite hash
    hash=$(stamp_of hack/azurite/package.json hack/azurite/package-lock.json)
    if is_fresh "$stamp" "$hash" && [ -x .tools/azurite/node_modules/.bin/azurite-blob ]; then
        say ".tools/azurite: up to date"
        return
    fi
    command -v npm >/dev/null || die ".tools/azurite needs Node.js and npm (Debian: apt-get install nodejs npm)"
    say ".tools/azurite: installing azurite 3.35.0"
    mkdir -p .tools/azurite .tools/.stamps
    rm -f "$stamp"
    cp hack/azurite/package.json hack/azurite/package-lock.json .tools/azurite/
    (cd .tools/azurite && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null)
    echo "$hash" >"$stamp"
}

if [ "$use_apt" = yes ] && command -v apt-get >/dev/null; then
    install_system_packages
else
    say "leaving the operating system's packages alone"
fi
check_system_commands
python=$(find_python) || die "no Python 3.11 to 3.13 with venv and headers found; install one (Debian 12: python3 \
python3-venv python3-dev) or name it in WARPDRIVE_PYTHON"
python_version=$("$python" -c 'import sys; print(sys.version.split()[0])')
say "Python $python_version at $python"
make_development_environment
if [ "$use_servers" = yes ]; then
    make_tool_environment ministack
    make_tool_environment servers
    make_azurite
fi
say "done"
