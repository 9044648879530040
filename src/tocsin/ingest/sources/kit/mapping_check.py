"""What a mapping may say, and everything that is wrong with one, by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from tocsin.ingest.sources.kit.evaluation import nodes_of
from tocsin.ingest.sources.kit.kinds import KIND_NAMES
from tocsin.ingest.sources.kit.reading import json_type, pointer_to
from tocsin.ingest.sources.kit.signal_fields import (
    ACKNOWLEDGED,
    ENDED,
    EXTERNAL_ID,
    HAPPENED,
    STARTED,
    STATUS,
)
from tocsin.ingest.sources.kit.storable import LABELS_LIMIT
from tocsin.model import Fault, Severity

# Field of a mapping → the places of its default, of which the first is where a result is put.
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "description": ("description",),
    "severity": ("severity",),
    "kind": STATUS,
    "external_id": EXTERNAL_ID,
    "triggered_at": STARTED,
    "occurred_at": (*HAPPENED, *ENDED, *ACKNOWLEDGED),
    "tenant": ("tenant",),
}
FIELDS: Final = (*PLACES, "labels", "metadata", "ignore", "alerts", "severities", "kinds")
_EXPRESSION_LIMIT: Final = 4_000
_NODES_LIMIT: Final = 400
_DEPTH_LIMIT: Final = 80
_WORDS_LIMIT: Final = 1_000


def validate_mapping(document: Any) -> list[Fault]:
    """Everything wrong with a mapping, one fault per place; [] if it can be used."""
    if not isinstance(document, dict):
        return [Fault("", "wrong-type", f"a mapping is an object, not {json_type(document)}")]
    faults: list[Fault] = []
    for name, value in document.items():
        pointer = pointer_to(name)
        if value is None and name in FIELDS:
            continue
        if name not in FIELDS:
            known = ", ".join(FIELDS)
            faults.append(
                Fault(pointer, "unknown-field", f"not a field of a mapping; known are {known}")
            )
        elif name == "severities":
            faults.extend(_check_table(pointer, value, tuple(Severity)))
        elif name == "kinds":
            faults.extend(check_kinds(pointer, value))
        elif name == "labels" and isinstance(value, dict):
            if len(value) > LABELS_LIMIT:
                faults.append(_too_many(pointer, LABELS_LIMIT, "labels"))
            for label, expression in value.items():
                faults.extend(_check_expression(pointer + pointer_to(label), expression))
        else:
            faults.extend(_check_expression(pointer, value))
    return faults


def check_kinds(pointer: str, table: Any) -> list[Fault]:
    """Everything wrong with a table of words and the kinds that they mean."""
    return _check_table(pointer, table, KIND_NAMES)


def _check_table(pointer: str, table: Any, allowed: tuple[str, ...]) -> list[Fault]:
    if not isinstance(table, dict):
        return [Fault(pointer, "wrong-type", "must be an object: a word and what it means")]
    if len(table) > _WORDS_LIMIT:
        return [_too_many(pointer, _WORDS_LIMIT, "words")]
    return [
        Fault(pointer + pointer_to(word), "unknown-value", f"must be one of {', '.join(allowed)}")
        for word, meaning in table.items()
        if meaning not in allowed
    ]


def _check_expression(pointer: str, text: Any) -> list[Fault]:
    if not isinstance(text, str):
        return [Fault(pointer, "wrong-type", f"must be a JMESPath text, not {json_type(text)}")]
    if len(text) > _EXPRESSION_LIMIT:
        return [Fault(pointer, "too-long", f"must be at most {_EXPRESSION_LIMIT} characters")]
    try:
        parsed = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = " ".join(str(error).split())
        return [Fault(pointer, "invalid-expression", f"is not JMESPath: {reason}")]
    except (RecursionError, ValueError, TypeError, IndexError):
        return [Fault(pointer, "invalid-expression", "is not JMESPath, or nests too deep")]
    nodes = list(nodes_of(parsed))
    if len(nodes) > _NODES_LIMIT or nodes[-1][0] > _DEPTH_LIMIT:
        message = f"must have at most {_NODES_LIMIT} parts, nested at most {_DEPTH_LIMIT} deep"
        return [Fault(pointer, "too-long", message)]
    called = {node["value"] for _, node in nodes if node["type"] == "function_expression"}
    return [
        Fault(pointer, "invalid-expression", f"JMESPath knows no function {name}()")
        for name in sorted(called - Functions.FUNCTION_TABLE.keys())
    ]


def _too_many(pointer: str, limit: int, what: str) -> Fault:
    return Fault(pointer, "too-long", f"must hold at most {limit} {what}")
