"""`/api/v1` as a command asks it; answers are the API's own JSON documents."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tocsin.cli.kit.exits import Exit, Failure

ROOT = "/api/v1"
_UNREACHABLE = 503
_INVALID = (400, 422)
_PAGE = 200


class ApiClient(ABC):
    """The API as an admin of one workspace, or as whatever the key of the request may do."""

    @abstractmethod
    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        """The status and the body just as they would go over the wire. `path` is below `/api/v1`,
        `body` a JSON document or nothing.

        Raises:
            Failure: if there is no answer.
        """

    def pause(self, seconds: float) -> None:
        """Let the server go on with what it was asked for."""
        time.sleep(seconds)

    def get(self, path: str, **query: Any) -> Any:
        return self.request("GET", path, query=query)

    def post(self, path: str, document: Any = None) -> Any:
        return self.request("POST", path, document)

    def patch(self, path: str, document: Any) -> Any:
        return self.request("PATCH", path, document)

    def put(self, path: str, document: Any) -> Any:
        return self.request("PUT", path, document)

    def delete(self, path: str, **query: Any) -> Any:
        return self.request("DELETE", path, query=query)

    def items(self, path: str, limit: int, **query: Any) -> list[Any]:
        """The first `limit` of a list, over as many pages as that takes."""
        found: list[Any] = []
        cursor = None
        while len(found) < limit:
            page = self.get(path, limit=min(limit - len(found), _PAGE), cursor=cursor, **query)
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
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Asks the API, and returns the document that it answers.

        Raises:
            Failure: with the words of the problem answered, and an exit code that fits it.
        """
        given = {name: value for name, value in (query or {}).items() if value not in (None, [])}
        body = b"" if document is None else json.dumps(document).encode()
        status, answered = self.answer(method, path, urlencode(given, doseq=True), body)
        parsed = json.loads(answered) if answered else None
        if status >= 400:
            raise problem_failure(parsed)
        return parsed


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


def no_workspace(slug: str) -> Failure:
    return Failure(
        f"there is no workspace {slug!r}; `tocsin workspace list` shows what there is",
        code=Exit.NOT_FOUND,
    )
