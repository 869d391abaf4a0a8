"""Builds the checks of `keeper doctor`: read-only connections, and every probe in its order."""

from collections.abc import Mapping, Sequence
from functools import partial

from keeper.bootstrap.common import clock_of, rpc_of
from keeper.bootstrap.feeds import leader_sources
from keeper.bootstrap.signers import signer_of
from keeper.config import LoadedConfig
from keeper.doctor.endpoints import endpoint_probes
from keeper.doctor.feeds import feed_probes
from keeper.doctor.keys import key_probes
from keeper.doctor.machine import Machine, ThisMachine, machine_probes
from keeper.doctor.peers import peer_probes
from keeper.doctor.rows import Finding, Probe, Row, examine, ok
from keeper.doctor.signers import signer_probes
from keeper.doctor.site import Site
from keeper.doctor.vault import vault_probes
from keeper.doctor.venue import venue_probes
from keeper.ports import Clock
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader

__all__ = ["open_site", "probes_of", "run_doctor"]


def open_site(
    loaded: LoadedConfig, environ: Mapping[str, str], *, clock: Clock | None = None
) -> Site:
    """Lay out the connections; nothing is connected yet."""
    venue = loaded.config.venue
    node = Node(
        venue.grpc_endpoint,
        insecure=venue.grpc_insecure,
        query_deadline_ms=venue.query_deadline_ms,
    )
    indexer = Indexer(
        venue.rest_url,
        address=venue.address,
        subaccount=venue.subaccount,
        deadline_ms=venue.query_deadline_ms,
    )
    return Site(
        loaded=loaded,
        clock=clock or clock_of(loaded),
        environ=environ,
        rpc=rpc_of(loaded.config),
        node=node,
        reader=Reader(node),
        indexer=indexer,
    )


def probes_of(site: Site, machine: Machine) -> list[Probe]:
    """Return every check, in the order its rows are shown."""

    async def config() -> Sequence[Finding]:
        network = f"{site.config.venue.chain_id} and EVM chain {site.config.evm.chain_id}"
        return [ok(f"{site.loaded.file}: mode {site.config.mode} on {network}")]

    return [
        Probe("config.valid", config),
        *machine_probes(site.loaded, machine, site.environ),
        *key_probes(site),
        *signer_probes(site, partial(signer_of, site.loaded, environ=site.environ)),
        *endpoint_probes(site),
        *feed_probes(leader_sources(site.config, site.clock)),
        *venue_probes(site),
        *vault_probes(site),
        *peer_probes(site),
    ]


async def run_doctor(
    loaded: LoadedConfig,
    environ: Mapping[str, str],
    limit_seconds: float,
    *,
    machine: Machine | None = None,
    clock: Clock | None = None,
) -> list[Row]:
    """Run every check of a configuration; raises nothing that a check met."""
    site = open_site(loaded, environ, clock=clock)
    try:
        return await examine(probes_of(site, machine or ThisMachine()), limit_seconds)
    finally:
        await site.close()
