"""From the bytes of a mail to the document that is kept of it."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from time import perf_counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.inbound.mail.html_text import text_of_html
from tocsin.ingest.inbound.mail.reading import TEXT_LIMIT, read_mail

TOKEN = "k3ks9dj2mm10c7a5"


def read(content: bytes, **changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"sender": "a@b.example", "tag": None, "token": TOKEN}
    return read_mail(content, **{**given, "own_domain": "hub.example", **changed})


def mail(*fields: str, body: str | bytes = "") -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def test_fields_and_text() -> None:
    document = read(
        mail(
            "From: =?utf-8?q?W=C3=A4chter?= <Watch@Example.com>",
            f"To: {TOKEN}@alerts.example",
            "Subject: =?iso-8859-1?q?St=F6rung=3A?= =?iso-8859-1?q?_Platte?=\r\n voll",
            "Message-ID: <1@x>",
            "In-Reply-To: <0@x>",
            "References: <r@x>\r\n <0@x>",
            "Date: Sun, 1 Mar 2026 09:15:00 +0000",
            "Auto-Submitted: auto-generated",
            "Precedence: bulk",
            body="95 %\r\nfull\r\n",
        ),
        tag="web",
    )
    assert document == {
        "message_id": "<1@x>",
        "in_reply_to": "<0@x>",
        "references": ["<r@x>", "<0@x>"],
        "sender": "a@b.example",
        "from": "watch@example.com",
        "from_name": "Wächter",
        "tag": "web",
        "subject": "Störung: Platte voll",
        "date": "Sun, 1 Mar 2026 09:15:00 +0000",
        "auto_submitted": "auto-generated",
        "precedence": "bulk",
        "text": "95 %\nfull",
    }


@pytest.mark.parametrize(
    ("charset", "transfer"),
    [
        ("utf-8", "base64"),
        ("iso-8859-1", "quoted-printable"),
        ("windows-1252", "8bit"),
        ("utf-16", "base64"),
        ("no-such-charset", "quoted-printable"),
        ("rot13", "base64"),
    ],
)
def test_character_sets_and_transfer_encodings(charset: str, transfer: str) -> None:
    known = charset not in ("no-such-charset", "rot13")
    said = "Störung: 20 °C"
    content = said.encode(charset if known else "cp1252")
    if transfer == "base64":
        content = base64.encodebytes(content)
    elif transfer == "quoted-printable":
        content = content.replace(b"\xf6", b"=F6").replace(b"\xb0", b"=\r\n=B0")
    document = read(
        mail(
            f"Content-Type: text/plain; charset={charset}",
            f"Content-Transfer-Encoding: {transfer}",
            body=content,
        )
    )
    assert document["text"] == said


def test_fields_in_plain_bytes_are_utf_8_or_what_windows_has() -> None:
    assert read("Subject: Störung\r\n\r\n".encode())["subject"] == "Störung"
    assert read(b"Subject: St\xf6rung\r\n\r\n")["subject"] == "Störung"
    assert read(b"Subject: =?utf-8?b?%%%?= x\r\n\r\n")["subject"] == "x"
    one_character_in_two = b"Subject: =?utf-8?q?St=C3?=\r\n =?UTF-8?Q?=B6rung_a?=\r\n\r\n"
    assert read(one_character_in_two)["subject"] == "Störung a"


def test_plain_text_goes_before_html_and_html_becomes_text() -> None:
    both = EmailMessage()
    both.set_content("plain")
    both.add_alternative("<p>rich</p>", subtype="html")
    assert read(bytes(both))["text"] == "plain"
    only = EmailMessage()
    only.set_content(
        "<html><head><title>T</title><style>p{}</style></head><body><h1>Disk&nbsp;full</h1>"
        "<p>of <b>db-1</b><br>95&#37;</p><script>x()</script><table><tr><td>a</td><td>b</td></tr>"
        '</table><a href="https://x.example/1">Details</a> <a href="mailto:x">me</a></body></html>',
        subtype="html",
    )
    assert read(bytes(only))["text"] == (
        "Disk full\n\nof db-1\n95%\n\na b\n\nDetails <https://x.example/1> me"
    )
    assert text_of_html("<head><p>a head that nobody closed<body>seen") == "seen"


def test_attachments_are_named_and_small_texts_kept() -> None:
    message = EmailMessage()
    message.set_content("see below")
    message.add_attachment("free: 5 %", filename="df.txt")
    message.add_attachment(b"\x89PNG" * 10, maintype="image", subtype="png", filename="gräph.png")
    message.add_attachment("x" * 20_000, filename="log.txt")
    inner = EmailMessage()
    inner["Subject"] = "the mail within"
    inner.set_content("not ours")
    message.add_attachment(inner)
    document = read(bytes(message))
    assert document["text"] == "see below"
    text, picture, log, within = document["attachments"]
    assert text == {"name": "df.txt", "type": "text/plain", "size": 10, "text": "free: 5 %\n"}
    assert picture == {"name": "gräph.png", "type": "image/png", "size": 40}
    assert (log["name"], log["size"], "text" in log) == ("log.txt", 20_001, False)
    assert (within["type"], within["size"]) == ("message/rfc822", 0)
    many = EmailMessage()
    many.set_content("see below")
    for number in range(30):
        many.add_attachment("y" * 10_000, filename=f"{number}.txt")
    attachments = read(bytes(many))["attachments"]
    assert len(attachments) == 20
    assert sum("text" in each for each in attachments) == 3


def test_the_recipient_is_nowhere() -> None:
    message = EmailMessage()
    message["To"] = message["Subject"] = f"<{TOKEN}@alerts.example>"
    message["References"] = f"<{TOKEN.upper()}@alerts.example>"
    message.set_content(f"> To: {TOKEN.upper()}@alerts.example")
    message.add_attachment(f"to {TOKEN}", filename=f"{TOKEN}.txt")
    document = read(bytes(message))
    assert TOKEN not in msgspec.json.encode(document).decode().lower()
    assert document["text"] == "> To: [redacted]@alerts.example"


def test_bounces_and_loops_are_known() -> None:
    report = mail('Content-Type: multipart/report; report-type="delivery-status"; boundary=x')
    assert read(report, sender="")["report"] == "delivery-status"
    assert read(report, sender="")["sender"] == ""
    own = mail("List-Id: Tocsin <prod.tocsin.hub.example>")
    assert read(own)["is_own"] is True
    assert "is_own" not in read(own, own_domain="elsewhere.example")
    assert "is_own" not in read(own, own_domain=None)
    assert read(mail(*["Received: from x"] * 51))["is_own"] is True
    assert "is_own" not in read(mail(*["Received: from x"] * 50))


def test_what_is_too_much_is_cut() -> None:
    document = read(mail("Subject: " + "x" * 100_000, body="y" * 1_000_000))
    assert len(document["subject"]) == 4_000
    assert len(document["text"]) == TEXT_LIMIT
    references = " ".join(f"<{number}@x>" for number in range(100))
    kept = read(mail("References: " + references))["references"]
    assert (len(kept), kept[0], kept[-1]) == (50, "<0@x>", "<99@x>")


def _nested(levels: int) -> bytes:
    opened = [
        f'Content-Type: multipart/mixed; boundary="{n}"\r\n\r\n--{n}\r\n' for n in range(levels)
    ]
    return "".join(opened).encode() + b"\r\ninnermost"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"\0\xff\xfe",
        _nested(15),
        _nested(5_000),
        mail('Content-Type: multipart/mixed; boundary="x"', body="\r\n--x\r\n\r\na" * 100_000),
        mail("Content-Type: text/html", body="<a " * 300_000),
        mail("Content-Type: text/html", body="<!--" * 300_000),
        mail("Content-Type: text/html", body="<![" * 300_000),
        mail("Content-Type: text/html", body="&" * 1_000_000),
        mail("Content-Type: text/plain; charset*=''" + "x" * 1_000),
        mail("Content-Disposition: attachment; filename*0*=utf-9''%ff; filename*99=x"),
        mail("Subject: " + "=?utf-8?q?" * 100_000),
        mail("From: " + '"(' * 100_000),
        mail("From: " + "<" * 100_000),
        mail("Content-Transfer-Encoding: base64", body="=" * 1_000_000),
        mail("Content-Transfer-Encoding: x-uuencode", body="begin 666 x\n" + "#" * 100_000),
        mail("Content-Type: " + ";" * 200_000),
        mail(*["Content-Type: " + ";" * 10_000] * 500),
        mail(*["X: y"] * 800_000),
        mail("Content-Type: text/html", body="<head></head>" * 100_000 + "<body>"),
        mail('Content-Type: text/plain; a="' + "\\" * 200_000),
    ],
)
def test_any_bytes_become_a_document_soon(content: bytes) -> None:
    begun = perf_counter()
    document = read(content)
    assert perf_counter() - begun < 5
    assert len(msgspec.json.encode(document)) < 1_000_000


@given(st.binary(max_size=2_000))
def test_no_mail_is_a_fault(content: bytes) -> None:
    msgspec.json.encode(read(content))
    msgspec.json.encode(read(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + content))
