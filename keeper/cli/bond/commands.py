"""`keeper bond`: a project sells its token for liquidity of its own; anyone buys."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import address_of, with_wallet
from keeper.cli.acting import carry_out
from keeper.cli.bond.closing import close_plan
from keeper.cli.bond.compare import (
    Asked,
    Deal,
    compare,
    deal_of_market,
    deal_of_words,
    print_comparison,
)
from keeper.cli.bond.create import create_plan
from keeper.cli.bond.entry import bond_of, save_bond
from keeper.cli.bond.notes import print_notes, read_notes
from keeper.cli.bond.plans import (
    Order,
    buy_plan,
    claim_plan,
    poke_plan,
    quote_order,
    quote_panel,
    quote_terms,
)
from keeper.cli.bond.reach import (
    BondReach,
    BondWrite,
    bond_reach_options,
    bond_write_options,
    with_bonds,
)
from keeper.cli.bond.show import print_market, print_markets, read_market, read_markets
from keeper.cli.durations import parse_duration
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table

if TYPE_CHECKING:
    from keeper.chain.bonds import BondReader
    from keeper.wallet import Wallet

__all__ = ["bond"]

MARKET = click.argument("market", type=click.IntRange(min=1))
SHARES = click.option("--shares", is_flag=True, help="Pay with shares of the project's vault.")
PREVIEW = click.option(
    "--preview", is_flag=True, help="Show all that it would do; needs no key, sends nothing."
)
DEADLINE = click.option(
    "--deadline",
    metavar="DURATION",
    help="How long it may be signed: 30m, 2d.  [default: 1h, or 7d where somebody else signs]",
)
RECEIVER = click.option("--to", "receiver", metavar="ADDRESS", help="Who gets it, if not you.")
SLIPPAGE = click.option(
    "--slippage-bps",
    type=click.IntRange(0, 9_999),
    default=100,
    show_default=True,
    help="How much less than quoted is still taken.",
)
BPS = click.IntRange(0, 9_999)


@click.group()
def bond() -> None:
    """Sell a token for liquidity of the project's own, and buy such bonds."""


@bond.command()
@click.argument(
    "terms", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--project", metavar="ADDRESS", help="Treasury of a project that exists; asks less.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the answers as a file, to run it again with.",
)
@DEADLINE
@PREVIEW
@bond_write_options
def create(
    terms: Path | None,
    project: str | None,
    save: Path | None,
    deadline: str | None,
    preview: bool,
    write: BondWrite,
) -> None:
    """Create a market from FILE (see config/bonds/example.toml), or from answers on a terminal.

    Shows target, largest purchase, the price path without purchases and what demand would make
    of it, and asks before the whole capacity is escrowed.
    """
    asked = bond_of(terms, None if project is None else address_of(project))
    if save is not None:
        save_bond(save, asked)
    seconds = None if deadline is None else parse_duration(deadline)
    carry_out(
        write,
        lambda wallet: create_plan(wallet, write.signing, asked, seconds, preview=preview),
        preview=preview,
    )


@bond.command("list")
@bond_reach_options
@json_option
def list_(reach: BondReach, as_json: bool) -> None:
    """List every market: price, discount to the market, what is left and when it ends."""
    data = with_bonds(reach, read_markets)
    emit(as_json, data, lambda: print_markets(data))


@bond.command()
@MARKET
@bond_reach_options
@json_option
def show(market: int, reach: BondReach, as_json: bool) -> None:
    """Show a market: price, discount, capacity, vesting, price path; and what its project owns."""

    async def work(wallet: "Wallet", reader: "BondReader") -> dict[str, Any]:
        return await read_market(wallet, reader, market)

    data = with_bonds(reach, work)
    emit(as_json, data, lambda: print_market(data))


@bond.command()
@click.argument("address")
@bond_reach_options
@json_option
def notes(address: str, reach: BondReach, as_json: bool) -> None:
    """Show an account's notes: what is vested of each, and when the rest is."""
    holder = address_of(address)

    async def work(wallet: "Wallet", reader: "BondReader") -> dict[str, Any]:
        return await read_notes(wallet, reader, holder)

    data = with_bonds(reach, work)
    emit(as_json, data, lambda: print_notes(data))


@bond.command()
@MARKET
@click.argument("amount")
@SHARES
@SLIPPAGE
@bond_reach_options
@json_option
def quote(
    market: int, amount: str, shares: bool, slippage_bps: int, reach: BondReach, as_json: bool
) -> None:
    """Show what AMOUNT of the asset, or of shares, buys now, and when it vests."""
    order = Order(market_id=market, amount=amount, with_shares=shares, slippage_bps=slippage_bps)
    quoted = with_wallet(reach.place(), None, lambda wallet: quote_order(wallet, order))
    data = quote_terms(quoted)
    emit(as_json, data, lambda: print_table(quote_panel(quoted, data)))


@bond.command()
@MARKET
@click.argument("amount")
@SHARES
@SLIPPAGE
@click.option("--approve", is_flag=True, help="Send the token approval first if it is missing.")
@RECEIVER
@DEADLINE
@PREVIEW
@bond_write_options
def buy(
    market: int,
    amount: str,
    shares: bool,
    slippage_bps: int,
    approve: bool,
    receiver: str | None,
    deadline: str | None,
    preview: bool,
    write: BondWrite,
) -> None:
    """Buy for at most AMOUNT of the asset, or of shares; a note for the tokens is issued."""
    order = Order(
        market_id=market,
        amount=amount,
        with_shares=shares,
        slippage_bps=slippage_bps,
        receiver=None if receiver is None else address_of(receiver),
        deadline_seconds=None if deadline is None else parse_duration(deadline),
        may_approve=approve or not write.signing.sends,
    )
    carry_out(
        write,
        lambda wallet: buy_plan(wallet, write.signing, order, preview=preview),
        preview=preview,
    )


@bond.command()
@click.argument("note", nargs=-1, type=click.IntRange(min=1))
@click.option("--all", "every", is_flag=True, help="Of every note that the account holds.")
@RECEIVER
@PREVIEW
@bond_write_options
def claim(
    note: tuple[int, ...], every: bool, receiver: str | None, preview: bool, write: BondWrite
) -> None:
    """Fetch what is vested of each NOTE."""
    if bool(note) == every:
        raise ArgumentInvalid("which notes?", next_step="name their numbers, or add --all")
    to = None if receiver is None else address_of(receiver)
    carry_out(
        write,
        lambda wallet: claim_plan(wallet, write.signing, note, to),
        preview=preview,
    )


@bond.command()
@MARKET
@click.option("--undo", is_flag=True, help="Take an announced end back.")
@RECEIVER
@PREVIEW
@bond_write_options
def close(market: int, undo: bool, receiver: str | None, preview: bool, write: BondWrite) -> None:
    """End a market and fetch the unsold: announce it, and 3 days later run this again.

    After the sale it fetches what was not sold, at once.
    """
    to = None if receiver is None else address_of(receiver)
    carry_out(
        write,
        lambda wallet: close_plan(wallet, write.signing, market, to, undo=undo),
        preview=preview,
    )


@bond.command()
@MARKET
@PREVIEW
@bond_write_options
def poke(market: int, preview: bool, write: BondWrite) -> None:
    """Move the proceeds on: claim settled shares, hand assets to the vault's queue. Anyone may."""
    carry_out(write, lambda wallet: poke_plan(wallet, write.signing, market), preview=preview)


@bond.command("compare")
@click.option("--market", type=click.IntRange(min=1), help="Take the bond's figures from it.")
@click.option("--tokens", metavar="AMOUNT", help="Else: tokens that the bond sells.")
@click.option("--price", metavar="AMOUNT", help="And the token's price.")
@click.option("--discount-bps", type=BPS, help="And the discount that it sells at.")
@click.option("--loan", metavar="AMOUNT", help="Tokens lent to the maker.  [default: as many]")
@click.option(
    "--strike-bps",
    type=click.IntRange(0, 1_000_000),
    default=5_000,
    show_default=True,
    help="The option's strike, over the price.",
)
@click.option(
    "--months", type=click.IntRange(1, 120), default=12, show_default=True, help="Of loan and fee."
)
@click.option(
    "--volatility-bps",
    type=click.IntRange(1, 100_000),
    default=10_000,
    show_default=True,
    help="Of the token's price, a year.",
)
@click.option("--loan-fee", metavar="AMOUNT", help="What the maker is paid beside it.")
@click.option("--retainer", metavar="AMOUNT", required=True, help="A maker's fee a month.")
@bond_reach_options
@json_option
def compare_(reach: BondReach, as_json: bool, **given: Any) -> None:
    """Put a bond's cost beside a maker's loan with option, and beside a retainer."""
    deal = _deal(reach, given)
    names = ("loan", "strike_bps", "months", "volatility_bps", "loan_fee", "retainer")
    data = compare(deal, Asked(**{name: given[name] for name in names}))
    emit(as_json, data, lambda: print_comparison(data))


def _deal(reach: BondReach, given: dict[str, Any]) -> Deal:
    words = [given[name] for name in ("tokens", "price", "discount_bps")]
    if given["market"] is not None and words == [None] * 3:
        market = int(given["market"])

        async def work(wallet: "Wallet", reader: "BondReader") -> Deal:
            return await deal_of_market(wallet, reader, market)

        return with_bonds(reach, work)
    if given["market"] is not None or None in words:
        raise ArgumentInvalid(
            "what does the bond sell?",
            next_step="name --market, or --tokens with --price and --discount-bps",
        )
    return deal_of_words(*words)
