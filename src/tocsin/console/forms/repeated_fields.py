"""Forms with parts that repeat (layers, steps), and that work without scripts: the server puts a part
in, takes one out, or moves it, and shows the form again; nothing is saved by that."""

from __future__ import annotations

from collections.abc import Sequence

Part = dict[str, list[str]]
"""One part: the values of each of its fields, of which most have one."""


def read_parts(
    fields: Sequence[tuple[str, str]], prefix: str, names: Sequence[str], most: int
) -> list[Part]:
    """The parts whose fields are called `prefix-0-name`, in the order of their numbers."""
    found: dict[int, Part] = {}
    for key, value in fields:
        kind, number, name = (*key.split("-", 2), "", "")[:3]
        if kind == prefix and number.isdecimal() and len(number) < 4 and name in names:
            found.setdefault(int(number), {}).setdefault(name, []).append(value)
    return [found[number] for number in sorted(found)][:most]


def one(part: Part, name: str, usual: str = "") -> str:
    """The value of a field that has one."""
    return part.get(name, [usual])[-1].strip()


def rearranged(parts: Sequence[Part], act: str, blank: Part) -> list[Part] | None:
    """The parts after `add`, `remove-N`, `up-N` or `down-N`; None if it is none of these."""
    made = list(parts)
    word, _, number = act.partition("-")
    if word == "add":
        return [*made, blank]
    place = int(number) if number.isdecimal() and len(number) < 4 else -1
    if not 0 <= place < len(made):
        return None
    match word:
        case "remove":
            del made[place]
        case "up" | "down":
            other = place - 1 if word == "up" else place + 1
            if 0 <= other < len(made):
                made[place], made[other] = made[other], made[place]
        case _:
            return None
    return made
