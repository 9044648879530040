"""Matchers as Alertmanager writes them, and the labels that they see.

A sender's own labels keep their names. What is Tocsin's own and no label goes by `tocsin_title`,
`tocsin_severity` and `tocsin_source` on alerts that are not from a Prometheus, so that a silence made of
any label that is shown holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tocsin.routing.matchers import OWN_LABEL, compile_pattern, own_name

_WRITTEN: Final = re.compile(
    r"\s*([^=!~\s{},\"]+|\"(?:[^\"\\]|\\.)*\")\s*(=~|!~|!=|=)(.*)", re.DOTALL
)
BUILT_IN: Final = {
    "tocsin_title": "title",
    "tocsin_severity": "severity",
    "tocsin_source": "source",
}
_SHOWN: Final = {label: name for name, label in BUILT_IN.items()}


class QueryMatcher:
    """One `name=value` of a query."""

    def __init__(self, name: str, op: str, value: str) -> None:
        """Compile it.

        Raises:
            ValueError: its expression cannot be compiled.
        """
        self.name, self.op, self.value = name, op, value
        self._pattern = compile_pattern(value) if op in ("=~", "!~") else None

    @classmethod
    def read(cls, text: str) -> QueryMatcher:
        """A matcher as it stands in a query.

        Raises:
            ValueError: it is not of that form.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"bad matcher format: {text}")
        return cls(_unquoted(found[1]), found[2], _unquoted(found[3].strip()))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """A label that is missing counts as empty."""
        value = labels.get(self.name, "")
        if self._pattern is None:
            return (value == self.value) is (self.op == "=")
        hit = self._pattern.fullmatch(value.encode("utf-8", "replace")) is not None
        return hit is (self.op == "=~")


def to_label(name: str) -> str:
    """The label that a matcher of ours looks at, for a name that a client gives."""
    return BUILT_IN.get(name) or OWN_LABEL + name


def to_name(label: str) -> str:
    """The other way round; for matchers that were made here, too."""
    return _SHOWN.get(label) or own_name(label)


def shown_labels(row: Any) -> dict[str, str]:
    """The labels of a live alert as clients see them."""
    labels = {name: value for name, value in row.labels.items() if value}
    if row.type == "prometheus":
        # As they were posted, or their fingerprint would be another than the sender's.
        return labels
    if row.type in ("alertmanager", "grafana") and "alertname" in labels:
        return labels
    return {
        **labels,
        "tocsin_title": row.title,
        "tocsin_severity": row.severity.value,
        "tocsin_source": row.source,
    }


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text[1:-1])
    return text
