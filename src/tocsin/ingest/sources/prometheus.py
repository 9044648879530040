"""Alerts as Prometheus posts them to Alertmanager (API v2): a list, again and again while they fire.

Reference: prometheus/alertmanager, api/v2/openapi.yaml and api/v2/api.go (postAlertsHandler);
prometheus/prometheus, rules/alerting.go. What fires does so until `endsAt`, four times the interval of
repeats away, unless it is repeated; an `endsAt` in the past says that it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.kit.make_signal import MAX_ALERTS, make_signal
from tocsin.ingest.sources.kit.reading import (
    pointer_to,
    present,
    required,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of_labels
from tocsin.ingest.sources.kit.times import parse_time
from tocsin.model import AuthScheme, Fault, Lease, Signal, SignalKind

RESOLVE_TIMEOUT: Final = timedelta(minutes=5)
"""How long an alert without an end lasts, as Alertmanager has it by default."""

LEFT_OUT: Final = "alerts_left_out"
"""Flags a webhook of which some alerts could not be taken."""

CLOCK_AHEAD: Final = "sender_clock_ahead"
"""Flags a webhook with an alert that begins later than it came."""

_AHEAD: Final = timedelta(seconds=10)
"""What begins no later than that after it came says nothing of a clock."""

_REMEMBERED: Final = 4_096
_REMEMBERED_LENGTH: Final = 1_024
"""Characters of one alert: 4,096 of such take some 20 MB at most."""

_LEAST_GRACE: Final = timedelta(minutes=1)
_MOST_GRACE: Final = timedelta(minutes=5)
_DESCRIPTIONS: Final = ("description", "message", "details")


class Batch(NamedTuple):
    """The alerts that can be taken, and what is wrong with the others."""

    signals: list[Signal]
    faults: list[Fault]


class Prometheus(BaseSource):
    type: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus, instead of Alertmanager"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="Bearer "
    )
    sends_in_order: ClassVar[bool] = True
    counts_copies: ClassVar[bool] = True
    has_leases: ClassVar[bool] = True
    found_by_key: ClassVar[bool] = True
    address: ClassVar[str] = "/am/{id}"

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        signals, faults = read_batch(payload, context)
        if faults and not signals:
            raise InvalidPayload(faults)
        if faults:
            last = signals[-1]
            last.flags = (*last.flags, LEFT_OUT)
        return signals

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the list of alerts is empty"


def read_batch(payload: Any, context: Context) -> Batch:
    """Every alert by itself: one that cannot be taken takes nothing from the others."""
    if not isinstance(payload, list):
        return Batch([], [wrong_type("", "an array", payload, "a list of alerts")])
    if len(payload) > MAX_ALERTS:
        message = f"{len(payload)} alerts in one request; at most {MAX_ALERTS} are taken"
        return Batch([], [Fault("", "too-many-alerts", message)])
    batch = Batch([], [])
    for index, alert in enumerate(payload):
        found = _read(alert, index, context)
        if isinstance(found, Signal):
            batch.signals.append(found)
        else:
            batch.faults.append(found)
    return batch


def _read(alert: Any, index: int, context: Context) -> Signal | Fault:
    if not isinstance(alert, dict):
        return wrong_type(f"/{index}", "an object", alert)
    if alert.get("labels") is None:
        return required(f"/{index}/labels", "labels are required")
    for name in ("labels", "annotations"):
        texts = alert.get(name)
        if (fault := _texts_fault(texts, f"/{index}/{name}")) is not None:
            return fault
        if texts and None in texts.values():
            # To Go null is the empty text, which is as good as no label.
            alert = alert | {name: {each: text for each, text in texts.items() if text is not None}}
    times = []
    for name in ("startsAt", "endsAt"):
        at, doubtful = parse_time(alert.get(name), UTC)
        if doubtful or not isinstance(alert.get(name), (str, type(None))):
            return Fault(f"/{index}/{name}", "unreadable-time", "must be a time of RFC 3339")
        times.append(at)
    return _judge(alert, index, times[0], times[1], context.received_at)


def _judge(
    alert: Mapping[str, Any],
    index: int,
    given_start: datetime | None,
    end: datetime | None,
    now: datetime,
) -> Signal | Fault:
    start = given_start or end or now
    if end is not None and end < start:
        return Fault(f"/{index}", "invalid", "start time must be before end time")
    labels = alert["labels"]
    if not any(labels.values()):
        return Fault(f"/{index}", "invalid", "at least one label pair required")
    if "" in labels:
        return Fault(f"/{index}", "invalid", 'invalid label set: invalid name ""')
    is_over = end is not None and end <= now
    started = min(start, now)
    is_ahead = given_start is not None and given_start - now > _AHEAD
    said = _said(labels, alert.get("annotations") or {}, text_of(alert.get("generatorURL")))
    return Signal(
        SignalKind.RESOLVE if is_over else SignalKind.TRIGGER,
        said.external_id,
        said.title,
        said.severity,
        said.description,
        started,
        end if is_over else started,
        said.labels,
        said.metadata,
        said.tenant,
        (*said.flags, CLOCK_AHEAD) if is_ahead else said.flags,
        None if is_over else _lease(end, now),
        said.words,
    )


def _said(labels: dict[str, str], annotations: dict[str, str], url: str | None) -> Signal:
    """What an alert says whenever it is sent. What fires is sent again every minute or two: short ones
    are remembered."""
    given = tuple(labels.items()), tuple(annotations.items()), url
    length = len("".join(labels.values())) + len("".join(annotations.values())) + len(url or "")
    return _remembered(*given) if length <= _REMEMBERED_LENGTH else _read_texts(*given)


def _read_texts(
    given_labels: tuple[tuple[str, str], ...],
    given_annotations: tuple[tuple[str, str], ...],
    url: str | None,
) -> Signal:
    labels = {name: value for name, value in given_labels if value}
    annotations = {name: value for name, value in given_annotations if value}
    flags: list[str] = []
    fingerprint = labels_fingerprint(labels)
    described = next((text for name in _DESCRIPTIONS if (text := annotations.get(name))), None)
    title = text_of(annotations.get("summary")) or text_of(labels.get("alertname"))
    said = make_signal(
        SignalKind.TRIGGER,
        fingerprint,
        title or f"Alert {fingerprint}",
        flags=flags,
        severity=severity_of_labels(labels, flags),
        description=described,
        labels=labels,
        metadata=present({"annotations": annotations, "generatorURL": url}),
    )
    said.words = said.alert_words()
    return said


_remembered = lru_cache(_REMEMBERED)(_read_texts)


# All of one post have the same, most of the time.
@lru_cache(64)
def _lease(end: datetime | None, now: datetime) -> Lease:
    if end is None:
        end = now + RESOLVE_TIMEOUT
    # Of what is repeated every two minutes, and ends in four, one lost post is late by now.
    grace = min(max((end - now) / 2, _LEAST_GRACE), _MOST_GRACE)
    try:
        return Lease(end, end + grace)
    except OverflowError:
        return Lease(end, end)


def _texts_fault(value: Any, pointer: str) -> Fault | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return wrong_type(pointer, "an object", value)
    try:
        "".join(value.values())
    except TypeError:
        pass
    else:
        return None
    for name, text in value.items():
        if type(text) is not str and text is not None:
            return wrong_type(pointer + pointer_to(name), "a string", text)
    return None
