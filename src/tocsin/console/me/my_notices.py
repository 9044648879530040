"""When people are notified of their own shifts: boxes to tick, and leads that were set elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_USUAL: Final[Mapping[int, str]] = {1440: "a day before", 60: "an hour before", 0: "when it begins"}
_AT_END: Final = "notice-end"


@dataclass(frozen=True)
class NoticeBox:
    name: str
    words: str
    is_ticked: bool


def boxes(wanted: Mapping[str, Any] | None) -> list[NoticeBox]:
    """The usual leads, those that are set beside them, and the end; longest first."""
    minutes = set() if wanted is None else set(wanted["before_minutes"])
    leads = sorted({*_USUAL, *minutes}, reverse=True)
    made = [
        NoticeBox(f"notice-{lead}", _USUAL.get(lead, f"{lead} min before"), lead in minutes)
        for lead in leads
    ]
    return [*made, NoticeBox(_AT_END, "when it ends", bool(wanted and wanted["at_end"]))]


def ticked(form: Mapping[str, str]) -> dict[str, Any] | None:
    """What the boxes say; None where none is ticked."""
    minutes = sorted(
        (
            int(name.removeprefix("notice-"))
            for name in form
            if name.startswith("notice-") and name[7:].isdecimal()
        ),
        reverse=True,
    )
    at_end = _AT_END in form
    return {"before_minutes": minutes, "at_end": at_end} if minutes or at_end else None
