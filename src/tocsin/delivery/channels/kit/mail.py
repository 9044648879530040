"""One alert delivery as a mail to one recipient: headers that thread, text, HTML."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from jinja2 import Environment, PackageLoader, StrictUndefined

from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.escape import cut, header, one_line
from tocsin.delivery.channels.kit.message_words import Fact, MessageWords
from tocsin.message import Message
from tocsin.model import EventType, Severity

SUBJECT_LIMIT = 200
MAIL_LIMIT = 100_000
"""Bytes; Gmail hides what comes after about 102 KB."""

# White text on each has a contrast of at least 4.5:1 (WCAG 2.2, 1.4.3).
_COLOURS = {
    Severity.CRITICAL: "#b10e1c",
    Severity.HIGH: "#b8450a",
    Severity.MEDIUM: "#80600a",
    Severity.LOW: "#0b62a8",
    Severity.INFO: "#56606e",
}
_DONE = "#0b6a2b"

# Every line at most 78 characters and seven bits: no relay has a reason to touch it.
_POLICY = SMTP.clone(cte_type="7bit")
_TEMPLATE = Environment(
    loader=PackageLoader("tocsin.delivery.channels.kit", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
).get_template("mail.html")
_NAME_WIDTH = 24
_NOT_IN_LABEL = re.compile(r"[^a-z0-9-]+")


class UnsafeMail(Exception):
    """A mail came out with other headers than were put in; it is not sent."""


@dataclass(frozen=True, slots=True)
class FromAddress:
    """Who the mails come from: the envelope and header address, and the domain of our ids."""

    address: str
    name: str
    domain: str

    @classmethod
    def of(cls, mail_from: str) -> FromAddress:
        """From `hub@example.com` or `Name <hub@example.com>`."""
        name, address = parseaddr(mail_from)
        address = address or mail_from
        return cls(address, header(name, 100) or "Tocsin", address.rpartition("@")[2].lower())


def build(message: Message, words: MessageWords, recipient: str, sender: FromAddress) -> bytes:
    """The mail as bytes. The same for the same message and recipient, except for live links: the
    Message-ID does not change between attempts, so that stores can drop a repeat.

    Raises:
        UnsafeMail: if a text got through to the headers.
    """
    data = _build(message, words, recipient, sender)
    if len(data) > MAIL_LIMIT:
        data = _build(message, _shorter(words), recipient, sender)
    return data


def _build(message: Message, words: MessageWords, recipient: str, sender: FromAddress) -> bytes:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = header(subject(message, words), SUBJECT_LIMIT)
    mail["Date"] = format_datetime(message.created_at)
    thread = f"<{_thread(message)}@{sender.domain}>"
    mail["Message-ID"] = f"<{_message_id(message, recipient)}@{sender.domain}>"
    if message.alert is not None or message.group is not None:
        # An id that no mail has: clients thread below it all the same, and the order in which
        # mails of one alert, or of one group, arrive does not matter.
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["List-Id"] = f"Tocsin <{_list(message)}.tocsin.{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail["X-Auto-Response-Suppress"] = "All"
    if message.severity is Severity.CRITICAL:
        mail["Importance"] = "high"
    names = {name.lower() for name in mail}
    mail.set_content(text(words, recipient))
    mail.add_alternative(html(words, recipient), subtype="html")
    mail.set_boundary(f"=_{message.id.hex}")
    mail["Content-Language"] = "en"
    data = mail.as_bytes()
    _check_headers(data, names | {"mime-version", "content-type", "content-language"})
    return data


def _shorter(words: MessageWords) -> MessageWords:
    kept = words.labels[:8]
    return replace(
        words,
        description=words.description and cut(words.description, 1_500),
        labels=kept,
        more_labels=words.more_labels + len(words.labels) - len(kept),
    )


def subject(message: Message, words: MessageWords) -> str:
    """Constant while severity and title are, or mail clients open a second thread; they ignore
    text in brackets, so the state goes there."""
    if words.severity is None:
        return words.title
    if message.group is not None:
        # Neither the number of alerts nor their severity stays as it is.
        left = message.group.changes.open
        state, tail = f"[{left} open] " if left else "[All over] ", f" ({words.reference})"
        room = SUBJECT_LIMIT - len(state) - len(tail) - len("Alerts: ")
        return f"{state}Alerts: {one_line(message.group.title, room)}{tail}"
    state = "" if message.event_type is EventType.TRIGGERED else f"[{words.state.capitalize()}] "
    tail = f" ({words.reference})"
    room = SUBJECT_LIMIT - len(state) - len(words.severity) - len(tail) - 4
    return f"{state}{words.severity}: {one_line(words.title, room)}{tail}"


def html(words: MessageWords, recipient: str) -> str:
    return _TEMPLATE.render(
        words=words, why=_why(words, recipient), colour=_colour(words), pieces=pieces
    )


def text(words: MessageWords, recipient: str) -> str:
    """The same in plain text; it has everything that the HTML has."""
    parts = [words.headline, words.title, "", words.change]
    parts += [f"{moment.name} {moment.aged}" for moment in words.moments]
    if words.lead:
        parts += ["", words.lead]
    if words.actions:
        width = max(len(action.name) for action in words.actions) + 1
        parts += ["", *(f"{action.name + ':':<{width}} {action.url}" for action in words.actions)]
    if words.code_hint:
        parts += ["", words.code_hint]
    if words.rest:
        parts += ["", words.rest]
    if words.rows:
        parts += ["", *_columns(words.rows)]
    if words.more_labels:
        parts.append(f"and {words.more_labels} more labels")
    # "-- " starts the signature (RFC 3676, section 4.3).
    parts += ["", "-- ", words.footer, _why(words, recipient)]
    return "\n".join(parts) + "\n"


def _columns(rows: Sequence[Fact]) -> list[str]:
    """Values below each other, as far as names are short."""
    width = max(len(row.name) for row in rows if len(row.name) <= _NAME_WIDTH or row is rows[0])
    width = min(width, _NAME_WIDTH) + 1
    return [f"{row.name + ':':<{width}} {row.value or '–'}" for row in rows]


def _why(words: MessageWords, recipient: str) -> str:
    return f"You get this because {recipient} is a recipient of “{words.destination}”."


def _colour(words: MessageWords) -> str:
    if words.severity is None:
        return _COLOURS[Severity.INFO]
    return _DONE if words.is_over else _COLOURS[words.severity]


def _thread(message: Message) -> str:
    if message.group is not None:
        return f"group.{message.group.id}"
    return f"alert.{message.alert.id}" if message.alert else f"test.{message.id}"


def _message_id(message: Message, recipient: str) -> str:
    reader = hashlib.sha256(recipient.lower().encode()).hexdigest()[:12]
    return f"{_thread(message)}.{message.id}.{reader}"


def _list(message: Message) -> str:
    slug = _NOT_IN_LABEL.sub("-", (message.workspace.slug or "").lower()).strip("-")
    return slug[:63] or message.workspace.id.hex


def _check_headers(data: bytes, expected: set[str]) -> None:
    found = [name.lower() for name in BytesHeaderParser(policy=_POLICY).parsebytes(data)]
    if set(found) != expected or len(found) != len(expected):
        raise UnsafeMail
