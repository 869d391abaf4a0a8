"""No telemetry: hosts are named where an operator chooses them, and nowhere else."""

import re
import socket
from pathlib import Path

import pytest

KEEPER = Path(__file__).resolve().parents[3] / "keeper"
HOST = re.compile(
    r"(?:https?|wss?|grpcs?)://(?:[^@/\s]*@)?([A-Za-z0-9_.-]+)|[\"']([a-z0-9-]+(?:\.[a-z0-9-]+)+):\d{2,5}[\"']"
)
SUFFIXES = {".py", ".j2", ".js", ".css", ".html"}
CHOSEN_BY_THE_OPERATOR = KEEPER / "config" / "presets.py"
NEVER_FETCHED = {"json-schema.org", "www.w3.org", "127.0.0.1", "localhost"}
"""Names of vocabularies, and this machine."""


def hosts_in(text: str) -> set[str]:
    """Hosts named in a text, but those of RFC 2606, which nobody can own."""
    found = {first or second for first, second in HOST.findall(text)}
    return {host for host in found if not host.endswith(".example")}


def test_hosts_in__planted_host__is_found() -> None:
    assert hosts_in('post("https://stats.example.org/v1")') == {"stats.example.org"}
    assert hosts_in('connect("collector.example.org:4317")') == {"collector.example.org"}
    assert hosts_in("https://user:secret@stats.example.org/") == {"stats.example.org"}
    assert hosts_in("https://node.example/key") == set()


def test_package__hosts__are_only_the_venue_presets() -> None:
    files = [path for path in KEEPER.rglob("*") if path.suffix in SUFFIXES]
    assert len(files) > 200

    found = {
        (str(path.relative_to(KEEPER)), host)
        for path in files
        if path != CHOSEN_BY_THE_OPERATOR
        for host in hosts_in(path.read_text(encoding="utf-8")) - NEVER_FETCHED
    }

    assert found == set()


def test_suite__connection_beyond_this_machine__is_an_error() -> None:
    """The hook in tests/conftest.py watches every test of the suite."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outgoing,
        pytest.raises(AssertionError, match="leave this machine"),
    ):
        outgoing.connect(("192.0.2.1", 9))
