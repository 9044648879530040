"""The links of an alert's sender, as a page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.model.sender_links import LinkKind, sender_links

_ICONS = {
    LinkKind.RUNBOOK: "book-open",
    LinkKind.DASHBOARD: "chart-line",
    LinkKind.PANEL: "chart-line",
    LinkKind.SOURCE: "external-link",
    LinkKind.SILENCE: "bell-off",
}


@dataclass(frozen=True, slots=True)
class AlertLink:
    address: str
    words: str
    icon: str
    silences: bool = False


def links_of(labels: Mapping[str, str], metadata: Mapping[str, Any]) -> list[AlertLink]:
    return [
        AlertLink(
            link.address,
            "Silence there" if link.kind is LinkKind.SILENCE else link.kind.value,
            _ICONS[link.kind],
            silences=link.kind is LinkKind.SILENCE,
        )
        for link in sender_links(labels, metadata)
    ]
