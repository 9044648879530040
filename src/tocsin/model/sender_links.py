"""Where an alert's sender says to look: the runbook, the dashboard, the thing itself.

Found by name in labels and metadata, whichever tool sent them: messages and pages offer the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

LONGEST = 2_000
"""Characters of an address; what is longer opens in no browser for certain."""
_DEPTH = 3
_MOST_TEXTS = 500


class LinkKind(StrEnum):
    """In the order of use at night: what to do, what it looks like, who says so, how it is silenced."""

    RUNBOOK = "Runbook"
    DASHBOARD = "Dashboard"
    PANEL = "Panel"
    SOURCE = "Source"
    SILENCE = "Silence"


# As the tools write them, without what only separates words; of one kind, the first that is there.
_NAMES = {
    LinkKind.RUNBOOK: ("runbookurl", "runbooklink", "runbook", "playbookurl", "playbook"),
    LinkKind.DASHBOARD: ("dashboardurl", "dashboardlink", "dashboard", "grafanaurl"),
    LinkKind.PANEL: ("panelurl",),
    LinkKind.SOURCE: (
        "generatorurl",
        "alerturl",
        "incidenturl",
        "eventurl",
        "issueurl",
        "problemurl",
        "ruleurl",
        "monitorurl",
        "queryurl",
        "htmlurl",
        "weburl",
        "permalink",
        "fullurl",
        "clienturl",
        "url",
        "link",
    ),
    LinkKind.SILENCE: ("silenceurl",),
}
_WORDS = (
    ("runbook", LinkKind.RUNBOOK),
    ("playbook", LinkKind.RUNBOOK),
    ("dashboard", LinkKind.DASHBOARD),
    ("silence", LinkKind.SILENCE),
)
_MOST_LISTED = 20
_KNOWN = frozenset(name for names in _NAMES.values() for name in names)


@dataclass(frozen=True, slots=True)
class SenderLink:
    kind: LinkKind
    address: str


def sender_links(labels: Mapping[str, str], metadata: Mapping[str, Any]) -> list[SenderLink]:
    """Those that a browser may be sent to, each kind once, and no address twice."""
    values = dict(_texts(metadata)) | dict(_texts(labels))
    listed = dict(_listed(metadata.get("links")))
    found: dict[str, LinkKind] = {}
    for kind, names in _NAMES.items():
        address = next((values[name] for name in names if name in values), listed.get(kind))
        if address is not None:
            found.setdefault(address, kind)
    return [SenderLink(kind, address) for address, kind in found.items()]


def is_link_name(name: str) -> bool:
    """Whether a label of this name is offered as a link, where its value is one."""
    return _plain(name) in _KNOWN


def is_web_address(text: str) -> bool:
    """Whether it is a whole http(s) address, and nothing else."""
    if not text.startswith(("http://", "https://")) or len(text) > LONGEST:
        return False
    if any(ord(sign) <= 32 or sign in '<>"\\' for sign in text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname)


def _texts(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts of a document that have a name we know; those nearer the top last, so that they win."""
    left = _MOST_TEXTS

    def walk(each: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
        nonlocal left
        if depth < _DEPTH:
            for inner in each.values():
                if isinstance(inner, Mapping):
                    yield from walk(inner, depth + 1)
        for name, text in each.items():
            left -= 1
            if left < 0:
                return
            if isinstance(text, str) and _plain(name) in _KNOWN and is_web_address(text):
                yield _plain(name), text

    return walk(value, 0)


def _listed(links: Any) -> Iterator[tuple[LinkKind, str]]:
    """`[{"href": …, "text": …}]`, as PagerDuty's events have it; the first of each kind last, so that it
    wins."""
    for each in reversed(links[:_MOST_LISTED] if isinstance(links, list) else []):
        address = each.get("href") if isinstance(each, Mapping) else None
        if isinstance(address, str) and is_web_address(address):
            text = str(each.get("text") or "")[:100].lower()
            kinds = (kind for word, kind in _WORDS if word in text)
            yield next(kinds, LinkKind.SOURCE), address


def _plain(name: str) -> str:
    return name[:64].lower().replace("_", "").replace("-", "").replace(" ", "")
