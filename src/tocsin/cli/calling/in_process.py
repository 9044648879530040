"""The API without a server: a command asks it inside its own process, over the database.

So a command shows and does exactly what the API does, by the same code, with the same checks and
the same audit log. Importing all of it takes seconds; where a server runs, it is asked instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from collections.abc import Iterator
from functools import partial
from uuid import UUID

from tocsin.app import application
from tocsin.cli.calling.client import ApiClient, no_workspace
from tocsin.cli.calling.operator import Application, Operator, ask, operator
from tocsin.cli.kit.exits import readable
from tocsin.cli.kit.runtime import Installation, open_installation
from tocsin.hub import Hub, ProcessRole
from tocsin.store.installation import find_workspace_id


class InProcessApi(ApiClient):
    def __init__(self, app: Application, runner: asyncio.Runner, caller: Operator) -> None:
        self._app = app
        self._runner = runner
        self._caller = caller

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        return self._runner.run(ask(self._app, self._caller, method, path, query, body))

    def pause(self, seconds: float) -> None:
        # What goes on by itself goes on here, or nowhere.
        self._runner.run(asyncio.sleep(seconds))


def workspace_id_of(installation: Installation, slug: str) -> UUID:
    """The id of the workspace with this slug.

    Raises:
        Failure: if there is no such workspace.
    """
    found = readable(partial(find_workspace_id, installation.url, slug))
    if found is None:
        raise no_workspace(slug)
    return found


@contextlib.contextmanager
def api_of(installation: Installation, workspace: str) -> Iterator[ApiClient]:
    """The API of an installation, as an admin of one workspace.

    Raises:
        Failure: if there is no such workspace.
    """
    workspace_id = workspace_id_of(installation, workspace)
    with asyncio.Runner() as runner:
        hub = runner.run(_build(installation))
        running = hub.running()
        runner.run(running.__aenter__())
        try:
            yield InProcessApi(application(hub), runner, operator(_login(), workspace_id))
        finally:
            runner.run(running.__aexit__(None, None, None))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


async def _build(installation: Installation) -> Hub:
    # What webhooks and the API need, and no dispatcher: the messages that a command makes are
    # delivered by the server, now or when it is started.
    return Hub.build(
        installation.settings,
        installation.url,
        installation.keys,
        ProcessRole.WEB,
        is_command=True,
    )


@contextlib.contextmanager
def in_process_api(workspace: str, *, only_reads: bool = False) -> Iterator[ApiClient]:
    """Opens the installation of the settings, and its API."""
    with (
        open_installation(only_reads=only_reads) as installation,
        api_of(installation, workspace) as api,
    ):
        yield api
