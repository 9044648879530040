"""What to do in a tool so that it sends here: the section "Set up" of the tool's page in the docs and
those to paste or enter that it points at, with this installation's address in place of the example's."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_EXAMPLE = "https://tocsin.example.com"
_SECTION = re.compile(r"^## Set up\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_BELOW = re.compile(r"^## [^\n]+ to (?:paste|enter)\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
"""What the steps call "the template below", with its heading."""
_MADE = re.compile(r"^1\. Make an integration of type `\w+`\.\n", re.MULTILINE)
"""The step that has been taken when the page is shown."""
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_NO_NAME = re.compile(r"[^a-z0-9_]")


@cache
def _read(source: str) -> str | None:
    name = _NO_NAME.sub("", source) + ".md"
    carried = resources.files("tocsin.console").joinpath("guides", name)
    if carried.is_file():
        return carried.read_text("utf-8")
    beside = Path(__file__).parents[4] / "docs" / "sources" / name
    return beside.read_text("utf-8") if beside.is_file() else None


@cache
def tool_name(source: str) -> str:
    """As its maker writes it."""
    text = _read(source)
    found = None if text is None else _TITLE.search(text)
    return source.replace("_", " ").capitalize() if found is None else found[1].strip()


def steps(source: str, webhook_url: str, base_url: str, secret: str | None = None) -> Markup | None:
    """The steps as a page shows them, with the secret where it is shown anyway; None where there are
    none."""
    text = _read(source)
    found = None if text is None else _SECTION.search(text)
    if text is None or found is None:
        return None
    shown = "\n".join([found[1], *_BELOW.findall(text)])
    words = re.sub(
        re.escape(_EXAMPLE) + r"/webhooks/<integration id>(/<[^>]+>)?", webhook_url, shown
    )
    words = _MADE.sub("", words.replace(_EXAMPLE, base_url))
    # What the docs say is ours; raw HTML and links with scripts are off all the same.
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(words)
    # The first step has been taken, and the others are counted from here.
    made = made.replace('<ol start="2">', "<ol>", 1)
    if secret is not None:
        made = made.replace("&lt;secret&gt;", str(escape(secret)))
    # What scrolls can be reached by keyboard.
    made = made.replace("<pre>", '<pre tabindex="0">')
    return Markup(made)  # noqa: S704 - our own file, rendered without raw HTML
