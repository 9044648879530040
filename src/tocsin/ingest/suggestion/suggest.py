"""A mapping proposed from samples of what a tool sends, with a reason for each of its fields.

It is a beginning for a person who knows the tool: nothing is put in force by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final

from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.suggestion.likeness import NOTHING, Likeness, kind_of, likeness
from tocsin.ingest.suggestion.places import (
    MOST_PAYLOADS,
    Path,
    Place,
    Sample,
    expression,
    lists_of,
    objects_of,
    places_of,
)
from tocsin.turns import rest

MOST_SAMPLES: Final = 60
"""Alerts that are looked at, of all payloads together."""

_ORDER: Final = (
    "kind",
    "severity",
    "external_id",
    "title",
    "description",
    "triggered_at",
    "occurred_at",
)
"""Fields in the order in which places are given away: a state tells how ids are to be read."""
_NEEDED: Final = ("title", "severity", "kind", "external_id")
_LISTS_WORDS: Final = (
    "alerts alert events incidents problems notifications issues records items messages entries"
)
_LISTS: Final = frozenset(_LISTS_WORDS.split())
_LABEL_OBJECTS_WORDS: Final = (
    "labels tags dimensions attributes custom properties context fields metadata extra"
)
_LABEL_OBJECTS: Final = frozenset(_LABEL_OBJECTS_WORDS.split())
_LABELS_WORDS: Final = (
    "host hostname instance node server device service application app component resource cluster"
    " namespace pod container env environment region zone site location team project job monitor"
    " check probe url"
)
_LABELS: Final = frozenset(_LABELS_WORDS.split())
_HOSTS: Final = frozenset(("host", "hostname", "node", "instance", "server"))
_CHECKS: Final = frozenset(
    ("servicedesc", "check", "checkname", "service", "servicename", "alertname", "rule", "rulename")
)
_MOST_LABELS: Final = 12
_MANY_PLACES: Final = 100
_MOST_LISTS: Final = 4
_LASTS: Final = "firing active alerting down failing failed problem triggered"
_IS_OVER: Final = "resolved ok up recovered closed healthy passing"
_FLAGS: Final = {
    **dict.fromkeys(_LASTS.split(), True),
    **dict.fromkeys(_IS_OVER.split(), False),
}
"""What is true of an alert that lasts, or of one that is over."""
_TESTS: Final = frozenset(("test", "is test", "dry run"))


@dataclass(frozen=True, slots=True)
class FieldSuggested:
    """One field of the proposal and why."""

    field: str
    expression: str
    confidence: str
    """`sure`, `likely` or `guess`."""
    reason: str
    found_in: int
    of: int
    examples: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    mapping: dict[str, Any]
    fields: Sequence[FieldSuggested]
    missing: Sequence[str] = ()
    """Fields of an alert that nothing in the samples looks like, in words."""
    unknown_words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Words of a state or a severity that nobody knows, by the table of the mapping to put them in."""
    samples: int = 0


def suggest(payloads: Sequence[Any]) -> Suggestion:
    """What of `payloads` would be an alert's fields. Work is bounded, whatever they hold."""
    payloads = payloads[:MOST_SAMPLES]
    single = _Proposal.of([Sample(payload) for payload in payloads if isinstance(payload, dict)])
    best, where = single, None
    lists = [
        each for each in lists_of(payloads) if 2 * len(each[1]) >= min(len(payloads), MOST_PAYLOADS)
    ]
    lists.sort(key=lambda each: not _is_named_so(each[0]))
    for path, found in lists[:_MOST_LISTS]:
        several = _Proposal.of(list(islice(_elements(payloads, path), MOST_SAMPLES)))
        plural = any(len(items) > 1 for items in found)
        extra = (3 if plural else 0) + (6 if _is_named_so(path) or not path else 0)
        if several.weight + extra > best.weight + (0 if best is not single else 6):
            best, where = several, path
    return best.suggestion(where)


def _is_named_so(path: Path) -> bool:
    return bool(_LISTS.intersection(path[-1:]))


def _elements(payloads: Sequence[Any], path: Path) -> Iterator[Sample]:
    for payload in payloads:
        at = payload
        for step in path:
            at = at.get(step) if isinstance(at, dict) else None
        for item in at if isinstance(at, list) else ():
            if isinstance(item, dict):
                yield Sample(item, payload)


@dataclass
class _Proposal:
    """For samples of one kind: those of whole payloads, or of the elements of a list."""

    samples: Sequence[Sample]
    chosen: dict[str, tuple[Place, Likeness]]
    places: Sequence[Place]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> _Proposal:
        samples = samples[:MOST_SAMPLES]
        places = places_of(samples)
        chosen: dict[str, tuple[Place, Likeness]] = {}
        kinds: Mapping[int, Any] = {}
        for name in _ORDER:
            if len(places) > _MANY_PLACES:
                rest()
            taken = [place for place, _ in chosen.values()]
            best = max(
                (
                    (place, likeness(name, place, kinds))
                    for place in places
                    if not any(place is each for each in taken)
                ),
                key=lambda pair: pair[1].points,
                default=None,
            )
            if best is None or best[1] is NOTHING:
                continue
            chosen[name] = best
            if name == "kind":
                kinds = {number: kind_of(value) for number, value in best[0].by_sample.items()}
        return cls(samples, chosen, places)

    @property
    def flag(self) -> tuple[str, FieldSuggested] | None:
        """A truth that says whether it is so, where no word does, as the state."""
        if "kind" in self.chosen:
            return None
        for place in self.places:
            word = "".join(each for each in place.words if each not in ("is", "alert", "has"))
            if all(isinstance(value, bool) for value in place.values) and word in _FLAGS:
                said = ("firing", "resolved") if _FLAGS[word] else ("resolved", "firing")
                text = f"{place.expression} && '{said[0]}' || '{said[1]}'"
                reason = f"it is named {place.name}, and is true or false"
                made = _field("kind", place, "likely", reason)
                return text, replace(made, expression=text)
        return None

    @cached_property
    def pair(self) -> FieldSuggested | None:
        """A host and what is checked on it, where nothing else names the alert."""
        if "external_id" in self.chosen:
            return None
        host = next((each for each in self.places if _HOSTS.intersection(each.words)), None)
        check = next((each for each in self.places if "".join(each.words) in _CHECKS), None)
        if host is None or check is None or host is check:
            return None
        text = f"join('/', [{host.expression}, {check.expression}][?@])"
        reason = f"{host.name} and {check.name} together: nothing else names the alert"
        made = _field("external_id", check, "guess", reason, examples=())
        return replace(made, expression=text)

    @property
    def weight(self) -> float:
        return sum(self.chosen[name][1].points for name in _NEEDED if name in self.chosen)

    def suggestion(self, where: Path | None) -> Suggestion:
        fields: list[FieldSuggested] = []
        mapping: dict[str, Any] = {}
        if where is not None:
            mapping["alerts"] = expression(where)
            fields.append(
                FieldSuggested(
                    "alerts",
                    expression(where),
                    "sure",
                    "a list whose elements look like alerts",
                    len(self.samples),
                    len(self.samples),
                )
            )
        for name in ("title", "description", "severity", "kind", "external_id", *_ORDER[-2:]):
            if name == "kind" and self.flag is not None:
                mapping[name], by_flag = self.flag
                fields.append(by_flag)
                continue
            if name == "external_id" and self.pair is not None:
                mapping[name] = self.pair.expression
                fields.append(self.pair)
            if name not in self.chosen:
                continue
            place, like = self.chosen[name]
            mapping[name] = place.expression
            fields.append(_field(name, place, like.confidence, " and ".join(like.because)))
        self._add_labels(mapping, fields)
        self._add_ignore(mapping, fields)
        return Suggestion(
            mapping,
            fields,
            [_MISSING[name] for name in _MISSING if name not in mapping],
            self._unknown_words(),
            len(self.samples),
        )

    def _add_labels(self, mapping: dict[str, Any], fields: list[FieldSuggested]) -> None:
        objects = [
            place
            for place in objects_of(self.samples)
            if _LABEL_OBJECTS.intersection(place.words[-1:])
            and not any(isinstance(step, int) for step in place.path)
        ]
        if objects:
            best = max(objects, key=lambda place: (place.found_in, -len(place.path)))
            mapping["labels"] = best.expression
            reason = f"an object of names and values, named {best.name}"
            fields.append(_field("labels", best, "sure", reason, examples=()))
            return
        taken = [place for place, _ in self.chosen.values()]
        labels: dict[str, str] = {}
        for place in self.places:
            name = "_".join(place.words)
            if (
                place.words
                and _LABELS.intersection((place.words[0], place.words[-1]))
                and len(place.words) <= 2
                and name not in labels
                and place.path[:1] != ("_root",)
                and not any(place is each for each in taken)
                and all(len(str(value)) <= 100 for value in place.values)
            ):
                labels[name] = place.expression
                fields.append(
                    _field(f"labels/{name}", place, "likely", f"it is named {place.name}")
                )
            if len(labels) == _MOST_LABELS:
                break
        if labels:
            mapping["labels"] = labels

    def _add_ignore(self, mapping: dict[str, Any], fields: list[FieldSuggested]) -> None:
        for place in self.places:
            if " ".join(place.words) in _TESTS and all(
                isinstance(value, bool) for value in place.values
            ):
                mapping["ignore"] = place.expression
                reason = f"it is named {place.name}, and is true or false"
                fields.append(_field("ignore", place, "likely", reason))
                return

    def _unknown_words(self) -> dict[str, list[str]]:
        unknown: dict[str, list[str]] = {}
        for name, table, is_known in _TABLES:
            if name in self.chosen:
                words = [
                    str(value)[:100] for value in self.chosen[name][0].values if not is_known(value)
                ]
                if words:
                    unknown[table] = words
        return unknown


def _field(
    name: str,
    place: Place,
    confidence: str,
    reason: str,
    examples: Sequence[Any] | None = None,
) -> FieldSuggested:
    shown = place.values[:3] if examples is None else examples
    return FieldSuggested(
        name,
        place.expression,
        confidence,
        reason[:1].upper() + reason[1:],
        place.found_in,
        place.of,
        [value[:200] if isinstance(value, str) else value for value in shown],
    )


_MISSING: Final = {
    "title": "title: nothing says in a line what is wrong; alerts are named by their id, or `Alert`",
    "severity": "severity: nothing says how bad it is; it is the integration's default",
    "kind": "kind: nothing says whether it begins or ends; everything opens or repeats an alert",
    "external_id": "external_id: nothing names the alert, so that no end can be told whose it is;"
    " join what does, as in join('/', [host, check])",
}


def _is_severity(value: Any) -> bool:
    return parse_severity(value)[0] is not None


def _is_state(value: Any) -> bool:
    return isinstance(value, str) and not parse_kind(value)[1]


_TABLES: Final = (("severity", "severities", _is_severity), ("kind", "kinds", _is_state))
