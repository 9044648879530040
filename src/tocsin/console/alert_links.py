"""Where an alert's sender says to look: runbook, dashboard, the thing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_NAMES = (
    ("runbook_url", "Runbook", "book-open"),
    ("runbook", "Runbook", "book-open"),
    ("dashboardURL", "Dashboard", "chart-line"),
    ("dashboard_url", "Dashboard", "chart-line"),
    ("panelURL", "Panel", "chart-line"),
    ("generatorURL", "Source", "external-link"),
    ("silenceURL", "Silence there", "bell-off"),
    ("url", "Open there", "external-link"),
    ("link", "Open there", "external-link"),
)
_MOST = 4


@dataclass(frozen=True, slots=True)
class AlertLink:
    address: str
    words: str
    icon: str


def links_of(labels: Mapping[str, str], metadata: Mapping[str, Any]) -> list[AlertLink]:
    """Those that a browser may be sent to, each kind once."""
    found: dict[str, AlertLink] = {}
    values = dict(_texts(metadata)) | dict(labels)
    for name, words, icon in _NAMES:
        address = values.get(name, "")
        if words not in found and is_web_address(address):
            found[words] = AlertLink(address, words, icon)
    return list(found.values())[:_MOST]


def is_web_address(text: str) -> bool:
    if len(text) > 2_000 or any(ord(sign) <= 32 for sign in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _texts(value: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """All texts of a document by their own name, those nearer the top last so that they win."""
    if depth < 3:
        for each in value.values():
            if isinstance(each, Mapping):
                yield from _texts(each, depth + 1)
    for name, each in value.items():
        if isinstance(each, str):
            yield name, each
