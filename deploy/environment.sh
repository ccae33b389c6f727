# shellcheck shell=bash
# What the environments of all servers share. Each lives outside any clone, is shared by all of them, and is one
# directory for each version and kind. Sourced by the environment.sh of a server, which sets ENGINE (its folder's
# name), ENGINE_TITLE, ENGINE_VERSION and ENGINE_HOME (where environments go, if not to the cache).

die() {
    echo "$1" >&2
    exit 1
}

# environment_of KIND: the directory of the environment for "cpu" or "gpu".
environment_of() {
    local home=${ENGINE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/consilium}
    case $1 in
        cpu | gpu) echo "$home/$ENGINE-$ENGINE_VERSION-$1" ;;
        *) die "There is no $ENGINE_TITLE environment of the kind '$1'. Say cpu or gpu." ;;
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

# pip ARGUMENTS...: install into $environment, quietly.
pip() {
    "$environment/bin/python" -m pip --disable-pip-version-check --quiet install --no-compile "$@" \
        > >(cat >&2) 2> >(grep -v '^WARNING' >&2)
}

# prepare KIND CONSTRAINTS: make the environment unless it is there, and print its directory. What goes into the bare
# virtual environment is said by the function `fill`, which the caller defines; it finds $environment and $kind.
prepare() {
    kind=$1
    local constraints=$2 python=${PYTHON:-python3}
    environment=$(environment_of "$kind")
    if is_complete "$environment" "$constraints"; then
        echo "$environment"
        return
    fi

    [[ $(uname -sm) == "Linux x86_64" ]] || die "$ENGINE_TITLE needs Linux on x86_64; this is $(uname -sm). Run it on another machine and point Consilium at its address."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "$ENGINE_TITLE $ENGINE_VERSION needs Python 3.11 or newer; $python is older or missing. Try: make $ENGINE PYTHON=python3.11"

    mkdir -p "$(dirname "$environment")"
    exec 9> "$environment.lock"
    if ! flock --nonblock 9; then
        echo "Another process is preparing $environment; waiting for it ..." >&2
        flock 9
    fi
    if is_complete "$environment" "$constraints"; then # made while this one came to the lock
        echo "$environment"
        return
    fi

    if [[ -f $environment/.complete ]]; then
        echo "Bringing $environment up to date with this clone's list of packages ..." >&2
        rm "$environment/.complete"
    else
        echo "Preparing $ENGINE_TITLE $ENGINE_VERSION for the ${kind^^} in $environment (once, a few minutes) ..." >&2
        rm -rf "$environment"
        "$python" -m venv "$environment"
    fi
    fill "$constraints"
    packages_of "$constraints" > "$environment/.complete.new"
    mv "$environment/.complete.new" "$environment/.complete"
    echo "$environment"
}

# first_import MODULES [VARIABLE=VALUE...]: see that they can be imported, and compile them, which makes each start
# many times quicker: pip was told not to compile all files, and some shells tell Python to keep nothing.
first_import() {
    local modules=$1
    shift
    env --unset=PYTHONDONTWRITEBYTECODE "$@" "$environment/bin/python" -W ignore -c "import $modules" \
        &> "$environment/first-import.log" ||
        die "$ENGINE_TITLE is in $environment but cannot be imported: $(tail -n 1 "$environment/first-import.log")"
}

# python_for KIND CONSTRAINTS GIVEN: the interpreter to start the server with: the given one, or the environment's.
python_for() {
    environment=$(environment_of "$1") || exit 1 # a substitution does not inherit errexit
    if [[ -n $3 ]]; then
        echo "$3"
        return
    fi
    is_complete "$environment" "$2" ||
        die "$ENGINE_TITLE's environment for the ${1^^} is not ready in $environment. Prepare it: make $ENGINE KIND=$1"
    echo "$environment/bin/python"
}
