"""Example events and commands, and journals written from them; shared by tests and benchmarks."""

from pathlib import Path

from keeper.domain.commands import Command, PlaceOrder, RaiseAlert
from keeper.domain.events import (
    BookLevel,
    BookUpdated,
    Event,
    FillReceived,
    PerpetualPosition,
    PoolObserved,
    SubaccountObserved,
    TimerFired,
    VenueBlock,
)
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.journal import JournalOptions, JournalWriter

Written = tuple[int, Event, tuple[Command, ...]]

SECOND = 1_000_000_000


def book(source_seq: int) -> BookUpdated:
    return BookUpdated(
        market="ETH-USD",
        source="dydx",
        source_seq=source_seq,
        snapshot=False,
        bids=(BookLevel(2_999_900_000, 1_000_000 + source_seq),),
        asks=(BookLevel(3_000_100_000, 0),),
    )


def fill(number: int) -> FillReceived:
    return FillReceived(
        fill_id=f"fill-{number}",
        market="ETH-USD",
        client_id=7,
        side=Side.BUY,
        quantums=1_000_000_000,
        subticks=3_000_000_000,
        quote_quantums=3_000_000_000,
        fee_quote_quantums=300_000,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=number,
    )


def pool(number: int) -> PoolObserved:
    """An observation whose integers exceed 64 bits, as the chain's do."""
    return PoolObserved(
        adapter="0xadapter",
        pool="0xpool",
        block_number=number,
        block_hash=f"0x{number:064x}",
        block_timestamp=number,
        sqrt_price_x96=2**160 - 1,
        tick=-887_272,
        twap_tick=-887_271,
        tick_spacing=60,
        fee_ppm=3_000,
        liquidity=2**128 - 1,
        amount0=1,
        amount1=2**127,
        ranges=(),
        mark_price=3_000 * 10**8,
        mark_decimals=8,
        mark_updated_at=number,
        last_operation_at=0,
    )


def order(client_id: int) -> PlaceOrder:
    return PlaceOrder(
        market="ETH-USD",
        client_id=client_id,
        side=Side.SELL,
        quantums=41_666_000,
        subticks=3_069_600_000,
        good_til_block=25,
        time_in_force=TimeInForce.POST_ONLY,
        reduce_only=False,
    )


def sample_steps(count: int) -> list[Written]:
    """Steps of every kind, market and account mixed, with none, one and three commands."""
    alert = RaiseAlert(severity="info", code="T", text='quote " and \u00e9')
    kinds: list[tuple[Event, tuple[Command, ...]]] = []
    for number in range(count):
        kinds.append((book(number), () if number % 3 else (order(1), order(2), order(3))))
        kinds.append((fill(number), (alert,)))
        kinds.append((VenueBlock(height=number, time_ns=number * SECOND), ()))
        kinds.append((pool(number), ()))
        kinds.append((TimerFired(name="second"), ()))
    return [(n * SECOND, *kind) for n, kind in enumerate(kinds[:count], start=1)]


def open_writer(folder: Path, options: JournalOptions | None = None) -> JournalWriter:
    """Open a journal and recover it; returns the writer ready for `append`."""
    writer = JournalWriter.open(folder, options or JournalOptions())
    for _ in writer.recover():
        pass
    return writer


def write_steps(writer: JournalWriter, steps: list[Written]) -> None:
    for t_ns, event, commands in steps:
        writer.append(t_ns, event, commands)


def observed(height: int, usdc: int, quantums: int = 0, quote: int = 0) -> SubaccountObserved:
    """The subaccount's word at a height, with an ETH-USD position if there is any of it."""
    position = PerpetualPosition(
        market="ETH-USD", quantums=quantums, funding_index=0, quote_balance=quote
    )
    return SubaccountObserved(
        height=height,
        usdc_quote_quantums=usdc,
        positions=(position,) if quantums or quote else (),
    )
