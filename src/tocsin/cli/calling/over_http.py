"""The API of a server elsewhere, with an API key: it says which workspace, and what may be done."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.cli.calling.client import ROOT, ApiClient
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE
from tocsin.model import Secret

_SECONDS = 30.0
_KEY = "TOCSIN_API_KEY"


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """Where a command is to ask, and with which key."""

    url: str
    key: Secret

    @classmethod
    def of(
        cls, url: str, key_file: Path | None, environ: Mapping[str, str] = os.environ
    ) -> RemoteServer:
        """The server at `url`, with the key of the file, else of the environment.

        Raises:
            Failure: there is no key, or its file cannot be read.
        """
        path = key_file or environ.get(f"{_KEY}_FILE")
        try:
            key = Path(path).read_text(encoding="ascii") if path else environ.get(_KEY, "")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise Failure(f"cannot read the API key in {path}: {reason}", code=Exit.USAGE) from None
        if not key.strip():
            raise Failure(
                f"--server needs an API key: set {_KEY}, or name a file with --api-key-file; "
                "`tocsin api-key create` makes one, there",
                code=Exit.USAGE,
            )
        return cls(url.rstrip("/"), Secret(key.strip()))


class HttpApi(ApiClient):
    def __init__(self, server: RemoteServer) -> None:
        self._server = server

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        from tocsin.cli.kit.one_request import NoServer, request

        url = self._server.url
        headers = {"Authorization": f"Bearer {self._server.key.reveal_text()}"}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            status, answered = request(
                method, f"{url}{ROOT}{path}?{query}", body, headers, timeout=_SECONDS
            )
        except NoServer as error:
            raise Failure(f"no answer from {url}: {error}", code=Exit.UNREACHABLE) from None
        if not _is_ours(status, answered):
            raise Failure(f"{url} answered {status}, and not as Tocsin does; is it one?")
        return status, answered

    def check_workspace(self, slug: str) -> None:
        """Lets a command go on that names this workspace.

        Raises:
            Failure: the key is of another workspace than this.
        """
        if slug == DEFAULT_WORKSPACE:
            # What a command means that names none: the one of the key.
            return
        keys = self.items("/workspaces", limit=1)[0]["slug"]
        if keys != slug:
            raise Failure(
                f"the API key is of the workspace {keys!r}, not {slug!r}", code=Exit.USAGE
            )


def _is_ours(status: int, answered: bytes) -> bool:
    try:
        document = json.loads(answered) if answered else None
    except ValueError:
        return False
    if status >= 400:
        return isinstance(document, dict) and "detail" in document and "status" in document
    return 200 <= status < 300
