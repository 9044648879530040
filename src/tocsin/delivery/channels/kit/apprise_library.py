"""Apprise, held at arm's length: imported when first needed, silenced, and kept behind the guard.

It sends with sockets of its own in threads of its own, follows redirects, trusts the environment's
proxies, logs whole URLs and can be made by a URL's query to do more. All of that is turned off
here; the channel sees one call with one result.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import Any

from tocsin.delivery.outbound import AddressPolicy
from tocsin.delivery.outbound.sockets import guarded

# Services with a fixed host of their own, over TLS.
# fmt: off
_VENDORS = frozenset({
    "46elks", "atalk", "bluesky", "brevo", "bulksms", "burstsms", "clickatell", "clicksend",
    "cliq", "cm", "d7sms", "dingtalk", "discord", "elks", "feishu", "firehydrant", "flock",
    "freemobile", "gchat", "groupme", "guilded", "ifttt", "ilert", "incidentio", "jira", "join",
    "kavenegar", "kudosity", "lark", "line", "mailersend", "mailgun", "msg91", "msgbird",
    "nexmo", "notifiarr", "octopush", "onesignal", "opsgenie", "pagertree", "pbul", "plivo",
    "postmark", "pover", "prowl", "push", "pushed", "pushplus", "pushy", "resend", "revolt",
    "ryver", "schan", "sendgrid", "seven", "signl4", "simplepush", "sinch", "smtp2go", "sns",
    "ses", "sparkpost", "spike", "splunk", "spush", "squadcast", "telnyx", "tgram", "threema",
    "twilio", "twist", "viber", "victorops", "voipms", "vonage", "webex", "wecombot",
    "whatsapp", "wxpusher", "wxteams", "xmatters", "zcliq", "zoom", "zulip",
})
# fmt: on
# Services that run wherever their owner says; with an `s` over TLS, without it in clear.
# fmt: off
_SELF_HOSTED = frozenset({
    "apprise", "bark", "form", "goalert", "gotify", "hassio", "json", "mastodon", "matrix",
    "mmost", "nctalk", "ntfy", "pushdeer", "rocket", "signal", "synology", "xml",
})
# fmt: on
OWN_CHANNELS = {
    "azure": "email",
    "mailto": "email",
    "mailtos": "email",
    "msteams": "teams",
    "pagerduty": "pagerduty",
    "slack": "slack",
    "workflow": "teams",
    "workflows": "teams",
}
"""Services that have a channel here, which can do more than Apprise's."""

# What a URL's query could make Apprise read, trust or repeat.
# fmt: off
FORBIDDEN_OPTIONS = frozenset({
    "attach", "attachment", "attach-as", "ca", "cert", "config", "file", "key_file", "keyfile",
    "path", "redirect", "subfile", "template", "verify",
})
# fmt: on
_HTTP_ERROR = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Notified:
    """What became of one URL: `status` is the HTTP status of a refusal, where Apprise says."""

    sent: bool
    status: int | None = None
    blocked: bool = False
    timed_out: bool = False


def is_allowed(schema: str) -> bool:
    return schema in _VENDORS or schema in _SELF_HOSTED or schema.removesuffix("s") in _SELF_HOSTED


def is_clear(schema: str) -> bool:
    """Whether it would send unencrypted to a host of somebody's choice."""
    return schema in _SELF_HOSTED


def is_installed() -> bool:
    try:
        import apprise  # noqa: F401
    except ImportError:
        return False
    return True


def is_valid(url: str) -> bool:
    """Whether Apprise can make sense of the URL. Connects to nothing."""
    return _service(url) is not None


def service_name(url: str) -> str:
    """What people call the service behind a valid URL."""
    service = _service(url)
    return str(service.service_name) if service is not None else "Apprise"


async def notify(
    url: str, *, title: str, body: str, kind: str, policy: AddressPolicy, seconds: float
) -> Notified:
    """Send to one URL. `kind` is Apprise's: info, success, warning, failure. On a time-out the
    library's thread goes on, so the message may still arrive."""
    apprise = _library()
    service = _service(url)
    if service is None:
        return Notified(sent=False, status=400)
    hub = apprise.Apprise(asset=service.asset)
    hub.add(service)
    schema = url.partition(":")[0].lower()
    with guarded(policy, public=not is_clear(schema)) as watch:
        result = await hub.async_notify(
            title=title,
            body=body,
            notify_type=kind,
            body_format="text",
            timeout=seconds,
        )
    texts = [entry.message for each in result.results for entry in each.logs()]
    codes = [int(code) for text in texts for code in _HTTP_ERROR.findall(text)]
    return Notified(
        sent=bool(result),
        status=codes[-1] if codes else None,
        blocked=watch.blocked,
        timed_out=result.status.name == "TIMEOUT",
    )


def _service(url: str) -> Any:
    """A fresh sender for one URL, with nothing left to its query or the environment."""
    apprise = _library()
    asset = apprise.AppriseAsset(
        app_id="Tocsin",
        app_desc="Tocsin",
        app_url="",
        http_redirects=False,
        storage_mode="memory",
        interpret_emojis=False,
        interpret_escapes=False,
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None:
        return None
    service.redirects = False
    service.verify_certificate = True
    service.request_rate_per_sec = 0
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.socket_connect_timeout = 4.0
    service.socket_read_timeout = 4.0
    return service


def _library() -> Any:
    import apprise

    # Apprise records what it says for the result through this logger; nobody else may hear it,
    # as it repeats tokens and URLs. urllib3 logs paths.
    log = logging.getLogger("apprise")
    if log.propagate:
        log.propagate = False
        log.addHandler(logging.NullHandler())
        log.setLevel(logging.WARNING)
        noisy = logging.getLogger("urllib3")
        noisy.propagate = False
        noisy.addHandler(logging.NullHandler())
        noisy.setLevel(logging.CRITICAL + 1)
        # `requests` knows no other way to ignore the environment's proxies; nothing else here
        # reads these.
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    return apprise
