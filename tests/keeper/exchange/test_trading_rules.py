"""Each trading rule of the venue as a vector (codespace, code, raw log)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from v4_proto.dydxprotocol.clob.order_pb2 import Order as WireOrder
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgCancelOrder, MsgPlaceOrder

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import ExchangeConfig, RateLimit
from keeper.devnet.exchange.events import LevelChanged, OrderPlaced, OrderRemoved
from keeper.devnet.exchange.model import MarketStatus, Order, SubaccountId
from keeper.devnet.exchange.results import TxResult
from tests.keeper.exchange.conftest import GENESIS_NS, block, fund
from tests.keeper.exchange.wallets import (
    BTC,
    ETH,
    FOK,
    IOC,
    POST_ONLY,
    SELL,
    Signing,
    Trader,
    batch_cancel,
    cancel,
    order,
    place,
)

WINDOW = 40


def answer(chain: Chain, raw: bytes) -> TxResult:
    return chain.check_tx(raw).result


def code(chain: Chain, raw: bytes) -> tuple[str, int]:
    result = answer(chain, raw)
    return result.codespace, result.code


def gtb(chain: Chain, blocks: int = 5) -> int:
    return chain.height + 1 + blocks


def resting(chain: Chain, wire: WireOrder) -> Order | None:
    """Return what rests under the id of a wire order."""
    matches = [o for book in chain.clob.books.values() for o in book.orders.values()]
    identity = wire.order_id
    key = SubaccountId(identity.subaccount_id.owner, identity.subaccount_id.number)
    wanted = (key, identity.client_id, identity.clob_pair_id)
    found = [o for o in matches if (o.id.subaccount, o.id.client_id, o.id.clob_pair_id) == wanted]
    return found[0] if found else None


def position(chain: Chain, trader: Trader, market: int = ETH) -> int:
    account = chain.state.subaccounts.get(SubaccountId(trader.address, 0))
    held = account.positions.get(market) if account else None
    return held.quantums if held else 0


# Rule 1: the short-term window


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (-1, TxResult(10, "clob", "goodTilBlock 2, next block height 3: ")),
        (0, TxResult(0, "", "[]")),
        (WINDOW, TxResult(0, "", "[]")),
        (WINDOW + 1, TxResult(11, "clob", "goodTilBlock 44, latest 43: ")),
    ],
)
def test_place__good_til_block_at_window_edges__answers_10_0_0_11(
    chain: Chain, alice: Trader, distance: int, expected: TxResult
) -> None:
    next_height = chain.height + 1

    result = answer(chain, place(alice, order(alice, gtb=next_height + distance)))

    assert (result.code, result.codespace) == (expected.code, expected.codespace)
    assert result.raw_log.startswith(expected.raw_log)


def test_place__window_of_20_configured__refuses_21() -> None:
    chain = Chain(ExchangeConfig(short_block_window=20), GENESIS_NS)
    trader = fund(chain, Trader(1))

    inside = code(chain, place(trader, order(trader, gtb=chain.height + 1 + 20)))
    outside = code(chain, place(trader, order(trader, gtb=chain.height + 1 + 21)))

    assert (inside, outside) == (("", 0), ("clob", 11))


# Rules 2 and 3: expiry


def test_commit__height_reaches_good_til_block__order_leaves_in_silence(
    chain: Chain, alice: Trader
) -> None:
    wire = order(alice, gtb=chain.height + 2)
    chain.check_tx(place(alice, wire))
    block(chain)
    assert resting(chain, wire) is not None

    events = chain.commit(chain.block.time_ns + 1)

    assert resting(chain, wire) is None
    assert chain.height == wire.good_til_block
    assert not [event for event in events if isinstance(event, OrderRemoved)]


# Rule 4: replacement


def test_place__replacement_with_later_block__goes_to_back_and_keeps_fills(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    first = order(alice, gtb=gtb(chain), client_id=7, size=100)
    chain.check_tx(place(alice, first))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), size=50)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=30, subaccount=1)))
    taker = fund(chain, Trader(3))
    chain.check_tx(place(taker, order(taker, gtb=gtb(chain), side=SELL, size=30, tif=IOC)))
    old = resting(chain, first)
    assert old is not None
    assert chain.clob.filled(old.id) == 30_000_000

    replaced = order(alice, gtb=first.good_til_block + 1, client_id=7, size=90)
    outcome = chain.check_tx(place(alice, replaced))

    assert outcome.result.code == 0
    kinds = [type(event) for event in outcome.events]
    assert kinds[:2] == [OrderRemoved, OrderPlaced]
    assert isinstance(outcome.events[0], OrderRemoved)
    assert outcome.events[0].reason == "ORDER_REMOVAL_REASON_REPLACED"
    book = chain.clob.books[ETH]
    found = resting(chain, replaced)
    assert found is not None
    assert book.remaining(found) == 60_000_000
    probe = replace(found, side=found.side.opposite)
    assert [o.id.client_id for o in book.candidates(probe)][-1] == 7


def test_place__replacement_with_earlier_block__answers_20(chain: Chain, alice: Trader) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), client_id=7)))

    result = answer(chain, place(alice, order(alice, gtb=gtb(chain) - 1, client_id=7)))

    assert result == TxResult(
        20, "clob", "an order with this id has a greater or equal goodTilBlock or order hash"
    )


def test_place__replacement_with_equal_block__passes_by_order_hash(
    chain: Chain, alice: Trader
) -> None:
    variants = [order(alice, gtb=gtb(chain), client_id=7, size=100 + n) for n in range(40)]
    first = variants[0]
    chain.check_tx(place(alice, first))
    answers = []
    best = resting(chain, first)
    for wire in variants[1:]:
        assert best is not None
        result = answer(chain, place(alice, wire))
        now = resting(chain, wire)
        assert now is not None
        answers.append((result.code, now.digest > best.digest))
        best = now

    accepted = [entry for entry in answers if entry[0] == 0]
    assert {entry for entry in answers if entry[0]} == {(20, False)}
    assert accepted
    assert all(greater for _, greater in accepted)


def test_place__equal_block_over_many_ids__about_half_pass(chain: Chain, alice: Trader) -> None:
    passed = 0
    for client_id in range(100, 200):
        chain.check_tx(place(alice, order(alice, gtb=gtb(chain), client_id=client_id, size=1)))
        again = order(alice, gtb=gtb(chain), client_id=client_id, size=2)
        passed += code(chain, place(alice, again)) == ("", 0)

    assert 30 <= passed <= 70


@pytest.mark.parametrize("change", [{"side": SELL, "price": 31_000}, {"tif": POST_ONLY}])
def test_place__replacement_changes_fixed_field__answers_20(
    chain: Chain, alice: Trader, change: dict[str, int]
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), client_id=7)))

    result = code(chain, place(alice, order(alice, gtb=gtb(chain) + 1, client_id=7, **change)))

    assert result == ("clob", 20)


def test_place__replacement_not_above_fills__answers_24(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), client_id=7, size=100)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=60)))

    smaller = order(alice, gtb=gtb(chain) + 1, client_id=7, size=60)

    result = answer(chain, place(alice, smaller))
    assert result == TxResult(24, "clob", "filled 60000000 of 60000000: order is fully filled")


def test_place__replacement_every_block_of_window__runs_out_with_11(
    chain: Chain, alice: Trader
) -> None:
    codes = [
        code(chain, place(alice, order(alice, gtb=gtb(chain, n), client_id=7)))[1]
        for n in range(WINDOW + 2)
    ]

    assert codes == [0] * (WINDOW + 1) + [11]


# Rule 5: cancels


def test_cancel__good_til_block_below_orders__answers_0_and_order_stays(
    chain: Chain, alice: Trader
) -> None:
    wire = order(alice, gtb=gtb(chain))
    chain.check_tx(place(alice, wire))

    result = code(chain, cancel(alice, wire.order_id, wire.good_til_block - 1))

    assert result == ("", 0)
    assert resting(chain, wire) is not None


def test_cancel__good_til_block_of_order__removes_and_blocks_id(
    chain: Chain, alice: Trader
) -> None:
    wire = order(alice, gtb=gtb(chain), client_id=7)
    chain.check_tx(place(alice, wire))

    outcome = chain.check_tx(cancel(alice, wire.order_id, wire.good_til_block))

    assert outcome.result.code == 0
    assert resting(chain, wire) is None
    reasons = [e.reason for e in outcome.events if isinstance(e, OrderRemoved)]
    assert reasons == ["ORDER_REMOVAL_REASON_USER_CANCELED"]
    again = order(alice, gtb=wire.good_til_block, client_id=7, size=5)
    later = order(alice, gtb=wire.good_til_block + 1, client_id=7, size=5)
    assert code(chain, place(alice, again)) == ("clob", 7)
    assert code(chain, place(alice, later)) == ("", 0)


def test_cancel__twice_with_same_block__answers_9(chain: Chain, alice: Trader) -> None:
    wire = order(alice, gtb=gtb(chain))
    chain.check_tx(cancel(alice, wire.order_id, gtb(chain)))

    second = alice.sign(
        MsgCancelOrder(order_id=wire.order_id, good_til_block=gtb(chain)),
        how=Signing(memo="other bytes"),
    )

    assert code(chain, second) == ("clob", 9)


@pytest.mark.parametrize(("distance", "expected"), [(-1, 10), (0, 0), (WINDOW, 0), (41, 11)])
def test_cancel__good_til_block_at_window_edges__answers_10_0_0_11(
    chain: Chain, alice: Trader, distance: int, expected: int
) -> None:
    wire = order(alice)

    result = answer(chain, cancel(alice, wire.order_id, chain.height + 1 + distance))

    assert result.code == expected


# Rule 6: batch cancel


def test_batch_cancel__some_cannot_be_cancelled__answers_0(chain: Chain, alice: Trader) -> None:
    near = order(alice, gtb=gtb(chain), client_id=1)
    far = order(alice, gtb=gtb(chain, 9), client_id=2)
    for wire in (near, far):
        chain.check_tx(place(alice, wire))

    result = answer(chain, batch_cancel(alice, gtb(chain), (ETH, [1, 2, 3]), (BTC, [1])))

    assert result == TxResult(0, "", "[]")
    assert resting(chain, near) is None
    assert resting(chain, far) is not None


@pytest.mark.parametrize("distance", [-1, 41])
def test_batch_cancel__outside_window__answers_0_and_cancels_nothing(
    chain: Chain, alice: Trader, distance: int
) -> None:
    wire = order(alice, gtb=gtb(chain), client_id=1)
    chain.check_tx(place(alice, wire))

    result = code(chain, batch_cancel(alice, chain.height + 1 + distance, (ETH, [1])))

    assert result == ("", 0)
    assert resting(chain, wire) is not None


@pytest.mark.parametrize(
    "batches",
    [
        ((ETH, list(range(101))),),
        ((ETH, [1]), (ETH, [2])),
        ((ETH, [1, 1]),),
        ((ETH, []),),
        (),
    ],
)
def test_batch_cancel__malformed__answers_45(
    chain: Chain, alice: Trader, batches: tuple[tuple[int, list[int]], ...]
) -> None:
    assert code(chain, batch_cancel(alice, gtb(chain), *batches)) == ("clob", 45)


def test_batch_cancel__100_ids__answers_0(chain: Chain, alice: Trader) -> None:
    assert code(chain, batch_cancel(alice, gtb(chain), (ETH, list(range(100))))) == ("", 0)


# Rule 7: code 0 is CheckTx alone


def test_place__immediate_without_counterpart__answers_0_and_leaves(
    chain: Chain, alice: Trader
) -> None:
    wire = order(alice, gtb=gtb(chain), tif=IOC)

    outcome = chain.check_tx(place(alice, wire))

    assert outcome.result.code == 0
    assert resting(chain, wire) is None
    reasons = [e.reason for e in outcome.events if isinstance(e, OrderRemoved)]
    assert reasons == ["ORDER_REMOVAL_REASON_IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"]


def test_place__immediate_partly_filled__keeps_fill_and_drops_rest(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), size=30)))

    outcome = chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, tif=IOC)))
    block(chain)

    assert outcome.result.code == 0
    assert position(chain, bob) == -30_000_000


def test_place__without_collateral__rests_until_match_then_maker_is_removed(
    chain: Chain, bob: Trader
) -> None:
    poor = fund(chain, Trader(9), deposit=1_000_000)
    wire = order(poor, gtb=gtb(chain), size=1_000)
    assert code(chain, place(poor, wire)) == ("", 0)
    assert resting(chain, wire) is not None

    outcome = chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=10)))
    block(chain)

    removed = [e for e in outcome.events if isinstance(e, OrderRemoved)]
    assert [e.reason for e in removed] == ["ORDER_REMOVAL_REASON_UNDERCOLLATERALIZED"]
    assert position(chain, poor) == position(chain, bob) == 0


def test_place__taker_without_collateral__answers_0_and_is_dropped(
    chain: Chain, alice: Trader
) -> None:
    poor = fund(chain, Trader(9), deposit=1_000_000)
    maker = order(alice, gtb=gtb(chain), size=1_000)
    chain.check_tx(place(alice, maker))

    wire = order(poor, gtb=gtb(chain), side=SELL, size=1_000)
    outcome = chain.check_tx(place(poor, wire))

    assert outcome.result.code == 0
    assert resting(chain, wire) is None
    assert resting(chain, maker) is not None
    removed = [e for e in outcome.events if isinstance(e, OrderRemoved)]
    assert [e.reason for e in removed] == ["ORDER_REMOVAL_REASON_UNDERCOLLATERALIZED"]


def test_place__immediate_id_already_filled__answers_2004(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), size=30)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, tif=IOC, client_id=5)))
    block(chain)

    again = order(bob, gtb=gtb(chain), side=SELL, tif=IOC, client_id=5, size=200)

    assert code(chain, place(bob, again)) == ("clob", 2004)


# Rule 8: post-only and self-trades


def test_place__post_only_crosses_other_account__answers_2003(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain))))

    outcome = chain.check_tx(
        place(bob, order(bob, gtb=gtb(chain), side=SELL, tif=POST_ONLY, client_id=3))
    )

    assert outcome.result == TxResult(
        2003, "clob", "client id 3: post-only order would cross one or more maker orders"
    )
    block(chain)
    assert position(chain, alice) == 0


def test_place__post_only_replacement_crosses__answers_2003_and_old_is_gone(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), price=30_000)))
    ask = order(bob, gtb=gtb(chain), side=SELL, tif=POST_ONLY, client_id=3, price=30_100)
    chain.check_tx(place(bob, ask))

    crossing = order(bob, gtb=gtb(chain) + 1, side=SELL, tif=POST_ONLY, client_id=3, price=30_000)
    outcome = chain.check_tx(place(bob, crossing))

    assert outcome.result.code == 2003
    assert resting(chain, ask) is None
    assert [type(e) for e in outcome.events] == [OrderRemoved, LevelChanged]


def test_place__crosses_own_order__removes_it_and_matches_on(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    own = order(alice, gtb=gtb(chain), price=30_010)
    other = order(bob, gtb=gtb(chain), price=30_000)
    for trader, wire in ((alice, own), (bob, other)):
        chain.check_tx(place(trader, wire))

    outcome = chain.check_tx(place(alice, order(alice, gtb=gtb(chain), side=SELL, size=40)))
    block(chain)

    removed = [e for e in outcome.events if isinstance(e, OrderRemoved)]
    assert [e.reason for e in removed] == ["ORDER_REMOVAL_REASON_SELF_TRADE_ERROR"]
    assert position(chain, alice) == -40_000_000
    assert position(chain, bob) == 40_000_000


def test_place__crosses_own_order_in_other_subaccount__matches(chain: Chain, alice: Trader) -> None:
    chain.faucet(SubaccountId(alice.address, 1), 10_000_000_000)
    block(chain)
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), subaccount=1)))

    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), side=SELL)))
    block(chain)

    assert position(chain, alice) == -100_000_000


# Rule 9: reduce-only and fill-or-kill


def test_place__reduce_only_not_immediate__answers_9003(chain: Chain, alice: Trader) -> None:
    wire = order(alice, gtb=gtb(chain), reduce_only=True)

    assert code(chain, place(alice, wire)) == ("clob", 9003)


def test_place__fill_or_kill__answers_48(chain: Chain, alice: Trader) -> None:
    result = answer(chain, place(alice, order(alice, gtb=gtb(chain), tif=FOK)))

    assert result == TxResult(48, "clob", "fill-or-kill is deprecated")


def test_place__reduce_only_without_position__answers_2001(chain: Chain, alice: Trader) -> None:
    wire = order(alice, gtb=gtb(chain), reduce_only=True, tif=IOC)

    assert code(chain, place(alice, wire)) == ("clob", 2001)


def test_place__reduce_only_larger_than_position__closes_it_exactly(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), size=30)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=30)))
    block(chain)
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), size=100)))

    exit_order = order(alice, gtb=gtb(chain), side=SELL, size=80, tif=IOC, reduce_only=True)
    outcome = chain.check_tx(place(alice, exit_order))
    block(chain)

    assert outcome.result.code == 0
    assert position(chain, alice) == 0
    removed = [e for e in outcome.events if isinstance(e, OrderRemoved)]
    assert [e.reason for e in removed] == ["ORDER_REMOVAL_REASON_REDUCE_ONLY_RESIZE"]


# Rule 10: one message, identical bytes


def test_check_tx__identical_bytes__answers_19(chain: Chain, alice: Trader) -> None:
    raw = place(alice, order(alice, gtb=gtb(chain)))
    chain.check_tx(raw)

    result = answer(chain, raw)

    assert result == TxResult(19, "sdk", "tx already exists in cache: tx already in mempool")


def test_check_tx__identical_bytes_of_refused__is_judged_again(chain: Chain, alice: Trader) -> None:
    raw = place(alice, order(alice, gtb=chain.height))

    assert [code(chain, raw), code(chain, raw)] == [("clob", 10), ("clob", 10)]


def test_check_tx__two_clob_messages__answers_18(chain: Chain, alice: Trader) -> None:
    messages = [MsgPlaceOrder(order=order(alice, gtb=gtb(chain))) for _ in range(2)]

    assert code(chain, alice.sign(*messages)) == ("sdk", 18)


# Form


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"side": 0}, ("clob", 3)),
        ({"size": 0}, ("clob", 4)),
        ({"gtb": 0}, ("clob", 5)),
        ({"price": 0}, ("clob", 6)),
        ({"market": 77}, ("clob", 8)),
    ],
)
def test_place__malformed__answers_its_code(
    chain: Chain, alice: Trader, fields: dict[str, int], expected: tuple[str, int]
) -> None:
    wire = order(alice, **({"gtb": gtb(chain)} | fields))

    assert code(chain, place(alice, wire)) == expected


@pytest.mark.parametrize(
    ("field", "value", "log"),
    [
        ("quantums", 1_500_000, "quantums 1500000 % 1000000 is not zero: "),
        ("subticks", 3_000_000_001, "subticks 3000000001 % 100000 is not zero: "),
    ],
)
def test_place__off_step_or_tick__answers_12(
    chain: Chain, alice: Trader, field: str, value: int, log: str
) -> None:
    wire = order(alice, gtb=gtb(chain))
    setattr(wire, field, value)

    result = answer(chain, place(alice, wire))

    assert result == TxResult(12, "clob", log + "place order message is invalid")


def test_place__twap_flags__answers_3000(chain: Chain, alice: Trader) -> None:
    wire = order(alice, gtb=gtb(chain))
    wire.order_id.order_flags = 128

    assert code(chain, place(alice, wire)) == ("clob", 3000)


# Rule 12: rate limit


def test_place__more_than_limit_in_five_blocks__answers_5001() -> None:
    chain = Chain(ExchangeConfig(place_cancel_limits=(RateLimit(5, 4),)), GENESIS_NS)
    trader = fund(chain, Trader(1))

    def next_code() -> int:
        return code(chain, place(trader, order(trader, gtb=gtb(chain))))[1]

    assert [next_code() for _ in range(5)] == [0, 0, 0, 0, 5001]
    assert code(chain, batch_cancel(trader, gtb(chain), (ETH, [1]))) == ("clob", 5001)
    block(chain, 4)
    assert next_code() == 5001
    block(chain)
    assert next_code() == 0


# Rule 22: market status


@pytest.mark.parametrize(
    ("status", "tif", "expected"),
    [
        (MarketStatus.POST_ONLY, POST_ONLY, 0),
        (MarketStatus.POST_ONLY, IOC, 34),
        (MarketStatus.CANCEL_ONLY, POST_ONLY, 34),
        (MarketStatus.FINAL_SETTLEMENT, IOC, 34),
    ],
)
def test_place__market_not_active__answers_34(
    chain: Chain, alice: Trader, status: MarketStatus, tif: int, expected: int
) -> None:
    chain.set_status(ETH, status)
    block(chain)

    assert code(chain, place(alice, order(alice, gtb=gtb(chain), tif=tif)))[1] == expected


def test_cancel__market_paused__answers_34(chain: Chain, alice: Trader) -> None:
    wire = order(alice, gtb=gtb(chain))
    chain.check_tx(place(alice, wire))
    chain.set_status(ETH, MarketStatus.PAUSED)
    block(chain)

    assert code(chain, cancel(alice, wire.order_id, gtb(chain))) == ("clob", 34)


# Optimistic and committed


def test_check_tx__match__moves_money_only_at_commit(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain))))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL)))

    before = (position(chain, alice), position(chain, bob))
    block(chain)

    assert before == (0, 0)
    assert (position(chain, alice), position(chain, bob)) == (100_000_000, -100_000_000)


def test_place__price_time_priority__better_then_older_first(
    chain: Chain, new_trader: Callable[[int], Trader]
) -> None:
    makers = [new_trader(seed) for seed in range(10, 13)]
    for maker, price in zip(makers, (30_000, 30_010, 30_010), strict=True):
        chain.check_tx(place(maker, order(maker, gtb=gtb(chain), price=price, size=10)))
    taker = new_trader(20)

    chain.check_tx(place(taker, order(taker, gtb=gtb(chain), side=SELL, size=15)))
    block(chain)

    assert [position(chain, maker) for maker in makers] == [0, 10_000_000, 5_000_000]


def test_commit__fees__taker_500_ppm_and_maker_100_ppm_round_up(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), price=26_201, size=1)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, price=26_201, size=1)))

    block(chain)

    accounts = [
        chain.state.subaccounts.get(SubaccountId(trader.address, 0)) for trader in (alice, bob)
    ]
    fees = [10_000_000_000 - account.usdc for account in accounts if account]
    assert fees == [263, 1_311]  # 2.6201 USDC x 100 ppm = 262.01, x 500 ppm = 1310.05


# Rule 22: parameters change by governance


def test_place__after_tick_and_step_changed__answers_12_off_the_new_ones(
    chain: Chain, alice: Trader
) -> None:
    resting_order = order(alice, gtb=gtb(chain), price=30_001)
    chain.check_tx(place(alice, resting_order))
    chain.set_parameters(ETH, {"subticks_per_tick": 1_000_000, "step_base_quantums": 10_000_000})
    block(chain)

    off_tick = code(chain, place(alice, order(alice, gtb=gtb(chain), price=30_001)))
    off_step = code(chain, place(alice, order(alice, gtb=gtb(chain), size=5)))
    on_both = code(chain, place(alice, order(alice, gtb=gtb(chain), price=30_010, size=10)))

    assert (off_tick, off_step, on_both) == (("clob", 12), ("clob", 12), ("", 0))
    assert resting(chain, resting_order) is not None


@pytest.mark.parametrize("changes", [{"ticker": 1}, {"subticks_per_tick": 0}])
def test_set_parameters__not_governed_or_zero__raises(
    chain: Chain, changes: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="may be set, to positive integers"):
        chain.set_parameters(ETH, changes)
