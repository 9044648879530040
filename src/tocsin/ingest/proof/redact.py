"""Headers as they may be kept: credentials, cookies and signatures are `[redacted]`."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.ingest.proof.verify import Profile, token_sent
from tocsin.model import REDACTED, AuthScheme

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
        "x-gitlab-token",
        "x-routing-key",
        "api-key",
        "apikey",
    }
)
# Anything named like one of these is taken for a credential, whatever the integration expects.
_SECRET_WORDS = ("signature", "token", "secret", "password", "passwd", "credential", "api-key")

_HARMLESS = frozenset({"content-type", "content-length", "user-agent"})

HEADERS_LIMIT = 16_384
"""Characters of names and values kept of one request; real ones have a tenth of it."""

_verdicts: dict[str, bool] = {}


def _is_secret(name: str) -> bool:
    known = _verdicts.get(name)
    if known is None:
        known = name in _SECRET_HEADERS or any(word in name for word in _SECRET_WORDS)
        # Names come from strangers: remember only so many.
        if len(_verdicts) < 1_000:
            _verdicts[name] = known
    return known


def sanitised_headers(
    headers: Mapping[str, str], profile: Profile | None, token: str | None = None
) -> dict[str, str]:
    """`headers` (lower-case names) fit to be stored and shown; U+0000 cannot be in one. `token`: what
    this request proved itself with, in clear, if it did not sign.

    Without a profile nobody knows which header holds the secret, so only harmless ones are kept.
    """
    if profile is None:
        return {name: value for name, value in headers.items() if name in _HARMLESS}
    own = "" if profile.auth_scheme.is_in_address else profile.header_names[0].signature
    sent = _secrets_sent(profile, headers)
    if token:
        sent.append(token)
    kept: dict[str, str] = {}
    left = HEADERS_LIMIT
    for name, value in headers.items():
        if name == own or _is_secret(name) or (sent and any(secret in value for secret in sent)):
            value = REDACTED
        left -= len(name) + len(value)
        if left < 0:
            kept["…"] = "[left out: too large]"
            break
        kept[name] = value
    return kept


def _secrets_sent(profile: Profile, headers: Mapping[str, str]) -> list[str]:
    """What a sender puts in clear into its requests, and proxies may repeat: the last part of the
    path in `x-original-uri`, say."""
    if profile.auth_scheme is AuthScheme.HMAC:
        return []
    sent = [live.secret.reveal().decode("latin-1") for live in profile.secrets]
    if profile.token_hashes and (token := token_sent(profile, headers, None)):
        sent.append(token.decode("latin-1"))
    return sent
