"""The examples in docs/api.md work: they are typed into a shell, in their order."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.api.conftest import Hub
from tests.support.paths import DOCS
from tests.support.programs import program_of
from tocsin.model import Role

PAGE = DOCS / "api.md"


def _examples() -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def test_every_example_works(hub: Hub, tmp_path: Path) -> None:
    for tool in ("bash", "curl", "jq", "openssl"):
        program_of(tool)
    examples = _examples()
    assert len(examples) >= 12
    server = hub.admin.base_url.removesuffix("/api/v1")
    # The addresses of webhooks are those of the settings, which do not know the test's port.
    (tmp_path / ".curlrc").write_text(
        f"connect-to = 127.0.0.1:8480:{server.removeprefix('http://')}\n"
    )
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(examples)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TOCSIN": server,
            "TOCSIN_KEY": str(hub.admin.key),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    for word in ('"created"', '"CRITICAL"', '"ACKNOWLEDGED"', '"RESOLVED"', "nobody was notified"):
        assert word in finished.stdout, word


def test_the_page_names_every_resource_and_role(hub: Hub) -> None:
    text = PAGE.read_text(encoding="utf-8")
    document = hub.nobody.get("/openapi.json").json()
    for path in document["paths"]:
        assert path.split("/")[1] in text, path
    assert all(f"`{role.value}`" in text for role in Role)
