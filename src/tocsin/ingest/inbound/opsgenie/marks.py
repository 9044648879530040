"""Tags and details of an alert, added and taken away: what an alert has then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tocsin.ingest.inbound.base import Request
from tocsin.ingest.sources.kit.reading import object_of, text_of
from tocsin.ingest.sources.opsgenie import LABELS, labels_of
from tocsin.store.tables import Alert

VERBS: Final = ("tags", "details")


class Marked(NamedTuple):
    """What is asked, in the word that the source knows, and labels and metadata that come of it."""

    action: str
    labels: dict[str, str]
    metadata: dict[str, Any]


def marked(
    verb: str, request: Request, body: Mapping[str, Any], alert: Alert
) -> Marked | dict[str, str]:
    """Or what is wrong with the request, by field."""
    metadata = dict(alert.metadata_)
    held = metadata.get("tags")
    tags = [str(tag) for tag in held] if isinstance(held, list) else []
    details = dict(object_of(metadata.get("details")))
    takes_away = request.method == "DELETE"
    if verb == "tags":
        named = _named(request.first("tags")) if takes_away else _texts(body.get("tags"))
        if not named:
            return {"tags": "Tags can not be empty."}
        if takes_away:
            tags = [tag for tag in tags if tag not in named]
        else:
            tags += [tag for tag in dict.fromkeys(named) if tag not in tags]
    elif takes_away:
        if not (keys := _named(request.first("keys"))):
            return {"keys": "Keys can not be empty."}
        details = {name: value for name, value in details.items() if name not in keys}
    else:
        given = body.get("details")
        if not isinstance(given, dict) or not given:
            return {"details": "Details can not be empty."}
        details |= given
    kept = {name: alert.labels[name] for name in LABELS if name in alert.labels}
    # What a signal leaves out stays as it is, so that nothing is said of an empty list, too.
    labels = {name: value for name, value in labels_of(tags, details).items() if value}
    return Marked(
        f"{'remove' if takes_away else 'add'}_{verb}",
        labels | kept or {"tags": ""},
        {**metadata, "tags": tags, "details": details},
    )


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else []
    return [text for each in given if (text := text_of(each)) is not None]


def _named(value: str | None) -> list[str]:
    return [name for each in (value or "").split(",") if (name := each.strip())]
