"""The server's configuration, written again at each start: tuned for many small durable commits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tocsin.store.embedded.identity import ServerUser

SUPERUSER = "postgres"
ROLE = "tocsin"

_TUNING: Mapping[str, str] = {
    "cluster_name": "tocsin",
    "max_connections": "100",
    # A batch of webhooks takes a lock for each alert key in it, up to two thousand.
    "max_locks_per_transaction": "256",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    # An answered webhook is a promise: these three are never relaxed here.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # After each checkpoint whole pages are logged again: few checkpoints, less log. Compressing it
    # with pglz, all that this build has, saved not a byte on pages of hashes (measured).
    "wal_compression": "off",
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    # Queries here are short: compiling them costs more than it saves.
    "jit": "off",
    # Queues churn: small tables are vacuumed by the row, huge ones before they are a tenth dead.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_limit": "1000",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
    # Details and statements may quote rows, and rows hold what senders sent.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
}

# On the command line, where no configuration file can undo them: what keeps others out.
LOCKED = (
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "logging_collector=off",
    "log_destination=stderr",
)


def write(
    home: Path, cluster: Path, user: ServerUser, names: list[str], settings: Mapping[str, str]
) -> None:
    """Write `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf` of the cluster.

    Args:
        names: operating-system users that may connect; the kernel confirms who they are.
        settings: override ours; the operator's `local.conf` in the cluster overrides both.
    """
    merged = {**_TUNING, **settings}
    idents = [
        f'tocsin "{name}" {role}'
        for name in names
        for role in (ROLE, SUPERUSER)
        # A slash would begin a regular expression.
        if not name.startswith("/") and '"' not in name
    ]
    # As root never through a link, which the server's user may have put there.
    follow = os.O_NOFOLLOW if user.dropped else 0
    inside = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY | follow)
    put = partial(_put, home, inside, user)
    try:
        put(
            "postgresql.conf",
            "Your own settings belong in local.conf, beside.",
            [f"{name} = {_quoted(value)}" for name, value in merged.items()]
            + ["include 'local.conf'"],
        )
        put(
            "pg_hba.conf",
            "Who may connect: the users of pg_ident.conf, as confirmed by the kernel; nobody else.",
            ["local all all peer map=tocsin"],
        )
        put("pg_ident.conf", "Operating-system users and the roles they may take.", idents)
        if not os.path.lexists(cluster / "local.conf"):
            put("local.conf", "Only this once: put your own settings here.", [])
    finally:
        os.close(inside)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _put(
    home: Path, inside: int, user: ServerUser, name: str, title: str, lines: list[str]
) -> None:
    """Write beside the cluster and rename into it: the server's user, who controls the cluster,
    could otherwise have root write through a link."""
    draft = home / f"{name}.new"
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([f"# Written when tocsin starts the server. {title}", *lines, ""]))
        if user.dropped:
            os.fchown(file.fileno(), user.uid, user.gid)
    os.rename(draft, name, dst_dir_fd=inside)
