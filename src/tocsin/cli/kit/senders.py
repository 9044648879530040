"""What commands that send as an integration share: which one, where to, and what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.cli.kit.exits import Exit, Failure, readable

if TYPE_CHECKING:
    from tocsin.cli.kit.runtime import Installation
    from tocsin.cli.kit.signing import SignedSender
    from tocsin.settings import Settings


def read_body(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}", code=Exit.USAGE) from None


def server_of(settings: Settings, url: str | None) -> str:
    from tocsin.cli.server.server_file import running_server

    found = url or settings.public_url or running_server(settings.data_dir)
    if found is None:
        raise Failure(
            f"no server is running on {settings.data_dir}; start one with `tocsin serve`, "
            "or say where it is: --url http://host:port",
            code=Exit.UNREACHABLE,
        )
    return found.rstrip("/")


def find_sender(installation: Installation, workspace: str, said: str) -> SignedSender:
    """The integration with this name or id, and what its sender needs to know.

    Raises:
        Failure: if there is no such integration, or its secret cannot be read.
    """
    import asyncio

    from tocsin.cli.calling.in_process import workspace_id_of
    from tocsin.cli.kit.signing import load_signed_senders

    workspace_id = workspace_id_of(installation, workspace)
    senders = readable(lambda: asyncio.run(load_signed_senders(installation, workspace_id)))
    found = next((each for each in senders.values() if said in (each.name, str(each.id))), None)
    if found is None:
        names = ", ".join(sorted(senders)) or "none yet"
        raise Failure(
            f"there is no integration {said!r} in this workspace; there are: {names}",
            code=Exit.NOT_FOUND,
        )
    if found.profile is None:
        raise Failure(found.problem or "its secret cannot be read")
    return found
