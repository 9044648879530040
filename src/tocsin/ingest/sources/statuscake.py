"""StatusCake, contact group with a webhook: form fields about one uptime test.

`Token` is a constant made of the account's name and key; it is neither checked nor kept on the alert.
The secret stands in the address.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal
from tocsin.ingest.sources.kit.reading import present, require_object, required, text_of
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.model import AuthScheme, Signal

_METADATA: Final = ("URL", "StatusCode", "IP", "Checkrate", "Method", "TestID")


class StatusCake(BaseSource):
    type: ClassVar[str] = "statuscake"
    title: ClassVar[str] = "StatusCake"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        fields = require_object(payload, "a StatusCake webhook")
        name, url = text_of(fields.get("Name")), text_of(fields.get("URL"))
        test = text_of(fields.get("TestID"))
        if name is None and url is None and test is None:
            raise InvalidPayload([required("/Name", "the name or the URL of a test is required")])
        flags: list[str] = []
        kind = kind_of_state(text_of(fields.get("Status")), flags)
        if name is None:
            flags.append("title_missing")
        labels = labels_of_tags((text_of(fields.get("Tags")) or "").split(","))
        if url is not None:
            labels.setdefault("url", url)
        code = text_of(fields.get("StatusCode"))
        return [
            make_signal(
                kind,
                test or f"{name or ''}|{url or ''}",
                name or url or f"StatusCake test {test}",
                flags=flags,
                severity=severity_of(labels.get("severity"), flags),
                description=f"status code {code}" if code else None,
                labels=labels,
                metadata=present({name: fields.get(name) for name in _METADATA}),
            )
        ]
