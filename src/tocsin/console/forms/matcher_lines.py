"""Matchers as a person types them, one on each line: `host = db-1`, `service =~ web|api`; and names of
labels, apart by blanks. What stands in quotation marks is taken as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tocsin.console.forms.forms import lines

_LABEL = re.compile(r'"([^"]+)"|([^\s,"]+)')
_LINE = re.compile(
    r'(?:"(?P<quoted>[^"]+)"|(?P<label>[^\s=!~]+))\s*(?P<op>=~|!~|!=|=|:)\s*(?P<value>.*)\Z',
    re.DOTALL,
)


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
        found.append({"label": match["quoted"] or match["label"], "op": op, "value": value})
    return found, None


def write_matchers(matchers: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{_label(each['label'])} {each['op']} {_value(each['value'])}" for each in matchers
    )


def _label(text: str) -> str:
    return f'"{text}"' if re.search(r"[\s=!~]", text) and '"' not in text else text


def _value(text: str) -> str:
    """In quotation marks where reading it would take something off its ends."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return f'"{text}"' if is_quoted or text != text.strip() else text


def read_labels(text: str) -> list[str]:
    return [quoted or plain for quoted, plain in _LABEL.findall(text)]


def write_labels(labels: Iterable[str]) -> str:
    return " ".join(
        f'"{each}"' if re.search(r"[\s,]", each) and '"' not in each else each for each in labels
    )
