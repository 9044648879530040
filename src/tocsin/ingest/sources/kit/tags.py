"""Tags as labels, so that rules can match on them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from tocsin.ingest.sources.kit.reading import object_of, text_of

MAX_TAGS: Final = 500


def labels_of_pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Names and values; a name without a value is `true`, one that repeats has a list."""
    found: dict[str, list[str]] = {}
    for name, value in islice(pairs, MAX_TAGS):
        if (label := text_of(name)) is not None:
            found.setdefault(label, []).append(text_of(value) or "true")
    return {name: ",".join(values) for name, values in found.items()}


def labels_of_objects(objects: Any, name: str) -> dict[str, str]:
    """Of a list of objects, each with a member `name` and a member `value`."""
    return labels_of_pairs(
        (object_of(each).get(name), object_of(each).get("value"))
        for each in (objects if isinstance(objects, list) else ())
    )


def labels_of_tags(tags: Iterable[Any], separators: str = ":") -> dict[str, str]:
    """Texts such as `env:prod` or `urgent`, split at the first of the separators."""
    return labels_of_pairs(_split(text_of(tag) or "", separators) for tag in islice(tags, MAX_TAGS))


def _split(tag: str, separators: str) -> tuple[str, str]:
    for index, character in enumerate(tag):
        if character in separators:
            return tag[:index].strip(), tag[index + 1 :].strip()
    return tag, ""
