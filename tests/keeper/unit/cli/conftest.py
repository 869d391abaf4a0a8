"""Runs the command line in this process and gives back what a shell would see."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from keeper.cli.main import run
from keeper.config.template import draft, render_config

DYDX = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"


@dataclass(frozen=True)
class Shell:
    code: int
    out: str
    err: str


@pytest.fixture
def keeper(capsys: pytest.CaptureFixture[str]) -> Callable[..., Shell]:
    def call(*args: object) -> Shell:
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Shell(code, captured.out, captured.err)

    return call


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A valid configuration of every role; its sockets live below tmp_path too."""
    for name in [name for name in os.environ if name.startswith("KEEPER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    values = (
        f"vault.address={'0x' + '11' * 20}",
        f"vault.reporter={'0x' + '22' * 20}",
        f"venue.address={DYDX}",
        f"venue.adapter={'0x' + '55' * 20}",
        f"venue.bridge_address={DYDX}",
        "evm.rpc_url=http://127.0.0.1:1/v2/SECRETKEY",
        "reporter.evm_rpc_url=http://127.0.0.1:1",
        "reporter.venue_grpc_endpoint=127.0.0.1:1",
        "reporter.venue_grpc_insecure=true",
        "reporter.venue_rest_url=http://127.0.0.1:1",
        'relay.reporter_urls=["http://127.0.0.1:1"]',
    )
    data = draft("local", ("keeper", "reporter", "treasurer", "relay"), values)
    file = tmp_path / "keeper.toml"
    file.write_text(render_config(data, venue="local"))
    return file
