"""The text of an SMS: which alphabet it needs, how many segments that makes, and how to keep it short.

3GPP TS 23.038: in the GSM 7-bit alphabet a message holds 160 characters, or 153 in each of several
segments; those of the extension table count twice. One character beyond it, and the whole message is
UCS-2: 70 units of UTF-16, or 67 in each of several.
"""

from __future__ import annotations

from collections.abc import Callable

from tocsin.model.cutting import beginning

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_SEPTETS = 153
"""In each of several segments."""
_EXTENDED = frozenset("^{}\\[~]|€\f")

# Typographic characters, ours and others': not worth halving what fits into a message.
_PLAIN = str.maketrans(
    {
        "…": "...",
        "·": "-",
        "–": "-",
        "—": "-",
        "‑": "-",
        "−": "-",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "‚": "'",
        "•": "*",
        "→": "->",
        "←": "<-",
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\t": " ",
        "`": "'",
    }
)


def plain(text: str) -> str:
    """With typographic characters as a typewriter has them."""
    return text.translate(_PLAIN)


def is_gsm(text: str) -> bool:
    return all(character in _BASIC or character in _EXTENDED for character in text)


def units(text: str, *, gsm: bool) -> int:
    """How many places it takes: septets, or units of UTF-16."""
    if gsm:
        return sum(2 if character in _EXTENDED else 1 for character in text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def segments(text: str) -> int:
    """How many messages it is sent, and charged, as."""
    gsm = is_gsm(text)
    single, each = (160, _SEPTETS) if gsm else (70, 67)
    total = units(text, gsm=gsm)
    if total <= single:
        return 1
    # A pair (an escape and its character, a surrogate pair) is not split between two segments.
    count, used = 1, 0
    for character in text:
        size = units(character, gsm=gsm)
        if used + size > each:
            count, used = count + 1, 0
        used += size
    return count


def fit(head: str, body: str, tail: str, most: int) -> str:
    """`head`, then `body`, then `tail`, in at most `most` segments: `body` is cut first, `head` next,
    `tail` never."""
    head, body, tail = plain(head), plain(body), plain(tail)
    if (kept := _longest(body, lambda text: _joined(head, text, tail), most)) is not None:
        return kept
    return _longest(head, lambda text: _joined(text, "", tail), most) or tail


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _longest(text: str, whole: Callable[[str], str], most: int) -> str | None:
    """The whole with as much of the text as fits; None if it does not fit without any. What fits a
    longer beginning fits every shorter one, so a few tries find it."""
    room = most * _SEPTETS
    if len(text) <= room and segments(whole(text)) <= most:
        return whole(text)
    best, low, high = None, 0, min(len(text), room)
    while low <= high:
        length = (low + high) // 2
        kept = beginning(text, length)
        tried = whole(f"{kept}..." if kept else "")
        if segments(tried) <= most:
            best, low = tried, length + 1
        else:
            high = length - 1
    return best
