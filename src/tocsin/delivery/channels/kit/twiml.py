"""TwiML: what Twilio is to do with a call, or to answer a text message with.

Facts: twilio.com/docs/voice/twiml (Say, Gather, Hangup), /docs/messaging/twiml. A call's first document
may be sent with the request that makes the call, if it has at most 4,000 characters. XML 1.0 holds fewer
characters than a title may have.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

LIMIT = 4_000
LISTENING_SECONDS = 10
"""For a key, after all is said."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

NOTHING = f"{_HEAD}<Response/>"
"""Answer nothing."""


def text_reply(text: str) -> str:
    """Answer a text message with one."""
    return f"{_HEAD}<Response><Message>{_text(text)}</Message></Response>"


def spoken(text: str) -> str:
    """Say it, and hang up."""
    return f"{_HEAD}<Response>{_say(text)}<Hangup/></Response>"


def asked(text: str, choices: str, action: str, goodbye: str) -> str:
    """Say it, then the choices, twice, and listen for one key from the beginning on; `action` is where
    the key goes. Without one, say goodbye."""
    once = f"{_say(text)}{_say(choices)}"
    return (
        f'{_HEAD}<Response><Gather action={quoteattr(action)} input="dtmf" method="POST"'
        f' numDigits="1" timeout="{LISTENING_SECONDS}">{once}<Pause length="2"/>{once}</Gather>'
        f"{_say(goodbye)}<Hangup/></Response>"
    )


def _say(text: str) -> str:
    return f'<Say language="en-US">{_text(text)}</Say>'


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
