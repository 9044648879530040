"""A server that speaks as much of Slack's API as a bot needs."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk import WebClient

TOKEN, SIGNING_SECRET = "xoxb-0123456789-abcdefgh", "8f742231b10e8888abcd99yyyzzz85a5"

POSTED = frozenset(inspect.signature(WebClient.chat_postMessage).parameters) - {"self", "kwargs"}
"""What Slack's own library knows that a message may have."""


@dataclass
class FakeSlack:
    """`messages` are those that stand there, by channel and ts, and `replies` those in their threads;
    `calls` every method with what came."""

    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    """Method → what it refuses with."""
    reply_error: str | None = None
    """What it refuses replies with."""
    emails: dict[str, str] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    """What was posted to response URLs."""

    async def take(self, request: web.Request) -> web.StreamResponse:
        method = request.path.rpartition("/")[2]
        if request.path.startswith("/response/"):
            self.said.append(await request.json())
            return web.Response(text="ok")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _no("invalid_auth")
        if method == "users.info":
            user = parse_qs((await request.read()).decode())["user"][0]
            email = self.emails.get(user)
            profile = {} if email is None else {"email": email}
            return web.json_response({"ok": True, "user": {"id": user, "profile": profile}})
        document = await request.json()
        self.calls.append((method, document))
        if method in self.errors:
            return _no(self.errors[method])
        match method:
            case "conversations.open":
                return web.json_response({"ok": True, "channel": {"id": f"D{document['users']}"}})
            case "chat.postMessage" if not document.keys() <= POSTED:
                return _no("invalid_arguments")
            case "chat.postMessage" if "thread_ts" in document:
                key = (document["channel"], document["thread_ts"])
                if self.reply_error is not None:
                    return _no(self.reply_error)
                if key not in self.messages:
                    return _no("thread_not_found")
                self.replies.append(document)
                return web.json_response({"ok": True, "channel": key[0], "ts": "1763758696.0"})
            case "chat.postMessage":
                key = (document["channel"], f"1763758695.{len(self.messages):06d}")
            case "chat.update":
                key = (document["channel"], document["ts"])
                if key not in self.messages:
                    return _no("message_not_found")
            case _:
                return _no("unknown_method")
        self.messages[key] = document
        # In this order, and with the message repeated behind it, as Slack does.
        return web.Response(
            text=f'{{"ok":true,"channel":"{key[0]}","ts":"{key[1]}","message":'
            f'{{"text":"{"x" * 6_000}"}}}}'
        )


def _no(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})
