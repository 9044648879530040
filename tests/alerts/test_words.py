"""What a repeat changes of what an alert says, notified by digests alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.model import NO_ENTRIES, AlertWords, Signal, SignalKind

PARTS = ("title", "description", "labels", "metadata")
texts = st.sampled_from(["a", "b", "Ünïcode"])
signals = st.builds(
    Signal,
    kind=st.just(SignalKind.TRIGGER),
    external_id=st.just("x"),
    title=texts,
    description=st.none() | texts,
    labels=st.dictionaries(texts, texts, max_size=2),
    metadata=st.dictionaries(texts, texts, max_size=2),
)


def said(signal: Signal) -> dict[str, object]:
    return {name: getattr(signal, name) for name in PARTS if getattr(signal, name)}


@given(st.lists(signals, min_size=1, max_size=5))
def test_what_is_laid_over_is_what_was_said_last_of_each_part(given: list[Signal]) -> None:
    alert: dict[str, object] = {}
    digest: bytes | None = None
    words: AlertWords | None = None
    for signal in given:
        new = signal.alert_words()
        if digest is not None:
            assert set(new.changed(digest)) == {
                name for name, value in said(signal).items() if alert.get(name) != value
            }
        alert |= said(signal)
        digest, words = new.over(digest), new.laid_over(words)
    assert words is not None
    assert digest == words.digest
    assert words.title == alert["title"]
    assert words.description == alert.get("description")
    assert (words.labels == NO_ENTRIES) == ("labels" not in alert)


def test_the_order_of_labels_does_not_matter() -> None:
    one = Signal(SignalKind.TRIGGER, "x", "t", labels={"a": "1", "b": "2"})
    other = Signal(SignalKind.TRIGGER, "x", "t", labels={"b": "2", "a": "1"})
    assert one.alert_words() == other.alert_words()


def test_of_an_alert_of_an_earlier_version_all_that_is_said_may_be_new() -> None:
    words = Signal(SignalKind.TRIGGER, "x", "t", labels={"a": "1"}).alert_words()
    assert words.changed(None) == ("title", "labels")
