"""Matchers as a person types them, one on each line: `host = db-1`, `service =~ web|api`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tocsin.console.forms import lines

_LINE = re.compile(r"(?P<label>[^\s=!~]+)\s*(?P<op>=~|!~|!=|=|:)\s*(?P<value>.*)\Z", re.DOTALL)


def read_matchers(text: str) -> tuple[list[dict[str, str]], str | None]:
    """The matchers, and what is wrong with the first line that is none."""
    found: list[dict[str, str]] = []
    for line in lines(text):
        match = _LINE.match(line)
        if match is None:
            return found, f"“{line[:60]}” is no matcher; write for instance host = db-1."
        op = "=" if match["op"] == ":" else match["op"]
        value = match["value"].strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        found.append({"label": match["label"], "op": op, "value": value})
    return found, None


def write_matchers(matchers: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(f"{each['label']} {each['op']} {each['value']}" for each in matchers)
