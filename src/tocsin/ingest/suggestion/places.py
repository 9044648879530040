"""Where values are in samples of what one tool sends, and what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

MOST_PLACES: Final = 400
"""Of one sample; what is further down is not looked at."""
MOST_TEXT: Final = 2_000
MOST_PAYLOADS: Final = 20
"""That are looked at for lists."""
_DEEPEST: Final = 8
_MOST_VALUES: Final = 20
"""Different ones that are kept of a place."""

Path = tuple[str | int, ...]

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(slots=True)
class Sample:
    """What one alert is read from."""

    item: Any
    root: Any = None
    """The whole payload, where `item` is one of several in it."""


@dataclass
class Place:
    """A path, and what stands there in the samples that have it."""

    path: Path
    of: int
    """How many samples there are."""
    by_sample: dict[int, Any] = field(default_factory=dict)
    """What says something, by the number of the sample."""

    @property
    def expression(self) -> str:
        return expression(self.path)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Of its name, in lower case; of an element of a list those of the list's name."""
        return words_of(self._names[-1]) if self._names else ()

    @cached_property
    def above(self) -> tuple[str, ...]:
        """The words of the names above it."""
        return tuple(word for name in self._names[:-1] for word in words_of(name))

    @property
    def name(self) -> str:
        return self._names[-1] if self._names else ""

    @property
    def found_in(self) -> int:
        return len(self.by_sample)

    @cached_property
    def values(self) -> list[Any]:
        """The different ones, at most some."""
        seen: dict[str, Any] = {}
        for value in self.by_sample.values():
            if len(seen) >= _MOST_VALUES:
                break
            seen.setdefault(json.dumps(value, default=str)[:MOST_TEXT], value)
        return list(seen.values())

    @cached_property
    def _names(self) -> list[str]:
        return [step for step in self.path if isinstance(step, str) and step != "_root"]


def places_of(samples: Sequence[Sample]) -> list[Place]:
    """All scalars, in the order in which they first stand there."""
    found: dict[Path, Place] = {}
    for number, sample in enumerate(samples):
        for path, value in _scalars(sample):
            if value is None or value == "":
                continue
            place = found.get(path)
            if place is None:
                place = found[path] = Place(path, len(samples))
            place.by_sample[number] = value[:MOST_TEXT] if isinstance(value, str) else value
    return list(found.values())


def objects_of(samples: Sequence[Sample]) -> list[Place]:
    """All objects that hold nothing but scalars."""
    found: dict[Path, Place] = {}
    for number, sample in enumerate(samples):
        for path, value in _objects(sample):
            place = found.setdefault(path, Place(path, len(samples)))
            place.by_sample[number] = value
    return list(found.values())


def lists_of(payloads: Sequence[Any]) -> list[tuple[Path, list[Any]]]:
    """Lists of objects, as they are in those payloads that have them; first those that stand highest."""
    found: dict[Path, list[Any]] = {}
    for payload in payloads[:MOST_PAYLOADS]:
        for path, value in _walk(payload, (), only_objects=True):
            if isinstance(value, list) and value and isinstance(value[0], dict):
                found.setdefault(path, []).append(value)
    return sorted(found.items(), key=lambda each: len(each[0]))


def expression(path: Path) -> str:
    """The path in JMESPath."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        name = step if _PLAIN_NAME.fullmatch(step) else json.dumps(step)
        text += f".{name}" if text else name
    return text or "@"


def words_of(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name[:100]))


def _scalars(sample: Sample) -> Iterator[tuple[Path, Any]]:
    left = MOST_PLACES
    for start, item in ((), sample.item), (("_root",), sample.root):
        for path, value in _walk(item, start, only_objects=bool(start)):
            if isinstance(value, (dict, list)):
                continue
            yield path, value
            left -= 1
            if not left:
                return


def _objects(sample: Sample) -> Iterator[tuple[Path, Any]]:
    left = MOST_PLACES
    for path, value in _walk(sample.item, ()):
        if isinstance(value, dict) and value and path and _is_flat(value):
            yield path, value
        left -= 1
        if not left:
            return


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(isinstance(each, (dict, list)) for each in value.values())


def _walk(value: Any, path: Path, *, only_objects: bool = False) -> Iterator[tuple[Path, Any]]:
    """Everything in it, the upper first. Of a list the first element, unless `only_objects`."""
    layer = [(path, value)]
    for _ in range(_DEEPEST):
        below: list[tuple[Path, Any]] = []
        for at, each in layer:
            yield at, each
            if isinstance(each, dict):
                below += [((*at, name), inner) for name, inner in list(each.items())[:MOST_PLACES]]
            elif isinstance(each, list) and each and not only_objects:
                below.append(((*at, 0), each[0]))
        layer = below[: 4 * MOST_PLACES]
