"""What a terminal may be shown. Stored text comes from strangers: an escape sequence in a title could
rewrite the screen or set the clipboard, and a character that turns the direction of writing could
make one host name look like another."""

from __future__ import annotations

import unicodedata
from typing import Final

MARK: Final = "\ufffd"
"""Stands where a character was that is not shown."""

# Line ends and tabs are layout. The joiners are invisible, but words in Persian and Hindi and many
# emoji are spelled with them, and they do nothing to a terminal.
_SHOWN: Final = frozenset("\n\t\u200c\u200d")
# Control, format (bidi, zero width, tags), unpaired surrogate, line and paragraph separator.
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters by their category, and yet nothing is seen of them.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")


class _Shown(dict[int, str]):
    """What each character is shown as, found out when it first occurs."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_hidden = character in _FILLERS or (
            character not in _SHOWN and unicodedata.category(character) in _HIDDEN_CATEGORIES
        )
        shown = self[code] = MARK if is_hidden else character
        return shown


_TABLE: Final = _Shown()


def visible(text: str) -> str:
    """`text` with a mark in place of each character that commands the terminal or cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_TABLE)
