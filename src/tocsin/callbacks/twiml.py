"""TwiML: what Twilio is answered with. XML 1.0 holds fewer characters than a title may have."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

NOTHING = f"{_HEAD}<Response/>"
"""Answer nothing."""


def text_reply(text: str) -> str:
    """Answer a text message with one."""
    return f"{_HEAD}<Response><Message>{_text(text)}</Message></Response>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def attribute(value: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", value))
