"""What `/metrics` shows, and what a query in PromQL asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FAMILY = re.compile(r"^# TYPE (tocsin_\w+) (\w+)$", re.MULTILINE)
_SERIES = re.compile(r"^(tocsin_\w+?)(?:\{(.*)\})? \S+$", re.MULTILINE)
_ASKED = re.compile(r"\b(tocsin_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")

SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus itself adds."""


@dataclass(frozen=True)
class Metric:
    family: str
    labels: frozenset[str]


def exposed_in(text: str) -> dict[str, Metric]:
    """By the names that can be asked for. What has shown no series yet has no labels here."""
    families: dict[str, str] = {}
    for family, kind in _FAMILY.findall(text):
        if kind == "histogram":
            families |= {f"{family}{end}": family for end in ("_bucket", "_sum", "_count")}
        else:
            families[family] = family
    labels: dict[str, set[str]] = {name: set(SCRAPED) for name in families}
    for name, inside in _SERIES.findall(text):
        labels[name] |= set(re.findall(r"(\w+)=", inside))
    return {name: Metric(family, frozenset(labels[name])) for name, family in families.items()}


def metrics_of(query: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each metric that is asked for, with the labels that it is asked by."""
    grouped = {name.strip() for inside in _BY.findall(query) for name in inside.split(",")}
    for name, inside in _ASKED.findall(query):
        yield name, frozenset({*grouped, *re.findall(r"(\w+)[=!]", inside)})
