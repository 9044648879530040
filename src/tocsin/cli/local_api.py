"""The API without a server: commands ask it inside their own process, over the database.

So a command shows and does exactly what the API does, by the same code, with the same checks and
the same audit log, and works whether or not a server is running. Who may start the program and read
its data folder is the operator: there is no key to give.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.app import Hub, ProcessRole, application
from tocsin.cli.exits import Exit, Failure, readable
from tocsin.cli.runtime import Installation, open_installation
from tocsin.model import Actor, ActorKind, Role
from tocsin.store.installation import find_workspace_id

_ROOT = "/api/v1"
_NOBODY = UUID(int=0)
_UNREACHABLE = 503
_INVALID = (400, 422)


@dataclass(frozen=True, slots=True)
class Operator(Principal):
    """Whoever runs the program: an admin of every workspace, in the audit log by login name."""

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.SYSTEM, self.name)


def operator(workspace_id: UUID) -> Operator:
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        login = "unknown"
    return Operator(_NOBODY, f"command line ({login})", workspace_id, Role.ADMIN)


class LocalApi:
    """`/api/v1` as an admin of one workspace; answers are the API's own JSON documents."""

    def __init__(self, app: Any, runner: asyncio.Runner, principal: Principal) -> None:
        self._app = app
        self._runner = runner
        self._principal = principal

    def get(self, path: str, **query: Any) -> Any:
        return self.request("GET", path, query=query)

    def post(self, path: str, document: Any = None) -> Any:
        return self.request("POST", path, document)

    def patch(self, path: str, document: Any) -> Any:
        return self.request("PATCH", path, document)

    def delete(self, path: str, **query: Any) -> Any:
        return self.request("DELETE", path, query=query)

    def items(self, path: str, limit: int, **query: Any) -> list[Any]:
        """The first `limit` of a list, over as many pages as that takes."""
        found: list[Any] = []
        cursor = None
        while len(found) < limit:
            page = self.get(path, limit=min(limit - len(found), 200), cursor=cursor, **query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

    def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        query: dict[str, Any] | None = None,
    ) -> Any:
        """Asks the API, and returns the document that it answers.

        Raises:
            Failure: with the words of the problem answered, and an exit code that fits it.
        """
        status, body = self.answer(method, path, document, query=query)
        parsed = json.loads(body) if body else None
        if status >= 400:
            raise problem_failure(parsed)
        return parsed

    def answer(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        query: dict[str, Any] | None = None,
    ) -> tuple[int, bytes]:
        """The status and the body just as they would go over the wire."""
        body = b"" if document is None else json.dumps(document).encode()
        given = {name: value for name, value in (query or {}).items() if value not in (None, [])}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": _ROOT + path,
            "raw_path": (_ROOT + path).encode(),
            "root_path": "",
            "query_string": urlencode(given, doseq=True).encode(),
            "headers": [(b"host", b"localhost"), (b"content-length", b"%d" % len(body))]
            + ([(b"content-type", b"application/json")] if body else []),
            "client": None,
            "server": None,
            "tocsin.principal": self._principal,
        }
        return self._runner.run(self._call(scope, body))

    async def _call(self, scope: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        status, chunks = 0, []
        sent = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                chunks.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return status, b"".join(chunks)


def problem_failure(problem: Any) -> Failure:
    """A problem document (RFC 9457) as the end of a command."""
    faults = problem.get("errors") or []
    lines = [f"{fault['pointer'] or '/'}: {fault['message']}" for fault in faults]
    status = problem["status"]
    code = Exit.FAILED
    if status == 404:
        code = Exit.NOT_FOUND
    elif status in _INVALID:
        code = Exit.USAGE
    elif status == _UNREACHABLE:
        code = Exit.UNREACHABLE
    return Failure(problem["detail"], *lines, code=code)


def workspace_id_of(installation: Installation, slug: str) -> UUID:
    """The id of the workspace with this slug.

    Raises:
        Failure: if there is no such workspace.
    """
    found = readable(partial(find_workspace_id, installation.url, slug))
    if found is None:
        raise Failure(
            f"there is no workspace {slug!r}; `tocsin workspace list` shows what there is",
            code=Exit.NOT_FOUND,
        )
    return found


@contextlib.contextmanager
def api_of(installation: Installation, workspace: str) -> Iterator[LocalApi]:
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
            yield LocalApi(application(hub), runner, operator(workspace_id))
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _build(installation: Installation) -> Hub:
    # What webhooks and the API need, and no dispatcher: what a command owes to destinations is
    # delivered by the server, now or when it is started.
    return Hub.build(installation.settings, installation.url, installation.keys, ProcessRole.WEB)


@contextlib.contextmanager
def local_api(workspace: str, *, only_reads: bool = False) -> Iterator[LocalApi]:
    """Opens the installation of the settings, and its API."""
    with (
        open_installation(only_reads=only_reads) as installation,
        api_of(installation, workspace) as api,
    ):
        yield api
