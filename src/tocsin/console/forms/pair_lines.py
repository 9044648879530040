"""Names and values as a person types them, one pair on each line: `disaster = CRITICAL`."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.console.forms.forms import lines


def read_pairs(text: str) -> tuple[dict[str, str], str | None]:
    """The pairs, and what is wrong with the first line that is none."""
    found: dict[str, str] = {}
    for line in lines(text):
        name, equals, value = (each.strip() for each in line.partition("="))
        if not (name and equals and value):
            return found, f"“{line[:60]}”: write NAME = VALUE."
        found[name] = value
    return found, None


def write_pairs(pairs: Mapping[str, object]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in pairs.items())
