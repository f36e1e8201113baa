# shellcheck shell=bash
# Paths, versions and helpers shared by the scripts. Sourced, never run.

set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")

# PG=16 picks another installed major; PG_CONFIG names a server anywhere else.
pg_config=${PG_CONFIG:-/usr/lib/postgresql/${PG:-15}/bin/pg_config}
pg=${PG:-15}
if [[ -n ${PG_CONFIG:-} && -x $pg_config ]]; then
    pg=$("$pg_config" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
fi
[[ $pg =~ ^1[5-8]$ ]] || { echo "error: PostgreSQL $pg is not among 15 to 18" >&2 && exit 1; }

# The versions are pinned in Cargo.toml and nowhere else.
pgrx_version=$(sed -nE 's/^pgrx = .*"=([0-9.]+)".*/\1/p' "$root/Cargo.toml")
rust_version=$(sed -nE 's/^rust-version = "([0-9.]+)"/\1/p' "$root/Cargo.toml")
version=$(sed -nE 's/^version = "([^"]+)"/\1/p' "$root/Cargo.toml" | head -n 1)

# A private copy of the server's tree, in which the extension is installed; a server started from
# it finds its library and extension folders beside itself, so the system's own stay untouched.
tree=$target/pg$pg/tree
servers=$target/pg$pg/servers

# pgrx is told of the server here, so it neither reads nor writes ~/.pgrx.
export PGRX_PG_CONFIG_PATH=$pg_config
export LC_ALL=C.UTF-8
PATH=$target/tools/bin:$(dirname "$pg_config"):$PATH

# Settings of the caller's own servers must not leak into the throw-away ones.
if [[ -z ${LOAN_ENGINE_SERVER:-} ]]; then
    unset PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGSERVICE \
        PGSERVICEFILE PGOPTIONS PGDATESTYLE PGTZ PGCLIENTENCODING PGSSLMODE PGDATA
fi
export PSQLRC=/dev/null

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

# One answer of pg_config as a path inside the private tree.
in_tree() { printf '%s%s\n' "$tree" "$("$pg_config" "--$1")"; }
