"""The console as an app on a phone: installable, honest without a network, paged by push."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.browser.test_stories import PHONE
from tests.console.site import Site
from tests.console.test_alert_pages import alert, statuses
from tests.console.test_me_page import contact
from tocsin.access.links import LinkAction, Token
from tocsin.delivery.channels.kit import web_push
from tocsin.delivery.channels.kit.loudness import Loudness
from tocsin.delivery.channels.kit.push_notice import PushNotice
from tocsin.delivery.channels.kit.push_services import browser_payload
from tocsin.model import utc_now, uuid7

ENDPOINT = "https://updates.push.services.example.com/wpush/v2/abc"


def subscribes(page: Page) -> None:
    """The push service of the browser's maker, which a test cannot reach."""
    key = web_push.VapidKey.of(web_push.VapidKey.new_secret())
    subscription = {
        "endpoint": ENDPOINT,
        "keys": {"p256dh": key.public, "auth": web_push.encode(b"s" * 16)},
    }
    page.evaluate(
        """subscription => { PushManager.prototype.subscribe = async function (options) {
             window.asked = {visible: options.userVisibleOnly, key: options.applicationServerKey};
             return {toJSON: () => subscription};
        } }""",
        subscription,
    )


def awake(page: Page) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    if page.evaluate("() => navigator.serviceWorker.controller === null"):
        # It came between two pages, and had neither to take over.
        page.reload()
    page.wait_for_function("""() => navigator.serviceWorker.controller?.state === 'activated'""")


def push(page: Page, site: Site, payload: bytes, title: str) -> dict[str, Any]:
    """As the browser does when its push service has something: the notification that comes of it."""
    session = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    (registration,) = [each for each in found if each["scopeURL"] == f"{site.base_url}/"]
    for _ in range(6):
        session.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": site.base_url,
                "registrationId": registration["registrationId"],
                "data": payload.decode(),
            },
        )
        # Chromium drops one without a word whose worker it has not written down yet; the same one again
        # takes the place of the first.
        with suppress(AssertionError):
            return shown(page, title, within=10)
    permission = page.evaluate("() => Notification.permission")
    raise AssertionError(f"no {title!r} came of six messages; {permission=}, {registration=}")


def shown(page: Page, title: str, *, within: int = 20) -> dict[str, Any]:
    """The notification with this title, once it is there, in so many seconds at most."""
    for _ in range(20 * within):
        found: list[dict[str, Any]] = page.evaluate(
            """async () => {
                 const all = await (await navigator.serviceWorker.ready).getNotifications();
                 return all.map(each => ({
                   title: each.title, body: each.body, silent: each.silent,
                   stays: each.requireInteraction,
                   actions: each.actions.map(each => each.title),
                 }));
               }"""
        )
        if [each["title"].startswith(title) for each in found] == [True]:
            return found[0]
        page.wait_for_timeout(50)
    raise AssertionError(found)


def click(page: Page, action: str) -> None:
    """On a button of the notification: its worker is told, as by the browser."""
    (worker,) = page.context.service_workers
    worker.evaluate(
        """async action => {
             const [notification] = await registration.getNotifications();
             const event = new NotificationEvent('notificationclick', {notification, action});
             event.waitUntil = () => {};
             dispatchEvent(event);
           }""",
        action,
    )


def page_of_alert(site: Site, alert_id: str) -> bytes:
    """What a phone of Ben's is sent about it."""
    destination = UUID(contact(site, "Ben", "phone"))
    token = site.signer.sign(
        Token(
            UUID(alert_id),
            LinkAction.ACKNOWLEDGE,
            destination,
            "Ben's phone",
            utc_now() + timedelta(hours=1),
        )
    )
    return browser_payload(
        PushNotice(
            id=uuid7(),
            subject="disk",
            title="CRITICAL: disk",
            body="db-1 · open for 1 min",
            loudness=Loudness.WAKES,
            # By the name of the installation, which may be another than the page was opened by.
            open=f"https://tocsin.example.com/alerts/{alert_id}",
            acknowledge=f"https://tocsin.example.com/a/{token}",
            code=site.signer.code(token),
        )
    )


def test_a_phone_is_subscribed_from_ones_own_page(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", "/me", **PHONE)
    page.context.grant_permissions(["notifications"])
    page.reload()
    awake(page)
    subscribes(page)
    page.get_by_role("button", name="Page me on this device").click()
    expect(page.locator(".toast")).to_contain_text("A code is on its way")
    expect(page.locator("#contacts + ul")).to_contain_text("not verified")
    ((kind, config, name),) = site.sql("SELECT type, config, name FROM alert_destinations")
    assert kind == "push"
    assert config["service"] == "web"
    assert ENDPOINT not in json.dumps(config), "who has the address can push"
    assert name == "Chrome on Linux"
    key = site.api.get("/web-push-key").json()["public_key"]
    assert key in page.content()


def test_where_push_cannot_be_had_it_says_why(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", "/me")
    words = page.locator("[data-push-words]")
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.reload()
    expect(words).to_contain_text("over https:// only")
    expect(page.get_by_role("button", name="Page me on this device")).to_be_hidden()
    blocked = open_page("Ben", "/me")
    blocked.add_init_script(
        "Object.defineProperty(Notification, 'permission', {get: () => 'denied'})"
    )
    blocked.reload()
    expect(blocked.locator("[data-push-words]")).to_contain_text("blocked in the settings")
    plain = open_page("Ben", "/me", java_script_enabled=False)
    expect(plain.locator("[data-push-words]")).to_contain_text("a browser that runs scripts")


def test_a_page_is_acknowledged_on_the_notification(site: Site, open_page: OpenPage) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Ben", "/", **PHONE)
    page.context.grant_permissions(["notifications"])
    awake(page)
    notification = push(page, site, page_of_alert(site, alert_id), "CRITICAL")
    assert notification["body"] == "db-1 · open for 1 min"
    assert notification["actions"] == ["Acknowledge", "Open"]
    assert notification["stays"]
    assert not notification["silent"]
    click(page, "acknowledge")
    done = shown(page, "Acknowledged")
    assert done["silent"], "what is taken care of makes no sound"
    assert done["actions"] == ["Open"]
    assert statuses(site) == {"disk": "ACKNOWLEDGED"}
    assert site.sql("SELECT actor->>'name' FROM alert_events WHERE kind = 'acknowledged'") == [
        ("Ben's phone",)
    ]
    click(page, "open")
    page.wait_for_url(f"{site.base_url}/alerts/{alert_id}")


def test_an_acknowledgement_that_did_not_get_through_says_so(
    site: Site, open_page: OpenPage
) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Ben", "/", **PHONE)
    page.context.grant_permissions(["notifications"])
    awake(page)
    payload = json.loads(page_of_alert(site, alert_id))
    payload["actions"][0]["code"] = "0"
    push(page, site, json.dumps(payload).encode(), "CRITICAL")
    click(page, "acknowledge")
    failed = shown(page, "Not acknowledged")
    assert failed["stays"]
    assert failed["actions"] == ["Acknowledge", "Open"]
    assert statuses(site) == {"disk": "OPEN"}


def test_without_a_network_it_says_so_and_shows_nothing_old(
    site: Site, open_page: OpenPage
) -> None:
    alert(site, "disk", severity="critical")
    page = open_page("Ben", "/alerts", **PHONE)
    awake(page)
    page.reload()
    expect(page.locator(".alert-row .title")).to_have_text("disk")
    page.context.set_offline(True)
    page.goto("/alerts")
    expect(page.locator("h1")).to_have_text("No way to Tocsin")
    expect(page.locator("body")).not_to_contain_text("disk")
    kept = page.evaluate(
        """async () => {
             const found = [];
             for (const name of await caches.keys())
               for (const each of await (await caches.open(name)).keys())
                 found.push(new URL(each.url).pathname);
             return found;
           }"""
    )
    assert all(re.fullmatch(r"/offline|/static/\S+\.(css|woff2)", each) for each in kept), kept
    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".alert-row .title")).to_have_text("disk")


def test_it_can_be_installed(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", "/")
    awake(page)
    session = page.context.new_cdp_session(page)
    session.send("Page.enable")
    faults = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in faults if each["errorId"] != "in-incognito"] == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    icons = json.loads(manifest["data"])["icons"]
    assert {(each["sizes"], each["purpose"]) for each in icons} >= {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for each in icons:
        assert page.request.get(each["src"]).ok
