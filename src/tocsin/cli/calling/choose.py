"""Which way a command calls the API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tocsin.cli.calling.client import ApiClient
from tocsin.cli.calling.over_http import HttpApi, RemoteServer
from tocsin.cli.calling.over_socket import socket_api
from tocsin.cli.kit.exits import readable

_elsewhere: list[RemoteServer] = []
"""At most one: where this command is to ask."""


def ask_elsewhere(server: RemoteServer | None) -> None:
    """From now on commands ask this server; None: the one on the data folder."""
    _elsewhere[:] = [] if server is None else [server]


def asks_elsewhere() -> bool:
    return bool(_elsewhere)


@contextlib.contextmanager
def open_api(workspace: str, *, only_reads: bool = False) -> Iterator[ApiClient]:
    """The API as an admin of one workspace: of the server that was named, else of the one on the
    data folder, else of the application imported here. `only_reads`: see `open_installation`.

    Raises:
        Failure: there is no such workspace, or neither can be had.
    """
    if _elsewhere:
        remote = HttpApi(_elsewhere[0])
        remote.check_workspace(workspace)
        yield remote
        return
    from tocsin.settings import load

    settings = readable(load)
    with socket_api(settings.data_dir, workspace, settings.database_url) as api:
        if api is not None:
            yield api
            return
    # Imported only here: it takes seconds, and it is what a running server spares.
    from tocsin.cli.calling.in_process import in_process_api

    with in_process_api(workspace, only_reads=only_reads) as local:
        yield local
