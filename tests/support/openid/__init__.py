"""A real OpenID provider on 127.0.0.1: node-oidc-provider, which is certified, and is not of the library
that signs in here."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools.build_assets import with_node

FOLDER = Path(__file__).parent
CLIENT_ID = "tocsin"
CLIENT_SECRET = "a secret: with + and % in it"


@dataclass
class OpenIdProvider:
    issuer: str
    accounts: Path

    def knows(self, login: str, /, **claims: Any) -> None:
        """From now on, whoever signs in by this name has these claims."""
        known = json.loads(self.accounts.read_text("utf-8"))
        self.accounts.write_text(json.dumps({**known, login: claims}), "utf-8")

    def forget(self) -> None:
        """Nobody has claims any more."""
        self.accounts.write_text("{}", "utf-8")


@contextmanager
def running_provider(
    base_url: str, folder: Path, method: str = "client_secret_basic"
) -> Iterator[OpenIdProvider]:
    """For a hub at this address."""
    programs = _installed()
    accounts = folder / "accounts.json"
    given: Mapping[str, Any] = {
        "accounts": str(accounts),
        "method": method,
        "client": {
            "id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "back": f"{base_url}/login/openid/callback",
            "after": f"{base_url}/login",
        },
    }
    said = folder / "provider.log"
    with (
        said.open("w") as log,
        subprocess.Popen(
            [shutil.which("node", path=programs) or "node", "provider.mjs", json.dumps(given)],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            issuer = process.stdout.readline().strip()
            assert issuer, f"the provider did not start:\n{said.read_text('utf-8')}"
            provider = OpenIdProvider(issuer, accounts)
            provider.forget()
            yield provider
        finally:
            process.kill()


def _installed() -> str:
    """A PATH with Node on it, with what the provider needs installed: once, whoever comes first."""
    programs = with_node()
    if programs is None:
        pytest.fail("Node could not be installed")
    with (Path(tempfile.gettempdir()) / "tocsin-tests-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Written last: an installation that was cut off is begun anew.
        if not (FOLDER / "node_modules" / ".package-lock.json").is_file():
            subprocess.run(
                [shutil.which("npm", path=programs) or "npm", "ci", "--loglevel=error"],
                cwd=FOLDER,
                env={"PATH": programs, "HOME": tempfile.gettempdir()},
                check=True,
            )
    return programs
