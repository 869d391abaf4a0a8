"""A journal of three days in which everything happens that the reading commands show."""

from pathlib import Path

from msgspec.structs import replace

from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.orders import Liquidity, Side, TimeInForce
from keeper.journal import JournalOptions
from tests.keeper import builders
from tests.keeper.builders import (
    ETH_PRICE,
    ONE_ETH,
    POOL,
    SECOND,
    USDC,
)
from tests.keeper.markets import ETH
from tests.keeper.samples import Written, open_writer, write_steps

__all__ = ["DAY", "FEW", "FIRST_HEIGHT", "HEIGHTS", "START", "story", "write_story"]

START = 1_795_305_600
"""2026-11-22T00:00:00Z in unix seconds."""
DAY = 86_400
FIRST_HEIGHT = 1_000
BLOCK_SECONDS = 3_600
HEIGHTS = 72
OPENING_CASH = 100_000 * USDC
FEW = JournalOptions(max_segment_bytes=40_000, max_segment_age_ns=10**18)
"""A handful of segments."""
SETTINGS = builders.settings(pools=(builders.pool_settings(),), allocation=builders.ALLOCATION)


class Story:
    """Collects steps, one block of the venue and of the chain an hour, and keeps the books."""

    def __init__(self) -> None:
        self.steps: list[Written] = []
        self.cash, self.position = OPENING_CASH, 0
        self.hour = 0

    @property
    def height(self) -> int:
        return FIRST_HEIGHT + self.hour

    @property
    def seconds(self) -> int:
        return START + self.hour * BLOCK_SECONDS

    @property
    def price(self) -> int:
        """Up and down by a few dollars, never the same two hours in a row."""
        return ETH_PRICE + (self.hour * 7 % 11 - 5) * 1_000_000

    def log(self, event: ev.Event, *commands: cm.Command) -> int:
        """Add a step; return its sequence number."""
        t_ns = self.seconds * SECOND + 250_000_000
        self.steps.append((t_ns, event, commands))
        return len(self.steps)

    def open_hour(self) -> None:
        """The blocks of an hour and what is read at them."""
        self.log(ev.VenueBlock(height=self.height, time_ns=self.seconds * SECOND))
        self.log(builders.oracle(self.height, self.price))
        block = f"0xb{self.hour}"
        self.log(ev.BlockSeen(number=self.hour, hash=block, timestamp=self.seconds))
        sent = 50_000 * USDC if self.hour >= 2 else 0
        adapters = (
            builders.adapter(builders.CLOB, sent=10_000 * USDC),
            builders.adapter(POOL, sent=sent),
        )
        vault = builders.vault(self.hour, block_hash=block, adapters=adapters)
        self.log(replace(vault, block_timestamp=self.seconds))
        pool = builders.pool_seen(self.hour, block_hash=block, amount0=sent)
        self.log(replace(pool, block_timestamp=self.seconds))

    def trade(self, side: Side, quantums: int, subticks: int, fee: int) -> None:
        """A fill at this height and the balance after it."""
        quote = ETH.quote_quantums_down(quantums, subticks)
        self.position += side.sign * quantums
        self.cash -= side.sign * quote + fee
        self.log(
            ev.FillReceived(
                fill_id=f"fill-{self.hour}",
                market="ETH-USD",
                client_id=builders.CLIENT_ID_BASE,
                side=side,
                quantums=quantums,
                subticks=subticks,
                quote_quantums=quote,
                fee_quote_quantums=fee,
                liquidity=Liquidity.MAKER,
                kind="LIMIT",
                height=self.height,
                time_ns=self.seconds * SECOND,
            )
        )
        self.observe()

    def observe(self, more: int = 0) -> None:
        """The venue's word: what the books say, and `more`."""
        seen = builders.subaccount(self.height, self.cash + more, ETH=self.position)
        self.log(seen)

    def pay(self, amount: int) -> None:
        """Settled funding."""
        self.cash += amount
        self.log(ev.FundingPaid(market="ETH-USD", height=self.height, quote_quantums=amount))

    def move(self, amount: int) -> None:
        """Collateral in or out."""
        self.cash += amount
        self.log(
            ev.VenueTransfer(
                transfer_id=f"move-{self.hour}",
                quote_quantums=amount,
                counterparty="dydx1treasurer",
                height=self.height,
                time_ns=self.seconds * SECOND,
            )
        )

    def swap(self) -> None:
        """A pool operation: commanded, signed, included, final."""
        command = cm.SwapExactIn(
            adapter=POOL, zero_for_one=True, amount_in=30 * USDC, amount_out_min=1, deadline=0
        )
        seq = self.log(ev.TimerFired(name="second"), command)
        name = cm.CommandId(1, seq, 0)
        self.log(ev.TransactionSigned(command=name, nonce=4, raw="0x", tx_hash="0xabcdef01"))
        effect = ev.AdapterEffect(
            log_index=2, adapter=POOL, kind="swap", amount0=-30 * USDC, amount1=10**16
        )
        for final in (False, True):
            self.log(
                ev.TransactionMined(
                    command=name,
                    tx_hash="0xabcdef01",
                    block_number=self.hour,
                    block_hash=f"0xb{self.hour}",
                    succeeded=True,
                    gas_used=200_000,
                    effective_gas_price=10**9,
                    final=final,
                    effects=(effect,),
                )
            )


def story() -> list[Written]:
    """Three days: a start, an order, fills of both sides, funding, transfers, a swap, an alert."""
    told = Story()
    told.log(builders.run_started(SETTINGS))
    told.log(ev.MarketListed(market=ETH))
    told.open_hour()
    told.log(
        ev.Reconciled(
            height=told.height, subaccount=builders.subaccount(told.height), open_orders=()
        )
    )
    _orders(told)
    while told.hour < HEIGHTS - 1:
        told.hour += 1
        told.open_hour()
        _hour(told)
    return told.steps


def _orders(told: Story) -> None:
    """One order that works on, one whose answer is lost, one refused, one that expires."""
    places = [
        cm.PlaceOrder(
            market="ETH-USD",
            client_id=builders.CLIENT_ID_BASE + n,
            side=Side.BUY,
            quantums=ONE_ETH,
            subticks=2_990_000_000,
            good_til_block=until,
            time_in_force=TimeInForce.POST_ONLY,
            reduce_only=False,
        )
        for n, until in enumerate((2_000, 2_000, 2_000, FIRST_HEIGHT + 3))
    ]
    seq = told.log(ev.TimerFired(name="second"), *places)
    for n, (outcome, code) in enumerate((("ACK", 0), ("UNKNOWN", 0), ("REJECTED", 2003))):
        told.log(builders.result(cm.CommandId(1, seq, n), outcome, code))


def _hour(told: Story) -> None:
    if told.hour % 5 == 0:
        side = Side.BUY if told.hour % 10 else Side.SELL
        told.trade(side, ONE_ETH * (1 + told.hour % 3), 2_999_000_000, fee=told.hour * 100 - 2_000)
    if told.hour in (21, 51):
        told.pay(-told.hour * 1_000)
        told.observe(-1)  # the venue rounds once where we round each
        told.cash -= 1
    if told.hour in (2, 61):
        told.move(5_000 * USDC if told.hour == 2 else -1_000 * USDC)
    if told.hour == 30:
        told.swap()
    if told.hour == 40:
        told.log(
            ev.OperatorCommand(verb="pause", argument="ETH-USD", operator="ada"),
            cm.NoteRefusal(code="PAUSED", subject="ETH-USD", limit=0, value=1),
            cm.RaiseAlert(severity="page", code="DAILY_LOSS", text="leaving all positions"),
        )


def write_story(folder: Path, steps: list[Written]) -> None:
    """Write steps as a keeper would, over several segments."""
    writer = open_writer(folder, FEW)
    write_steps(writer, steps)
    writer.close()
