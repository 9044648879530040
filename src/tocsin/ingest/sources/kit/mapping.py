"""A mapping: JMESPath per normalised field, so that any JSON becomes an alert without code.

    {"title": "event.name", "severity": "event.level", "kind": "event.state",
     "external_id": "event.id", "labels": {"host": "event.host"},
     "severities": {"boom": "CRITICAL"}, "kinds": {"gone": "resolve", "muted": "ignore"},
     "ignore": "event.is_test", "alerts": "events[]"}

With `alerts` the other expressions look at one element each; `_root` in them is the whole payload.
A field without an expression is read from its default place, where that fits. `severities` and
`kinds` come before the built-in tables, in any case of letters; a kind may also be `ignore`. What
`ignore` finds true is no alert.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from functools import lru_cache
from typing import Any, Final

import jmespath
import msgspec

from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.evaluation import (
    METADATA_STEPS,
    BudgetSpent,
    Evaluation,
    Node,
    TooMuchAtOnce,
    explained,
    is_true,
    repeats,
)
from tocsin.ingest.sources.kit.kinds import IGNORE
from tocsin.ingest.sources.kit.make_signal import MAX_ALERTS
from tocsin.ingest.sources.kit.mapping_check import FIELDS, PLACES, validate_mapping
from tocsin.ingest.sources.kit.reading import json_type, text_of
from tocsin.ingest.sources.kit.signal_fields import STATUS, signal_from_fields
from tocsin.ingest.sources.kit.storable import label_text
from tocsin.model import Fault, Severity, Signal

__all__ = ["FIELDS", "Mapping", "compile_mapping", "validate_mapping"]

_SCALARS: Final = ("severity", "triggered_at", "occurred_at")

# What an alert costs by itself, so that repetition in `alerts` is paid for.
_STEPS_PER_ALERT: Final = 6


class Mapping:
    """A compiled mapping. Make one with `compile_mapping`."""

    __slots__ = (
        "_alerts",
        "_each_label",
        "_fields",
        "_ignore",
        "_kinds",
        "_labels",
        "_metadata",
        "_severities",
    )

    def __init__(self, document: AnyMapping[str, Any]) -> None:
        self._fields = {
            name: _compile(document[name]) for name in PLACES if document.get(name) is not None
        }
        labels = document.get("labels")
        self._labels: Node | None = None
        self._each_label: dict[str, Node] | None = None
        if isinstance(labels, dict):
            self._each_label = {name: _compile(text) for name, text in labels.items()}
        elif labels is not None:
            self._labels = _compile(labels)
        metadata, alerts = document.get("metadata"), document.get("alerts")
        ignore = document.get("ignore")
        self._ignore = None if ignore is None else _compile(ignore)
        self._metadata = None if metadata is None else _compile(metadata)
        self._alerts = None if alerts is None else _compile(alerts)
        self._severities = {
            word.strip().lower(): Severity(name)
            for word, name in (document.get("severities") or {}).items()
        }
        self._kinds: dict[str, str] = {
            word.strip().lower(): name for word, name in (document.get("kinds") or {}).items()
        }

    def signals(self, payload: Any, context: Context) -> list[Signal]:
        """The signals of one payload; [] if there is no alert in it or all are to be ignored.

        What the expressions may cost is bounded. Once it is spent, what is left of the payload
        is read from the default fields, flagged `mapping_budget`.

        Raises:
            TooMuchAtOnce: the payload was to be read at once, and costs too much for that.
            InvalidPayload: an expression cannot be evaluated on this payload; the fault's pointer
                is the field of the mapping.
        """
        at_once = context.at_once
        evaluation = Evaluation(at_once=at_once)
        for_metadata = Evaluation(METADATA_STEPS, at_once=at_once)
        if self._alerts is None:
            signal = self._signal(payload, context, evaluation, for_metadata)
            return [] if signal is None else [signal]
        try:
            found = _search(
                "alerts", self._alerts, payload, evaluation, one_by_one=repeats(self._alerts)
            )
        except BudgetSpent:
            signal = _by_default(payload, context)
            return [] if signal is None else [signal]
        if found is None:
            return []
        items = found if isinstance(found, list) else [found]
        if len(items) > MAX_ALERTS:
            message = f"`alerts` finds {len(items)} alerts; at most {MAX_ALERTS} fit one webhook"
            raise InvalidPayload([Fault("/mapping/alerts", "too-many-alerts", message)])
        signals: list[Signal] = []
        for item in items:
            if not isinstance(item, dict):
                message = f"`alerts` must find objects, and found {json_type(item)}"
                raise InvalidPayload([Fault("/mapping/alerts", "mapping-failed", message)])
            whole = {**item, "_root": payload}
            signal = self._signal(whole, context, evaluation, for_metadata)
            if signal is not None:
                signals.append(signal)
        return signals

    def _signal(
        self, item: Any, context: Context, evaluation: Evaluation, for_metadata: Evaluation
    ) -> Signal | None:
        flags: list[str] = []
        try:
            evaluation.charge(_STEPS_PER_ALERT)
            if self._ignore is not None and is_true(
                _search("ignore", self._ignore, item, evaluation)
            ):
                return None
            fields = self._found(item, evaluation, flags)
        except BudgetSpent:
            return _by_default(item, context)
        if self._metadata is not None:
            fields["metadata"] = self._kept(item, for_metadata)
        if self._translate(fields) == IGNORE:
            return None
        return _signal_of(fields, context, *flags)

    def _found(self, item: Any, evaluation: Evaluation, flags: list[str]) -> dict[str, Any]:
        fields = _defaults(item)
        for name, expression in self._fields.items():
            for place in PLACES[name]:
                fields.pop(place, None)
            value = _search(name, expression, item, evaluation)
            if value is not None:
                fields[PLACES[name][0]] = _scalar(value) if name in _SCALARS else label_text(value)
        if self._each_label is not None:
            fields["labels"] = {
                name: _search(f"labels/{name}", expression, item, evaluation)
                for name, expression in self._each_label.items()
            }
        elif self._labels is not None:
            fields["labels"] = labels = _search("labels", self._labels, item, evaluation)
            if not isinstance(labels, (dict, type(None))):
                fields["labels"] = None
                flags.append("labels_not_an_object")
        if self._metadata is not None:
            kept = {place for places in PLACES.values() for place in places} | {"labels"}
            fields = {name: value for name, value in fields.items() if name in kept}
        return fields

    def _kept(self, item: Any, evaluation: Evaluation) -> dict[str, Any]:
        try:
            found = _search("metadata", self._metadata, item, evaluation, one_by_one=True)
        except BudgetSpent:
            evaluation.left = 0
            return {"value": "[left out: too large]"}
        return found if isinstance(found, dict) else {"value": found}

    def _translate(self, fields: dict[str, Any]) -> str | None:
        """Apply the tables to the words found; the kind if it is one of the own table."""
        if self._severities and (word := _word(fields.get("severity"))) in self._severities:
            fields["severity"] = self._severities[word].value
        status = next((fields[name] for name in STATUS if fields.get(name) is not None), None)
        if status is None:
            return None
        word = _word(status)
        kind = self._kinds.get(word)
        for name in STATUS:
            fields.pop(name, None)
        fields["status"] = word if kind is None else kind
        return kind


def compile_mapping(document: AnyMapping[str, Any]) -> Mapping:
    """The compiled mapping; equal documents share one.

    Raises:
        InvalidPayload: with the faults that `validate_mapping` finds.
    """
    try:
        return _compiled(msgspec.json.encode(document, order="deterministic"))
    except (TypeError, UnicodeEncodeError):
        raise InvalidPayload(validate_mapping(document)) from None


@lru_cache(maxsize=1024)
def _compiled(encoded: bytes) -> Mapping:
    document = msgspec.json.decode(encoded)
    if faults := validate_mapping(document):
        raise InvalidPayload(faults)
    return Mapping(document)


def _compile(text: str) -> Node:
    return jmespath.compile(text).parsed


def _search(
    name: str, expression: Node, item: Any, evaluation: Evaluation, *, one_by_one: bool = False
) -> Any:
    try:
        return evaluation.search(expression, item, one_by_one=one_by_one)
    except (BudgetSpent, TooMuchAtOnce):
        raise
    except Exception as error:  # a user's expression on a stranger's data may fail in any way
        message = f"the mapping's `{name}` cannot be evaluated on this payload: {explained(error)}"
        raise InvalidPayload([Fault(f"/mapping/{name}", "mapping-failed", message)]) from None


def _by_default(item: Any, context: Context) -> Signal | None:
    return _signal_of(_defaults(item), context, "mapping_budget")


def _signal_of(fields: dict[str, Any], context: Context, *flags: str) -> Signal | None:
    external_id = text_of(fields.get("external_id"))
    signal = signal_from_fields(
        fields, context, fallback_title=f"Alert {external_id}" if external_id else "Alert"
    )
    if flags and signal is not None:
        signal.flags = (*signal.flags, *flags)
    return signal


def _defaults(item: Any) -> dict[str, Any]:
    """The item's own fields, less those of default names whose type does not fit: that a tool has
    another use for such a name is no fault where a mapping is in force."""
    if not isinstance(item, dict):
        return {}
    fields = dict(item)
    fields.pop("_root", None)
    for name, places in PLACES.items():
        for place in places:
            value = fields.get(place)
            if isinstance(value, (dict, list, bool)) or (
                isinstance(value, (int, float)) and name in ("title", "description", "tenant")
            ):
                del fields[place]
            elif isinstance(value, float) and name == "external_id":
                fields[place] = str(value)
    if not isinstance(fields.get("labels"), dict):
        fields.pop("labels", None)
    return fields


def _scalar(value: Any) -> Any:
    """What an expression found, as text or number; objects and arrays as JSON text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return label_text(value)


def _word(value: Any) -> str:
    return "" if value is None else label_text(value).strip().lower()
