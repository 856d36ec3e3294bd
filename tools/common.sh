# Shared by the scripts beside it, which source it: where things are, and how
# root runs what PostgreSQL refuses to run as root.
set -eu
umask 022
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=$root/build
# Another name for a checkout that lies where the server's user cannot read it.
origin=${PG_LLM_ORIGIN:-$root}
mark=$(printf '%s' "$origin" | sha256sum | cut -c 1-8)
if [ "$(id -u)" = 0 ]; then
    cache=/var/cache/pg_llm/$mark
else
    cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/pg_llm/$mark
    # An account without a home, and a socket's path of at most 107 bytes.
    if ! mkdir -p "$cache" 2> /dev/null || [ "${#cache}" -gt 83 ]; then
        cache=/tmp/pg_llm-$(id -u)-$mark
        mkdir -p -m 700 "$cache"
        [ -O "$cache" ] || { echo "$cache belongs to somebody else" >&2; exit 1; }
    fi
fi
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# libpq's settings of the caller must not lead to another server.
for variable in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do
    unset "$variable"
done

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

now() {
    date +%s%N
}

# Seconds since a moment of `now`, with one decimal.
since() {
    tenths=$((($(date +%s%N) - $1) / 100000000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# The user that runs servers and tests: the caller, or for root one without rights.
server_user() {
    if [ "$(id -u)" != 0 ]; then
        id -un
    elif [ -n "${PG_LLM_USER:-}" ]; then
        echo "$PG_LLM_USER"
    elif id postgres > /dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

# Becomes that user and the command. Root's HOME and TMPDIR are not for it.
become() {
    if [ "$(id -u)" != 0 ]; then
        exec "$@"
    fi
    user=$(server_user)
    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups \
        env -u XDG_CACHE_HOME -u XDG_RUNTIME_DIR HOME=/tmp TMPDIR=/tmp "$@"
}

# Runs a command as that user.
as_user() {
    (become "$@")
}

# What servers and tests read of the checkout.
rooms="Makefile pg_llm.control pytest.ini sql extension python tests sample tools bench"

# Goes on in a copy of the checkout when the server's user cannot read it here.
# usage: hand_over SCRIPT ARGUMENT...
hand_over() {
    if [ "$(id -u)" != 0 ] || [ -n "${PG_LLM_ORIGIN:-}" ]; then
        return 0
    fi
    copy=$cache/source
    if as_user sh -c 'cd "$1" && ! find $2 ! -readable | grep -q .' - "$root" "$rooms" 2>/dev/null; then
        rm -rf "$copy"
        return 0
    fi
    say "user $(server_user) cannot read $root: working in $copy"
    mkdir -p "$copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    (cd "$root" && tar -cf - $rooms) | tar -C "$copy" --no-same-owner -xf -
    chmod -R a+rX "$copy"
    cd "$copy"
    PG_LLM_ORIGIN=$root exec "$@"
}

# The same for scripts that come after: on to the copy where there is one.
follow() {
    if [ -z "${PG_LLM_ORIGIN:-}" ] && [ -x "$cache/source/$1" ]; then
        cd "$cache/source"
        PG_LLM_ORIGIN=$root exec "$@"
    fi
}
