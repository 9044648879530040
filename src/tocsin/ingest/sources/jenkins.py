"""Jenkins, by its Notification plugin, or by a step of a pipeline that posts the same few fields.

The plugin signs nothing and sends no header, so the secret stands in the address. A job that failed or
became unstable is resolved by its next success.

Reference: jenkinsci/notification-plugin, Phase.java, JobListener.java, model/BuildState.java.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Signal, SignalKind

# Not ended yet.
_RUNNING: Final = frozenset(("queued", "started"))
_STATUSES: Final = {
    "success": SignalKind.RESOLVE,
    "failure": SignalKind.TRIGGER,
    "unstable": SignalKind.TRIGGER,
}
# Stopped by somebody, or left out: neither good nor bad.
_NEITHER: Final = frozenset(("aborted", "not_built"))
# Java's `ss.S` writes the milliseconds as a number: 5 ms are `.5`.
_MILLISECONDS: Final = re.compile(r"(?<=:\d\d)\.(\d{1,2})(?=[+Z-])")
_MAX_NAMES: Final = 20
_LOG_END: Final = 2_000


class Jenkins(BaseSource):
    type: ClassVar[str] = "jenkins"
    title: ClassVar[str] = "Jenkins"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Jenkins notification")
        build = document.get("build")
        if not isinstance(build, dict):
            raise InvalidPayload([wrong_type("/build", "an object", build)])
        status = _status(build)
        if status is None or status in _NEITHER or _phase(build) in _RUNNING:
            return []
        path = require_text(
            first_text(document.get("url"), document.get("name")), "/name", "the job is required"
        )
        flags: list[str] = []
        if (kind := _STATUSES.get(status)) is None:
            flags.append("unknown_status")
            kind = SignalKind.TRIGGER
        name = title_or(path, flags, document.get("display_name"), document.get("name"))
        happened = moment(_time(build.get("timestamp")), context, flags)
        scm = object_of(build.get("scm"))
        return [
            make_signal(
                kind,
                path,
                f"{name} is {'unstable' if status == 'unstable' else 'failing'}",
                flags=flags,
                description=_description(build),
                triggered_at=happened if kind is SignalKind.TRIGGER else None,
                occurred_at=happened,
                labels=present(
                    {
                        "job": text_of(document.get("name")),
                        "result": status,
                        "branch": text_of(scm.get("branch")),
                    }
                ),
                metadata=present(
                    {
                        "url": first_text(build.get("full_url"), build.get("url")),
                        "number": build.get("number"),
                        "duration_ms": build.get("duration"),
                        "commit": text_of(scm.get("commit")),
                        "repository": text_of(scm.get("url")),
                        "culprits": _names(scm.get("culprits")),
                    }
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        build = object_of(object_of(payload).get("build"))
        if _phase(build) in _RUNNING or (status := _status(build)) is None:
            return "the build has not ended yet"
        return f"the build ended as {status[:40]}, which is neither a failure nor a success"


def _phase(build: dict[str, Any]) -> str:
    return (text_of(build.get("phase")) or "").lower()


def _status(build: dict[str, Any]) -> str | None:
    status = text_of(build.get("status"))
    return None if status is None else status.lower()


def _time(value: Any) -> Any:
    """Milliseconds since 1970 in newer versions of the plugin, in older ones a text."""
    if type(value) is not str:
        return value
    return _MILLISECONDS.sub(lambda found: f".{found[1]:0>3}", value)


def _description(build: dict[str, Any]) -> str | None:
    """The notes of whoever set up the job, what tests failed, and the end of the log."""
    tests = object_of(build.get("test_summary"))
    failed = _names(tests.get("failed_tests"))
    texts = (
        text_of(build.get("notes")),
        f"{text_of(tests.get('failed'))} tests failed: {', '.join(failed)}" if failed else None,
        (text_of(build.get("log")) or "")[-_LOG_END:],
    )
    return "\n\n".join(text for text in texts if text) or None


def _names(value: Any) -> list[str]:
    texts = (text_of(item) for item in (value[:_MAX_NAMES] if isinstance(value, list) else ()))
    return [text for text in texts if text]
