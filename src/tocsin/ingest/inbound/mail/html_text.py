"""The text of a mail that has only HTML.

Not by `html.parser`: for some input (`<a <a <a …`) it takes time by the square of its length, and that
may come from anybody who knows an address. Here every character is looked at a fixed number of times.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

MOST_CHARACTERS: Final = 262_144
"""Of HTML that are looked at."""

_UNSEEN: Final = frozenset(("script", "style", "head", "title", "template", "noscript"))
_LINE_TAGS: Final = (
    "address article aside blockquote br caption dd div dl dt fieldset figure footer form h1 h2 h3 h4"
    " h5 h6 header hr li main nav ol p pre section table tr ul"
)
_LINES: Final = frozenset(_LINE_TAGS.split())
_CELLS: Final = frozenset(("td", "th"))
_TAG: Final = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_HREF: Final = re.compile(
    r"""\shref\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_TAG_READ: Final = 4_000
_BLANKS: Final = re.compile(r"[ \t\r\f\v\u00a0\u200b]+")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")


def text_of_html(html: str) -> str:
    """What a reader sees, line by line; links keep their addresses where the text differs."""
    parts = _Scanner(html[:MOST_CHARACTERS]).parts()
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(parts).split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


class _Scanner:
    def __init__(self, html: str) -> None:
        self._html = html
        self._lower = html.lower() if len(html.lower()) == len(html) else html
        self._parts: list[str] = []
        self._link = ""
        self._link_begins = 0
        """At this part."""
        self._has_head = False
        self._missing: set[str] = set()
        """What does not come any more, so that it is looked for once."""

    def parts(self) -> list[str]:
        html, at = self._html, 0
        while at < len(html):
            opened = html.find("<", at)
            if opened < 0:
                break
            self._say(html[at:opened])
            at = self._mark(opened)
        self._say(html[at:])
        return self._parts

    def _mark(self, at: int) -> int:
        """What stands at a `<`; where the rest begins."""
        html = self._html
        if html.startswith("<!--", at):
            return self._behind("-->", at + 4)
        if html.startswith(("<!", "<?"), at):
            return self._behind(">", at)
        tag = _TAG.match(html, at + 1)
        end = self._find(">", at)
        if tag is None or end < 0:
            self._say("<")
            return at + 1
        name = tag[2].lower()
        if tag[1]:
            self._close(name)
        elif name in _UNSEEN:
            return self._behind_unseen(name, end + 1)
        else:
            self._open(name, html[at : min(end + 1, at + _TAG_READ)])
        return end + 1

    def _open(self, name: str, tag: str) -> None:
        if name in _LINES:
            self._parts.append("\n")
        elif name in _CELLS:
            self._parts.append(" ")
        elif name == "a":
            found = _HREF.search(tag)
            self._link = unescape(found[1] or found[2] or found[3] or "") if found else ""
            self._link_begins = len(self._parts)

    def _close(self, name: str) -> None:
        if name in _LINES:
            self._parts.append("\n")
        elif name == "a" and self._link:
            link, said = self._link.strip(), "".join(self._parts[self._link_begins :]).strip()
            if link.startswith(("http://", "https://")) and link != said:
                self._parts.append(f" <{link}>")
            self._link = ""

    def _say(self, text: str) -> None:
        if text:
            # Lines of the source are no lines of the text.
            self._parts.append(unescape(text.replace("\n", " ")))

    def _behind_unseen(self, name: str, at: int) -> int:
        """Behind the end of what is not shown. A head that nobody closed ends at the body."""
        end = self._find(f"</{name}", at)
        if name == "head" and not self._has_head:
            self._has_head = True
            if (body := self._find("<body", at)) >= 0:
                end = body if end < 0 else min(end, body)
        return at if end < 0 else end

    def _behind(self, what: str, at: int) -> int:
        found = self._find(what, at)
        return len(self._html) if found < 0 else found + len(what)

    def _find(self, what: str, at: int) -> int:
        if what in self._missing:
            return -1
        if (found := self._lower.find(what, at)) < 0:
            self._missing.add(what)
        return found
