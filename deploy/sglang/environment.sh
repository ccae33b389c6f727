# shellcheck shell=bash
# Where SGLang's own environments live: outside any clone, shared by all of them, one directory for each version
# and kind. Sourced by `install` and `launch`.

SGLANG_VERSION=0.5.23

die() {
    echo "$1" >&2
    exit 1
}

# environment_of KIND: the directory of the environment for "cpu" or "gpu".
environment_of() {
    local home=${CONSILIUM_SGLANG_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/consilium}
    case $1 in
        cpu | gpu) echo "$home/sglang-$SGLANG_VERSION-$1" ;;
        *) die "There is no SGLang environment of the kind '$1'. Say cpu or gpu." ;;
    esac
}

# packages_of CONSTRAINTS: the list without its comments.
packages_of() {
    grep -v '^#' "$1"
}

# is_complete DIRECTORY CONSTRAINTS: whether the environment was finished, from these very packages.
# The marker is written last, so a directory without it is what an interrupted run left behind.
is_complete() {
    [[ -f $1/.complete ]] && packages_of "$2" | cmp --silent - "$1/.complete"
}
