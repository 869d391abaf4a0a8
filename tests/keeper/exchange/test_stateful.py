"""Stateful orders: vectors of their rules (codespace, code, raw log), triggers, equity tiers."""

from dataclasses import replace
from typing import Any

import pytest
from v4_proto.dydxprotocol.clob.order_pb2 import Order as WireOrder
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgCancelOrder, MsgPlaceOrder

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import DEFAULT_MARKETS, EQUITY_TIERS, ExchangeConfig, RateLimit
from keeper.devnet.exchange.equity import open_limit
from keeper.devnet.exchange.events import StatefulRemoved
from keeper.devnet.exchange.model import SubaccountId
from keeper.devnet.exchange.results import TxResult
from tests.keeper.exchange.conftest import BLOCK_NS, GENESIS_NS, block, fund
from tests.keeper.exchange.market import TradedMarket
from tests.keeper.exchange.wallets import (
    BTC,
    ETH,
    FOK,
    IOC,
    POST_ONLY,
    SELL,
    Signing,
    Trader,
    order,
    place,
)

LONG_TERM, CONDITIONAL = 64, 32
DAY = 86_400
STOP_LOSS, TAKE_PROFIT = 1, 2


def now(chain: Chain) -> int:
    return chain.block.time_ns // 10**9


def stateful(trader: Trader, until: int, **more: Any) -> WireOrder:
    """Return a long-term order, good to a UNIX second."""
    flags = more.pop("flags", LONG_TERM)
    condition, trigger = more.pop("condition", 0), more.pop("trigger", 0)
    wire = order(trader, **more)
    wire.order_id.order_flags = flags
    wire.good_til_block_time = until
    wire.condition_type = condition
    wire.conditional_order_trigger_subticks = trigger * 100_000
    return wire


def send(chain: Chain, trader: Trader, message: Any) -> TxResult:
    """Broadcast with the trader's next sequence, as the check state has it."""
    account = chain._check_state.accounts.get(trader.address)
    assert account is not None
    return chain.check_tx(trader.sign(message, how=Signing(sequence=account.sequence))).result


def put(chain: Chain, trader: Trader, wire: WireOrder) -> TxResult:
    return send(chain, trader, MsgPlaceOrder(order=wire))


def stop(chain: Chain, trader: Trader, wire: WireOrder, until: int) -> TxResult:
    return send(chain, trader, MsgCancelOrder(order_id=wire.order_id, good_til_block_time=until))


def resting(chain: Chain) -> list[int]:
    return [o.id.client_id for book in chain.clob.books.values() for o in book.orders.values()]


def position(chain: Chain, trader: Trader) -> int:
    account = chain.state.subaccounts.get(SubaccountId(trader.address, 0))
    held = account.positions.get(ETH) if account else None
    return held.quantums if held else 0


def test_place__long_term__reaches_book_after_its_block_and_expires(
    chain: Chain, alice: Trader
) -> None:
    wire = stateful(alice, now(chain) + 4, client_id=5)

    result = put(chain, alice, wire)
    seen = [list(resting(chain))]
    for _ in range(4):
        block(chain)
        seen.append(list(resting(chain)))

    assert result == TxResult(0, "", "[]")
    assert seen == [[], [5], [5], [5], []]


@pytest.mark.parametrize(
    ("seconds", "more", "expected"),
    [
        (0, {}, (3003, "goodTilBlockTime {now}, block time {now}: ")),
        (95 * DAY + 1, {}, (3004, "goodTilBlockTime {until}, latest {latest}: ")),
        (DAY, {"tif": IOC}, (3002, "client id 9: long-term orders cannot")),
        (DAY, {"tif": FOK}, (48, "fill-or-kill")),
        (DAY, {"reduce_only": True}, (9003, "reduce-only")),
        (DAY, {"size": 100_000}, (3007, "client id 9, result NewlyUndercollateralized: ")),
        (DAY, {"condition": STOP_LOSS}, (6000, "condition 1, order flags 64: ")),
        (DAY, {"trigger": 30_000}, (6001, "3000000000: ")),
        (DAY, {"flags": CONDITIONAL, "trigger": 30_000}, (6000, "condition 0, order flags 32: ")),
        (DAY, {"flags": CONDITIONAL, "condition": STOP_LOSS}, (6001, "0: ")),
        (95 * DAY, {}, (0, "[]")),
    ],
)
def test_place__stateful_vector__answers_its_code(
    chain: Chain, alice: Trader, seconds: int, more: dict[str, Any], expected: tuple[int, str]
) -> None:
    at = now(chain)
    wire = stateful(alice, at + seconds, client_id=9, **more)

    result = put(chain, alice, wire)

    log = expected[1].format(now=at, until=at + seconds, latest=at + 95 * DAY)
    assert result.code == expected[0]
    assert result.raw_log.startswith(log)


def test_place__no_good_til_time__answers_3001(chain: Chain, alice: Trader) -> None:
    wire = order(alice)
    wire.order_id.order_flags = LONG_TERM

    assert put(chain, alice, wire).code == 3001


def test_place__stateful_id_that_exists__answers_3005(chain: Chain, alice: Trader) -> None:
    put(chain, alice, stateful(alice, now(chain) + DAY, client_id=5))
    block(chain)

    result = put(chain, alice, stateful(alice, now(chain) + 2 * DAY, client_id=5, size=50))

    assert (result.codespace, result.code) == ("clob", 3005)
    assert result.raw_log == "client id 5: a stateful order with this id exists"


def test_cancel__stateful__leaves_book_and_state(chain: Chain, alice: Trader) -> None:
    wire = stateful(alice, now(chain) + DAY, client_id=5)
    put(chain, alice, wire)
    block(chain)

    result = stop(chain, alice, wire, wire.good_til_block_time)
    still = list(resting(chain))
    block(chain)

    assert (result.code, still, resting(chain)) == (0, [5], [])


def test_cancel__stateful_time_below_orders__answers_29(chain: Chain, alice: Trader) -> None:
    wire = stateful(alice, now(chain) + DAY)
    put(chain, alice, wire)
    block(chain)

    result = stop(chain, alice, wire, wire.good_til_block_time - 1)

    assert (result.codespace, result.code) == ("clob", 29)
    assert result.raw_log.startswith(f"cancel to {wire.good_til_block_time - 1}, the order lives")


def test_cancel__stateful_unknown__answers_3006(chain: Chain, alice: Trader) -> None:
    wire = stateful(alice, now(chain) + DAY, client_id=5)

    result = stop(chain, alice, wire, wire.good_til_block_time)

    assert result == TxResult(3006, "clob", "client id 5: stateful order does not exist")


def test_place__third_stateful_in_a_block__answers_5001(chain: Chain, alice: Trader) -> None:
    codes = [put(chain, alice, stateful(alice, now(chain) + DAY, size=1)).code for _ in range(3)]

    assert codes == [0, 0, 5001]


def test_place__twenty_first_stateful_in_hundred_blocks__answers_5001(
    chain: Chain, alice: Trader
) -> None:
    codes = []
    for _ in range(21):
        codes.append(put(chain, alice, stateful(alice, now(chain) + DAY, size=1)).code)
        block(chain)

    assert codes == [0] * 20 + [5001]


@pytest.mark.parametrize(
    ("worth", "limit"),
    [
        (0, 0),
        (19_999_999, 0),
        (20_000_000, 1),
        (100_000_000, 5),
        (1_000_000_000, 10),
        (10_000_000_000, 100),
        (10**12, 200),
    ],
)
def test_open_limit__net_collateral__is_its_tiers(worth: int, limit: int) -> None:
    assert open_limit(EQUITY_TIERS, worth) == limit


def test_place__more_than_equity_tier__answers_10001() -> None:
    chain = Chain(ExchangeConfig(stateful_limits=(RateLimit(1, 100),)), GENESIS_NS)
    trader = fund(chain, Trader(1), deposit=100_000_000)

    results = [put(chain, trader, stateful(trader, now(chain) + DAY, size=1)) for _ in range(6)]

    assert [result.code for result in results] == [0] * 5 + [10001]
    assert results[-1].raw_log.startswith("5 stateful orders are open, allowed are 5: ")


def test_place__equity_tier_full__short_term_still_passes() -> None:
    chain = Chain(ExchangeConfig(), GENESIS_NS)
    trader = fund(chain, Trader(1), deposit=10_000_000)

    refused = put(chain, trader, stateful(trader, now(chain) + DAY, size=1))
    short = chain.check_tx(place(trader, order(trader, gtb=chain.height + 5, size=1)))

    assert (refused.code, short.result.code) == (10001, 0)


def test_commit__long_term_taker__fills_a_block_after_its_own(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=chain.height + 10, size=40)))
    put(chain, bob, stateful(bob, now(chain) + DAY, side=SELL, size=40))

    block(chain)
    first = position(chain, bob)
    block(chain)

    assert (first, position(chain, bob)) == (0, -40_000_000)
    assert not any(found.live for _, found in chain.state.stateful.items())


def test_commit__post_only_stateful_crosses__is_removed_in_next_block(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=chain.height + 10, size=40)))
    put(chain, bob, stateful(bob, now(chain) + DAY, side=SELL, size=40, tif=POST_ONLY))
    block(chain)

    events = chain.commit(chain.block.time_ns + BLOCK_NS)

    reasons = [event.reason for event in events if isinstance(event, StatefulRemoved)]
    assert reasons == ["ORDER_REMOVAL_REASON_POST_ONLY_WOULD_CROSS_MAKER_ORDER"]
    assert position(chain, bob) == 0


@pytest.mark.parametrize(
    ("condition", "side", "price", "triggers"),
    [
        (STOP_LOSS, SELL, 2_950_000_000, True),
        (STOP_LOSS, SELL, 3_050_000_000, False),
        (TAKE_PROFIT, SELL, 3_050_000_000, True),
        (TAKE_PROFIT, SELL, 2_950_000_000, False),
        (STOP_LOSS, 1, 3_050_000_000, True),
        (TAKE_PROFIT, 1, 2_950_000_000, True),
    ],
)
def test_commit__oracle_passes_trigger__conditional_reaches_book(
    chain: Chain, alice: Trader, condition: int, side: int, price: int, triggers: bool
) -> None:
    far = 31_000 if side == SELL else 29_000
    trigger = 30_300 if (condition == STOP_LOSS) == (side == 1) else 29_700
    wire = stateful(
        alice,
        now(chain) + DAY,
        flags=CONDITIONAL,
        condition=condition,
        trigger=trigger,
        side=side,
        price=far,
        client_id=5,
    )
    put(chain, alice, wire)
    block(chain)
    before = list(resting(chain))

    chain.set_oracle(ETH, price)
    block(chain)

    assert before == []
    assert resting(chain) == ([5] if triggers else [])


def test_restart__stateful__stays_in_state_and_fills_are_kept(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    put(chain, alice, stateful(alice, now(chain) + DAY, client_id=5, size=100))
    block(chain)
    taker = order(bob, gtb=chain.height + 5, side=SELL, size=30, tif=IOC)
    chain.check_tx(place(bob, taker))
    block(chain)

    chain.restart()
    block(chain)

    (held,) = chain.clob.books[ETH].orders.values()
    assert (held.id.client_id, chain.clob.books[ETH].remaining(held)) == (5, 70_000_000)


def test_indexer__stateful_order__is_open_filled_and_told() -> None:
    market = TradedMarket()
    alice = market.alice
    wire = stateful(alice, now(market.chain) + DAY, client_id=5, size=40)
    put(market.chain, alice, wire)

    market.block()
    placed = [m for m in market.messages if m.contents.get("orders")][-1].contents["orders"][0]
    bob = market.bob
    market.send(place(bob, order(bob, gtb=market.gtb(), side=SELL, size=40, tif=IOC)))
    market.block()
    filled = [
        m.contents["orders"][-1]
        for m in market.messages
        if m.contents.get("orders") and m.id.startswith(alice.address)
    ][-1]

    assert (placed["status"], placed["orderFlags"]) == ("OPEN", "64")
    assert placed["goodTilBlockTime"].endswith(".000Z")
    assert placed["goodTilBlock"] is None
    assert (filled["status"], filled["totalFilled"]) == ("FILLED", "0.04")


# Isolated markets

ISOLATED = replace(DEFAULT_MARKETS[1], market_type=2)


@pytest.fixture
def isolated() -> Chain:
    return Chain(ExchangeConfig(markets=(DEFAULT_MARKETS[0], ISOLATED)), GENESIS_NS)


def cross_then(chain: Chain) -> tuple[Trader, Trader]:
    """Both hold BTC; the first has a bid in the isolated market's book."""
    first, second = fund(chain, Trader(1)), fund(chain, Trader(2))
    btc = {"market": BTC, "price": 650_000, "size": 1}
    chain.check_tx(place(first, order(first, gtb=chain.height + 9, **btc)))
    chain.check_tx(place(second, order(second, gtb=chain.height + 9, side=SELL, **btc)))
    block(chain)
    return first, second


def test_place__taker_would_mix_isolated__answers_2005(isolated: Chain) -> None:
    first, _ = cross_then(isolated)
    other = fund(isolated, Trader(3))
    isolated.check_tx(place(other, order(other, gtb=isolated.height + 9, side=SELL)))

    result = isolated.check_tx(place(first, order(first, gtb=isolated.height + 9, client_id=8)))

    assert result.result == TxResult(
        2005, "clob", "client id 8: order would violate the constraints of isolated markets"
    )
    assert len(isolated.clob.books[ETH].orders) == 1


def test_place__maker_would_mix_isolated__maker_is_removed(isolated: Chain) -> None:
    first, _ = cross_then(isolated)
    isolated.check_tx(place(first, order(first, gtb=isolated.height + 9)))
    other = fund(isolated, Trader(3))

    taker = order(other, gtb=isolated.height + 9, side=SELL, tif=IOC)
    outcome = isolated.check_tx(place(other, taker))

    reasons = [getattr(event, "reason", "") for event in outcome.events]
    assert "ORDER_REMOVAL_REASON_VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS" in reasons
    assert not isolated.clob.pending


def test_place__child_subaccount_with_isolated_alone__trades(isolated: Chain) -> None:
    first, _ = cross_then(isolated)
    isolated.faucet(SubaccountId(first.address, 128), 10**9)
    other = fund(isolated, Trader(3))
    isolated.check_tx(place(other, order(other, gtb=isolated.height + 9, side=SELL)))

    isolated.check_tx(place(first, order(first, gtb=isolated.height + 9, subaccount=128)))
    block(isolated)

    child = isolated.state.subaccounts.get(SubaccountId(first.address, 128))
    assert child is not None
    assert child.positions[ETH].quantums == 100_000_000
