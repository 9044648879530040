"""What a browser would send of a form of a page, if nobody changed anything in it."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.support.answers import Answer

Fields = list[tuple[str, str]]


def fields_as_shown(answer: Answer, having: str) -> Fields:
    """Of the form that has a field of the name `having`: without its token, and without buttons."""
    reader = _Reader()
    reader.feed(answer.body.decode())
    reader.close()
    (found,) = (form for form in reader.forms if any(name == having for name, _ in form))
    return [(name, value) for name, value in found if name != "csrf_token"]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Fields] = []
        self._textarea: str | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._text = ""
        self._option: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        name = known.get("name")
        match tag:
            case "form":
                self.forms.append([])
            case "input" if name and self.forms and "disabled" not in known:
                kind = known.get("type")
                if kind not in ("checkbox", "radio") or "checked" in known:
                    self.forms[-1].append((name, known.get("value") or ""))
            case "textarea" if name:
                self._textarea, self._text = name, ""
            case "select" if name:
                self._select, self._options = name, []
            case "option":
                self._option, self._text = known, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "textarea" if self._textarea:
                # The first line break after the tag is none of the text's.
                self._add(self._textarea, self._text.removeprefix("\n"))
                self._textarea = None
            case "option" if self._option is not None:
                value = self._option.get("value")
                text = self._text.strip() if value is None else value
                self._options.append((text, "selected" in self._option))
                self._option = None
            case "select" if self._select:
                chosen = [value for value, is_chosen in self._options if is_chosen]
                usual = [value for value, _ in self._options[:1]]
                for value in (chosen or usual)[-1:]:
                    self._add(self._select, value)
                self._select = None

    def _add(self, name: str, value: str) -> None:
        if self.forms:
            self.forms[-1].append((name, value))
