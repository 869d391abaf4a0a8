"""The probe on the local exchange: every assumption holds, and a venue that differs is named."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dydx_world import ADDRESS, CHAIN, OWNER, ExchangeClock, World, config_of, running, world

from keeper.bootstrap.venue_keys import probe_venue
from keeper.config import load_config
from keeper.devnet.exchange.config import DEFAULT_MARKETS, RateLimit
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import MarketStatus
from keeper.domain.errors import ConfigError
from keeper.venues.dydx.directory import load_listings
from keeper.venues.dydx.links import make_links
from keeper.venues.dydx.probing import Finding, Prober
from keeper.venues.dydx.signing import TxSigner

BLOCK_SECONDS = 0.4


async def probed(here: World, window: int) -> tuple[Finding, ...]:
    async def make_blocks() -> None:
        while True:
            await asyncio.sleep(BLOCK_SECONDS)
            here.exchange.make_block(time.time_ns())

    links = make_links(here.settings(), ExchangeClock(here.exchange))
    here.exchange.make_block(time.time_ns())
    here.exchange.make_block(time.time_ns())
    blocks = asyncio.create_task(make_blocks())
    try:
        account = await links.reader.account(ADDRESS)
        assert account is not None
        listings = await load_listings(links.reader, links.indexer, ("ETH-USD",))
        signer = TxSigner(OWNER, CHAIN, account[0])
        return await Prober(links, signer, listings[0].market, window).run()
    finally:
        blocks.cancel()
        await links.close()


def run(window: int = 40, **config: Any) -> tuple[set[str], list[Any]]:
    """What differs from the assumptions, and what rests on the exchange afterwards."""

    async def main() -> tuple[set[str], list[Any]]:
        async with world(**config) as here:
            found = await probed(here, window)
            assert len(found) == 21
            here.exchange.make_block(time.time_ns())
            return differing(found), state_dump(here.exchange.chain)["resting"]

    return asyncio.run(main())


def differing(found: tuple[Finding, ...]) -> set[str]:
    return {finding.assumption for finding in found if not finding.holds}


def test_probe__local_exchange__does_what_the_adapter_assumes_and_nothing_is_left() -> None:
    assert run() == (set(), [])


def test_probe__another_window_and_another_limit__are_named() -> None:
    found, _ = run(short_block_window=20, place_cancel_limits=(RateLimit(5, 2_000),))

    assert found == {
        "goodTilBlock at the window's end, without a fee",
        "blocks and messages of the order limit",
    }


def test_probe__market_takes_no_orders__every_expected_acceptance_is_named() -> None:
    markets = tuple(replace(market, status=MarketStatus.CANCEL_ONLY) for market in DEFAULT_MARKETS)

    found, _ = run(markets=markets)

    assert "goodTilBlock at the window's end, without a fee" in found
    assert "replacement: greater goodTilBlock" in found
    assert "cancel at the order's goodTilBlock" in found


def test_probe_venue__chain_of_real_money__is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with world() as here:
            file = config_of(here, tmp_path / "keeper.toml")
            loaded = load_config(file, overrides=("venue.chain_id=dydx-mainnet-1",))

            with pytest.raises(ConfigError, match="real money"):
                await probe_venue(loaded, {}, real_money=False)

    asyncio.run(main())


def test_probe_venue__on_the_local_exchange__needs_the_hot_key_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with running() as (here, _, _reader):
            file = config_of(here, tmp_path / "keeper.toml")
            keys = {"KEEPER_VENUE_KEY": "0x" + "0a" * 32}

            found = await probe_venue(load_config(file), keys, real_money=False)

            assert {finding.assumption for finding in found if not finding.holds} == set()

    asyncio.run(main())
