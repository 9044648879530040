"""What a server answered, as the tests of every room read it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response: http.client.HTTPResponse) -> Answer:
        """All of it; names of headers in lower case."""
        headers = {name.lower(): value for name, value in response.getheaders()}
        return cls(response.status, headers, response.read())

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """The problem answered; fails unless it is a well-formed problem document (RFC 9457)."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json()
        assert {"type", "title", "status", "detail", "instance"} <= document.keys()
        assert document["status"] == self.status
        slug: str = document["type"].removeprefix("/problems/")
        return slug
