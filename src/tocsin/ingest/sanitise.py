"""Headers as they may be kept: credentials, cookies and signatures are `[redacted]`."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.ingest.verify import Profile
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

_verdicts: dict[str, bool] = {}


def _is_secret(name: str) -> bool:
    known = _verdicts.get(name)
    if known is None:
        known = name in _SECRET_HEADERS or any(word in name for word in _SECRET_WORDS)
        # Names come from strangers: remember only so many.
        if len(_verdicts) < 1_000:
            _verdicts[name] = known
    return known


def sanitised_headers(headers: Mapping[str, str], profile: Profile | None) -> dict[str, str]:
    """`headers` (lower-case names) fit to be stored and shown; U+0000 cannot be in one."""
    own = profile.signature_header.lower() if profile is not None else ""
    token = profile is not None and profile.auth_scheme is not AuthScheme.URL
    return {
        name: REDACTED if (token and name == own) or _is_secret(name) else value
        for name, value in headers.items()
    }
