"""`tocsin webhook … curl`: the line that is printed is run, by a shell, against a real server."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, on_database
from tests.support.postgres import Server
from tocsin.cli.curl_line import NoLineError, curl_line
from tocsin.cli.kit.signing import SignedSender
from tocsin.ingest.proof.scheme import LiveSecret, Profile
from tocsin.model import AuthScheme, Secret, utc_now, uuid7

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def served(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("curl"))
        with program.serving():
            yield program


def made(program: Program, name: str, *options: str) -> str:
    """The secret of a new integration."""
    ended = program.call("integration", "create", name, *options, "--json")
    assert ended.code == 0, ended
    return str(json.loads(ended.out)["webhook_secret"])


def run(line: str, **environment: str) -> tuple[int, Any]:
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()


@pytest.mark.parametrize(
    ("source", "scheme"),
    [
        ("generic", "hmac"),
        ("standard_webhooks", "hmac"),
        ("github", "hmac"),
        ("alertmanager", "token"),
        ("grafana", "hmac"),
        ("generic", "basic"),
        ("generic", "url"),
    ],
)
def test_the_line_is_taken_and_holds_no_secret(served: Program, source: str, scheme: str) -> None:
    name = f"{source}-{scheme}"
    secret = made(served, name, "--type", source)
    if source == "generic":
        edited = served.call("integration", "edit", name, "--set", f"auth_scheme={scheme}")
        assert edited.code == 0, edited
    ended = served.call("webhook", name, "curl")

    assert ended.code == 0, ended
    assert secret not in ended.out + ended.err
    code, answer = run(ended.out, SECRET=secret)
    assert (code, answer["status"]) == (0, "created")
    if scheme == "hmac":
        # By its signature alone.
        assert run(ended.out)[1]["status"] == "duplicate"
        assert "Good " in ended.err
    else:
        code, said = run(ended.out)
        assert code != 0
        assert "put the secret of the integration into it" in said
        assert "read -rs SECRET" in ended.err


def test_a_body_of_ones_own_is_sent_as_it_is(served: Program, tmp_path: Path) -> None:
    made(served, "own")
    file = tmp_path / "it's a body.json"
    file.write_bytes(
        b'{"title": "Br\xc3\xb6seln isn\'t $(free) `x` \\\\ \\"quoted\\"",\n "severity": "low"}\n'
    )
    ended = served.call("webhook", "own", "curl", "--body", str(file))
    assert run(ended.out)[1]["status"] == "created"

    shown = json.loads(served.call("webhook", "last", "--json").out)
    assert shown["raw_payload"]["title"] == 'Bröseln isn\'t $(free) `x` \\ "quoted"'
    # What was sent once can be sent again, the same and signed anew.
    again = served.call("webhook", "last", "curl", "--json")
    document = json.loads(again.out)
    assert (document["needs_secret"], document["good_until"]) == (False, None)
    assert run(document["line"])[1]["status"] == "duplicate"


def test_how_long_it_is_good_is_said(served: Program) -> None:
    made(served, "timed", "--type", "standard_webhooks")
    document = json.loads(served.call("webhook", "timed", "curl", "--json").out)

    left = datetime.fromisoformat(document["good_until"]) - utc_now()
    assert timedelta(seconds=200) < left <= timedelta(seconds=300)


def test_what_is_not_there_is_said_in_one_line(served: Program) -> None:
    for arguments, code in (
        (("webhook", "nobody", "curl"), 3),
        (("webhook", "last", "--body", "x"), 2),
        (("webhook", "own", "curl", "--body", "/nowhere"), 2),
    ):
        ended = served.call(*arguments)
        assert (ended.code, len(ended.complaints)) == (code, 1), ended


def _sender(**profile: Any) -> SignedSender:
    secrets = (LiveSecret(Secret(b"s3cr3t-of-the-test")),)
    return SignedSender(uuid7(), "shop", "generic", Profile(secrets=secrets, **profile))


def test_no_body_breaks_out_of_its_quotes() -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    body = b"'; echo broken; '"
    line = curl_line("http://127.0.0.1:9", _sender(), {"X-Y": "it's"}, body, at, "id")

    words = shlex.split(line.text)
    assert words[-1].encode() == body
    assert "X-Y: it's" in words
    with pytest.raises(NoLineError, match="as a file"):
        curl_line("http://127.0.0.1:9", _sender(), {}, b"\x1b[2J", at, "id")
    sns = _sender(auth_scheme=AuthScheme.SNS)
    with pytest.raises(NoLineError, match="Amazon"):
        curl_line("http://127.0.0.1:9", sns, {}, b"{}", at, "id")
