"""Every answer to a webhook that is not 2xx, in one table.

| refusal | answer |
|---|---|
| `UNKNOWN`, `GONE`, `DELETED_MEANWHILE` | 404 integration-not-found |
| `NOT_POST` | 405 method-not-allowed |
| `TOO_SLOW` | 408 request-timeout |
| `too_large` | 413 payload-too-large |
| `INACTIVE` | 403 integration-inactive |
| `UNPROVEN` | 401 missing-signature, invalid-signature, stale-timestamp |
| `invalid_payload` | 400 invalid-payload |
| `unknown_encoding` | 415 unsupported-encoding |
| `UNCHECKED_SIGNATURE` | 503 signature-unchecked |
| `LIMITED` | 503 rate-limited |
| `OVERLOADED`, `TOO_MANY_BODIES` | 503 overloaded |
| `UNAVAILABLE` | 503 database-unavailable |
| `UNREADABLE_SECRET`, `UNREADABLE_PAYLOAD`, `FAULT` | 500 internal-error |

The explanation of each for people is in `tocsin.problems`, under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.ingest.proof.verify import INVALID, MISSING, STALE, UNCHECKED, Refused
from tocsin.ingest.received_webhook import Declined, RefusalOutcome
from tocsin.model import Fault
from tocsin.problems import PROBLEMS

Header = tuple[bytes, bytes]

_CLOSE: Header = (b"connection", b"close")
"""Where the body was not read to its end: what follows on this connection is the rest of it."""
_RETRY_AFTER: Header = (b"retry-after", b"2")
_AUTHENTICATE: Header = (b"www-authenticate", b'Webhook realm="tocsin"')


def _refusal(problem: str, outcome: RefusalOutcome, detail: str, *headers: Header) -> Declined:
    return Declined(problem, PROBLEMS[problem].status, detail, outcome, headers=headers)


def _rejected(problem: str, detail: str, *headers: Header) -> Declined:
    return _refusal(problem, RefusalOutcome.REJECTED, detail, *headers)


def _failed(problem: str, detail: str, *headers: Header) -> Declined:
    return _refusal(problem, RefusalOutcome.FAILED, detail, *headers)


def _invalid(problem: str, detail: str, faults: tuple[dict[str, str], ...] = ()) -> Declined:
    status = PROBLEMS[problem].status
    return Declined(problem, status, detail, RefusalOutcome.INVALID, faults)


# Before anything is known of the sender

UNKNOWN = _rejected("integration-not-found", "There is no integration at this address.")
GONE = _rejected("integration-not-found", "There is no such integration.")
DELETED_MEANWHILE = _rejected(
    "integration-not-found",
    "The integration was deleted while this waited in the spool for the database.",
)
"""For the record only."""
NOT_POST = _rejected(
    "method-not-allowed",
    "Webhooks are sent with POST, PUT or PATCH, or with GET and their fields behind a ?.",
    (b"allow", b"POST, PUT, PATCH"),
)
TOO_SLOW = _rejected("request-timeout", "The body did not arrive in time.", _CLOSE)


def too_large(limit: int, when: str = "") -> Declined:
    """`when`: what was done to a body that came whole; else it was not read to its end."""
    if when:
        return _invalid("payload-too-large", f"The body is larger than {limit} bytes {when}.")
    return _rejected("payload-too-large", f"The body is larger than {limit} bytes.", _CLOSE)


# Of a sender that has not proven itself

INACTIVE = _rejected("integration-inactive", "This integration is not active.")
UNCHECKED_SIGNATURE = _failed(
    UNCHECKED.code,
    "The certificate that this was signed with cannot be fetched now; send this again.",
    _RETRY_AFTER,
)
UNPROVEN: Mapping[Refused, Declined] = {
    UNCHECKED: UNCHECKED_SIGNATURE,
    MISSING: _rejected(MISSING.code, "The request carries no signature or token.", _AUTHENTICATE),
    INVALID: _rejected(INVALID.code, "The signature or token is not valid.", _AUTHENTICATE),
    STALE: _rejected(
        STALE.code, "The signed timestamp is too far from the present.", _AUTHENTICATE
    ),
}
UNREADABLE_SECRET = _failed(
    "internal-error", "The integration's secret cannot be read here; it is in the server's log."
)
"""Nobody can be verified: another master key sealed it."""

# Of an authentic body


def invalid_payload(faults: Sequence[Fault]) -> Declined:
    """Names the first fault in words, and all of them one by one."""
    first = faults[0]
    detail = f"{first.pointer or 'The body'}: {first.message}"
    if len(faults) > 1:
        detail += f" (and {len(faults) - 1} more)"
    return _invalid("invalid-payload", detail, tuple(fault.document() for fault in faults))


def unknown_encoding(detail: str) -> Declined:
    return _invalid("unsupported-encoding", detail)


UNREADABLE_PAYLOAD = _failed(
    "internal-error", "Reading this payload met a fault of the server's; it is on record."
)
"""A parser crashed: what no payload may bring about."""

# Of the server's own state

LIMITED = _failed(
    "rate-limited", "This integration sends more than it may; send this again.", _RETRY_AFTER
)
OVERLOADED = _failed(
    "overloaded", "More webhooks arrive than can be stored; send this one again.", _RETRY_AFTER
)
TOO_MANY_BODIES = _failed(
    "overloaded", "More arrives than there is memory for; send this again.", _RETRY_AFTER, _CLOSE
)
UNAVAILABLE = _failed(
    "database-unavailable", "The database cannot be reached; send this again.", _RETRY_AFTER
)
FAULT = _failed("internal-error", "This is a fault of the server's; it is on record.")
