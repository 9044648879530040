"""Why somebody is on call, in a few words: `layer Primary, turn 13`."""

from __future__ import annotations

from tocsin.oncall.resolve import CauseKind, ShiftCause
from tocsin.oncall.schedule import OnCallSchedule


def cause_words(cause: ShiftCause, schedule: OnCallSchedule) -> str:
    if cause.kind is CauseKind.FALLBACK:
        return "fallback"
    name = layer_name(cause, schedule)
    if cause.kind is CauseKind.LAYER:
        assert cause.turn is not None
        return f"layer {name}, turn {cause.turn + 1}"
    of_layer = "" if cause.layer is None else f" of layer {name}"
    return f"{'swap' if cause.kind is CauseKind.SWAP else 'override'}{of_layer}"


def layer_name(cause: ShiftCause, schedule: OnCallSchedule) -> str | None:
    """The layer that the cause names, by its newest name."""
    for version in reversed(schedule.versions):
        for layer in version.layers:
            if layer.id == cause.layer:
                return layer.name
    return None
