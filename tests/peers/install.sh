#!/usr/bin/env bash
# Installs the Debian packages whose programs the tests use as real peers: Postfix, PostgreSQL, Prometheus,
# Alertmanager, swaks, Dovecot. Only what is missing, only as root, and without starting a service: every test starts a private
# instance of its own. Without root it says what is missing; the tests concerned then skip and say why.
set -euo pipefail

packages=()
need() { # need PACKAGE PROGRAM…: asks for the package when one of its programs is missing
    local package=$1 program
    shift
    for program in "$@"; do
        if ! compgen -G "$program" >/dev/null && ! command -v "$program" >/dev/null; then
            packages+=("$package")
            return
        fi
    done
}
export PATH="$PATH:/usr/sbin:/sbin"
need postfix postfix sendmail smtp-source smtp-sink
need postgresql '/usr/lib/postgresql/*/bin/initdb' '/usr/lib/postgresql/*/bin/postgres'
need prometheus prometheus promtool
need prometheus-alertmanager prometheus-alertmanager amtool
need swaks swaks
need dovecot-imapd dovecot
need openssl openssl

if [ ${#packages[@]} -eq 0 ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "peers: not a Debian system; missing: ${packages[*]} (the tests that need them skip)"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "peers: not root; missing: ${packages[*]} (the tests that need them skip)"
    echo "peers: to have them: sudo apt-get install --no-install-recommends ${packages[*]}"
    exit 0
fi

# Packages start their services unless policy-rc.d forbids it. What stands there now comes back at the end.
policy=/usr/sbin/policy-rc.d
kept=$(mktemp -d)
restore() {
    rm -f "$policy"
    if [ -e "$kept/policy-rc.d" ]; then
        cp -p "$kept/policy-rc.d" "$policy"
    fi
    rm -rf "$kept"
}
if [ -e "$policy" ]; then
    cp -p "$policy" "$kept/policy-rc.d"
fi
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
apt=(apt-get -y -o DPkg::Lock::Timeout=180 -o Dpkg::Options::=--force-confold -o Acquire::Retries=3)
echo "peers: installing ${packages[*]}"
if [[ " ${packages[*]} " == *" postfix "* ]] && command -v debconf-set-selections >/dev/null; then
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
fi
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${packages[@]}"; } </dev/null; then
    echo "peers: installation failed; the tests that need ${packages[*]} skip" >&2
    # A continuous-integration run that silently tests less than it should is worse than one that fails.
    [ -z "${CI:-}" ] || exit 1
fi
