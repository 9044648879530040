"""Label by label it is what a walk over all bytes gives, however long and in whatever script."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def walked(labels: dict[str, str]) -> str:
    """As Prometheus has it."""
    value = 14_695_981_039_346_656_037
    for name in sorted(labels):
        for byte in f"{name}".encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = (value ^ byte) * 1_099_511_628_211 % 2**64
    return f"{value:016x}"


@given(st.dictionaries(TEXT, TEXT, max_size=12))
def test_it_is_that_of_all_bytes(labels: dict[str, str]) -> None:
    assert labels_fingerprint(labels) == walked(labels)
    assert labels_fingerprint(labels) == walked(labels), "remembered"


def test_labels_in_common_do_not_matter() -> None:
    for each in range(300):
        labels = {"alertname": "Disk", "instance": f"db-{each}", "job": "node", "team": "ÿ"}
        assert labels_fingerprint(labels) == walked(labels)
