"""A phone, from the command line to the answer of whoever holds it: all of one running program."""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from twilio.request_validator import RequestValidator

from tests.callbacks.conftest import ACCOUNT_SID, HUB, PHONE, TOKEN, FakeTwilio
from tests.cli.program import PATIENCE, Program
from tests.support import receivers
from tests.support.ports import free_port


async def test_an_alert_is_acknowledged_by_text_message(tocsin: Program) -> None:
    twilio, port = FakeTwilio(), free_port()
    public_url = f"http://127.0.0.1:{port}"
    async with receivers.http(twilio.take) as it:
        program = Program(
            {
                **tocsin.settings,
                "TOCSIN_PUBLIC_URL": public_url,
                "TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8",
                "TOCSIN_TWILIO_URL": it.url.replace("://", f"://{ACCOUNT_SID}:{TOKEN}@"),
                "TOCSIN_TWILIO_FROM": HUB,
            }
        )
        await asyncio.to_thread(_acknowledge_by_phone, program, twilio, port, public_url)


def _acknowledge_by_phone(program: Program, twilio: FakeTwilio, port: int, public_url: str) -> None:
    def do(*arguments: str, stdin: bytes | None = None) -> str:
        done = program.run(*arguments, stdin=stdin)
        assert done.code == 0, done.err
        return done.out

    with program.running("serve", "--port", str(port)) as running:
        running.await_line(r"ready at (http://\S+)")
        do("destination", "create", "phone", "--type", "sms", "--set", f"to={PHONE}")
        do("rule", "create", "everything", "--to", "phone")
        do("integration", "create", "shop")
        alert = {"title": "Disk full on db-1", "severity": "critical", "external_id": "db-1/disk"}
        do("send", "--integration", "shop", "-", stdin=json.dumps(alert).encode())
        deadline = time.monotonic() + PATIENCE
        while not twilio.taken:
            assert time.monotonic() < deadline, running.errors[-5:]
            time.sleep(0.02)
        code = twilio.taken[0]["Body"].rpartition("Reply: ack ")[2]

        place = f"{public_url}/callbacks/twilio/sms"
        fields = {"AccountSid": ACCOUNT_SID, "From": PHONE, "To": HUB, "Body": f"ack {code}"}
        request = Request(place, urlencode(fields).encode())
        signed = RequestValidator(TOKEN).compute_signature(place, fields)
        request.add_header("X-Twilio-Signature", signed)
        with urlopen(request, timeout=30) as answer:
            assert "Acknowledged: Disk full on db-1." in answer.read().decode()

        shown = do("explain", "last")
        assert "acknowledged" in shown.lower()
        assert TOKEN not in shown + "".join(running.lines + running.errors)
        assert running.stop() == 0
