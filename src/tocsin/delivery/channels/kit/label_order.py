"""Which labels of an alert a message shows first, and which say nothing that its headline
has not said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tocsin.message import AlertView
from tocsin.model.sender_links import is_link_name, is_web_address

# What tells one alert from another like it: where it is, then what of.
_TELLING = (
    "host",
    "hostname",
    "instance",
    "node",
    "device",
    "mountpoint",
    "service",
    "pod",
    "container",
    "deployment",
    "namespace",
    "cluster",
    "region",
    "environment",
    "env",
    "team",
)
_PLACES = {name: place for place, name in enumerate(_TELLING)}
# What the way it came by has added: it is the same for most alerts.
_LAST = frozenset(
    {"prometheus", "endpoint", "receiver", "replica", "prometheus_replica", "monitor", "uid"}
    | {"metrics_path", "job", "fingerprint", "orgid", "datasource_uid", "ref_id"}
)
_OF_HEADLINE = frozenset(
    {"alertname", "alert_name", "title", "summary", "name", "severity", "priority", "level"}
)


def by_usefulness(
    labels: Mapping[str, str],
    *,
    headline: str,
    matched: Sequence[str] = (),
    differing: Iterable[str] = (),
) -> list[tuple[str, str]]:
    """The labels worth a line, most useful first: those that rules match on, those that differ, what
    tells where it is, all others by name. Without those that repeat the headline, and those that are
    links."""
    first = {name: place for place, name in enumerate(dict.fromkeys((*matched, *differing)))}

    def key(item: tuple[str, str]) -> tuple[int, int, str]:
        name = item[0]
        plain = name.lower()
        if name in first:
            return 0, first[name], name
        if plain in _PLACES:
            return 1, _PLACES[plain], name
        return 3 if plain in _LAST or plain.startswith("__") else 2, 0, name

    said = headline.casefold()
    return sorted(
        (
            (name, value)
            for name, value in labels.items()
            if value
            and not (name.lower() in _OF_HEADLINE and value.casefold() in said)
            and not (is_link_name(name) and is_web_address(value))
        ),
        key=key,
    )


def differing(alerts: Sequence[AlertView]) -> list[str]:
    """The labels of which these alerts have not all the same value, most useful first."""
    if len(alerts) < 2:
        return []
    names = dict.fromkeys(name for alert in alerts for name in alert.labels)
    differ = {name: "…" for name in names if len({alert.labels.get(name) for alert in alerts}) > 1}
    return [name for name, _ in by_usefulness(differ, headline="")]
