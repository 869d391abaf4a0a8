"""Builds the treasurer process: the venue owner's key, and the vault's filed requests."""

from collections.abc import Mapping

from keeper.bootstrap.common import check_venue_chain, clock_of, rpc_of
from keeper.bootstrap.logs import configure_logs
from keeper.bootstrap.signers import signer_of
from keeper.chain.requests import ClobRequests
from keeper.config import LoadedConfig
from keeper.config.sections.processes import Treasurer as Section
from keeper.config.sections.venue import Venue
from keeper.domain.errors import ConfigError
from keeper.treasurer.policy import Policy
from keeper.treasurer.serve import Treasurer, TreasurerSettings
from keeper.treasurer.signer import FEE_QUANTUMS, OwnPlaces, TreasurySigner
from keeper.treasurer.venue import VenueReader
from keeper.venues.dydx.keys import address_of
from keeper.venues.dydx.node import Node

__all__ = ["serve_treasurer"]


async def serve_treasurer(loaded: LoadedConfig, environ: Mapping[str, str]) -> None:
    """Move collateral on filed requests until cancelled.

    Raises ConfigError, KeyUnavailable, ChainUnavailable, VenueUnavailable.
    """
    configure_logs()
    config, section, venue = loaded.config, _section(loaded), loaded.config.venue
    signer = signer_of(loaded, "treasurer_venue", environ)
    if address_of(signer.public_key) != venue.address:
        raise ConfigError(
            f"the treasurer's key is of {address_of(signer.public_key)}, "
            f"the account is {venue.address}",
            next_step="use the key that owns venue.address",
        )
    if venue.leg is None:
        raise ConfigError(
            "the vault has no order-book leg: venue.adapter is 'none'",
            next_step="there is nothing for a treasurer to do",
        )
    rpc = rpc_of(config)
    node = Node(
        venue.grpc_endpoint,
        insecure=venue.grpc_insecure,
        query_deadline_ms=venue.query_deadline_ms,
    )
    places, policy = _places(venue), _policy(venue, section)
    try:
        await rpc.check_chain(config.evm.chain_id)
        reader = VenueReader(node, places)
        check_venue_chain(venue.grpc_endpoint, await reader.chain_id(), venue.chain_id)
        treasurer = Treasurer(
            TreasurerSettings(places, policy, section.poll_interval_ms / 1_000),
            ClobRequests(rpc, venue.leg, config.evm.confirmations),
            reader,
            TreasurySigner(signer, venue.chain_id, places),
            clock_of(loaded),
        )
        await treasurer.run()
    finally:
        await signer.close()
        await node.close()
        await rpc.close()


def _places(venue: Venue) -> OwnPlaces:
    """Everywhere collateral may go; home means the adapter, fixed on the vault's chain."""
    own = (venue.subaccount, venue.reserve_subaccount)
    return OwnPlaces(
        address=venue.address,
        subaccounts=frozenset(number for number in own if number is not None),
        bridge=venue.bridge_address,
        recipient=venue.adapter,
    )


def _policy(venue: Venue, section: Section) -> Policy:
    return Policy(
        trading=venue.subaccount,
        reserve=venue.reserve_subaccount,
        trading_share_ppm=section.trading_share_ppm,
        wallet_float=section.wallet_float_quote_quantums,
        min_move=section.min_move_quote_quantums,
        fee=FEE_QUANTUMS,
    )


def _section(loaded: LoadedConfig) -> Section:
    if loaded.config.treasurer is None:
        raise ConfigError(
            f"{loaded.file} has no [treasurer] section",
            next_step="write one with: keeper config init --role treasurer",
        )
    return loaded.config.treasurer
