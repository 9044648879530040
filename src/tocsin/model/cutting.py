"""Where a text may be cut: between characters as people see them, and never within a web address."""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_FLAGS: Final = ("\U0001f1e6", "\U0001f1ff")
_TONES: Final = ("\U0001f3fb", "\U0001f3ff")
# Vowels and finals of Hangul written in its parts.
_JAMO: Final = ("\u1160", "\u11ff")
_MOST_BACK: Final = 64
"""What is longer than that is no character of any language; it is cut where it has to be."""
_LONGEST_ADDRESS: Final = 2_000
_SCHEMES: Final = ("http://", "https://")


def beginning(text: str, end: int) -> str:
    """At most `end` code points of `text`, without blanks at their end: one is left after an address,
    so that a mark behind it does not join it. An address that would lead nowhere is left out whole,
    unless it is what the text begins with."""
    if not 0 < end < len(text):
        return text[: max(end, 0)]
    place = whole_place(text, end)
    begin = max(text.rfind(each, max(end - _LONGEST_ADDRESS, 0), end) for each in _SCHEMES)
    if begin < 0:
        return text[:place].rstrip()
    if begin > 0 and not any(sign.isspace() for sign in text[begin:end]):
        return text[:begin].rstrip()
    kept = text[:place].rstrip()
    is_address = begin < len(kept) and not any(sign.isspace() for sign in kept[begin:])
    return f"{kept} " if is_address and len(kept) < place else kept


def whole_place(text: str, end: int) -> int:
    """The last place up to `end` that is within no character: not between a letter and its accents, not
    inside an emoji of several parts or a flag."""
    if text.isascii():
        return end
    for place in range(end, max(end - _MOST_BACK, 0), -1):
        if place >= len(text) or not _is_within(text, place):
            return place
    return end


def _is_within(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if after.isascii():
        return False
    if _JOINER in (before, after) or _TONES[0] <= after <= _TONES[1]:
        return True
    if unicodedata.category(after).startswith("M") or _JAMO[0] <= after <= _JAMO[1]:
        return True
    if not (_is_flag(before) and _is_flag(after)):
        return False
    # Two letters make a flag: it is a matter of how many stand before.
    begin = place
    while begin > 0 and _is_flag(text[begin - 1]) and place - begin < _MOST_BACK:
        begin -= 1
    return (place - begin) % 2 == 1


def _is_flag(sign: str) -> bool:
    return _FLAGS[0] <= sign <= _FLAGS[1]
