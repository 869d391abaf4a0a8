"""Interleavings of independent sources, second deliveries, and snapshots of the state itself."""

import random
from typing import Any

from keeper.core.fold import fold
from keeper.core.state import State, initial_state, state_bytes
from keeper.core.step import step
from keeper.core.views import account_equity
from keeper.domain.commands import CommandId
from keeper.domain.events import (
    BlockSeen,
    CommandResult,
    Event,
    FillReceived,
    FundingPaid,
    MarketListed,
    OrderUpdated,
    SourceUp,
    SubaccountObserved,
    TransactionMined,
    VenueBlock,
    VenueTransfer,
)
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.execution.orders import Pending, Version, WorkingOrder, exposure_of
from tests.keeper.builders import (
    ALLOCATION,
    CLOB,
    SECOND,
    START_HEIGHT,
    START_NS,
    USDC,
    book,
    oracle,
    pool_seen,
    pool_settings,
    result,
    run_started,
    settings,
    subaccount,
    vault,
)
from tests.keeper.markets import ETH

BLOCKS = 12


def _ready_state() -> State:
    """A running keeper with four orders on the venue, sent by a former command each."""
    state = initial_state()
    chosen = settings(pools=(pool_settings(),), allocation=ALLOCATION)
    for event in (
        run_started(chosen),
        MarketListed(market=ETH),
        subaccount(),
        VenueBlock(height=START_HEIGHT, time_ns=START_NS),
    ):
        fold(state, event)
    for number in range(4):
        state.orders.working[7_000 + number] = WorkingOrder(
            client_id=7_000 + number,
            market="ETH-USD",
            side=Side.BUY if number % 2 else Side.SELL,
            slot=f"ETH-USD/{'BUY' if number % 2 else 'SELL'}/{number // 2}",
            time_in_force=TimeInForce.POST_ONLY,
            reduce_only=False,
            versions=[
                Version(
                    quantums=4_000_000_000,
                    subticks=3_000_000_000,
                    good_til_block=START_HEIGHT + 3 + 3 * number,
                )
            ],
            highest_gtb=START_HEIGHT + 3 + 3 * number,
            sent_height=START_HEIGHT,
        )
        state.orders.pending[5 << 10 | number] = Pending(
            client_id=7_000 + number, good_til_block=START_HEIGHT + 3 + 3 * number
        )
    return state


def _fill(number: int, client_id: int, height: int, rng: random.Random) -> FillReceived:
    quantums = 1_000_000 * rng.randint(1, 300)
    subticks = 3_000_000_000 + 100_000 * rng.randint(-50, 50)
    quote = ETH.quote_quantums_down(quantums, subticks)
    return FillReceived(
        fill_id=f"fill-{number}",
        market="ETH-USD",
        client_id=client_id,
        side=Side.BUY if client_id % 2 else Side.SELL,
        quantums=quantums,
        subticks=subticks,
        quote_quantums=quote,
        fee_quote_quantums=quote // 10_000,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=height,
    )


def _account_stream(rng: random.Random) -> list[Event]:
    """Fills, words, funding, transfers and committed snapshots that contain them, in order."""
    events: list[Event] = []
    position, usdc = 0, 100_000 * USDC
    filled: dict[int, int] = {}
    number = 0
    for height in range(START_HEIGHT + 1, START_HEIGHT + BLOCKS):
        for client_id in range(7_000, 7_004):
            alive = height <= START_HEIGHT + 3 + 3 * (client_id - 7_000)
            if alive and rng.random() < 0.4:
                number += 1
                fill = _fill(number, client_id, height, rng)
                filled[client_id] = filled.get(client_id, 0) + fill.quantums
                position += fill.side.sign * fill.quantums
                usdc -= fill.side.sign * fill.quote_quantums + fill.fee_quote_quantums
                word = OrderUpdated(
                    market="ETH-USD",
                    client_id=client_id,
                    status="OPEN",
                    total_filled_quantums=filled[client_id],
                    good_til_block=START_HEIGHT + 3 + 3 * (client_id - 7_000),
                    removal_reason="",
                )
                events += rng.sample([fill, word], 2)
        if rng.random() < 0.2:
            paid = FundingPaid(
                market="ETH-USD", height=height, quote_quantums=rng.randint(-999, 999)
            )
            events.append(paid)
            usdc += paid.quote_quantums
        if rng.random() < 0.2:
            moved = VenueTransfer(
                transfer_id=f"t{height}",
                quote_quantums=rng.randint(-5, 5) * USDC,
                counterparty="dydx1wallet",
                height=height,
            )
            events.append(moved)
            usdc += moved.quote_quantums
        if rng.random() < 0.4:
            events.append(subaccount(height=height, usdc=usdc, ETH=position))
    return events


def _sources(rng: random.Random) -> list[list[Event]]:
    """Independent streams, each in its own order."""
    results: list[Event] = [
        result(CommandId(run=1, seq=5, ordinal=ordinal), *answer)
        for ordinal, answer in enumerate((("ACK", 0), ("UNKNOWN", 0), ("ACK", 0), ("REJECTED", 19)))
    ]
    heights = range(START_HEIGHT + 1, START_HEIGHT + BLOCKS + 1)
    return [
        _account_stream(rng),
        [VenueBlock(height=height, time_ns=START_NS + height * SECOND) for height in heights],
        [oracle(height, 3_000 * 10**6 + rng.randint(-9, 9) * 10**6) for height in heights],
        [SourceUp(source="book"), *(book(number) for number in range(1, BLOCKS))],
        [
            event
            for block in range(1, 6)
            for event in (
                BlockSeen(number=block, hash=f"0x{block}", timestamp=START_NS // SECOND + block),
                vault(block, next_cut_at=0),
                pool_seen(block, amount0=block * USDC),
            )
        ],
        results,
    ]


def _interleave(sources: list[list[Event]], rng: random.Random) -> list[Event]:
    waiting = [list(source) for source in sources]
    merged: list[Event] = []
    while any(waiting):
        source = rng.choice([source for source in waiting if source])
        merged.append(source.pop(0))
        if rng.random() < 0.1:
            merged.append(rng.choice(merged))
    return merged


def _facts(state: State) -> dict[str, Any]:
    """All that the ledger and the limits rest on."""
    exposure = exposure_of(state.orders, "ETH-USD")
    account = state.account
    return {
        "usdc": account.usdc,
        "positions": {k: (v.quantums, v.quote_balance) for k, v in account.positions.items()},
        "flows": (account.transferred_in, account.transferred_out),
        "equity": account_equity(state),
        "exposure": (exposure.buys, exposure.sells, sorted(exposure.legs)),
        "filled": {cid: order.filled for cid, order in state.orders.working.items()},
        "oracle": state.markets["ETH-USD"].oracle_price,
        "height": state.height,
        "vault": state.chain.vault,
        "pool": (state.pools["0xpool-adapter"].base, state.pools["0xpool-adapter"].value),
    }


def test_fold__any_interleaving_and_second_deliveries__same_facts() -> None:
    for seed in range(25):
        sources = _sources(random.Random(seed))
        outcomes: list[dict[str, Any]] = []
        for order in range(6):
            state = _ready_state()
            for event in _interleave(sources, random.Random(f"{seed}-{order}")):
                state.t_ns += 1
                fold(state, event)
            outcomes.append(_facts(state))

        assert all(outcome == outcomes[0] for outcome in outcomes), seed
        assert any(isinstance(event, FillReceived) for event in sources[0])


def test_fold__snapshots_left_out__same_account() -> None:
    """The account is the same whether it comes from snapshots or from single changes alone."""
    for seed in range(10):
        stream = _account_stream(random.Random(seed))
        changes = [event for event in stream if not isinstance(event, SubaccountObserved)]
        whole, parts = _ready_state(), _ready_state()

        for event in stream:
            fold(whole, event)
        for event in changes:
            fold(parts, event)

        assert whole.account.usdc == parts.account.usdc
        assert account_equity(whole) == account_equity(parts)


def test_step__venue_not_reached_in_this_run__no_collateral_sent() -> None:
    state = _ready_state()

    step(state, START_NS, 20, vault(1))

    assert CLOB not in state.chain.outstanding


def test_step__receipt_twice__settled_once() -> None:
    state = _ready_state()
    fold(state, SourceUp(source="dydx"))
    commands = step(state, START_NS, 20, vault(1))
    receipt = TransactionMined(
        command=state.chain.outstanding[CLOB].command,
        tx_hash="0x1",
        block_number=2,
        block_hash="0xb2",
        succeeded=True,
        gas_used=100_000,
        effective_gas_price=10**9,
        final=False,
    )
    before = dict(state.chain.outstanding)

    fold(state, receipt)
    once = state_bytes(state)
    fold(state, receipt)

    assert commands
    assert len(before) == len(state.chain.outstanding) + 1
    assert state_bytes(state) == once


def test_fold__result_of_a_former_run__changes_nothing() -> None:
    state = _ready_state()
    fold(state, run_started(settings(), run=2))
    before = state_bytes(state)

    fold(
        state,
        CommandResult(
            command=CommandId(run=1, seq=5, ordinal=0),
            outcome="REJECTED",
            code=2003,
            codespace="clob",
            detail="",
            tx_hash="",
        ),
    )

    assert state_bytes(state) == before
