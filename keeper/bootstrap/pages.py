"""Reads everything a page of a vault shows: its chain, and the keeper's journal if there is one."""

from keeper.bootstrap.bond_pages import read_bonds
from keeper.bootstrap.common import rpc_of
from keeper.chain.calls import block_of
from keeper.chain.overview import Overview, read_overview
from keeper.chain.vault_history import HistoryReader
from keeper.config import LoadedConfig
from keeper.pages.assembling import Sources, page_data
from keeper.pages.journal_parts import build_report_data_from_journal
from keeper.pages.mode import mode_of
from keeper.pages.report_data import JournalParts, PageNotes, ReportData
from keeper.pages.vault_parts import Leg, VaultNow

__all__ = ["page_of"]


async def page_of(
    loaded: LoadedConfig, notes: PageNotes, first_block: int, lens: str | None = None
) -> ReportData:
    """Return a vault's page as data; with a lens also the bonds that it lists.

    Raises ChainUnavailable, CallReverted, WireError, JournalCorrupt, OSError.
    """
    config = loaded.config
    async with rpc_of(config) as rpc:
        await rpc.check_chain(config.evm.chain_id)
        block = block_of(await rpc.call("eth_getBlockByNumber", "latest", False))
        overview = await read_overview(rpc, config.vault.address, block)
        reader = HistoryReader(rpc, config.vault.address, config.vault.reporter)
        history = await reader.read(first_block)
        bonds = () if lens is None else await read_bonds(rpc, lens, block, first_block)
    return page_data(
        Sources(
            mode=mode_of(config.venue.chain_id, shadow=config.mode == "shadow"),
            treasurer=config.venue.address,
            now=_now(overview, config.evm.chain_id),
            history=history,
            journal=_journal(loaded),
            notes=notes,
            bonds=bonds,
        )
    )


def _journal(loaded: LoadedConfig) -> JournalParts:
    section = loaded.config.journal
    if section is None:
        return JournalParts()
    return build_report_data_from_journal(loaded.journal_folder(section))


def _now(seen: Overview, chain_id: int) -> VaultNow:
    views, token = seen.views, seen.token
    return VaultNow(
        vault=seen.vault,
        chain_id=chain_id,
        block=seen.block.number,
        time_s=seen.block.timestamp,
        state=seen.state,
        asset_decimals=token.decimals,
        share_decimals=token.share_decimals,
        share_symbol=token.share_symbol,
        virtual_shares=views.virtual,
        idle=views.idle,
        accepted_nav=views.accepted_nav,
        supply=views.supply,
        attested=seen.reporting.attested,
        deposits_waiting=sum(views.deposit_queue),
        redemptions_waiting=sum(views.redeem_queue),
        deposit_cap=seen.limits.deposit_cap,
        venue_cap_bps=seen.limits.venue_cap_bps,
        min_on_chain_bps=seen.limits.min_on_chain_bps,
        fee_bps=seen.limits.fee_bps,
        mark_e36=seen.reporting.mark_e36,
        legs=tuple(
            Leg(adapter=leg.address, attested=leg.attested, value=leg.bid) for leg in seen.adapters
        ),
        owner=views.owner,
        keeper=views.keeper,
        guardian=views.guardian,
        reporters=seen.reporting.reporters,
        quorum=seen.reporting.quorum,
    )
