"""How long each kind of history is kept."""

from __future__ import annotations

import pytest

from tocsin.model import KeptHistory
from tocsin.settings import SettingsError, load


def test_all_is_kept_as_long_as_one_setting_says() -> None:
    assert set(load({}).retention.values()) == {90}
    assert set(load({"TOCSIN_RETENTION_DAYS": "7"}).retention.values()) == {7}
    assert load({}).retention.keys() == set(KeptHistory)


def test_each_kind_may_be_kept_for_its_own_time() -> None:
    kept = load(
        {
            "TOCSIN_RETENTION_DAYS": "30",
            "TOCSIN_RETENTION_WEBHOOKS_DAYS": "3",
            "TOCSIN_RETENTION_MESSAGES_DAYS": "14",
            "TOCSIN_RETENTION_AUDIT_DAYS": "3650",
        }
    ).retention
    assert kept == {
        KeptHistory.WEBHOOKS: 3,
        KeptHistory.MESSAGES: 14,
        KeptHistory.ALERTS: 30,
        KeptHistory.AUDIT: 3650,
        KeptHistory.OTHER: 30,
    }


@pytest.mark.parametrize(
    "environ",
    [
        {"TOCSIN_RETENTION_ALERTS_DAYS": "30"},
        {"TOCSIN_RETENTION_MESSAGES_DAYS": "91"},
        {"TOCSIN_RETENTION_MESSAGES_DAYS": "9", "TOCSIN_RETENTION_ALERTS_DAYS": "8"},
    ],
)
def test_an_alert_cannot_be_kept_for_less_than_its_messages(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    (fault,) = caught.value.faults
    assert "TOCSIN_RETENTION_ALERTS_DAYS must be at least" in fault
