"""Mail, for tools that can send nothing else.

What is parsed, and kept on record, is a document that `ingest/inbound/mail` makes of a mail (RFC 5322):
its header fields and its text, without the recipient, who is the secret. The same document can be
posted to the integration's own address.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import OwnKinds
from tocsin.ingest.sources.kit.mail_words import MailSubject, read_subject, word_of_reply
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    text_of,
    wrong_type,
)
from tocsin.model import AuthScheme, Signal, SignalKind

_TEXTS: Final = ("subject", "text", "message_id", "in_reply_to", "thread", "from", "date")
_METADATA: Final = ("from", "from_name", "reply_to", "message_id", "attachments")
_REPORTS: Final = ("delivery-status", "disposition-notification", "feedback-report")
_NO_NEWS: Final = "maintenance"
"""A word of the table of states that is about no alert."""


class Email(BaseSource):
    type: ClassVar[str] = "email"
    title: ClassVar[str] = "Mail"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.URL,
        secret_encoding="mail_token",  # noqa: S106 - the name of an encoding
    )
    takes_mapping: ClassVar[bool] = True
    takes_kinds: ClassVar[bool] = True
    found_by_key: ClassVar[bool] = True
    window_minutes: ClassVar[int] = 5 * 24 * 60
    """A mail server that got no answer sends the same mail again for days (RFC 5321, 4.5.4.1)."""

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        mail = require_object(payload, "a mail")
        faults = [
            wrong_type(f"/{name}", "a string", mail[name])
            for name in _TEXTS
            if not isinstance(mail.get(name), (str, type(None)))
        ]
        if faults:
            raise InvalidPayload(faults)
        if why_ignored(mail) is not None:
            return []
        subject = read_subject(mail.get("subject") or "", context.kinds)
        if subject.is_ignored and not _is_answer(mail, subject):
            return []
        if context.mapping is not None:
            return context.mapping.signals(_with_fields(mail, subject, context.kinds), context)
        kind = _kind(mail, subject, context.kinds)
        if kind is None and _is_answer(mail, subject):
            return []
        flags = ["unknown_status"] if subject.is_contradictory else []
        at = None if _is_answer(mail, subject) else moment(mail.get("date"), context, flags)
        text = text_of(mail.get("text"))
        return [
            make_signal(
                kind or SignalKind.TRIGGER,
                _external_id(mail, subject),
                _title(mail, subject),
                flags=flags,
                severity=subject.severity,
                description=text,
                triggered_at=at,
                occurred_at=at,
                labels=present({"from": mail.get("from"), "tag": text_of(mail.get("tag"))}),
                metadata=present({name: mail.get(name) for name in _METADATA}),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        reason = why_ignored(object_of(payload))
        if reason is not None:
            return reason
        if context.mapping is not None:
            return "the integration's mapping finds no alert in it, or says to ignore it"
        if read_subject(object_of(payload).get("subject") or "", context.kinds).is_ignored:
            return "a word of its subject is one that the integration ignores"
        return "an answer whose first line says neither that it is resolved nor that it is acknowledged"

    def delivery_key(self, payload: Any) -> str | None:
        return text_of(object_of(payload).get("message_id"))


def subject_key(subject: str | None, own: OwnKinds) -> str | None:
    """The external id of mails with this subject that belong to no thread."""
    key = read_subject(subject or "", own).key
    return None if key is None else f"subject:{key}"


def thread_key(references: list[str]) -> str | None:
    """The external id of a thread of which no earlier mail is known, by its root."""
    return f"thread:{references[0]}" if references else None


def why_ignored(mail: dict[str, Any]) -> str | None:
    """Why a mail is no alert, whatever it says; None if it may be one. What tools send on
    their own, and mark so ("auto-generated", "bulk"), is what is wanted here."""
    if mail.get("is_own") is True:
        return "a message of this Tocsin itself: a loop"
    if mail.get("sender") == "":
        return "the envelope names no sender: a bounce, or another notice of a mail server"
    automatic = _word(mail.get("auto_submitted"))
    if automatic == "auto-replied":
        return "an automatic reply (Auto-Submitted: auto-replied)"
    precedence = _word(mail.get("precedence"))
    if precedence in ("auto_reply", "junk"):
        return f"an automatic reply (Precedence: {precedence})"
    if _word(mail.get("report")) in _REPORTS:
        return f"a report of a mail server ({_word(mail.get('report'))})"
    return None


def _word(value: Any) -> str:
    return value.partition(";")[0].strip().lower() if isinstance(value, str) else ""


def _is_answer(mail: dict[str, Any], subject: MailSubject) -> bool:
    """Whether a person answers an earlier mail."""
    return subject.is_reply and bool(text_of(mail.get("in_reply_to")) or mail.get("references"))


def _kind(mail: dict[str, Any], subject: MailSubject, own: OwnKinds) -> SignalKind | None:
    """An answer repeats the subject, so that only its text says something."""
    if _is_answer(mail, subject):
        return word_of_reply(mail.get("text") or "", own)
    return subject.kind


def _external_id(mail: dict[str, Any], subject: MailSubject) -> str | None:
    if thread := text_of(mail.get("thread")):
        return thread
    return None if subject.key is None else f"subject:{subject.key}"


def _title(mail: dict[str, Any], subject: MailSubject) -> str:
    text = (mail.get("text") or "").strip().partition("\n")[0]
    return subject.title or text[:200].strip() or f"Mail from {mail.get('from') or 'somebody'}"


def _with_fields(mail: dict[str, Any], subject: MailSubject, own: OwnKinds) -> dict[str, Any]:
    """The mail as a mapping sees it: what Tocsin reads in it stands in the places of the defaults."""
    kind = _kind(mail, subject, own)
    status: str | None = None if kind is None else kind.value
    if kind is None and _is_answer(mail, subject):
        status = _NO_NEWS
    return {
        **mail,
        "head": subject.head,
        "rest": subject.rest,
        "title": _title(mail, subject),
        "description": text_of(mail.get("text")),
        "external_id": _external_id(mail, subject),
        "status": status,
        "severity": subject.severity and subject.severity.value,
        "timestamp": None if _is_answer(mail, subject) else mail.get("date"),
        "labels": present({"from": mail.get("from"), "tag": text_of(mail.get("tag"))}),
    }
