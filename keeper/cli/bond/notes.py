"""What an account holds of bonds: each note, what is vested of it and when the rest is."""

from typing import TYPE_CHECKING, Any

import click

from keeper.cli.amounts import shown
from keeper.cli.bond.figures import plain
from keeper.cli.output import print_table
from keeper.pages.times import in_time

if TYPE_CHECKING:
    from keeper.chain.bonds import BondReader, MarketView, NoteView
    from keeper.wallet import Wallet

__all__ = ["print_notes", "read_notes"]


async def read_notes(wallet: "Wallet", reader: "BondReader", holder: str) -> dict[str, Any]:
    """Read an account's notes, with what is vested of each and when the rest is."""
    block = await wallet.head()
    parts = await reader.parts(block)
    notes = await reader.notes_of(holder, parts.note, block)
    markets = {
        number: await reader.market(number, block) for number in {n.market_id for n in notes}
    }
    return {
        "holder": holder,
        "note_contract": parts.note,
        "block": block.number,
        "block_time": block.timestamp,
        "notes": [_note_data(note, markets[note.market_id]) for note in notes],
    }


def _note_data(note: "NoteView", market: "MarketView") -> dict[str, Any]:
    return {
        **plain(note),
        "token": market.terms.token,
        "token_symbol": market.terms.symbol,
        "token_decimals": market.terms.token_decimals,
    }


def print_notes(data: dict[str, Any]) -> None:
    """Print what `read_notes` returned."""
    if not data["notes"]:
        click.echo(f"{data['holder']} holds no note")
        return
    now = data["block_time"]
    rows = [
        (
            str(note["note_id"]),
            str(note["market_id"]),
            shown(note["payout"], note["token_decimals"], note["token_symbol"]),
            shown(note["redeemed"], note["token_decimals"], note["token_symbol"]),
            shown(note["redeemable"], note["token_decimals"], note["token_symbol"]),
            in_time(note["cliff_at"], now),
            in_time(note["expiry"], now),
        )
        for note in data["notes"]
    ]
    head = ("note", "market", "bought", "redeemed", "redeemable", "first from", "all from")
    print_table(rows, head=head)
