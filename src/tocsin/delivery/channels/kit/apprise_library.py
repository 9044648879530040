"""Apprise, kept isolated: imported when first needed, silenced, and kept behind the guard.

It sends with sockets of its own in threads of its own, follows redirects, trusts the environment's
proxies, logs whole URLs and can be made by a URL's query to do more. All of that is turned off
here; the channel sees one call with one result.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from dataclasses import dataclass
from typing import Any

from tocsin.delivery.channels.kit.escape import cut
from tocsin.delivery.channels.kit.own_threads import OwnThreads, StillBusyError
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

# What a URL's query may say: data for the service, and nothing that makes Apprise read a file, trust
# a certificate, follow a redirect, wait, or try again. What a service does not declare, it may not
# have either.
# fmt: off
_OPTIONS = frozenset({
    "access", "action", "actions", "alerting_scenario", "alias", "apikey", "archive", "auth",
    "avatar", "avatar_url", "badge", "batch", "bcc", "bot_id", "bot_token", "botname", "broadcast",
    "call", "category", "cc", "channel", "channels", "click", "company", "contents", "copy",
    "country", "critical_volume", "dedup", "delay", "delete", "detect", "email", "emojis", "entity",
    "entity_id", "event", "expire", "external_id", "fields", "filtering", "flags", "flash",
    "footer", "footer_logo", "format", "from", "group", "gwid", "href", "hsreq", "icon",
    "icon_url", "id", "image", "interval", "key", "label", "lang", "language", "level", "links",
    "location", "login", "mdv", "method", "mode", "msgtype", "name", "nid", "overflow", "ping",
    "prefix", "preview", "priority", "profile", "purpose", "recipients", "region", "replies",
    "reply", "route", "routing_key", "secret", "sensitive", "service", "shared", "short_url",
    "sid", "silent", "sound", "source", "spi", "spoiler", "sptag", "status", "subtitle", "tags",
    "team", "thirdparty", "thread", "tid", "to", "token", "topic", "topic_auth_token", "tts",
    "ttl", "type", "tz", "unicode", "urgency", "url", "url_prefix", "url_title", "validity",
    "version", "visibility", "volume", "webhook", "workspace", "xtags",
})
# fmt: on
_PREFIXES = "+-:"
"""Before the name of an option: of a header, a field or a parameter that the sender names."""
_AROUND_A_TITLE = 24
"""Characters that Apprise puts around a title that it writes above the body."""
_threads = OwnThreads()
_HTTP_ERROR = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Notified:
    """What became of one URL: `status` is the HTTP status of a refusal, where Apprise says."""

    sent: bool
    status: int | None = None
    blocked: bool = False
    timed_out: bool = False
    unsafe_option: str | None = None


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


class UnsafeUrlError(Exception):
    """The URL asks Apprise for more than to send; `option` is what, as far as it may be repeated."""

    def __init__(self, option: str) -> None:
        super().__init__(option)
        self.option = option


def is_valid(url: str) -> bool:
    """Whether Apprise can make sense of the URL. Connects to nothing, and reads nothing.

    Raises:
        UnsafeUrlError: it names a service or an option that it must not.
    """
    return _service(url) is not None


def service_name(url: str) -> str:
    """What people call the service behind a valid URL."""
    try:
        service = _service(url)
    except UnsafeUrlError:
        service = None
    return str(service.service_name) if service is not None else "Apprise"


async def notify(
    url: str, *, title: str, body: str, kind: str, policy: AddressPolicy, seconds: float
) -> Notified:
    """Send to one URL. `kind` is Apprise's: info, success, warning, failure. On a time-out the
    library's thread goes on, so the message may still arrive."""
    apprise = _library()
    try:
        service = _service(url)
    except UnsafeUrlError as unsafe:
        return Notified(sent=False, unsafe_option=unsafe.option)
    if service is None:
        return Notified(sent=False, status=400)
    hub = apprise.Apprise(asset=service.asset)
    hub.add(service)
    schema = url.partition(":")[0].lower()
    title, body = _fitting(service, title, body)

    def send() -> Any:
        # Without a time limit of its own it stays on this thread and out of Apprise's common pool.
        return hub.notify(title=title, body=body, notify_type=kind, body_format="text")

    with guarded(policy, public=not is_clear(schema)) as watch:
        try:
            result = await _threads.run(url, send, seconds=seconds)
        except (TimeoutError, StillBusyError):
            return Notified(sent=False, blocked=watch.blocked, timed_out=True)
    texts = [entry.message for each in result.results for entry in each.logs()]
    codes = [int(code) for text in texts for code in _HTTP_ERROR.findall(text)]
    return Notified(
        sent=bool(result),
        status=codes[-1] if codes else None,
        blocked=watch.blocked,
    )


def _fitting(service: Any, title: str, body: str) -> tuple[str, str]:
    """Both within what the service takes. Apprise itself would cut a character or an address in half."""
    if service.title_maxlen > 0:
        title = cut(title, service.title_maxlen)
    is_above = service.title_maxlen <= 0 or service.overflow_amalgamate_title
    room = service.body_maxlen - (len(title) + _AROUND_A_TITLE if is_above else 0)
    return title, cut(body, room) if room > 0 else body


def _service(url: str) -> Any:
    """A fresh sender for one URL, with nothing left to its query or the environment."""
    apprise = _library()
    parsed = _parsed(url)
    if parsed is None:
        return None
    asset = apprise.AppriseAsset(
        app_id="Tocsin",
        app_desc="Tocsin",
        app_url="",
        http_redirects=False,
        storage_mode="memory",
        interpret_emojis=False,
        interpret_escapes=False,
    )
    service = apprise.Apprise.instantiate(parsed, asset=asset)
    if service is None:
        return None
    service.redirects = False
    service.verify_certificate = True
    service.request_rate_per_sec = 0
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.socket_connect_timeout = 4.0
    service.socket_read_timeout = 4.0
    return service


def _parsed(url: str) -> dict[str, Any] | None:
    """The URL as Apprise itself takes it apart, checked; None if it cannot. A look at the text would
    see other options than Apprise does: it splits at `;` as well, strips blanks and knows no `#`."""
    plugins: Any = importlib.import_module("apprise.plugins")
    parsed: dict[str, Any] | None = plugins.url_to_dict(url)
    if not parsed:
        return None
    if not is_allowed(str(parsed["schema"])):
        raise UnsafeUrlError("schema")
    plugin = plugins.N_MGR[parsed["schema"]]
    # Labels have no name of their own among what a service declares.
    allowed = _OPTIONS.intersection(plugin.template_args) | {"tags"}
    prefixes = {each.get("prefix") for each in plugin.template_kwargs.values()}
    for name, value in parsed.get("qsd", {}).items():
        if not name and not value:
            continue  # a `?` or `&` with nothing behind it
        is_prefixed = name.startswith(tuple(_PREFIXES))
        if not (name[0] in prefixes if is_prefixed else name in allowed):
            known = re.fullmatch(r"[a-z][a-z_-]{0,30}", name)
            raise UnsafeUrlError(name if known else "unknown")
    return parsed


def _library() -> Any:
    import apprise

    # Apprise records what it says for the result through this logger; nobody else may read it,
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
