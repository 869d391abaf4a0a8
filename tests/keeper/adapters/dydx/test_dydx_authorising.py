"""A permissioned key on the local exchange: registered, tried, revoked; one too wide is named."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from dydx_world import (
    ADDRESS,
    CHAIN,
    HOT,
    OWNER,
    ExchangeClock,
    World,
    config_of,
    running,
    trade_only,
)

from keeper.bootstrap.venue_keys import authorise_hot_key, prove_hot_key, revoke_hot_key
from keeper.config import load_config
from keeper.config.secrets import KeyUnavailable
from keeper.domain.errors import ConfigError
from keeper.domain.instruments import PerpetualMarket
from keeper.venues.dydx import messages
from keeper.venues.dydx.authorising import Grant, VenueRefused, find, register, revoke
from keeper.venues.dydx.directory import load_listings
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.proving import HotKey, Proof, prove
from keeper.venues.dydx.reader import Reader

GRANT = Grant(HOT.public_key, 0, (1,))
WAIT_SECONDS = 10
KEEPER = str(Path(sys.executable).with_name("keeper"))
KEYS = {"KEEPER_VENUE_KEY": "0x" + "0b" * 32, "KEEPER_TREASURER_KEY": "0x" + "0a" * 32}


async def market(here: World, reader: Reader, ticker: str) -> PerpetualMarket:
    url = f"http://127.0.0.1:{here.exchange.ports.rest}"
    indexer = Indexer(url, address=ADDRESS, subaccount=0, deadline_ms=3_000)
    try:
        (listing,) = await load_listings(reader, indexer, (ticker,))
    finally:
        await indexer.close()
    return listing.market


async def proofs(here: World, reader: Reader, authenticator_id: int) -> dict[str, Proof]:
    account = await reader.account(ADDRESS)
    assert account is not None
    key = HotKey(
        signer=HOT,
        chain_id=CHAIN,
        address=ADDRESS,
        account_number=account[0],
        subaccount=0,
        authenticator_id=authenticator_id,
        inside=await market(here, reader, "ETH-USD"),
        outside=await market(here, reader, "BTC-USD"),
    )
    found = await prove(here.node, key, ExchangeClock(here.exchange))
    return {proof.tried: proof for proof in found}


def test_register__twice__one_authenticator() -> None:
    async def main() -> None:
        async with running() as (_, wallet, reader):
            first = await register(wallet, reader, GRANT, WAIT_SECONDS)
            again = await register(wallet, reader, GRANT, WAIT_SECONDS)

            assert len(first.tx_hash) == 64
            assert (again.authenticator_id, again.tx_hash) == (first.authenticator_id, "")
            assert len(await reader.authenticators(ADDRESS)) == 1

    asyncio.run(main())


def test_register__wallet_cannot_pay__chain_refuses() -> None:
    async def main() -> None:
        async with running() as (here, wallet, reader):
            here.exchange.chain.state.bank.put(ADDRESS, 10)

            with pytest.raises(VenueRefused, match="sdk"):
                await register(wallet, reader, GRANT, WAIT_SECONDS)

    asyncio.run(main())


def test_revoke__registered__is_not_found_any_more() -> None:
    async def main() -> None:
        async with running() as (_, wallet, reader):
            made = await register(wallet, reader, GRANT, WAIT_SECONDS)

            await revoke(wallet, made.authenticator_id, WAIT_SECONDS)

            assert await find(reader, ADDRESS, GRANT) is None

    asyncio.run(main())


def test_grant__no_market__is_refused() -> None:
    with pytest.raises(ConfigError, match="0 markets"):
        _ = Grant(HOT.public_key, 0, ()).config


def test_grant__too_many_markets__is_refused() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        _ = Grant(HOT.public_key, 0, tuple(range(300))).config


def test_prove__the_grant__trades_and_nothing_else_passes() -> None:
    async def main() -> None:
        async with running() as (here, wallet, reader):
            made = await register(wallet, reader, GRANT, WAIT_SECONDS)
            before = here.truth()

            found = await proofs(here, reader, made.authenticator_id)

            assert all(proof.holds for proof in found.values()), found
            assert {tried for tried, proof in found.items() if proof.expected == "taken"} == {
                "an order in ETH-USD",
                "a cancel in ETH-USD",
                "a batch cancel in ETH-USD",
            }
            assert {
                "an order in BTC-USD",
                "an order with subaccount 1",
                "a withdrawal to the account's wallet",
                "a transfer to subaccount 1",
                "a payment from the account's wallet",
                "a wider authenticator for itself",
            } == {tried for tried, proof in found.items() if proof.expected != "taken"}
            assert here.truth() == before

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "config", "let_through"),
    [
        pytest.param(
            "SignatureVerification",
            HOT.public_key,
            {
                "an order in BTC-USD",
                "an order with subaccount 1",
                "a withdrawal to the account's wallet",
                "a transfer to subaccount 1",
                "a payment from the account's wallet",
                "a wider authenticator for itself",
            },
            id="everything",
        ),
        pytest.param(
            "AllOf",
            trade_only(HOT.public_key, "0,1", "1"),
            {"an order with subaccount 1"},
            id="two subaccounts",
        ),
        pytest.param(
            "AllOf",
            trade_only(HOT.public_key, "0", "0,1"),
            {"an order in BTC-USD"},
            id="two markets",
        ),
    ],
)
def test_prove__key_that_may_more__each_attempt_let_through_is_named(
    kind: str, config: bytes, let_through: set[str]
) -> None:
    async def main() -> None:
        async with running() as (here, wallet, reader):
            signed = await wallet.prepare(messages.add_authenticator(ADDRESS, kind, config))
            await wallet.send(signed, 2_000)
            assert (await wallet.wait(signed.tx_hash, WAIT_SECONDS)).code == 0
            (entry,) = await reader.authenticators(ADDRESS)

            found = await proofs(here, reader, entry.authenticator_id)

            failed = {tried for tried, proof in found.items() if not proof.holds}
            assert failed == let_through

    asyncio.run(main())


def test_prove__authenticator_of_another_key__trading_fails() -> None:
    async def main() -> None:
        async with running() as (here, wallet, reader):
            other = Grant(OWNER.public_key, 0, (1,))
            made = await register(wallet, reader, other, WAIT_SECONDS)

            found = await proofs(here, reader, made.authenticator_id)

            assert not found["an order in ETH-USD"].holds

    asyncio.run(main())


async def keeper(config: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(KEEPER, "venue", *arguments, "--config", str(config), "--json"),
        env={**os.environ, **KEYS},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    assert b"0b0b0b" not in out + err
    return process.returncode, json.loads(out)


def test_authorise__from_the_command_line__registers_and_proves(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, reader):
            config = config_of(here, tmp_path / "keeper.toml")

            code, told = await keeper(config, "authorise")

            (known,) = await reader.authenticators(ADDRESS)
            assert (code, told["proven"]) == (0, True)
            assert told["authenticator_id"] == known.authenticator_id
            assert "withdraw, transfer or send collateral" in told["cannot"]
            assert len(told["proofs"]) == 9

    asyncio.run(main())


def test_prove_hot_key__after_it_was_revoked__nothing_passes(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            loaded = load_config(config_of(here, tmp_path / "keeper.toml"))
            made = await authorise_hot_key(loaded, KEYS, None, WAIT_SECONDS)
            number = made.registered.authenticator_id
            chosen = (f"venue.authenticator_ids=[{number}]",)
            used = load_config(loaded.file, overrides=chosen)

            before = await prove_hot_key(used, KEYS)
            await revoke_hot_key(loaded, KEYS, number, WAIT_SECONDS)
            after = await prove_hot_key(used, KEYS)

            assert all(proof.holds for proof in before)
            assert not any(proof.observed == "taken" for proof in after)

    asyncio.run(main())


def test_prove_hot_key__no_authenticator_configured__says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            loaded = load_config(config_of(here, tmp_path / "keeper.toml"))

            with pytest.raises(ConfigError, match="could withdraw"):
                await prove_hot_key(loaded, KEYS)

    asyncio.run(main())


def test_authorise_hot_key__public_key_alone__registers_and_tries_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            loaded = load_config(config_of(here, tmp_path / "keeper.toml"))
            keys = {"KEEPER_TREASURER_KEY": KEYS["KEEPER_TREASURER_KEY"]}

            made = await authorise_hot_key(loaded, keys, HOT.public_key, WAIT_SECONDS)

            assert made.proofs is None
            assert made.grant == GRANT

    asyncio.run(main())


def test_authorise_hot_key__the_owners_own_key__is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            loaded = load_config(config_of(here, tmp_path / "keeper.toml"))

            with pytest.raises(ConfigError, match="would not limit it"):
                await authorise_hot_key(loaded, KEYS, OWNER.public_key, WAIT_SECONDS)

    asyncio.run(main())


def test_authorise_hot_key__without_the_owners_key__is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            loaded = load_config(config_of(here, tmp_path / "keeper.toml"))
            keys = {**KEYS, "KEEPER_TREASURER_KEY": KEYS["KEEPER_VENUE_KEY"]}

            with pytest.raises(KeyUnavailable, match="the account is"):
                await authorise_hot_key(loaded, keys, HOT.public_key, WAIT_SECONDS)

    asyncio.run(main())
