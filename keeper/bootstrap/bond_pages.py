"""Reads what the page shows of bonds: every market that a lens lists, and its project's vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.bond_history import BondHistory, read_bond_history
from keeper.chain.bonds import BondReader, MarketView, ProjectView
from keeper.chain.calls import Block, Call, read_at
from keeper.chain.event_logs import Span
from keeper.chain.overview import Overview, read_overview
from keeper.chain.rpc import JsonRpc
from keeper.markets.bond_path import past_path
from keeper.markets.bonds import Lot
from keeper.pages.bond_parts import BondSeen

__all__ = ["read_bonds"]

_POINTS: Final = 240


@dataclass(frozen=True, slots=True)
class _Reads:
    """Reads for the lens's reader: a single answer comes unwrapped."""

    rpc: JsonRpc

    async def read(self, calls: Sequence[Call], block: Block | str = "latest") -> list[Any]:
        answers = await read_at(self.rpc, block, calls)
        return [answer[0] if len(answer) == 1 else answer for answer in answers]


async def read_bonds(
    rpc: JsonRpc, lens: str, block: Block, first_block: int
) -> tuple[BondSeen, ...]:
    """Read every market that can be read and was opened since `first_block`.

    Raises ChainUnavailable, CallReverted, NodeRefused, WireError, BondUnknown.
    """
    reader = BondReader(_Reads(rpc), lens)
    parts = await reader.parts(block)
    span, found = Span(first_block, block.number), []
    for market in await reader.markets(block):
        if not market.readable:
            continue
        history = await read_bond_history(rpc, parts.teller, market, span)
        if history is None:
            continue
        project = await reader.project(market.terms.project, block)
        vault = await read_overview(rpc, project.vault, block)
        lot = await reader.lot(market, block)
        path = await _path(reader, market, lot, history, block)
        found.append(_seen(market, lot, path, history, project, vault))
    return tuple(found)


async def _path(
    reader: BondReader, market: MarketView, lot: Lot, history: BondHistory, block: Block
) -> list[tuple[int, int]]:
    """A Dutch auction's price until now, or its end; that of an oracle is not kept."""
    if market.kind != "dutch":
        return [(bought.time, bought.price) for bought in history.purchases]
    auction = await reader.auction(market, block)
    until = min(block.timestamp, lot.conclusion - 1)
    step = max(1, lot.duration // _POINTS)
    points = past_path(auction, lot, history.opened, history.changes, until, step)
    return [(point.time, point.price) for point in points]


def _seen(
    market: MarketView,
    lot: Lot,
    path: list[tuple[int, int]],
    history: BondHistory,
    project: ProjectView,
    vault: Overview,
) -> BondSeen:
    terms = market.terms
    return BondSeen(
        market=market.market_id,
        auction=market.kind,
        symbol=terms.symbol,
        token_decimals=terms.token_decimals,
        asset_decimals=terms.asset_decimals,
        opened_at=lot.opened_at,
        conclusion=lot.conclusion,
        unsold=market.capacity + market.freed,
        sold=sum(bought.payout for bought in history.purchases),
        floor=market.floor,
        path=path,
        purchases=[
            (each.time, each.buyer, each.note_id, each.payout, each.cost, each.price)
            for each in history.purchases
        ],
        project=project.project,
        vault=project.vault,
        locked_until=project.pol_unlock,
        shares=project.shares,
        share_symbol=vault.token.share_symbol,
        share_decimals=vault.token.share_decimals,
        depth_share=project.depth_share,
        worth=project.worth,
        waiting=project.waiting,
        queued=project.queued,
        places=_places(vault),
    )


def _places(vault: Overview) -> list[tuple[str, str, int]]:
    """Where the whole vault's assets are, each adapter at what it is worth at the least."""
    rows = [("Idle in the vault", vault.vault, vault.views.idle)]
    for leg in vault.adapters:
        name = "On an order book" if leg.attested else "In a pool, at its lower value"
        rows.append((name, leg.address, leg.bid or 0))
    return rows
