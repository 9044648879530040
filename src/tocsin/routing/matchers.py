"""Matchers: one label, one operator, one value, with the semantics of Alertmanager.

A regular expression must match the whole value, and an absent label counts as the empty string
(github.com/prometheus/alertmanager, `pkg/labels/matcher.go`). Expressions are RE2's, which is also
Alertmanager's syntax: time grows linearly with the text whatever the expression, so that nobody's
rule can hold up a webhook. Why not Python's `re`: docs/adr/0007-linear-time-matchers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2

from tocsin.routing.subject import Subject

OPERATORS = ("=", "!=", "=~", "!~")

PATTERN_LIMIT = 1_000
"""Characters of one regular expression."""

PROGRAM_BUDGET = 256 * 1024
"""Bytes RE2 may spend on one compiled expression. It bounds the size of the program too, and with
it the time of the worst match: single milliseconds for a value of 2,000 characters."""

_META = frozenset(r"\.+*?()[]{}^$")

_BUILT_IN: dict[str, Callable[[Subject], str]] = {
    "severity": lambda subject: subject.severity.value,
    "source": lambda subject: subject.source,
    "type": lambda subject: subject.type,
    "title": lambda subject: subject.title,
}

BUILT_IN_LABELS = frozenset(_BUILT_IN)
"""Matchable like labels; a real label of such a name does not shadow them."""

OWN_LABEL = "labels."
"""Before the name of a label, it means the sender's own, whatever the name."""


def read_label(subject: Subject, label: str) -> str:
    """The value a matcher on `label` sees: the empty string where there is none."""
    built_in = _BUILT_IN.get(label)
    return built_in(subject) if built_in is not None else subject.labels.get(own_name(label), "")


def label_reader(label: str) -> Callable[[Subject], str]:
    """What reads that value, for who does so often."""
    built_in = _BUILT_IN.get(label)
    if built_in is not None:
        return built_in
    name = own_name(label)
    return lambda subject: subject.labels.get(name, "")


def own_name(label: str) -> str:
    """The name that a matcher's label has for the sender."""
    return label.removeprefix(OWN_LABEL)


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What an operator and a value ask of a text, compiled. Equal ones are the same object."""

    accepts: Callable[[str], bool]
    fault: str | None = None
    """Why it could not be compiled; it then accepts everything."""
    accepted: frozenset[str] | None = None
    """All texts that it accepts, where they can be counted."""
    program_size: int = 0
    """Instructions of its regular expression; 0 where it is a comparison or a look-up."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """`label op value`, compiled.

    Never raises: what cannot be compiled (written by another version, say) carries its `fault` and
    matches everything; a rule then rather notifies too often, and a silence refuses to act on it.
    """

    label: str
    op: str
    value: str
    condition: Condition = field(init=False, compare=False, repr=False)
    matches: Callable[[Subject], bool] = field(init=False, compare=False, repr=False)
    read: Callable[[Subject], str] = field(init=False, compare=False, repr=False)
    """The value that it looks at."""

    def __post_init__(self) -> None:
        condition = compile_condition(self.op, self.value, folded=self.label == "severity")
        object.__setattr__(self, "condition", condition)
        object.__setattr__(self, "matches", _reading(self.label, condition.accepts))
        object.__setattr__(self, "read", label_reader(self.label))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Matcher:
        return cls(str(document["label"]), str(document["op"]), str(document["value"]))

    @property
    def fault(self) -> str | None:
        return self.condition.fault

    @property
    def is_pattern(self) -> bool:
        """Whether it runs a regular expression, which costs more than all else."""
        return self.condition.program_size > 0

    def document(self) -> dict[str, str]:
        return {"label": self.label, "op": self.op, "value": self.value}

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.op}"{escaped}"'


@dataclass(frozen=True, slots=True, eq=False)
class Conjunction:
    """Matchers that must all match, in the order in which asking them is cheapest."""

    plain: tuple[Matcher, ...]
    """Comparisons and look-ups."""
    patterns: tuple[Matcher, ...]
    pattern_labels: tuple[str, ...]
    """What the patterns look at."""

    @classmethod
    def of(cls, matchers: Iterable[Matcher]) -> Conjunction:
        plain: list[Matcher] = []
        patterns: list[Matcher] = []
        for matcher in matchers:
            (patterns if matcher.is_pattern else plain).append(matcher)
        labels = dict.fromkeys(matcher.label for matcher in patterns)
        return cls(tuple(plain), tuple(patterns), tuple(labels))

    @property
    def insisting(self) -> Matcher | None:
        """The matcher that most alerts fail, of those with values that can be counted: a severity or a
        source is shared by many."""
        countable = [each for each in self.plain if each.condition.accepted is not None]
        return min(countable, key=lambda each: each.label in BUILT_IN_LABELS, default=None)


def _reading(label: str, accepts: Callable[[str], bool]) -> Callable[[Subject], bool]:
    built_in = _BUILT_IN.get(label)
    if built_in is not None:
        return lambda subject: accepts(built_in(subject))
    name = own_name(label)
    return lambda subject: accepts(subject.labels.get(name, ""))


# A change of one rule makes every table again; what did not change need not be compiled again.
@lru_cache(maxsize=4096)
def compile_condition(op: str, value: str, *, folded: bool) -> Condition:
    """`folded` makes it blind to upper and lower case, for severities."""
    if folded:
        # Every tool writes severities its own way; `severity="critical"` must not be a rule that
        # silently never matches.
        value = value.upper() if op in ("=", "!=") or _is_literal(value) else value
    match op:
        case "=":
            return Condition(lambda text: text == value, accepted=frozenset({value}))
        case "!=":
            return Condition(lambda text: text != value)
        case "=~" | "!~":
            wanted = op == "=~"
            if _is_literal(value):
                alternatives = frozenset(value.split("|"))
                return Condition(
                    lambda text: (text in alternatives) is wanted,
                    accepted=alternatives if wanted else None,
                )
            try:
                pattern = compile_pattern(value, case_sensitive=not folded)
            except ValueError as error:
                return Condition(_anything, fault=str(error))
            whole = pattern.fullmatch
            return Condition(
                # `replace`: half a surrogate pair is a doubtful character, not a reason to fail.
                lambda text: (whole(text.encode("utf-8", "replace")) is not None) is wanted,
                program_size=max(1, pattern.programsize),
            )
        case _:
            return Condition(_anything, fault=f"unknown operator {op!r}")


def _anything(text: str) -> bool:
    return True


def _is_literal(pattern: str) -> bool:
    """Whether a pattern is only literals and `|`, so a look-up in a set."""
    return _META.isdisjoint(pattern)


def compile_pattern(pattern: str, *, case_sensitive: bool = True) -> Any:
    """An RE2 expression in which `.` also matches a line break, as in Prometheus 3: a title of two
    lines must not slip past `.*disk.*`.

    Raises ValueError, in words for whoever wrote the pattern.
    """
    if len(pattern) > PATTERN_LIMIT:
        raise ValueError(f"longer than {PATTERN_LIMIT} characters")
    options = re2.Options()
    options.max_mem = PROGRAM_BUDGET
    options.log_errors = False
    options.never_capture = True
    options.dot_nl = True
    options.case_sensitive = case_sensitive
    try:
        return re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair, which is no character") from None
    except re2.error as error:
        raise ValueError(_words(error)) from None


def _words(error: Exception) -> str:
    """RE2's message, with what to do where its wording does not say."""
    raw = error.args[0] if error.args else ""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    if "too large" in text:
        return "too large once compiled; use smaller repetition counts"
    if "(?" in text and "invalid perl operator" in text:
        return f"{text}; look-around and back-references are not supported, `!~` negates a pattern"
    return text or "not a regular expression RE2 understands"
