"""Answers `over_socket`: the API for commands of the data folder's owner, who needs no key.

Every worker accepts on the same listening socket, which the parent keeps: a connection waits for
whichever worker is there. Who asks is known from the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from tocsin.cli.calling import over_socket, unix_socket
from tocsin.cli.calling.operator import Application, Operator, ask, operator
from tocsin.cli.calling.over_socket import Refusal
from tocsin.cli.kit.runtime import Installation
from tocsin.store import failures
from tocsin.store.installation import find_workspace_id

log = structlog.get_logger(__name__)

_LONGEST_LINE = 1_048_576
_LONGEST_BODY = 67_108_864
_GREETING_SECONDS = 5.0
_GRACE_SECONDS = 5.0
"""How long calls under way may take to end."""
_BREATH_SECONDS = 0.1


@contextlib.contextmanager
def owner_socket(data_dir: Path) -> Iterator[socket.socket | None]:
    """The listening socket, there until the end; None where the folder does not let us: then
    commands do without the server. For the server that is announced in the folder only."""
    try:
        listener = unix_socket.listen(data_dir, over_socket.FILE)
    except OSError as error:
        log.warning("cannot open the socket for commands", error=error.strerror or str(error))
        yield None
        return
    with listener:
        try:
            yield listener
        finally:
            (data_dir / over_socket.FILE).unlink(missing_ok=True)


def answering_owner(
    app: Application, installation: Installation, listener: socket.socket | None
) -> Application:
    """`app`, which for as long as it runs answers on `listener`, too."""
    if listener is None:
        return app
    server = _SocketServer(app, installation, listener)

    async def with_socket(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def watched_receive() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await server.stop()
            return message

        async def watched_send(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                server.start()
            await send(message)

        await app(scope, watched_receive, watched_send)

    return with_socket


class _SocketServer:
    def __init__(
        self, app: Application, installation: Installation, listener: socket.socket
    ) -> None:
        self._app = app
        self._installation = installation
        self._listener = listener
        self._workspaces: dict[str, UUID] = {}
        """Ids by slug; a workspace keeps both for good."""
        self._accepting: asyncio.Task[None] | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._calls = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def start(self) -> None:
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(), name="owner socket")

    async def stop(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_idle.wait(), _GRACE_SECONDS)
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                log.warning(
                    "cannot accept a command on the socket", error=error.strerror or str(error)
                )
                await asyncio.sleep(_BREATH_SECONDS)
                continue
            task = asyncio.create_task(self._converse(connection), name="owner")
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)

    async def _converse(self, connection: socket.socket) -> None:
        # Asked before the transport has it: the kernel's word on who connected.
        user = unix_socket.user_of(connection)
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=_LONGEST_LINE)
        try:
            caller = await self._greet(reader, writer, user)
            while caller is not None and (line := await reader.readline()):
                with self._under_way():
                    await self._call(reader, writer, caller, json.loads(line))
        except (OSError, EOFError, ValueError, KeyError, TypeError, TimeoutError):
            # It went away, or is none of our commands.
            return
        except failures.AWAY as error:
            log.warning(
                "a command cannot be answered: the database is away", error=type(error).__name__
            )
        except Exception:
            log.exception("failed to answer a command")
        finally:
            writer.close()

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        self._calls += 1
        self._is_idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._is_idle.set()

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: int | None
    ) -> Operator | None:
        """Who is asking, who has been answered that; None where they are refused."""
        greeting = json.loads(await asyncio.wait_for(reader.readline(), _GREETING_SECONDS))
        found = await self._caller(greeting, user)
        refused = found.value if isinstance(found, Refusal) else None
        await _write(writer, {"refused": refused})
        return None if isinstance(found, Refusal) else found

    async def _caller(self, greeting: dict[str, Any], user: int | None) -> Operator | Refusal:
        if user is None or user not in (os.geteuid(), 0):
            log.warning("refused a command of another user", uid=user)
            return Refusal.USER
        if greeting["version"] != over_socket.VERSION:
            return Refusal.VERSION
        if not self._is_our_database(greeting["database"]):
            return Refusal.DATABASE
        slug = str(greeting["workspace"])
        workspace_id = self._workspaces.get(slug)
        if workspace_id is None:
            workspace_id = await asyncio.to_thread(find_workspace_id, self._installation.url, slug)
            if workspace_id is None:
                return Refusal.WORKSPACE
            self._workspaces[slug] = workspace_id
        return operator(_login(user), workspace_id)

    def _is_our_database(self, meant: str | None) -> bool:
        """Whether a command whose settings name this database, or none, means ours."""
        if meant is None:
            return True
        ours = self._installation.settings.database_url
        return ours is not None and hmac.compare_digest(ours.reveal(), meant.encode())

    async def _call(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        caller: Operator,
        asked: dict[str, Any],
    ) -> None:
        length = int(asked["length"])
        if not 0 <= length <= _LONGEST_BODY:
            raise ValueError("too long")
        body = await reader.readexactly(length)
        status, answer = await ask(
            self._app, caller, asked["method"], asked["path"], asked["query"], body
        )
        await _write(writer, {"status": status, "length": len(answer)}, answer)


async def _write(writer: asyncio.StreamWriter, head: dict[str, Any], body: bytes = b"") -> None:
    writer.write(json.dumps(head).encode() + b"\n" + body)
    await writer.drain()


def _login(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
