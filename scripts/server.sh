# shellcheck shell=bash
# Throw-away servers: on a unix socket only, as an unprivileged user, below target/. Sourced.
#
#   server=$(server_create NAME [SETTING=VALUE...])   a new cluster, started
#   server_use SERVER                                 psql and the like now talk to it
#   server_stop SERVER [fast|immediate]               server_start SERVER
#   server_standby NAME PRIMARY [SETTING=VALUE...]    a streaming replica, started
#   server_destroy SERVER
#
# SERVER is a folder whose file `env` says where the parts are. Whatever a script has started is
# stopped and removed when it ends.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

server_user=postgres

trap server_destroy_own EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command as the user the server runs as, since PostgreSQL refuses to run as root.
as_server() {
    if ((EUID == 0)); then
        (cd / && runuser -u "$server_user" -- "$@")
    else
        "$@"
    fi
}

# Makes the folders of a server and prints SERVER. The socket's path must stay below 108 bytes, so
# it has a short folder of its own; the data go there too if the server's user cannot reach target/.
_server_prepare() {
    local server host place programs=$tree
    _server_reap
    host=$(mktemp -d /tmp/loan_engine.XXXXXX)
    server=$servers/$1${host##*/loan_engine}
    mkdir -p "$server"
    place=$server/cluster
    if ! as_server test -x "$server"; then
        say "note: $server_user cannot reach ${target}; the server's data are in $host"
        place=$host/cluster
        programs=$host/tree
        cp -a "$tree" "$programs"
    fi
    mkdir "$place"
    if ((EUID == 0)); then chown "$server_user" "$host" "$place"; fi
    cat >"$server/env" <<EOF
owner=$$
host=$host
data=$place/data
log=$place/log
bin=$programs$("$pg_config" --bindir)
EOF
    printf '%s\n' "$server"
}

# Removes servers whose script was killed before it could.
_server_reap() {
    local server owner
    for server in "$servers"/*; do
        owner=$(_server_owner "$server")
        [[ -z $owner ]] || kill -0 "$owner" 2>/dev/null || server_destroy "$server"
    done
}

_server_owner() {
    if [[ -f $1/env ]]; then (. "$1/env" && echo "$owner"); fi
}

_server_configure() {
    local host data setting
    . "$1/env"
    shift
    {
        echo "unix_socket_directories = '$host'"
        echo "unix_socket_permissions = 0700"
        echo "listen_addresses = ''"
        echo "timezone = 'UTC'"
        echo "log_timezone = 'UTC'"
        # Survives the death of the server, not that of the machine, and is never meant to.
        echo "fsync = off"
        for setting in "$@"; do
            echo "${setting%%=*} = '${setting#*=}'"
        done
    } | as_server tee -a "$data/postgresql.conf" >/dev/null
}

server_create() {
    local server bin data
    server=$(_server_prepare "$1")
    shift
    . "$server/env"
    as_server "$bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions >/dev/null
    _server_configure "$server" "$@"
    server_start "$server" || return
    printf '%s\n' "$server"
}

server_standby() {
    local server primary bin data host
    primary=$(. "$2/env" && echo "$host")
    server=$(_server_prepare "$1")
    shift 2
    . "$server/env"
    as_server "$bin/pg_basebackup" --pgdata="$data" --host="$primary" --username=postgres \
        --write-recovery-conf --checkpoint=fast --no-sync
    _server_configure "$server" "$@"
    server_start "$server" || return
    printf '%s\n' "$server"
}

server_start() {
    local bin data log
    . "$1/env"
    as_server "$bin/pg_ctl" --pgdata="$data" --log="$log" --timeout=120 --wait start >/dev/null || {
        tail -n 20 "$log" >&2
        return 1
    }
}

server_stop() {
    local bin data
    . "$1/env"
    as_server "$bin/pg_ctl" --pgdata="$data" --mode="${2:-fast}" --timeout=120 --wait stop \
        >/dev/null
}

# Kills every process of a server at once, as a fault of the machine would. What is killed may stay
# listed until its parent looks, and would pass for a running server: so the locks are removed, too.
server_kill() {
    local data host postmaster
    . "$1/env"
    postmaster=$(head -n 1 "$data/postmaster.pid")
    kill -STOP "$postmaster"
    pkill -KILL -P "$postmaster" || true
    kill -KILL "$postmaster"
    while pgrep -P "$postmaster" >/dev/null; do sleep 0.02; done
    rm -f "$data/postmaster.pid" "$host"/.s.PGSQL.*
}

server_use() {
    local host
    . "$1/env"
    export LOAN_ENGINE_SERVER=$1 PGHOST=$host PGUSER=postgres PGDATABASE=postgres
}

server_destroy() {
    local host data
    . "$1/env"
    if [[ -f $data/postmaster.pid ]]; then server_stop "$1" immediate || true; fi
    rm -rf "$host" "$1"
}

server_destroy_own() {
    local server
    for server in "$servers"/*; do
        [[ $(_server_owner "$server") != "$$" ]] || server_destroy "$server"
    done
}

# For a test that may run alone: uses the caller's throw-away server or starts one.
server_ensure() {
    if [[ -z ${LOAN_ENGINE_SERVER:-} ]]; then
        LOAN_ENGINE_SERVER=$(server_create "$@")
        server_use "$LOAN_ENGINE_SERVER"
    fi
}
