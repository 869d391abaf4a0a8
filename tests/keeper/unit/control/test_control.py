"""The control socket: what an operator says becomes an event, and nothing else does."""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from keeper.config.live import ParamsRefused
from keeper.config.problems import Problem
from keeper.control.asking import ControlRefused, NotRunning, Request, ask, socket_path
from keeper.control.server import ControlServer, Peer, Question
from keeper.domain.errors import AthanorError
from keeper.domain.events import Event, OperatorCommand

MARKETS = ("ETH-USD", "BTC-USD")
VIEWS = {"status": lambda: {"state": "ACTIVE"}, "orders": lambda: {"orders": []}}


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.005)


def with_server(
    journal: Path, work: Callable[[], Any], questions: Mapping[str, Question] | None = None
) -> tuple[Any, list[Event]]:
    """Serve `journal` while `work` runs in a thread; return its result and the events emitted."""
    events: list[Event] = []

    async def run() -> Any:
        server = ControlServer(journal, events.append, VIEWS, MARKETS, questions)
        task = asyncio.create_task(server.run())
        await asyncio.to_thread(wait_for, socket_path(journal))
        try:
            return await asyncio.to_thread(work)
        finally:
            task.cancel()
            await asyncio.wait([task])

    return asyncio.run(run()), events


def test_ask__status__is_answered_and_emits_nothing(tmp_path: Path) -> None:
    answer, events = with_server(tmp_path, lambda: ask(tmp_path, Request(verb="status")))

    assert answer == {"status": {"state": "ACTIVE"}}
    assert events == []


def test_ask__any_view__is_answered_under_its_name(tmp_path: Path) -> None:
    answer, events = with_server(tmp_path, lambda: ask(tmp_path, Request(verb="orders")))

    assert answer == {"orders": {"orders": []}}
    assert events == []


def test_ask__pause__becomes_an_operator_command(tmp_path: Path) -> None:
    request = Request(verb="pause", argument="ETH-USD", operator="ada", reason="news at noon")

    _, events = with_server(tmp_path, lambda: ask(tmp_path, request))

    assert events == [
        OperatorCommand(
            verb="pause",
            argument="ETH-USD",
            operator="ada",
            reason="news at noon",
            uid=os.getuid(),
            pid=os.getpid(),
        )
    ]


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "\x1b[2J"])
def test_ask__reason_that_a_log_cannot_show__is_refused_and_logs_nothing(
    tmp_path: Path, reason: str
) -> None:
    def work() -> None:
        with pytest.raises(ControlRefused, match="at most 500 printable characters"):
            ask(tmp_path, Request(verb="halt", reason=reason))

    _, events = with_server(tmp_path, work)

    assert events == []


@pytest.mark.parametrize(
    "request_", [Request(verb="withdraw"), Request(verb="pause", argument="DOGE-USD")]
)
def test_ask__unknown_verb_or_market__is_refused_and_logs_nothing(
    tmp_path: Path, request_: Request
) -> None:
    def work() -> str:
        with pytest.raises(AthanorError) as caught:
            ask(tmp_path, request_)
        return str(caught.value)

    said, events = with_server(tmp_path, work)

    assert "withdraw" in said or "DOGE-USD" in said
    assert events == []


def test_ask__garbage_line__does_not_end_the_server(tmp_path: Path) -> None:
    import socket

    def work() -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(socket_path(tmp_path)))
            connection.sendall(b"\xff not json\n")
            assert b"not a request" in connection.recv(1000)
        return ask(tmp_path, Request(verb="status"))

    answer, _ = with_server(tmp_path, work)

    assert "status" in answer


def test_run__socket__is_the_users_alone_and_gone_afterwards(tmp_path: Path) -> None:
    def modes() -> tuple[int, int]:
        path = socket_path(tmp_path)
        return stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)

    found, _ = with_server(tmp_path, modes)

    assert found == (0o600, 0o700)
    assert not socket_path(tmp_path).exists()


def test_ask__nobody_there__says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning) as caught:
        ask(tmp_path, Request(verb="status"))

    assert "keeper run" in caught.value.next_step


def test_socket_path__two_journals__are_two_sockets(tmp_path: Path) -> None:
    assert socket_path(tmp_path / "a") != socket_path(tmp_path / "b")
    assert socket_path(tmp_path / "a") == socket_path(tmp_path / "b" / ".." / "a")


def test_ask__question__is_answered_with_what_it_says_of_the_request(tmp_path: Path) -> None:
    def question(request: Request, peer: Peer) -> dict[str, Any]:
        return {"argument": request.argument, "operator": request.operator, "pid": peer.pid}

    request = Request(verb="plan", argument="exit", operator="ada")

    answer, events = with_server(
        tmp_path, lambda: ask(tmp_path, request), questions={"plan": question}
    )

    assert answer == {"plan": {"argument": "exit", "operator": "ada", "pid": os.getpid()}}
    assert events == []


def test_ask__question_refused__carries_every_reason(tmp_path: Path) -> None:
    def question(_: Request, __: Peer) -> dict[str, Any]:
        raise ParamsRefused(
            [Problem(code="PARAM_UNKNOWN", path="x", line=0, message="none", fix="look")]
        )

    def work() -> ControlRefused:
        with pytest.raises(ControlRefused) as caught:
            ask(tmp_path, Request(verb="params"))
        return caught.value

    refused, events = with_server(tmp_path, work, questions={"params": question})

    (reason,) = refused.problems
    assert (reason.code, reason.path, reason.fix) == ("PARAM_UNKNOWN", "x", "look")
    assert events == []


def test_ask__system_without_peer_credentials__word_is_logged_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.delattr(socket, "SO_PEERCRED")

    _, events = with_server(tmp_path, lambda: ask(tmp_path, Request(verb="halt")))

    assert events == [OperatorCommand(verb="halt", argument="", operator="")]
