"""A vault's past from its events: where to look from, settlements, returns and drawdown."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.access import decorated
from keeper.cli.amounts import shown
from keeper.cli.output import note, print_table
from keeper.cli.progress import progress_bar
from keeper.cli.vault.terms import PRICE_DIGITS
from keeper.pages.times import clock_time, lasting

if TYPE_CHECKING:
    from keeper.accounting.returns import Drawdown, SettledPrice, WindowReturn
    from keeper.chain.overview import Overview
    from keeper.cli.access import Reach
    from keeper.domain.history import Epoch, VaultHistory
    from keeper.wallet import Wallet

__all__ = [
    "Past",
    "explain_returns",
    "past_options",
    "print_history",
    "read_past",
    "returns_of",
    "settlements_of",
]

DAY: Final = 86_400
WINDOWS: Final = (("since_inception", None), ("7_days", 7 * DAY), ("30_days", 30 * DAY))
METHOD: Final = (
    "price = (NAV + 1) / (supply + virtual shares) after a settlement; return = price at the last "
    "settlement / price at the last settlement at least that long before it - 1; net of all "
    "costs, not annualised, no promise; a whole exit counts to what leavers were paid, steps "
    "while nobody holds shares count as none"
)


@dataclass(frozen=True, slots=True)
class Past:
    """Where events are searched from: a block, or what an address book says."""

    from_block: int | None
    book: Path | None

    def first_block(self, reach: "Reach", chain_id: int, vault: str) -> int:
        """Block to search from; the vault's deployment where a book knows it.

        Raises ConfigError of a book that was named and cannot be read.
        """
        from keeper.addresses import load_book

        if self.from_block is not None:
            return self.from_block
        names = [Path("deployments") / f"{chain_id}.json", reach.file.parent / f"{chain_id}.json"]
        for path in [self.book] if self.book is not None else filter(Path.is_file, names):
            book = load_book(path)
            entry = book.by_address(vault)
            if entry is not None and book.chain_id == chain_id:
                return entry.block
        note("searching every block: name the first with --from-block, or an address book")
        return 0


def past_options(function: Any) -> Any:
    """Add --from-block and --addresses; they arrive as `past`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        past = Past(kwargs.pop("from_block"), kwargs.pop("book"))
        return function(*args, past=past, **kwargs)

    from_block = click.option(
        "--from-block",
        type=click.IntRange(min=0),
        help="Search events from this block.  [default: the vault's, by the address book]",
    )
    book = click.option(
        "--addresses",
        "book",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Address book.  [default: deployments/<chain>.json, or beside the configuration]",
    )
    return decorated(wrapper, function, [from_block, book])


async def read_past(wallet: "Wallet", past: Past, reach: "Reach", reporter: str) -> "VaultHistory":
    """Read every event of the vault, with a progress bar if it takes long.

    Raises ChainUnavailable, NodeRefused, WireError, ConfigError.
    """
    first = past.first_block(reach, wallet.chain_id, wallet.vault)
    total = 2 * max(1, (await wallet.head()).number - first + 1)
    with _told("reading events", total) as progress:
        return await wallet.history(reporter, first, progress)


@contextlib.contextmanager
def _told(label: str, total: int) -> Iterator[Any]:
    with progress_bar(label) as show:
        done = 0

        def more(blocks: int) -> None:
            nonlocal done
            done += blocks
            show(min(done, total), total)

        yield more


def settlements_of(overview: "Overview", history: "VaultHistory") -> list[dict[str, Any]]:
    """Every settlement with price, NAV, flows and profit by cause, oldest first."""
    return [_settlement(overview, epoch) for epoch in history.epochs if epoch.settled is not None]


def _settlement(overview: "Overview", epoch: "Epoch") -> dict[str, Any]:
    from keeper.domain.reports import CAUSES

    settled, posted = epoch.settled, epoch.posted
    if settled is None or posted is None:
        raise ValueError(f"epoch {epoch.number} is not settled")
    shares = settled.supply_after + overview.views.virtual
    scale = 10 ** (overview.token.share_decimals + PRICE_DIGITS)
    return {
        "epoch": epoch.number,
        "cut_at": epoch.cut.time_s,
        "settled_at": settled.time_s,
        "block": settled.block,
        "tx_hash": settled.tx_hash,
        "price_e12": (settled.accepted_after + 1) * scale // (shares * 10**overview.token.decimals),
        "gross_assets": settled.gross,
        "accepted_assets": settled.accepted,
        "accepted_after_assets": settled.accepted_after,
        "supply_after_shares": settled.supply_after,
        "fee_shares": settled.fee_shares,
        "deposited_assets": settled.deposit_assets,
        "minted_shares": settled.deposit_shares,
        "redeemed_shares": settled.redeem_shares,
        "paid_assets": settled.redeem_assets,
        "whole_exit": settled.whole_exit,
        "pnl_assets": dict(zip(CAUSES, posted.pnl, strict=True)),
        "external_flow_assets": posted.external_flow,
        "venue_equity_assets": posted.equity,
        "report_digest": posted.digest,
        "data_root": posted.data_root,
    }


def returns_of(overview: "Overview", history: "VaultHistory") -> dict[str, Any]:
    """Returns over each window, and the drawdown, with what they were computed from."""
    from keeper.accounting.returns import drawdown, window_return

    prices, virtual = _prices(history), overview.views.virtual
    found = {
        name: _return(window_return(prices, virtual, seconds), prices, virtual)
        for name, seconds in WINDOWS
    }
    return {
        "method": METHOD,
        "windows": found,
        "drawdown": _drawdown(drawdown(prices, virtual)),
        "searched_from_block": history.first_block,
    }


def _prices(history: "VaultHistory") -> "list[SettledPrice]":
    from keeper.accounting.returns import SettledPrice

    return [
        SettledPrice(
            time=epoch.cut.time_s,
            nav_before=settled.priced_nav,
            supply_before=settled.supply_before,
            nav_after=settled.accepted_after,
            supply_after=settled.supply_after,
            whole_exit=settled.whole_exit,
        )
        for epoch in history.epochs
        if (settled := epoch.settled) is not None
    ]


def _return(
    found: "WindowReturn | None", prices: "Sequence[SettledPrice]", virtual: int
) -> dict[str, Any] | None:
    if found is None:
        return None
    ends = {price.time: price for price in prices}
    start, end = ends[found.from_time], ends[found.to_time]
    return {
        "return_ppm": found.ppm,
        "from": found.from_time,
        "to": found.to_time,
        "settlements": found.settlements,
        "numerator": str(found.ratio.numerator),
        "denominator": str(found.ratio.denominator),
        "start_nav_assets": start.nav_after,
        "start_supply_shares": start.supply_after,
        "end_nav_assets": end.nav_after,
        "end_supply_shares": end.supply_after,
        "virtual_shares": virtual,
    }


def _drawdown(found: "Drawdown | None") -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "drawdown_ppm": found.ppm,
        "high_at": found.peak_time,
        "low_at": found.low_time,
        "settlements": found.settlements,
        "span_seconds": found.span_seconds,
    }


def explain_returns(returns: dict[str, Any]) -> None:
    """Print the formula and its inputs."""
    click.echo(f"\nmethod: {returns['method']}")
    for name, found in returns["windows"].items():
        label = name.replace("_", " ")
        if found is None:
            click.echo(f"{label}: the history is too short")
            continue
        click.echo(
            f"{label}: {clock_time(found['from'])} NAV {found['start_nav_assets']} supply "
            f"{found['start_supply_shares']}; {clock_time(found['to'])} NAV "
            f"{found['end_nav_assets']} supply {found['end_supply_shares']}; virtual shares "
            f"{found['virtual_shares']}; end/start = {found['numerator']}/{found['denominator']}"
        )


def print_history(overview: "Overview", rows: Sequence[dict[str, Any]]) -> None:
    """Print settlements as a table."""
    token = overview.token

    def money(amount: int) -> str:
        return shown(amount, token.decimals, "").strip()

    print_table(
        [
            (
                str(row["epoch"]),
                clock_time(row["cut_at"]),
                shown(row["price_e12"], PRICE_DIGITS, "").strip(),
                money(row["accepted_after_assets"]),
                money(row["deposited_assets"]),
                money(row["paid_assets"]),
                *(money(value) for value in row["pnl_assets"].values()),
                money(row["external_flow_assets"]),
            )
            for row in rows
        ],
        head=(
            *("epoch", "cut", f"price [{token.symbol}]", "NAV after", "deposited", "paid"),
            *("spread", "inventory", "funding", "fees", "incentives", "strangers"),
        ),
    )
    if not rows:
        click.echo("nothing has been settled yet")
    elif len(rows) > 1:
        span = rows[-1]["cut_at"] - rows[0]["cut_at"]
        click.echo(f"{len(rows)} settlements over {lasting(span)}")
