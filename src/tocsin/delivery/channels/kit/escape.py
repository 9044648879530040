"""Making texts from senders harmless: what no channel wants in them, and how each one escapes.

Cleaning comes first and is the same for all: control characters, bidi overrides and invisible
characters are gone, and the text is cut to its limit. What is left is data; how a channel keeps it
from being read as markup is in the channel's file or below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from tocsin.model.cutting import beginning, whole_place

MARK = "…"

# What ends a line anywhere, then what is never shown: other C0/C1 controls, lone surrogates,
# soft hyphens and invisible marks, bidi controls (they turn "evil" into "live" on screen),
# interlinear annotations and tag characters (they hide text).
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")
_MANY_LINES = re.compile(r"\n{3,}")


def cut(text: str, limit: int) -> str:
    """At most `limit` code points, the last one a mark if any were lost; no character and no address is
    lost in part."""
    if len(text) <= limit:
        return text
    return beginning(text, limit - 1) + MARK


def _clean(text: str) -> str:
    text = _LINE_ENDS.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))


def one_line(text: str, limit: int) -> str:
    """For titles, names and values: one line, blanks collapsed, cut."""
    # Cut roughly first: cleaning 100 kB to keep 200 characters would be waste.
    return cut(_BLANKS.sub(" ", _clean(text[: limit * 4 + 1_000])).strip(), limit)


def lines(text: str, limit: int) -> str:
    """For descriptions: lines are kept, never more than one blank line, cut."""
    text = _clean(text[: limit * 4 + 1_000]).replace("\t", "    ")
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return cut(_MANY_LINES.sub("\n\n", text).strip("\n"), limit)


def header(text: str, limit: int) -> str:
    """For a mail header. `=?` would start an encoded-word, which Python before 3.11.10 and 3.12.5
    decodes on assignment, line ends and all, into further headers (CVE-2024-6923)."""
    return one_line(text, limit).replace("=?", "=\u2060?")


def slack(text: str, limit: int) -> str:
    """For Slack mrkdwn: `&`, `<`, `>` only. It stops mentions and links; `*_~` cannot be escaped,
    so senders' texts go where no markup is read. Counted after escaping, never cut in an entity."""
    escaped: list[str] = []
    length = 0
    for position, character in enumerate(text):
        piece = _SLACK.get(character, character)
        # Room for the mark, unless this is all there is.
        rest = len(text) - position - 1
        if length + len(piece) > limit - (1 if rest else 0):
            kept = beginning(text, position)
            return "".join(_SLACK.get(each, each) for each in kept) + MARK
        escaped.append(piece)
        length += len(piece)
    return "".join(escaped)


_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack_url(url: str) -> str:
    """For the address inside `<…|…>`."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]-._").replace("&", "&amp;")


def macro_free(text: str) -> str:
    """For Teams: some clients expand `{{DATE(…)}}` anywhere; a word joiner keeps it apart."""
    return text.replace("{{", "{\u2060{")


_SEPARATORS = re.compile(r"(?<=[/._:,=&?;|+])(?=[^\s\u200b/._:,=&?;|+])")


def breakable(text: str, longest: int) -> str:
    """For Teams, which breaks a line at blanks and `-` only: in a longer run without any, places to
    break it that do not show, after what separates, or else wherever it gets too long."""

    def parted(run: re.Match[str]) -> str:
        parts = _SEPARATORS.sub("\u200b", run[0]).split("\u200b")
        return "\u200b".join(piece for part in parts for piece in _pieces(part, longest))

    return re.sub(rf"[^\s\u200b-]{{{longest + 1},}}", parted, text)


def _pieces(text: str, longest: int) -> Iterator[str]:
    """At most so long, no character in two of them."""
    while len(text) > longest:
        place = whole_place(text, longest)
        yield text[:place]
        text = text[place:]
    yield text


def inert(text: str) -> str:
    """For services whose markup is unknown: a word joiner keeps `@everyone` from calling people
    and `[text](address)` from becoming a link, and does not show."""
    return text.replace("@", "@\u2060").replace("](", "]\u2060(").replace("<!", "<\u2060!")
