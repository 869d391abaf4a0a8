"""A key held by another process: what it signs is checked, and whatever fails stops quoting."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from dydx_world import ADDRESS, HOT, OWNER, quote, world

from keeper.bootstrap.common import key_of
from keeper.bootstrap.doctor import open_site
from keeper.bootstrap.signers import signer_of
from keeper.config import LoadedConfig, parse_config
from keeper.config.secrets import KeyUnavailable
from keeper.config.sections.keys import Keys
from keeper.config.template import draft, render_config
from keeper.devnet.exchange.dump import state_dump
from keeper.doctor.rows import Row, examine
from keeper.doctor.signers import signer_probes
from keeper.domain.events import SourceDown
from keeper.domain.orders import Side
from keeper.venues.dydx.external import ExternalSigner
from keeper.venues.dydx.keys import SigningFailed

COMMAND = Path(__file__).with_name("signing_command.py")
KEY = "0a" * 32  # the key of OWNER
GOOD = 3  # signatures before a command misbehaves; `ready` takes the first


def signer(
    folder: Path, behaviour: str, *, timeout_ms: int = 5_000, of: bytes = OWNER.public_key
) -> ExternalSigner:
    command = (sys.executable, str(COMMAND), KEY, behaviour, str(folder / "starts"))
    return ExternalSigner(command, of, timeout_ms, os.environ)


@asynccontextmanager
async def running(found: ExternalSigner) -> AsyncIterator[ExternalSigner]:
    try:
        yield found
    finally:
        await found.close()


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text().splitlines())


def is_valid(signature: bytes, message: bytes) -> bool:
    der = cdata_to_der(deserialize_compact(signature))
    return len(signature) == 64 and PublicKey(OWNER.public_key).verify(der, message)


@pytest.mark.parametrize("behaviour", ["well", "high-s"])
def test_sign__many_at_once__one_process_and_every_signature_with_low_s(
    tmp_path: Path, behaviour: str
) -> None:
    async def body() -> list[bytes]:
        async with running(signer(tmp_path, behaviour)) as found:
            await found.ready()
            return await asyncio.gather(*(found.sign(b"%d" % n) for n in range(50)))

    signed = asyncio.run(body())

    assert [n for n, each in enumerate(signed) if not is_valid(each, b"%d" % n)] == []
    assert starts(tmp_path) == 1


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("silent", "did not answer within 0.2 s"),
        ("slow", "did not answer within 0.2 s"),
        ("dead", "ended"),
        ("other-message", "not of the configured public key"),
        ("short", "not of the configured public key"),
        ("refuses", "refuses: the slot is locked"),
        ("chatty", "answered what is no answer"),
    ],
)
def test_sign__command_misbehaves__fails_and_the_gate_falls_until_ready_starts_it_anew(
    tmp_path: Path, behaviour: str, reason: str
) -> None:
    async def body() -> None:
        async with running(signer(tmp_path, behaviour, timeout_ms=5_000)) as found:
            await found.ready()
            found._timeout = 0.2  # starting an interpreter takes longer
            lost = asyncio.create_task(found.lost())
            for _ in range(GOOD - 1):
                assert is_valid(await found.sign(b"fine"), b"fine")
            assert not lost.done()

            with pytest.raises(SigningFailed, match=reason):
                await found.sign(b"bad")
            with pytest.raises(SigningFailed, match=reason):
                await lost
            with pytest.raises(SigningFailed, match=reason):
                await found.sign(b"while it is down")
            assert starts(tmp_path) == 1

            found._timeout = 5
            await found.ready()
            assert is_valid(await found.sign(b"again"), b"again")
            assert starts(tmp_path) == 2

    asyncio.run(body())


def test_sign__killed_between_requests__what_waits_fails_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with running(signer(tmp_path, "well")) as found:
            await found.ready()
            assert found._process is not None
            found._process.kill()

            with pytest.raises(SigningFailed, match="ended"):
                await found.lost()
            with pytest.raises(SigningFailed, match="ended"):
                await found.sign(b"late")

    asyncio.run(body())


def test_ready__another_key_than_configured__refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with running(signer(tmp_path, "well", of=HOT.public_key)) as found:
            with pytest.raises(SigningFailed, match="not of the configured public key"):
                await found.ready()

    asyncio.run(body())


def test_ready__no_such_command__refused() -> None:
    async def body() -> None:
        found = ExternalSigner(("/no/such/signer",), OWNER.public_key, 1_000, {})
        with pytest.raises(SigningFailed, match=r"/no/such/signer does not start"):
            await found.ready()
        await found.close()

    asyncio.run(body())


def held_elsewhere(folder: Path, behaviour: str, timeout_ms: int = 5_000) -> LoadedConfig:
    """A keeper's and treasurer's configuration whose venue keys are behind the command."""
    addresses = {"reporter": "22", "address": "11"}
    values = [f"vault.{name}=0x{digits * 20}" for name, digits in addresses.items()]
    values += [f"venue.adapter=0x{'55' * 20}", f"venue.address={ADDRESS}"]
    values += [f"venue.bridge_address={ADDRESS}"]
    data = draft("local", ("keeper", "treasurer"), values)
    command = [sys.executable, str(COMMAND), KEY, behaviour, str(folder / "starts")]
    for role in ("venue", "treasurer_venue"):
        data["keys"][role] = {
            "command": command,
            "public_key": OWNER.public_key.hex(),
            "timeout_ms": timeout_ms,
        }
    data["venue"]["place_deadline_ms"] = 6_000
    return parse_config(render_config(data, venue="local"), folder / "keeper.toml", environ={})


def test_signer_of__command__signs_and_is_not_told_the_other_keys(tmp_path: Path) -> None:
    environ = {**os.environ, "KEEPER_HOT_KEY": "0x01", "KEEPER_HOT_KEY_FILE": "f", "PIN": "12"}

    def told_to(process_id: int) -> bytes:
        return Path(f"/proc/{process_id}/environ").read_bytes()

    async def body() -> tuple[bytes, bytes]:
        found = signer_of(held_elsewhere(tmp_path, "well"), "venue", environ)
        assert isinstance(found, ExternalSigner)
        async with running(found):
            await found.ready()
            assert found._process is not None
            return await found.sign(b"order"), told_to(found._process.pid)

    signature, told = asyncio.run(body())

    assert is_valid(signature, b"order")
    assert b"PIN=12" in told
    assert b"KEEPER_HOT_KEY" not in told


def test_read_key__held_by_a_command__says_that_it_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="signs but never shows it"):
        key_of(held_elsewhere(tmp_path, "well"), "venue", {})


@pytest.mark.parametrize(
    ("behaviour", "timeout_ms", "status", "text"),
    [
        ("well", 5_000, "ok", f"signs for {ADDRESS} in "),
        ("lazy", 800, "warn", "of 800"),
        ("silent", 1_500, "fail", "did not answer within 1.5 s"),
    ],
)
def test_doctor__command_of_a_key__is_asked_and_ended(
    tmp_path: Path, behaviour: str, timeout_ms: int, status: str, text: str
) -> None:
    loaded = held_elsewhere(tmp_path, behaviour, timeout_ms)

    async def rows() -> list[Row]:
        site = open_site(loaded, os.environ)
        try:
            probes = signer_probes(site, lambda role: signer_of(loaded, role, os.environ))
            return await examine(probes, 30)
        finally:
            await site.close()

    found = asyncio.run(rows())

    assert [(row.id, row.subject, row.status) for row in found] == [
        ("keys.signer", role, status) for role in ("venue", "treasurer_venue")
    ]
    assert all(text in row.found for row in found)
    assert starts(tmp_path) == 2


def test_doctor__no_command_configured__skips_the_row() -> None:
    site: Any = SimpleNamespace(config=SimpleNamespace(keys=Keys()))

    (row,) = asyncio.run(examine(signer_probes(site, lambda _: OWNER), 5))

    assert row.status == "skip"


def test_close__command_that_runs__ends_when_its_input_does(tmp_path: Path) -> None:
    async def body() -> int | None:
        found = signer(tmp_path, "well")
        await found.ready()
        process = found._process
        assert process is not None
        await found.close()
        return process.returncode

    assert asyncio.run(body()) == 0


def test_venue__signer_dies__dropped_as_a_value_and_the_source_is_down_until_it_signs_again(
    tmp_path: Path,
) -> None:
    """The fourth signature is refused: one for the gate, two orders, and then none."""

    async def body() -> None:
        async with world() as here:
            until_block = here.exchange.chain.height + 10
            await here.connect(signer(tmp_path, "refuses"))
            orders = [quote(n, Side.BUY, 29_000, 10, until_block) for n in range(1, 5)]
            taken = await here.send(*orders[:2])

            (dropped,) = await here.send(orders[2])

            assert [result.outcome for result in taken] == ["ACK", "ACK"]
            assert (dropped.outcome, dropped.codespace, dropped.code) == ("DROPPED", "keeper", 6)
            assert "the slot is locked" in dropped.detail
            await here.came_up(2)
            (down,) = here.events.of(SourceDown)
            assert "the slot is locked" in down.detail
            (again,) = await here.send(orders[3])
            assert again.outcome == "ACK"
            resting = state_dump(here.exchange.chain)["resting"]
            assert {order["client_id"] for order in resting} == {1, 2, 4}
            assert starts(tmp_path) == 2

    asyncio.run(body())
