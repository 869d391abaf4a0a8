"""The vault factory: deployed once, known by the code that it deploys, and the plan of a vault."""

from dataclasses import dataclass
from typing import Any

from ape import project
from ape.contracts import ContractContainer, ContractInstance
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from scripts._deploy.chain import Deployer, npm_contract
from scripts._deploy.params import PoolParams, ProtocolParams

__all__ = ["FactoryForeign", "Plan", "deploy_factory", "init_code", "limits_of", "plan_of"]

POOL = "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json"
CODES = ("VaultTimelock", "MarketMakingVault", "NavReporter", "UniswapV3Adapter", "ClobAdapter")
MARKETS = "(string[],(address,address,uint24,address)[])"
SINGLE_OPERATOR = " (single operator)"


class FactoryForeign(RuntimeError):
    """The recorded factory deploys other code than this checkout's, or serves another Uniswap."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A vault in advance, as `IVaultFactory.Plan` has it; the order is the struct's."""

    salt: bytes
    single_operator: bool
    asset: str
    name: str
    symbol: str
    multisig: str
    delay: int
    keeper: str
    guardian: str
    fee_recipient: str
    limits: tuple[int, ...]
    reporters: tuple[str, ...]
    quorum: int
    markets: tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]
    pool_limits: tuple[tuple[int, ...], ...]
    routes: tuple[str, ...]

    def as_tuple(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    @property
    def markets_hash(self) -> bytes:
        """The mandate's `marketsHash`."""
        return keccak(encode([MARKETS], [self.markets]))

    @property
    def share_name(self) -> str:
        """The share token's name: it says so where one party holds several offices."""
        return self.name + SINGLE_OPERATOR if self.single_operator else self.name

    def vault_arguments(self, timelock: str) -> tuple[Any, ...]:
        """The vault's one constructor argument, as the factory builds it."""
        roles = (timelock, self.keeper, self.guardian, self.fee_recipient)
        terms = (*roles, "0x" + self.markets_hash.hex(), self.limits)
        return (self.asset, self.share_name, self.symbol, terms)


def init_code(container: ContractContainer) -> bytes:
    """The code that a contract is created by, without arguments."""
    bytecode = container.contract_type.deployment_bytecode
    if bytecode is None or bytecode.bytecode is None:
        raise RuntimeError(f"{container.contract_type.name} is not compiled")
    return bytes.fromhex(str(bytecode.bytecode).removeprefix("0x"))


def deploy_factory(deployer: Deployer, uniswap_v3_factory: str) -> ContractInstance:
    """Return the recorded factory, or deploy one. Raises FactoryForeign and what the deployer does.

    One factory serves every vault of a chain: whoever wants another vault copies its entry into the
    new record.
    """
    codes = [f"0x{keccak(init_code(getattr(project, name))).hex()}" for name in CODES]
    entry = deployer.book.entries.get("factory")
    if entry is None:
        return deployer.contract("factory", project.VaultFactory, codes, uniswap_v3_factory)
    factory = deployer.at(project.VaultFactory, entry.address)
    found = [f"0x{bytes(code).hex()}" for code in factory.codes()]
    if found != codes or factory.uniswapV3Factory() != uniswap_v3_factory:
        raise FactoryForeign(
            f"{entry.address} deploys other code, or pools of another Uniswap: check out the "
            f"commit of its sources ({entry.source_commit or 'unknown'}), or begin a new record"
        )
    return factory


def plan_of(deployer: Deployer, params: ProtocolParams) -> Plan:
    """Put parameters into a plan; each pool is asked for its tokens and fee. Raises CodeMissing."""
    vault, legs = params.vault, params.uniswap_v3
    return Plan(
        salt=vault.salt.to_bytes(32, "big"),
        single_operator=vault.single_operator,
        asset=vault.asset,
        name=vault.name,
        symbol=vault.symbol,
        multisig=vault.owner,
        delay=vault.owner_delay_seconds,
        keeper=vault.keeper,
        guardian=vault.guardian,
        fee_recipient=vault.fee_recipient,
        limits=(
            vault.deposit_cap,
            vault.venue_cap_bps,
            vault.min_on_chain_bps,
            vault.fee_bps,
            vault.min_stake_bps,
        ),
        reporters=tuple(params.reporter.reporters),
        quorum=params.reporter.quorum,
        markets=(tuple(vault.pairs), tuple(_pool(deployer, vault.asset, leg) for leg in legs)),
        pool_limits=tuple(limits_of(leg) for leg in legs),
        routes=tuple(leg.route for leg in params.clob),
    )


def limits_of(leg: PoolParams) -> tuple[int, ...]:
    """The limits of a pool's adapter, in the contract's order."""
    return (
        leg.max_feed_age_seconds,
        leg.deviation_limit_bps,
        leg.cooldown_seconds,
        leg.max_value_change_bps,
        leg.min_observations,
    )


def _pool(deployer: Deployer, asset: str, leg: PoolParams) -> tuple[Any, ...]:
    pool = deployer.at(npm_contract(POOL), leg.pool)
    tokens = [str(pool.token0()), str(pool.token1())]
    other = tokens[0] if tokens[1] == asset else tokens[1]
    return (leg.pool, other, int(pool.fee()), leg.feed)
