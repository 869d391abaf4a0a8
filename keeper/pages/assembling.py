"""Puts the page together from its three sources: the chain, the journal, and what people add."""

from dataclasses import dataclass

from keeper.domain.history import VaultHistory
from keeper.pages.bond_parts import BondSeen, bond_part
from keeper.pages.parameters import with_reasons
from keeper.pages.report_data import JournalParts, PageNotes, ReportData
from keeper.pages.series import scaled
from keeper.pages.vault_parts import VaultNow, vault_parts

__all__ = ["Sources", "page_data"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything on the page comes from; `treasurer` owns the venue account."""

    mode: str
    treasurer: str
    now: VaultNow
    history: VaultHistory
    journal: JournalParts
    notes: PageNotes
    bonds: tuple[BondSeen, ...] = ()


def page_data(sources: Sources) -> ReportData:
    """Return the whole page as data."""
    now, notes = sources.now, sources.notes
    names = {address.lower(): name for address, name in notes.names.items()}
    parts = vault_parts(now, sources.history, names, sources.treasurer)
    return ReportData(
        title=notes.title or f"{now.share_symbol}: what the vault did",
        mode=sources.mode,
        made_at_s=now.time_s,
        vault=now.vault,
        chain=f"chain {now.chain_id}, block {now.block:,}",
        block=now.block,
        state=now.state,
        share_symbol=now.share_symbol,
        share_decimals=now.share_decimals,
        nav_usdc_e6=scaled(now.accepted_nav, 6 - now.asset_decimals),
        total_supply_shares=now.supply,
        checks=notes.checks,
        figures=notes.figures,
        source=notes.source,
        quoting=with_reasons(sources.journal.parameters, notes.quoting),
        journal=sources.journal,
        nav_parts=parts.nav_parts,
        price_usdc_e12=parts.price_usdc_e12,
        settlements=parts.settlements,
        events=parts.events,
        pnl=parts.pnl,
        returns=parts.returns,
        facts=parts.facts,
        holders=parts.holders,
        bonds=tuple(bond_part(seen, names) for seen in sources.bonds),
    )
