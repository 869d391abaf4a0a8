"""After a campaign: the journal decided again, and its ledger against the exchange."""

from pathlib import Path
from typing import Any

from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.commands import NoteRefusal
from keeper.journal import JournalReader
from keeper.replay import replay
from tests.soak.ground import ADDRESS, MARKET, Ground

__all__ = ["books_apart", "fills_apart", "reasons_not_to_quote"]


def fills_apart(here: Ground, folder: Path) -> list[str]:
    """Say which fills the journal holds twice, or not at all, or of nobody."""
    told: dict[str, int] = {}
    seen = {}
    for step in JournalReader(folder).steps():
        if type(step.event).__name__ == "FillReceived":
            event: Any = step.event
            told[event.fill_id] = told.get(event.fill_id, 0) + 1
            seen[event.fill_id] = (event.side.value, event.quantums, event.height)
    rows = here.exchange.indexer.tables.fills.get(SubaccountId(ADDRESS, 0), ())
    true = {row.id: (row.order.side.name, row.quantums, row.height) for row in rows}
    wrong = [f"fill {fill_id} is in the journal {n} times" for fill_id, n in told.items() if n > 1]
    wrong += [f"fill {fill_id} is not in the journal" for fill_id in true.keys() - told.keys()]
    return wrong + [f"fill {i} differs: {seen[i]}" for i in seen if seen[i] != true.get(i)]


def reasons_not_to_quote(folder: Path) -> frozenset[str]:
    """Every code that the journal has as a reason not to quote."""
    steps = JournalReader(folder).steps()
    return frozenset(
        command.code
        for step in steps
        for command in step.commands
        if isinstance(command, NoteRefusal)
    )


def books_apart(here: Ground, folder: Path) -> list[str]:
    """Replay the sealed journal and hold its ledger against the exchange's own word."""
    balances = replay(folder).ledger.books().balances
    truth = state_dump(here.exchange.chain)["subaccounts"][f"{ADDRESS}/0"]
    held = truth["positions"].get(str(MARKET), {"quantums": 0, "quote_balance": 0})
    expected = {
        "venue:position": held["quantums"],
        "venue:cash": truth["usdc"] + held["quote_balance"],
    }
    found = {
        "venue:position": balances.get("venue:position", {}).get("ETH-USD", 0),
        "venue:cash": balances["venue:cash"]["quote"],
    }
    wrong = [
        f"{name} {found[name]}, the exchange {expected[name]}"
        for name in expected
        if found[name] != expected[name]
    ]
    if "unexplained" in balances:
        wrong.append(f"unexplained {balances['unexplained']}")
    return wrong
