"""Creates one vault by the factory's stages, each recorded before the next is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ape import chain, project
from ape.contracts import ContractContainer, ContractInstance

from scripts._deploy.book import ArgumentsChanged
from scripts._deploy.chain import Deployer, npm_contract
from scripts._deploy.factory import Plan, deploy_factory, init_code, limits_of, plan_of
from scripts._deploy.params import ProtocolParams

__all__ = ["StageUnknown", "deploy_protocol", "raise_observations"]

POOL = "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json"
OBSERVATIONS_PER_CALL = 500  # about 11 million gas, a third of a block
ZERO = "0x" + "0" * 40


class StageUnknown(RuntimeError):
    """The factory ran a stage of this plan, and the node has no event that says in which block."""


def deploy_protocol(deployer: Deployer, params: ProtocolParams) -> None:
    """Deploy what the record lacks: the factory, then a vault by its stages; deepen pools' oracles.

    A stage that somebody else ran, or that was cut off before it was recorded, is recorded and not
    repeated. Raises StageUnknown, FactoryForeign, the factory's own refusals of a plan, and what
    `Deployer.contract` raises.
    """
    factory = deploy_factory(deployer, params.uniswap_v3_factory)
    creation = Creation(deployer, factory, plan_of(deployer, params))
    creation.require_same_place()
    vault = creation.vault(creation.timelock())
    creation.reporter(vault)
    for number, leg in enumerate(params.uniswap_v3):
        arguments = [str(vault.address), leg.pool, leg.feed, list(limits_of(leg))]
        name = f"uniswap_v3.{leg.name}"
        adapter = creation.adapter(number, (name, project.UniswapV3Adapter), arguments)
        raise_observations(deployer, adapter, leg.min_observations)
    for number, route in enumerate(params.clob, len(params.uniswap_v3)):
        arguments = [str(vault.address), route.route]
        creation.adapter(number, (f"clob.{route.name}", project.ClobAdapter), arguments)
    creation.wire()


def raise_observations(deployer: Deployer, adapter: ContractInstance, wanted: int) -> None:
    """Grow the pool's oracle to `wanted` observations, a bounded number per transaction."""
    pool = deployer.at(npm_contract(POOL), str(adapter.pool()))
    kept = pool.slot0().observationCardinalityNext
    while kept < wanted:
        kept = min(kept + OBSERVATIONS_PER_CALL, wanted)
        adapter.raiseObservations(kept, sender=deployer.account)


@dataclass(frozen=True, slots=True)
class Creation:
    """The stages of one plan, each run once whoever runs it."""

    deployer: Deployer
    factory: ContractInstance
    plan: Plan

    @property
    def id(self) -> bytes:
        """The plan's name."""
        return bytes(self.factory.idOf(self.plan.as_tuple()))

    @property
    def made(self) -> Any:
        """What the factory has deployed of it so far."""
        return self.factory.creation(self.id)

    def require_same_place(self) -> None:
        """Compare the record with where the plan's timelock and vault will be.

        Raises ArgumentsChanged: the record is of another plan, whose vault may hold money.
        """
        codes = (init_code(project.VaultTimelock), init_code(project.MarketMakingVault))
        predicted = self.factory.predict(self.plan.as_tuple(), *codes)
        for name, address in (("timelock", predicted.timelock), ("vault", predicted.vault)):
            entry = self.deployer.book.entries.get(name)
            if entry is not None and entry.address != address:
                raise ArgumentsChanged(
                    f"{name} is at {entry.address}, of these parameters it would be at {address}: "
                    "take back what was changed, or name another record"
                )

    def timelock(self) -> ContractInstance:
        """Run the first stage: the owner."""
        plan = self.plan
        return self._stage(
            ("timelock", project.VaultTimelock),
            ("createTimelock", "CreateTimelock", 0),
            lambda: str(self.made.timelock),
            [plan.delay, plan.multisig],
        )

    def vault(self, timelock: ContractInstance) -> ContractInstance:
        """Run the second stage; record what the vault's constructor created with it."""
        arguments = _plain(self.plan.vault_arguments(str(timelock.address)))
        vault = self._stage(
            ("vault", project.MarketMakingVault),
            ("createVault", "CreateVault", 0),
            lambda: str(self.made.vault),
            arguments,
        )
        at = str(vault.address)
        self._inner("silo", project.RequestSilo, vault.silo(), [self.plan.asset])
        self._inner("legs", project.Legs, vault.legs(), [])
        self._inner("wind_down", project.WindDown, vault.windDown(), [])
        self._inner("mandate", project.Mandate, vault.mandate(), [at, arguments[-1]])
        mandate = self.deployer.at(project.Mandate, str(vault.mandate()))
        self._inner("stake", project.KeeperStake, mandate.keeperStake(), [at])
        return vault

    def reporter(self, vault: ContractInstance) -> ContractInstance:
        """Run the third stage."""
        plan = self.plan
        return self._stage(
            ("reporter", project.NavReporter),
            ("createReporter", "CreateReporter", 0),
            lambda: str(self.made.reporter),
            [str(vault.address), list(plan.reporters), plan.quorum],
        )

    def adapter(
        self, number: int, what: tuple[str, ContractContainer], arguments: list[Any]
    ) -> ContractInstance:
        """Run the stage of the `number`th adapter, pools before routes."""

        def made() -> str:
            adapters = self.made.adapters
            return str(adapters[number]) if number < len(adapters) else ZERO

        of_pool = number < len(self.plan.pool_limits)
        stage = "createUniswapV3Adapter" if of_pool else "createClobAdapter"
        return self._stage(what, (stage, "CreateAdapter", number), made, arguments)

    def wire(self) -> None:
        """Run the last stage: the vault is put together and listed."""
        if not self.made.wired:
            self.factory.wire(self.plan.as_tuple(), sender=self.deployer.account)

    def _stage(
        self,
        what: tuple[str, ContractContainer],
        stage: tuple[str, str, int],
        made: Callable[[], str],
        arguments: list[Any],
    ) -> ContractInstance:
        """Run a stage unless the factory has; record it unless the book has.

        `made` asks the factory for what the stage deployed, 0 before. Raises StageUnknown.
        """
        name, container = what
        call, event, number = stage
        kind = container.contract_type.name or name
        known = self.deployer.book.known(name, kind, _plain(arguments))
        if known is not None:
            return self.deployer.at(container, known.address)
        if made() == ZERO:
            code = init_code(container)
            receipt = getattr(self.factory, call)(
                self.plan.as_tuple(), code, sender=self.deployer.account
            )
            made_by = (str(receipt.txn_hash), int(receipt.block_number))
        else:
            made_by = self._logged(event, number)
        address = made()
        self.deployer.record(name, container, address, made_by, _plain(arguments))
        return self.deployer.at(container, address)

    def _logged(self, event: str, number: int) -> tuple[str, int]:
        """Transaction and block of the `number`th such event of this plan. Raises StageUnknown."""
        first = self.deployer.book.entries["factory"].block
        last = chain.blocks.head.number or 0
        emitted = getattr(self.factory, event).range(first, last + 1)
        found = [log for log in emitted if bytes(log.event_arguments["id"]) == self.id]
        if len(found) <= number:
            raise StageUnknown(f"{self.factory.address}: no {event} of 0x{self.id.hex()}")
        return str(found[number].transaction_hash), int(found[number].block_number)

    def _inner(self, name: str, kind: ContractContainer, address: Any, args: list[Any]) -> None:
        """Record what the vault's constructor created, under the vault's own transaction."""
        if self.deployer.book.known(name, kind.contract_type.name or name, args) is None:
            made_by = self.deployer.book.entries["vault"]
            self.deployer.record(name, kind, str(address), (made_by.tx, made_by.block), args)


def _plain(value: Any) -> Any:
    """Return arguments as a record gives them back."""
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
