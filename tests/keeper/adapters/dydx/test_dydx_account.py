"""Collateral and permissions on the local exchange: deposits, withdrawals, bridge, hot keys."""

import asyncio
from typing import Any

import pytest
from dydx_world import (
    ADDRESS,
    DEPOSIT,
    HOT,
    OWNER,
    STEP,
    ExchangeClock,
    cancel,
    included,
    quote,
    trade_only,
    wallet_world,
    world,
)

from keeper.devnet.exchange.addresses import BRIDGE
from keeper.domain.errors import ConfigError, VenueUnavailable
from keeper.domain.events import FundingPaid, SubaccountObserved, VenueTransfer
from keeper.domain.orders import Side
from keeper.venues.dydx import messages
from keeper.venues.dydx.account import Transfers, open_wallet
from keeper.venues.dydx.keys import LocalSigner, SecretKey
from keeper.venues.dydx.settings import USDC_DENOM, FeeSettings
from keeper.venues.dydx.signing import SignedTx
from tests.keeper.exchange.wallets import BUY, SELL

CHAIN = "localdydxprotocol"
HOUR_NS = 3_600 * 10**9


def fee_of(signed: SignedTx) -> int:
    from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxRaw

    auth = AuthInfo.FromString(TxRaw.FromString(signed.raw).auth_info_bytes)
    return int(auth.fee.amount[0].amount)


def test_wallet__deposit_and_withdrawal__conserved_to_the_unit_at_their_heights() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            start = here.exchange.chain.height
            deposit = await wallet.prepare_deposit(0, 250_000_001)
            into = await included(here, wallet, deposit)
            withdrawal = await wallet.prepare_withdrawal(0, 100_000_000)
            out = await included(here, wallet, withdrawal)

            async def held(height: int) -> tuple[int, int]:
                state = await reader.subaccount(ADDRESS, 0, height)
                return state.usdc, await reader.bank_balance(ADDRESS, USDC_DENOM, height)

            assert await held(start) == (DEPOSIT, 1_000_000_000)
            after_deposit = 1_000_000_000 - 250_000_001 - fee_of(deposit)
            assert await held(into.height) == (DEPOSIT + 250_000_001, after_deposit)
            after_withdrawal = after_deposit + 100_000_000 - fee_of(withdrawal)
            assert await held(out.height) == (DEPOSIT + 150_000_001, after_withdrawal)

    asyncio.run(main())


def test_wallet__transfer_between_own_subaccounts__moves_it() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            await included(here, wallet, await wallet.prepare_transfer(0, 128, 7))

            assert (await reader.subaccount(ADDRESS, 128)).usdc == 7
            assert (await reader.subaccount(ADDRESS, 0)).usdc == DEPOSIT - 7

    asyncio.run(main())


def test_transfers__bridge_credits_and_sends__summed_up_to_a_height() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            transfers = Transfers(here.node, USDC_DENOM)
            here.exchange.chain.credit(ADDRESS, 77, "0xevmhash:3")
            here.exchange.make_block()
            before = (await reader.header()).height
            recipient = "0x00000000000000000000000000000000000000aa"
            sent = await included(here, wallet, await wallet.prepare_send(BRIDGE, 55, recipient))

            credited = await transfers.received(ADDRESS, sent.height)
            debited = await transfers.sent(ADDRESS, sent.height)

            assert [(t.amount, t.memo, t.sender) for t in credited] == [
                (1_000_000_000, f"memo {ADDRESS}", BRIDGE),
                (77, "0xevmhash:3", BRIDGE),
            ]
            assert [(t.amount, t.memo, t.recipient, t.height) for t in debited] == [
                (55, recipient, BRIDGE, sent.height)
            ]
            assert debited[0].tx_hash == sent.tx_hash
            assert await transfers.sent(ADDRESS, before) == ()

    asyncio.run(main())


def test_transfers__more_than_a_page__all_found_once() -> None:
    async def main() -> None:
        async with wallet_world() as (here, _, _reader):
            for number in range(230):
                here.exchange.chain.credit(ADDRESS, 1, f"memo number {number}")
            height = here.exchange.make_block()

            found = await Transfers(here.node, USDC_DENOM).received(ADDRESS, height)

            assert len(found) == 231
            assert sum(t.amount for t in found) == 1_000_000_230

    asyncio.run(main())


def test_wallet__same_bytes_twice__second_is_known_and_moves_nothing() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            signed = await wallet.prepare_deposit(0, 5)
            await included(here, wallet, signed)

            again = await wallet.send(signed, 2_000)
            here.exchange.make_block()

            assert (again.codespace, again.code) == ("sdk", 19)
            assert (await reader.subaccount(ADDRESS, 0)).usdc == DEPOSIT + 5

    asyncio.run(main())


def test_wallet__two_in_one_millisecond__two_nonces() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            first = await wallet.prepare_deposit(0, 5)
            second = await wallet.prepare_deposit(0, 5)

            await wallet.send(first, 2_000)
            await included(here, wallet, second)

            assert first.tx_hash != second.tx_hash
            assert (await reader.subaccount(ADDRESS, 0)).usdc == DEPOSIT + 10

    asyncio.run(main())


def test_wallet__more_than_it_has__refused_by_the_simulation() -> None:
    async def main() -> None:
        async with wallet_world() as (_, wallet, _reader):
            await wallet.prepare_deposit(0, 10**15)

    with pytest.raises(VenueUnavailable, match="Simulate"):
        asyncio.run(main())


def test_wait__never_included__venue_unavailable() -> None:
    async def main() -> None:
        async with wallet_world() as (_, wallet, _reader):
            await wallet.wait("AB" * 32, 0)

    with pytest.raises(VenueUnavailable, match="in no block"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("signer", "chain", "message"),
    [
        (OWNER, "dydx-mainnet-1", "on chain localdydxprotocol"),
        (LocalSigner(SecretKey(b"\x0c" * 32)), CHAIN, "does not exist"),
    ],
)
def test_open_wallet__other_chain_or_unknown_account__config_error(
    signer: LocalSigner, chain: str, message: str
) -> None:
    async def main() -> None:
        async with world() as here:
            clock = ExchangeClock(here.exchange)
            await open_wallet(here.node, signer, chain, FeeSettings(), clock)

    with pytest.raises(ConfigError, match=message):
        asyncio.run(main())


def test_reader__past_heights__headers_prices_and_perpetuals_of_then() -> None:
    async def main() -> None:
        async with wallet_world() as (here, _, reader):
            before = here.exchange.chain.height
            here.exchange.chain.set_oracle(1, 3_100_000_000)
            after = here.exchange.make_block()

            first, second = await reader.header(before), await reader.header(after)

            assert (first.height, second.height) == (before, after)
            assert second.time_ns - first.time_ns == 10**9
            assert second.chain_id == CHAIN
            assert first.block_hash == here.exchange.chain.blocks[before].hash.hex()
            assert (await reader.header()) == second
            old, new = await reader.market_price(1, before), await reader.market_price(1, after)
            assert (old.price, new.price, new.exponent) == (3_000_000_000, 3_100_000_000, -6)
            assert (old.height, new.height) == (before, after)
            perpetual = await reader.perpetual(1, before)
            assert (perpetual.ticker, perpetual.atomic_resolution) == ("ETH-USD", -9)

    asyncio.run(main())


def test_reader__height_not_there_yet__venue_unavailable() -> None:
    async def main() -> None:
        async with wallet_world() as (here, _, reader):
            await reader.subaccount(ADDRESS, 0, here.exchange.chain.height + 1)

    with pytest.raises(VenueUnavailable):
        asyncio.run(main())


def test_venue__collateral_moved__one_transfer_event_each_way_and_the_state() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, _):
            await here.connect()

            into = await included(here, wallet, await wallet.prepare_deposit(0, 250))
            out = await included(here, wallet, await wallet.prepare_transfer(0, 128, 100))
            state = await here.observed(out.height)

            moves = [
                (t.quote_quantums, t.counterparty, t.height) for t in here.events.of(VenueTransfer)
            ]
            assert moves == [(250, ADDRESS, into.height), (-100, f"{ADDRESS}/128", out.height)]
            assert state.usdc_quote_quantums == DEPOSIT + 150

    asyncio.run(main())


def test_venue__funding_settles_on_a_fill__paid_exactly_once() -> None:
    async def main() -> None:
        markets = premium_markets()
        async with world(markets=markets) as here:
            await here.connect()
            await here.send(quote(1, Side.BUY, 30_000, 1_000, here.exchange.chain.height + 30))
            await here.take(SELL, 30_000, 600)
            opened = await here.block()
            await here.observed(opened)
            here.exchange.make_block(here.exchange.chain.block.time_ns + HOUR_NS)
            await here.take(SELL, 30_000, 100)
            height = await here.block()
            state = await here.observed(height)

            index = here.exchange.chain.state.perpetuals.get(1)
            assert index is not None
            assert index.funding_index > 0
            (paid,) = here.events.of(FundingPaid)
            assert (paid.market, paid.height) == ("ETH-USD", height)
            assert paid.quote_quantums == -(600 * STEP * index.funding_index) // 10**6
            before = next(e for e in here.events.of(SubaccountObserved) if e.height == opened)
            assert equity_of(state) == equity_of(before) - 100 * STEP * 3 - 30_000 + (
                paid.quote_quantums
            )

    asyncio.run(main())


def equity_of(state: SubaccountObserved) -> int:
    """Return all of a state's quote: what a fill and a settlement move together."""
    return state.usdc_quote_quantums + sum(p.quote_balance for p in state.positions)


def test_venue__position_closed_after_funding__index_of_the_block_before_counts() -> None:
    async def main() -> None:
        async with world(markets=premium_markets()) as here:
            await here.connect()
            await here.send(quote(1, Side.BUY, 30_000, 100, here.exchange.chain.height + 30))
            await here.take(SELL, 30_000, 100)
            opened = await here.block()
            await here.observed(opened)
            here.exchange.make_block(here.exchange.chain.block.time_ns + HOUR_NS)
            await here.send(quote(2, Side.SELL, 30_010, 100, here.exchange.chain.height + 30))
            await here.take(BUY, 30_010, 100)
            height = await here.block()
            state = await here.observed(height)

            index = here.exchange.chain.state.perpetuals.get(1)
            assert index is not None
            (paid,) = here.events.of(FundingPaid)
            assert state.positions == ()
            assert paid.quote_quantums == -(100 * STEP * index.funding_index) // 10**6

    asyncio.run(main())


def premium_markets() -> tuple[Any, ...]:
    """Markets whose funding rate is 0.8 % in 8 hours without any premium."""
    from dataclasses import replace

    from keeper.devnet.exchange.config import DEFAULT_MARKETS

    return tuple(replace(market, default_funding_ppm=8_000) for market in DEFAULT_MARKETS)


def test_venue__permissioned_key__trades_within_its_filters_only() -> None:
    async def main() -> None:
        async with wallet_world() as (here, wallet, reader):
            config = trade_only(HOT.public_key, "0", "1")
            await included(
                here,
                wallet,
                await wallet.prepare(messages.add_authenticator(ADDRESS, "AllOf", config)),
            )
            (authenticator,) = [a.authenticator_id for a in await reader.authenticators(ADDRESS)]
            await here.connect(HOT, authenticator_ids=(authenticator,))
            until_block = here.exchange.chain.height + 5

            allowed, other_pair = await here.send(
                quote(1, Side.BUY, 29_000, 10, until_block),
                quote(2, Side.BUY, 29_000, 10, until_block, market="BTC-USD"),
            )
            (cancelled,) = await here.send(cancel(until_block, 1))

            assert allowed.outcome == "ACK"
            assert (other_pair.outcome, other_pair.codespace) == ("REJECTED", "accountplus")
            assert cancelled.outcome == "ACK"

    asyncio.run(main())


def test_venue__node_stops_answering__commands_become_unknown() -> None:
    async def main() -> None:
        async with world() as here:
            await here.connect(place_deadline_ms=300)
            await here.exchange._grpc.stop(None)

            results = await here.send(
                quote(1, Side.BUY, 29_000, 10, 50), quote(2, Side.BUY, 29_000, 10, 50)
            )

            assert [r.outcome for r in results] == ["UNKNOWN", "UNKNOWN"]
            assert all(len(r.tx_hash) == 64 and r.detail for r in results)

    asyncio.run(main())
