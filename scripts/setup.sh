#!/usr/bin/env bash
# Makes this machine ready: system libraries, a virtual environment, the package in it.
#
#   scripts/setup.sh system         PortAudio, FluidSynth, ALSA, a sound font, Python (asks for sudo)
#   scripts/setup.sh system test    the same; with CI=true also what the tests play with: jackd,
#                                   and where there is apt Ardour, SooperLooper, Hydrogen, a compiler
#   scripts/setup.sh venv DIR       virtual environment DIR with the package
#   scripts/setup.sh venv DIR test  the same, and the tools of the test suite
#
# What is there already is left alone, so it can be run again at any time. Knows Debian, Ubuntu,
# Fedora and macOS (Homebrew); elsewhere it says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# --- what is there ---------------------------------------------------------------------------

find_python() { # prints a Python >= 3.11 that can make virtual environments
    local name
    # python-rtmidi comes ready made for 3.11 and 3.12; for newer ones it has to be compiled
    for name in "${PYTHON:-}" python3.12 python3.11 python3.13 python3.14 python3 python; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

can_have_rtmidi() { # can_have_rtmidi PYTHON: ready made, installed already, or compilable
    local python="$1"
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))' && return 0
    command -v c++ >/dev/null 2>&1 || return 1
    [ "$(uname -s)" = Darwin ] && return 0
    [ -f /usr/include/alsa/asoundlib.h ] || return 1
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

have_library() { # have_library portaudio
    case "$(uname -s)" in
        Darwin)
            local prefix
            prefix="$(brew --prefix 2>/dev/null || echo /opt/homebrew)"
            ls "$prefix"/lib/lib"$1".*dylib >/dev/null 2>&1
            ;;
        *) PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep "lib$1\.so\." >/dev/null ;;
    esac
}

have_sound_font() {
    local folder
    for folder in /usr/share/sounds/sf2 /usr/share/soundfonts /usr/local/share/soundfonts \
        "${XDG_DATA_HOME:-$HOME/.local/share}/soundfonts" \
        "$(brew --prefix fluid-synth 2>/dev/null || echo /none)/share/fluid-synth/sf2"; do
        ls "$folder"/*.sf[23] >/dev/null 2>&1 && return 0
    done
    return 1
}

missing() { # prints what is missing, one word a line
    local python
    if python="$(find_python)"; then
        can_have_rtmidi "$python" || echo rtmidi
    else
        echo python
    fi
    have_library fluidsynth || echo fluidsynth
    have_sound_font || echo soundfont
    if [ "$(uname -s)" != Darwin ]; then # there the wheels bring them
        have_library portaudio || echo portaudio
        have_library asound || echo alsa
        if [ "${for_tests:-}" = test ] && [ "${CI:-}" = true ]; then
            command -v jackd >/dev/null 2>&1 || echo jack
            if command -v apt-get >/dev/null 2>&1; then missing_hosts; fi
        fi
    fi
}

missing_hosts() { # the programs that the tests in tests/hosts start
    ls /usr/bin/ardour*-lua >/dev/null 2>&1 || echo ardour
    command -v sooperlooper >/dev/null 2>&1 || echo sooperlooper
    command -v hydrogen >/dev/null 2>&1 || echo hydrogen
    # SooperLooper wants an ALSA sequencer, which containers have not: a shim is compiled for it
    if ! command -v gcc >/dev/null 2>&1 || [ ! -f /usr/include/jack/jack.h ] ||
        [ ! -f /usr/include/alsa/asoundlib.h ] || [ ! -f /usr/include/stdio.h ]; then
        echo shim
    fi
}

# --- how to get it ---------------------------------------------------------------------------

become_root() { # sets $root to what goes before a command; fails where there is no way
    if [ "$(id -u)" = 0 ]; then
        root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        root="sudo -n"
    elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
        say "Your password is needed to install them:"
        root="sudo"
    else
        return 1
    fi
}

three_times() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        [ "$try" = 3 ] || { say "… once more in 5 seconds"; sleep 5; }
    done
    return 1
}

debian_python() { # the packages of the distribution's own Python, or of a newer one beside it
    local version
    if [[ "$(apt-cache show python3 2>/dev/null)" =~ Version:\ 3\.([0-9]|10)\. ]]; then
        for version in 3.13 3.12 3.11; do
            if apt-cache show "python$version-venv" >/dev/null 2>&1; then
                echo "python$version"
                echo "python$version-venv"
                return
            fi
        done
    fi
    echo python3
    echo python3-venv
}

debian_packages() {
    local thing
    for thing in "$@"; do
        case "$thing" in
            python) debian_python ;;
            rtmidi) echo g++ pkgconf python3-dev libasound2-dev libjack-jackd2-dev ;;
            fluidsynth) echo libfluidsynth3 ;;
            soundfont) echo timgm6mb-soundfont ;;
            portaudio) echo libportaudio2 ;;
            alsa) apt-cache show libasound2t64 >/dev/null 2>&1 && echo libasound2t64 || echo libasound2 ;;
            jack) echo jackd2 ;;
            shim) echo gcc libc6-dev libjack-jackd2-dev libasound2-dev ;;
            *) echo "$thing" ;; # ardour, sooperlooper, hydrogen
        esac
    done
}

fedora_packages() {
    local thing
    for thing in "$@"; do
        case "$thing" in
            python | rtmidi) echo python3.12 ;;
            fluidsynth) echo fluidsynth-libs ;;
            soundfont) echo fluid-soundfont-gm ;;
            portaudio) echo portaudio ;;
            alsa) echo alsa-lib ;;
            jack) echo jack-audio-connection-kit ;;
        esac
    done
}

brew_packages() {
    local thing
    for thing in "$@"; do
        case "$thing" in
            python | rtmidi) echo python@3.12 ;;
            fluidsynth | soundfont) echo fluid-synth ;; # brings a small sound font with it
        esac
    done
}

words() { # the words of a command's output in one line, each once
    "$@" | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/ $//'
}

install_missing() { # sets $line to the command a human would type
    local things=("$@")
    if command -v apt-get >/dev/null 2>&1; then
        line="sudo apt-get install $(words debian_packages "${things[@]}")"
        become_root || return 1
        # the list of packages first: on a bare machine there is none
        three_times $root apt-get -o Acquire::Retries=5 -qq update || return 1
        local packages
        packages="$(words debian_packages "${things[@]}")"
        line="sudo apt-get install $packages"
        # shellcheck disable=SC2086  # one word a package
        three_times $root env DEBIAN_FRONTEND=noninteractive \
            apt-get -o Acquire::Retries=5 -o Dpkg::Use-Pty=0 -qq -y \
            --no-install-recommends install $packages </dev/null >/dev/null
    elif command -v dnf >/dev/null 2>&1; then
        local packages
        packages="$(words fedora_packages "${things[@]}")"
        line="sudo dnf install $packages"
        become_root || return 1
        # shellcheck disable=SC2086
        three_times $root dnf -y -q --setopt=install_weak_deps=False install $packages >/dev/null
    elif command -v brew >/dev/null 2>&1; then
        local packages
        packages="$(words brew_packages "${things[@]}")"
        line="brew install $packages"
        # shellcheck disable=SC2086
        three_times brew install --quiet $packages >&2
    elif [ "$(uname -s)" = Darwin ]; then
        line="(get Homebrew from https://brew.sh) and then: brew install $(words brew_packages "${things[@]}")"
        return 1
    else
        line="your system's packages of: ${things[*]}"
        return 1
    fi
}

set_up_system() {
    local for_tests="${1:-}" line="" root=""
    local things round
    for round in 1 2; do # what a new Python still needs is seen when it is there
        things="$(words missing)"
        [ -z "$things" ] && return 0
        say "Missing on this machine: $things; getting it"
        # shellcheck disable=SC2086
        if ! install_missing $things; then
            say "It could not be installed from here. Please run:"
            say "    $line"
            say "and then the same make again."
            exit 1
        fi
    done
    things="$(words missing)"
    if [ -n "$things" ]; then
        say "Still missing: $things; please get it by hand (Python: 3.11 or newer), then make again."
        exit 1
    fi
}

# --- the virtual environment -----------------------------------------------------------------

set_up_venv() {
    local venv="$1" for_tests="${2:-}" python
    if ! "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' \
        >/dev/null 2>&1; then
        python="$(find_python)" || {
            say "No Python of at least 3.11 was found; name one with: make PYTHON=/path/to/python3.12"
            exit 1
        }
        say "Making $venv with $python"
        "$python" -m venv --clear "$venv"
    fi
    say "Installing accompanist and its Python packages into $venv"
    three_times "$venv/bin/python" -m pip --disable-pip-version-check --no-input install \
        --quiet --retries 5 --editable ".${for_tests:+[dev]}"
    # found and loadable? rather now than in the middle of a piece
    "$venv/bin/python" -c 'import fluidsynth, rtmidi, sounddevice, soundfile' >/dev/null || {
        say "A system library does not load, see the last line above; scripts/setup.sh system gets them."
        exit 1
    }
}

case "${1:-}" in
    system) set_up_system "${2:-}" ;;
    venv) set_up_venv "${2:?scripts/setup.sh venv DIR}" "${3:-}" ;;
    *)
        say "usage: scripts/setup.sh system [test] | venv DIR [test]"
        exit 2
        ;;
esac
