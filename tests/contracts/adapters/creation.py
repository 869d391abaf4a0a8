"""Owns the plan of a vault as the factory takes it, and its stages."""

from dataclasses import dataclass, fields
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

__all__ = ["CODES", "MARKETS_TYPE", "Factory", "Plan", "init_code"]

CODES: Final = (
    *("VaultTimelock", "MarketMakingVault", "NavReporter", "UniswapV3Adapter", "ClobAdapter"),
)
MARKETS_TYPE: Final = "(string[],(address,address,uint24,address)[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan, as in the Solidity struct; `markets` is pairs and pools."""

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
        return tuple(getattr(self, entry.name) for entry in fields(self))

    @property
    def markets_hash(self) -> bytes:
        """What the mandate keeps, computed without the contract."""
        return keccak(encode([MARKETS_TYPE], [self.markets]))


def init_code(project: Any, name: str) -> bytes:
    """The code that a contract is created by, without arguments."""
    container = getattr(project, name)
    return bytes.fromhex(container.contract_type.deployment_bytecode.bytecode.removeprefix("0x"))


@dataclass(frozen=True, slots=True)
class Factory:
    """The factory and the code that its stages are given."""

    contract: Any
    project: Any
    sender: Any

    def code(self, name: str) -> bytes:
        return init_code(self.project, name)

    def stages(self, plan: Plan) -> list[tuple[str, tuple[Any, ...]]]:
        """Every stage of a plan in order, with its arguments."""
        named = [("createTimelock", "VaultTimelock"), ("createVault", "MarketMakingVault")]
        named += [("createReporter", "NavReporter")]
        named += [("createUniswapV3Adapter", "UniswapV3Adapter")] * len(plan.markets[1])
        named += [("createClobAdapter", "ClobAdapter")] * len(plan.routes)
        given = plan.as_tuple()
        return [*((stage, (given, self.code(name))) for stage, name in named), ("wire", (given,))]

    def run(self, plan: Plan, first: int = 0, last: int | None = None) -> list[Any]:
        """Run the stages from `first` up to, without, `last`; return their receipts."""
        return [
            getattr(self.contract, stage)(*arguments, sender=self.sender)
            for stage, arguments in self.stages(plan)[first:last]
        ]

    def made(self, plan: Plan) -> Any:
        return self.contract.creation(self.contract.idOf(plan.as_tuple()))

    def call(self, plan: Plan, number: int) -> dict[str, str]:
        """One stage as a call for the node itself."""
        stage, arguments = self.stages(plan)[number]
        data = getattr(self.contract, stage).encode_input(*arguments)
        return {"to": self.contract.address, "from": self.sender.address, "data": data.to_0x_hex()}
