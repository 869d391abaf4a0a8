"""Deploys one vault with its reporter and adapters, against tokens, feeds and pools that exist."""

from typing import Any

from ape import project
from ape.contracts import ContractContainer, ContractInstance

from scripts._deploy.chain import Deployer, npm_contract
from scripts._deploy.params import ClobParams, PoolParams, ProtocolParams, VaultParams

__all__ = ["FeedMissing", "PoolForeign", "WiringDiffers", "deploy_protocol", "raise_observations"]

FACTORY = "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json"
POOL = "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json"
OBSERVATIONS_PER_CALL = 500  # about 11 million gas, a third of a block
ZERO = "0x" + "0" * 40


class FeedMissing(RuntimeError):
    """A token without an independent feed enters no vault that is traded anywhere else."""


class PoolForeign(RuntimeError):
    """The factory does not know the pool: its code may be anything."""


class WiringDiffers(RuntimeError):
    """The vault is wired for ever to other components than these."""


def deploy_protocol(deployer: Deployer, params: ProtocolParams) -> None:
    """Deploy what the record lacks, wire the vault, prepare the pools' oracles.

    The stages are those of the factory: timelock, vault, reporter, adapters, wiring.
    Raises FeedMissing, PoolForeign, WiringDiffers and what `Deployer.contract` raises.
    """
    _require_feeds(params)
    delay, multisig = params.vault.owner_delay_seconds, params.vault.owner
    timelock = deployer.contract("timelock", project.VaultTimelock, delay, multisig)
    arguments = _vault_args(params.vault, str(timelock.address))
    vault = deployer.contract("vault", project.MarketMakingVault, arguments)
    _record_made(deployer, "silo", project.RequestSilo, vault.silo(), [params.vault.asset])
    _record_made(deployer, "legs", project.Legs, vault.legs(), [])
    _record_made(deployer, "wind_down", project.WindDown, vault.windDown(), [])
    given = [str(vault.address), _plain(arguments[-1])]
    _record_made(deployer, "mandate", project.Mandate, vault.mandate(), given)
    reporter = deployer.contract(
        "reporter",
        project.NavReporter,
        vault.address,
        params.reporter.reporters,
        params.reporter.quorum,
    )
    adapters = [_uniswap_v3(deployer, vault, pool) for pool in params.uniswap_v3]
    adapters += [_clob(deployer, vault, leg) for leg in params.clob]
    _wire(deployer, vault, reporter, [str(adapter.address) for adapter in adapters])
    if timelock.vault() == ZERO:
        timelock.bind(vault.address, sender=deployer.account)


def raise_observations(deployer: Deployer, adapter: ContractInstance, wanted: int) -> None:
    """Grow the pool's oracle to `wanted` observations, a bounded number per transaction."""
    pool = deployer.at(npm_contract(POOL), str(adapter.pool()))
    kept = pool.slot0().observationCardinalityNext
    while kept < wanted:
        kept = min(kept + OBSERVATIONS_PER_CALL, wanted)
        adapter.raiseObservations(kept, sender=deployer.account)


def _require_feeds(params: ProtocolParams) -> None:
    """The factory's rule: one pool and nothing else may be without a feed."""
    projects_own = len(params.uniswap_v3) == 1 and not params.clob
    missing = [pool.name for pool in params.uniswap_v3 if not int(pool.feed, 16)]
    if missing and not projects_own:
        raise FeedMissing(f"{', '.join(missing)}: no feed, and the vault is more than that pool")


def _record_made(
    deployer: Deployer, name: str, contract: ContractContainer, address: str, args: list[Any]
) -> None:
    """Record what the vault's constructor created, under the same transaction."""
    if deployer.book.known(name, contract.contract_type.name, args) is None:
        made_by = deployer.book.entries["vault"]
        deployer.record(name, contract, str(address), (made_by.tx, made_by.block), args)


def _plain(terms: tuple[Any, ...]) -> list[Any]:
    """The mandate's terms as a record gives them back."""
    return [list(item) if isinstance(item, tuple) else item for item in terms]


def _vault_args(params: VaultParams, owner: str) -> tuple[Any, ...]:
    """The constructor's one struct: token, then the mandate's terms with its limits."""
    limits = (
        params.deposit_cap,
        params.venue_cap_bps,
        params.min_on_chain_bps,
        params.fee_bps,
        params.min_stake_bps,
    )
    roles = (owner, params.keeper, params.guardian, params.fee_recipient)
    terms = (*roles, params.markets_hash, limits)
    return (params.asset, params.name, params.symbol, terms)


def _uniswap_v3(
    deployer: Deployer, vault: ContractInstance, params: PoolParams
) -> ContractInstance:
    _require_genuine(deployer, params)
    limits = (
        params.max_feed_age_seconds,
        params.deviation_limit_bps,
        params.cooldown_seconds,
        params.max_value_change_bps,
        params.min_observations,
    )
    adapter = deployer.contract(
        f"uniswap_v3.{params.name}",
        project.UniswapV3Adapter,
        vault.address,
        params.pool,
        params.feed,
        limits,
    )
    raise_observations(deployer, adapter, params.min_observations)
    return adapter


def _require_genuine(deployer: Deployer, params: PoolParams) -> None:
    pool = deployer.at(npm_contract(POOL), params.pool)
    factory = deployer.at(npm_contract(FACTORY), params.factory)
    known = factory.getPool(pool.token0(), pool.token1(), pool.fee())
    if known != params.pool:
        raise PoolForeign(f"{params.pool}: {params.factory} names {known} for its tokens and fee")


def _clob(deployer: Deployer, vault: ContractInstance, params: ClobParams) -> ContractInstance:
    name = f"clob.{params.name}"
    return deployer.contract(name, project.ClobAdapter, vault.address, params.route)


def _wire(
    deployer: Deployer, vault: ContractInstance, reporter: ContractInstance, adapters: list[str]
) -> None:
    if vault.reporter() == ZERO:
        vault.wire(reporter.address, adapters, sender=deployer.account)
    wired = [str(vault.reporter()), *map(str, vault.adapters())]
    if wired != [str(reporter.address), *adapters]:
        raise WiringDiffers(f"{vault.address} is wired to {wired}")
