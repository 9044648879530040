"""A mail (RFC 5322, MIME) as the document that the source `email` parses.

Nothing here fails: whatever a mail is made of, something of it becomes a document. What it may cost is
bounded by its size and by the limits below.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import Compat32
from typing import Any, Final

from tocsin.ingest.inbound.mail.html_text import MOST_CHARACTERS, text_of_html
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.ingest.unpack import known_codec
from tocsin.model import REDACTED

TEXT_LIMIT: Final = 65_536
"""Characters of the text that are kept."""
HEADER_LIMIT: Final = 4_000
"""Characters of one field."""
HEAD_BYTES: Final = 262_144
"""Of all fields of a mail; what comes behind them is left out."""
MOST_PARTS: Final = 500
"""Lines that may begin a part; a mail with more is kept as it came, as one text."""
MOST_LEVELS: Final = 20
MOST_REFERENCES: Final = 50
MOST_HOPS: Final = 50
MOST_ATTACHMENTS: Final = 20
SMALL_BYTES: Final = 16_384
"""Of a text attached; a larger one is named and not kept."""
SMALL_BYTES_TOGETHER: Final = 32_768

_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_BYTES_READ: Final = 4 * MOST_CHARACTERS
_ENCODED_WORD: Final = re.compile(
    r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]{0,1000})\?="
)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,250}>")
_KEPT_TYPES: Final = ("application/json", "application/xml", "application/yaml")


def read_mail(
    content: bytes,
    *,
    sender: str,
    tag: str | None,
    token: str,
    own_domain: str | None,
) -> dict[str, Any]:
    """`sender`: that of the envelope, empty for a bounce. `tag`: what stood behind a `+` in the
    recipient. `token`: the secret in the recipient, which is nowhere in the document. `own_domain`:
    of the mails that this Tocsin sends."""
    mail = _parsed(content)
    name, address = _address(_field(mail, "From"))
    references = _message_ids(_field(mail, "References"))
    in_reply_to = _message_ids(_field(mail, "In-Reply-To"))
    text, attachments = _text_and_attachments(mail)
    ids = _message_ids(_field(mail, "Message-ID"))
    document: dict[str, Any] = {
        "message_id": ids[0] if ids else (_field(mail, "Message-ID") or None),
        "in_reply_to": in_reply_to[0] if in_reply_to else None,
        "references": references or in_reply_to,
        "sender": sender,
        "from": address.lower() or sender.lower() or None,
        "from_name": name or None,
        "reply_to": _address(_field(mail, "Reply-To"))[1] or None,
        "tag": tag,
        "subject": _field(mail, "Subject"),
        "date": _field(mail, "Date") or None,
        "auto_submitted": _field(mail, "Auto-Submitted") or None,
        "precedence": _field(mail, "Precedence") or None,
        "report": _report_type(mail),
        "is_own": _is_own(mail, own_domain) or None,
        "text": text,
        "attachments": attachments,
    }
    shown = {name: value for name, value in document.items() if value not in (None, [])}
    cleaned: dict[str, Any] = _without(re.compile(re.escape(token), re.IGNORECASE), shown)
    return cleaned


class _ShortFields(Compat32):
    """What the library reads in a field takes it time by the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        is_structured = name[:8].lower() == "content-"
        return name, value[: HEADER_LIMIT if is_structured else 4 * HEADER_LIMIT]


_POLICY: Final = _ShortFields()


def _parsed(content: bytes) -> Message:
    head = _END_OF_HEAD.search(content)
    end = len(content) if head is None else head.start()
    if end > HEAD_BYTES:
        content = content[:HEAD_BYTES] + content[end:]
    parts = content.count(b"\n--")
    if parts <= MOST_PARTS and content.lower().count(b"multipart/") <= MOST_LEVELS:
        return BytesParser(policy=_POLICY).parsebytes(content)
    # Nobody writes such a mail; it is one text.
    return BytesHeaderParser(policy=_POLICY).parsebytes(content)


def _field(mail: Message, name: str) -> str:
    """The first field of a name, decoded, in one line; empty if there is none."""
    wanted = name.lower()
    for given, raw in mail.raw_items():
        if given.lower() == wanted:
            return " ".join(_decoded(str(raw)[: 4 * HEADER_LIMIT]).split())[:HEADER_LIMIT]
    return ""


def _address(field: str) -> tuple[str, str]:
    """Name and address of the first mailbox in a field."""
    before, opened, rest = field.partition("<")
    if opened:
        return before.strip(" \"'"), rest.partition(">")[0].strip()
    return "", next((word.strip(",;") for word in field.split() if "@" in word), "")


def _decoded(raw: str) -> str:
    """A field with encoded words (RFC 2047), or with bytes of its own."""
    if not raw.isascii():
        raw = _text_of(raw.encode("utf-8", "surrogateescape"), "utf-8")
    parts: list[str] = []
    charset, content, at = "", b"", 0
    for found in _ENCODED_WORD.finditer(raw):
        between = raw[at : found.start()]
        is_next = bool(content) and not between.strip()
        if not is_next or found[1].lower() != charset:
            parts.append(_text_of(content, charset))
            content = b""
        if not is_next:
            parts.append(between)
        # A character may be spread over two words.
        charset, content = found[1].lower(), content + _bytes_of_word(found[2], found[3])
        at = found.end()
    return "".join((*parts, _text_of(content, charset), raw[at:]))


def _bytes_of_word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    try:
        return binascii.a2b_base64(raw + b"==")
    except binascii.Error:
        return raw


def _text_of(content: bytes, charset: str) -> str:
    """Bytes as text: in the character set that is named, else in the likeliest."""
    for codec in (known_codec(charset), "utf-8", "cp1252"):
        if codec is None:
            continue
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


def _message_ids(field: str) -> list[str]:
    found = _MESSAGE_ID.findall(field)
    # The root and the newest say most.
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]


def _report_type(mail: Message) -> str | None:
    if mail.get_content_type() != "multipart/report":
        return None
    found = re.search(
        r'report-type\s*=\s*"?([\w-]{1,60})', _field(mail, "Content-Type"), re.IGNORECASE
    )
    return found[1].lower() if found is not None else "report"


def _is_own(mail: Message, own_domain: str | None) -> bool:
    """Whether this Tocsin sent it, or it has gone round too often."""
    if sum(1 for name, _ in mail.raw_items() if name.lower() == "received") > MOST_HOPS:
        return True
    if own_domain is None:
        return False
    return _field(mail, "List-Id").lower().endswith(f".tocsin.{own_domain}>")


def _text_and_attachments(mail: Message) -> tuple[str, list[dict[str, Any]]]:
    plain: list[str] = []
    html: list[str] = []
    attachments: list[dict[str, Any]] = []
    room = SMALL_BYTES_TOGETHER
    for part in _leaves(mail, MOST_LEVELS):
        kind, name = part.get_content_type(), _file_name(part)
        is_attached = bool(name) or part.get_content_disposition() == "attachment"
        if not is_attached and kind == "text/plain":
            plain.append(_text_of_part(part))
        elif not is_attached and kind == "text/html":
            html.append(_text_of_part(part))
        elif len(attachments) < MOST_ATTACHMENTS:
            attachments.append(attached := _attachment(part, kind, name, room))
            room -= len(attached.get("text", ""))
    text = "\n".join(plain).replace("\r\n", "\n").strip()
    if not text:
        text = "\n".join(map(text_of_html, html)).strip()
    return clean_text(text, TEXT_LIMIT)[0], attachments


def _leaves(mail: Message, levels: int) -> Iterator[Message]:
    inner = mail.get_payload()
    if not isinstance(inner, list) or mail.get_content_maintype() != "multipart" or levels == 0:
        yield mail
        return
    for part in inner:
        if isinstance(part, Message):
            yield from _leaves(part, levels - 1)


def _content(part: Message) -> bytes:
    """What it holds, no longer in base64 or quoted-printable. Of a mail within a mail, nothing."""
    if isinstance(part.get_payload(), list):
        return b""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def _text_of_part(part: Message) -> str:
    return _text_of(_content(part)[:_BYTES_READ], _charset(part))


def _charset(part: Message) -> str:
    try:
        return part.get_content_charset() or "utf-8"
    except (ValueError, LookupError, TypeError):
        return "utf-8"


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        return "unnamed"
    return clean_text(" ".join(_decoded(name).split()), 200)[0]


def _attachment(part: Message, kind: str, name: str, room: int) -> dict[str, Any]:
    content = _content(part)
    attached: dict[str, Any] = {"name": name or "unnamed", "type": kind[:100], "size": len(content)}
    is_text = kind.startswith("text/") or kind in _KEPT_TYPES
    if is_text and 0 < len(content) <= min(SMALL_BYTES, room):
        attached["text"] = _text_of(content, _charset(part))
    return attached


def _without(token: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(token.sub(REDACTED, value), TEXT_LIMIT)[0]
    if isinstance(value, list):
        return [_without(token, each) for each in value]
    if isinstance(value, dict):
        return {name: _without(token, each) for name, each in value.items()}
    return value
