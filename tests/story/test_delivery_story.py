"""Who is notified, who is not, and why: from the webhook to the receiver, over HTTP alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from tests.story.installation import Installation
from tests.story.operator import fresh
from tests.support.node import eventually

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def hook(installation: Installation) -> tuple[dict[str, Any], str]:
    """A webhook destination, and the path at which its receiver is found outside."""
    path = f"/hook/{fresh('r')}"
    return installation.operator.destination("webhook", url=installation.services.url + path), path


def quiet_now(**more: Any) -> dict[str, Any]:
    """Quiet hours, every day, that began two hours ago and end in two."""
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=2), now + timedelta(hours=2)
    return {
        "days": DAYS,
        "start": f"{start:%H:%M}",
        "end": f"{end:%H:%M}",
        "timezone": "UTC",
        **more,
    }


def test_an_alert_arrives_signed_and_as_it_was_planned(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination)
    alert_id = story.post("db1", labels={"host": "db1"}, severity="critical")
    (delivery,) = story.all_sent(alert_id, 1)
    (message,) = installation.services.received(path)
    verified = Webhook(destination["signing_secret"]).verify(message.body, message.headers)
    assert verified["id"] == message.headers["webhook-id"] == delivery["id"]
    assert verified["event_type"] == "alerts.triggered"
    assert verified["rule"] == {"id": story.rule["id"], "name": story.rule["name"]}
    assert verified["tenant"]["slug"] == verified["workspace"]["slug"] == "default"
    alert = installation.operator.get(f"/alerts/{alert_id}")
    assert {name: verified["alert"][name] for name in ("id", "title", "severity", "labels")} == {
        name: alert[name] for name in ("id", "title", "severity", "labels")
    }
    (attempt,) = installation.operator.get(f"/alert-deliveries/{delivery['id']}")["attempts"]
    assert (attempt["outcome"], attempt["http_status"]) == ("sent", 204)
    notified, words = story.answers(alert_id)[destination["name"]]
    assert notified, words
    assert "signing_secret" not in installation.operator.get(
        f"/alert-destinations/{destination['id']}"
    )


def test_a_resolve_waits_for_its_trigger_to_get_through(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination)
    installation.services.answer_first(path, 503)
    alert_id = story.post("db2")
    eventually(lambda: installation.services.received(path), "the first attempt")
    assert story.post("db2", status="resolved") == alert_id
    trigger, resolve = story.all_sent(alert_id, 2)
    came = [(body["event_type"], body["id"]) for body in installation.services.bodies(path)]
    assert came == [
        ("alerts.triggered", trigger["id"]),
        ("alerts.triggered", trigger["id"]),
        ("alerts.resolved", resolve["id"]),
    ]
    attempts = installation.operator.get(f"/alert-deliveries/{trigger['id']}")["attempts"]
    assert [each["outcome"] for each in attempts] == ["retry", "sent"]
    assert attempts[0]["http_status"] == 503


def test_quiet_hours_defer_and_what_is_resolved_meanwhile_is_never_sent(
    installation: Installation,
) -> None:
    destination, path = hook(installation)
    quiet = quiet_now(breakthrough_severity="CRITICAL")
    story = installation.operator.story(destination, quiet_hours=quiet)
    quiet_one = story.post("db3")
    (waiting,) = story.deliveries(quiet_one)
    assert (waiting["status"], waiting["reason"]) == ("deferred", "quiet_hours")
    assert waiting["send_after"][11:16] == quiet["end"]
    notified, words = story.answers(quiet_one)[destination["name"]]
    assert not notified
    assert "quiet" in words
    story.post("db3", status="resolved")
    assert story.states(quiet_one) == [
        ("alerts.triggered", "canceled", "resolved_before_sent"),
        ("alerts.resolved", "canceled", "resolved_before_sent"),
    ]
    loud_one = story.post("db4", severity="critical")
    story.all_sent(loud_one, 1)
    assert [body["alert"]["id"] for body in installation.services.bodies(path)] == [loud_one]


def test_a_silenced_alert_is_sent_when_the_silence_is_ended(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination)
    host = fresh("db5")
    silence = installation.operator.made(
        "/silences",
        {
            "matchers": [{"label": "host", "op": "=", "value": host}],
            "ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            "comment": "being replaced",
        },
    )
    muted = story.post("db5", labels={"host": host})
    assert story.states(muted) == [("alerts.triggered", "deferred", "silence")]
    (waiting,) = story.deliveries(muted)
    assert waiting["send_after"] == silence["ends_at"]
    assert waiting["detail"]["holds"][0]["silence"]["id"] == silence["id"]
    notified, words = story.answers(muted)[destination["name"]]
    assert not notified
    assert "silence" in words
    assert installation.operator.api("DELETE", f"/silences/{silence['id']}").status in (200, 204)
    story.all_sent(muted, 1)
    arrived = story.post("db6", labels={"host": host})
    story.all_sent(arrived, 1)
    late, fresh_one = installation.services.bodies(path)
    assert (late["alert"]["id"], fresh_one["alert"]["id"]) == (muted, arrived)
    assert late["held"]["after"] == "silence “being replaced”"
    assert "held" not in fresh_one


def test_quiet_hours_that_are_taken_away_hold_nothing_any_more(installation: Installation) -> None:
    destination, _ = hook(installation)
    story = installation.operator.story(destination, quiet_hours=quiet_now())
    waiting = story.post("dbE", node=installation.other_node)
    assert story.states(waiting) == [("alerts.triggered", "deferred", "quiet_hours")]
    installation.operator.changed(f"/alert-rules/{story.rule['id']}", quiet_hours=None)
    story.all_sent(waiting, 1)


def test_a_problem_that_comes_back_within_the_cooldown_is_notified_once(
    installation: Installation,
) -> None:
    destination, _ = hook(installation)
    story = installation.operator.story(
        destination, cooldown_seconds=3600, event_types=["alerts.triggered"]
    )
    first = story.post("db7")
    story.all_sent(first, 1)
    story.post("db7", status="resolved")
    again = story.post("db7")
    assert again != first
    assert story.states(again) == [("alerts.triggered", "deferred", "cooldown")]
    notified, words = story.answers(again)[destination["name"]]
    assert not notified
    assert "shortly before" in words
    other = story.post("db8")
    story.all_sent(other, 1)


def test_a_rule_that_does_not_match_says_which_matcher_decided(installation: Installation) -> None:
    destination, _ = hook(installation)
    story = installation.operator.story(
        destination, matchers=[{"label": "team", "op": "=~", "value": "storage|network"}]
    )
    alert_id = story.post("db9", labels={"team": "web"})
    assert story.deliveries(alert_id) == []
    (step,) = installation.operator.get(f"/alerts/{alert_id}/explain")["steps"]
    (change,) = step["changes"]
    (verdict,) = [each for each in change["rules"] if each["rule_id"] == story.rule["id"]]
    assert not verdict["matched"]
    assert 'team=~"storage|network"' in verdict["words"]


def test_a_changed_rule_is_in_force_on_the_other_node_at_once(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination)
    rule = f"/alert-rules/{story.rule['id']}"
    expected = []
    for number in range(5):
        installation.operator.changed(rule, is_enabled=False)
        suppressed = story.post(f"off{number}", node=installation.other_node)
        assert story.deliveries(suppressed) == []
        installation.operator.changed(rule, is_enabled=True)
        expected.append(story.post(f"on{number}", node=installation.other_node))
        story.all_sent(expected[-1], 1)
    assert [body["alert"]["id"] for body in installation.services.bodies(path)] == expected


def test_nothing_goes_to_a_destination_that_is_switched_off(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination, quiet_hours=quiet_now())
    here = f"/alert-destinations/{destination['id']}"
    waiting = story.post("dbA")
    assert story.states(waiting) == [("alerts.triggered", "deferred", "quiet_hours")]
    installation.operator.changed(here, is_enabled=False)
    installation.operator.changed(f"/alert-rules/{story.rule['id']}", quiet_hours=None)
    eventually(
        lambda: story.states(waiting) == [("alerts.triggered", "canceled", "destination_disabled")],
        "what waits is withdrawn",
    )
    refused = installation.operator.api("POST", f"{here}/test")
    assert (refused.status, refused.slug) == (409, "destination-disabled")
    suppressed = story.post("dbB", node=installation.other_node)
    assert story.states(suppressed) == [("alerts.triggered", "suppressed", "destination_disabled")]
    notified, words = story.answers(suppressed)[destination["name"]]
    assert not notified
    assert "off" in words or "disabled" in words
    installation.operator.changed(here, is_enabled=True)
    arrived = story.post("dbC")
    story.all_sent(arrived, 1)
    assert [body["alert"]["id"] for body in installation.services.bodies(path)] == [arrived]


def test_what_failed_can_be_sent_again_under_its_own_id(installation: Installation) -> None:
    destination, path = hook(installation)
    story = installation.operator.story(destination)
    installation.services.answer_first(path, 422)
    alert_id = story.post("dbD")
    eventually(lambda: story.deliveries(alert_id)[0]["status"] == "failed", "it is refused")
    (failed,) = story.deliveries(alert_id)
    assert "422" in failed["last_error_message"]
    assert destination["name"] in failed["last_error_message"]
    assert installation.services.url not in failed["last_error_message"]
    notified, words = story.answers(alert_id)[destination["name"]]
    assert not notified
    assert "422" in words
    installation.operator.made(f"/alert-deliveries/{failed['id']}/retry", None)
    story.all_sent(alert_id, 1)
    assert [body["id"] for body in installation.services.bodies(path)] == [failed["id"]] * 2


def test_a_black_hole_holds_up_nobody_else(installation: Installation) -> None:
    hole, hole_path = hook(installation)
    healthy, healthy_path = hook(installation)
    installation.services.hold(hole_path)
    black, well = installation.operator.story(hole), installation.operator.story(healthy)
    lost = [black.post(f"lost{number}") for number in range(40)]
    eventually(
        lambda: installation.services.received(hole_path), "the black hole has swallowed something"
    )
    found = [well.post(f"found{number}") for number in range(10)]
    for alert_id in found:
        well.all_sent(alert_id, 1)
    assert {body["alert"]["id"] for body in installation.services.bodies(healthy_path)} == set(
        found
    )
    assert {black.deliveries(alert_id)[0]["status"] for alert_id in lost} == {"queued"}
    installation.services.release(hole_path)
    for alert_id in lost:
        black.all_sent(alert_id, 1)
