"""Mail servers that bring mail, as real ones do: with Python's own SMTP client."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

from tests.support import certificates
from tests.support.node import Node, eventually

DOMAIN = "alerts.example"


def mail(subject: str, text: str = "It burns.\n", **fields: str) -> EmailMessage:
    """A mail of a tool; `in_reply_to=` and their like are fields of it."""
    message = EmailMessage()
    message["From"] = "Monitor <monitor@tools.example>"
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain="tools.example")
    for name, value in fields.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def raw(message: EmailMessage) -> bytes:
    """As it goes over the wire."""
    return message.as_bytes(policy=SMTP)


@contextmanager
def connected(port: int, *, tls: bool = False) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        if tls:
            client.starttls(context=certificates.client())
        yield client


def bring(
    port: int,
    address: str | list[str],
    message: EmailMessage | bytes,
    *,
    sender: str = "monitor@tools.example",
    tls: bool = False,
) -> tuple[int, str]:
    """The reply to a mail, whatever step it was given at."""
    content = raw(message) if isinstance(message, EmailMessage) else message
    addresses = [address] if isinstance(address, str) else address
    with connected(port, tls=tls) as client:
        client.ehlo()
        code, said = client.mail(sender, [f"size={len(content)}"])
        for each in addresses:
            if code < 400:
                code, said = client.rcpt(each)
        if code < 400:
            code, said = client.data(content)
        return code, said.decode()


def mail_port(node: Node) -> int:
    """Where a server process takes mail."""
    eventually(lambda: "is taken at" in node.errors(), "the mail listener")
    found = re.search(r"is taken at\s+127\.0\.0\.1:(\d+)", node.errors())
    assert found is not None
    return int(found[1])
