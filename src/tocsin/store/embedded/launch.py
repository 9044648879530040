"""Starting the keeper, and with it the server, in a folder that has neither."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tocsin.store.embedded import (
    binaries,
    cluster,
    configuration,
    keeper,
    leftovers,
    locks,
    socket_location,
)
from tocsin.store.embedded.errors import condense
from tocsin.store.embedded.home import Home
from tocsin.store.embedded.identity import peers, server_user

_log = logging.getLogger(__name__)


def launch(
    home: Home, lock: int, *, settings: Mapping[str, str], programs: Path | None, deadline: float
) -> None:
    """Make the cluster if need be and start its keeper; returns when the server is ready.

    Args:
        lock: descriptor that holds `home.keeper_lock`; the keeper inherits it, so that there is no
            moment between the claim and the keeper at which another could be started.
        deadline: as of `time.monotonic`.

    Raises:
        EmbeddedError: if it does not start.
        OSError: if the folder cannot be used.
    """
    user = server_user(home.data_dir, home.cluster)
    found = binaries.find(programs, user)
    sync = settings.get("fsync") != "off"
    cluster.prepare(home.folder, home.cluster, found, user, sync=sync)
    leftovers.clear(home.cluster)
    configuration.write(home.folder, home.cluster, user, peers(home.data_dir), settings)
    socket = socket_location.choose(home.folder, home.cluster, user)
    options = [
        *configuration.LOCKED,
        # Relative to the cluster, in which the server works.
        f"unix_socket_directories={'.' if socket == home.cluster else socket}",
    ]
    listen, report = os.pipe()
    plan = {
        "cluster": str(home.cluster),
        "users": str(home.users_lock),
        "log": str(home.log),
        "socket": str(socket),
        "uid": user.uid if user.dropped else None,
        "gid": user.gid,
        "argv": [
            str(found.program("postgres")),
            f"-D{cluster.data_argument(home.cluster, keeper.CLUSTER)}",
            *(f"-c{option}" for option in options),
        ],
        "env": {"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        "report": report,
        "lock": lock,
    }
    try:
        try:
            _spawn(home, plan, (lock, report))
        finally:
            os.close(report)
        _hear(home, listen, deadline)
    finally:
        os.close(listen)


def _spawn(home: Home, plan: Mapping[str, object], inherited: tuple[int, int]) -> None:
    with open(locks.open_private(home.log), "ab") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
            [sys.executable, "-I", "-S", "-Wignore", keeper.__file__, home.folder],
            cwd="/",
            # Not our settings: some are secrets, and the keeper may outlive us.
            env={name: value for name, value in os.environ.items() if name[:7] != "TOCSIN_"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=inherited,
            # The terminal's Ctrl-C is for the users; the keeper follows when they are gone.
            start_new_session=True,
        )
    # The keeper detaches itself, so that this returns at once.
    process.communicate(json.dumps(plan).encode())


def _hear(home: Home, listen: int, deadline: float) -> None:
    """Wait for the keeper's word on how the start went."""
    patient_until = time.monotonic() + 10
    while not select.select([listen], [], [], 0.5)[0]:
        now = time.monotonic()
        if now > deadline:
            raise home.failure("it is still starting, perhaps replaying its log")
        if now > patient_until:
            patient_until = now + 30
            _log.warning("waiting for the embedded PostgreSQL to recover; see %s", home.log)
    text = b""
    while chunk := os.read(listen, 65_536):
        text += chunk
    if not text:
        raise home.failure(condense(_tail(home.log)) or "its keeper died")
    news = json.loads(text)
    if "failed" in news:
        raise home.failure(condense(news["failed"]) or "the server said nothing")


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8_192))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
