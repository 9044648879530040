"""A job between two pings: it runs as if nothing were around it, and what became of it is pinged."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.program import Program, on_database
from tests.support.ports import free_port
from tests.support.postgres import Server

RUN = ("heartbeat", "run", "--")


@pytest.fixture(scope="module")
def tocsin(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With a server running."""
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("run"))
        with program.serving():
            yield program


class Job:
    """A heartbeat, and the environment of a job that knows nothing but where to ping."""

    def __init__(self, tocsin: Program, name: str) -> None:
        made = tocsin.call("heartbeat", "create", name, "--every", "1h", "--json")
        self.made: dict[str, Any] = json.loads(made.out)
        self.url: str = self.made["ping_url"]
        self.tocsin = tocsin
        self.alone = Program({"TOCSIN_PING_URL": self.url})

    def pings(self) -> list[Any]:
        """The oldest first: what kind each was, its exit code, what it said."""
        shown = self.tocsin.call("heartbeat", "show", self.made["name"], "--json")
        found = json.loads(shown.out)
        return [(each["kind"], each["exit_code"], each["body"]) for each in found["pings"][::-1]]


@pytest.fixture
def job(tocsin: Program, request: pytest.FixtureRequest) -> Job:
    return Job(tocsin, request.node.name.replace("_", "-")[:60])


def test_its_start_its_exit_code_and_the_end_of_its_output(job: Job) -> None:
    ended = job.alone.run(*RUN, "sh", "-c", "echo done; echo oops >&2; exit 3")
    assert (ended.code, ended.out) == (3, "done\noops\n")
    assert job.pings() == [("start", None, None), ("fail", 3, "done\noops\n")]
    assert job.alone.run(*RUN, "true").code == 0
    assert [kind for kind, *_ in job.pings()] == ["start", "fail", "start", "success"]


def test_only_the_end_of_much_is_kept_and_all_of_it_passed_on(job: Job) -> None:
    ended = job.alone.run(*RUN, "sh", "-c", "seq 1 20000; echo the end")
    assert ended.out.splitlines()[0] == "1"
    assert len(ended.out.splitlines()) == 20_001
    (_, (_, _, body)) = job.pings()
    assert len(body) <= 10_000
    assert body.endswith("the end\n")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_job_and_its_answer_is_pinged(
    tocsin: Program, sent: signal.Signals
) -> None:
    job = Job(tocsin, f"signalled {sent.name}")
    name = sent.name.removeprefix("SIG")
    script = f"trap 'echo caught; exit 9' {name}; echo begun; while :; do sleep 0.05; done"
    with job.alone.running(*RUN, "sh", "-c", script) as running:
        running.await_line("begun")
        assert running.stop(sent) == 9
    assert job.pings()[-1] == ("fail", 9, "begun\ncaught\n")


def test_a_job_that_is_killed_ends_us_by_the_same_signal(job: Job) -> None:
    with job.alone.running(*RUN, "sh", "-c", "kill -9 $$") as running:
        assert running.process.wait(30) == -signal.SIGKILL
    assert job.pings()[-1] == ("fail", 137, None)


def test_a_job_that_cannot_be_run_is_a_failure(job: Job) -> None:
    ended = job.alone.run(*RUN, "/no/such/job")
    assert ended.code == 127
    assert "/no/such/job" in ended.err
    (_, (kind, code, body)) = job.pings()
    assert (kind, code) == ("fail", 127)
    assert "/no/such/job" in body


def test_the_job_runs_whether_or_not_its_pings_arrive(job: Job) -> None:
    nowhere = Program({"TOCSIN_PING_URL": f"http://127.0.0.1:{free_port()}/ping/a-secret"})
    ended = nowhere.run(*RUN, "sh", "-c", "echo ran; exit 4")
    assert (ended.code, ended.out) == (4, "ran\n")
    assert "the ping did not arrive" in ended.err
    assert "a-secret" not in ended.err
    wrong = Program({"TOCSIN_PING_URL": job.url + "x"}).run(*RUN, "true")
    assert wrong.code == 0
    assert "answered 404" in wrong.err


def test_options_of_the_job_are_its_own_and_an_address_is_needed(job: Job) -> None:
    ended = job.alone.run(*RUN, "echo", "--url", "x", "--help")
    assert (ended.code, ended.out) == (0, "--url x --help\n")
    assert Program({}).run(*RUN, "true").code == 2
