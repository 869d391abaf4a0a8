"""Reads the vault and its adapters' flows at one block."""

from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import Block, Call, read_at, view
from keeper.chain.codec import checksum
from keeper.chain.rpc import JsonRpc
from keeper.domain.events import AdapterState, VaultObserved
from keeper.domain.units import mul_div_up

__all__ = [
    "EPOCH_SECONDS",
    "REPORT_WINDOW_SECONDS",
    "STATES",
    "VaultReader",
    "known_adapters",
]

STATES: Final = ("OPEN", "CUT", "WINDDOWN")
EPOCH_SECONDS: Final = 86_400
REPORT_WINDOW_SECONDS: Final = 6 * 3_600
"""Of contracts/libraries/Constants.sol: no deployment may change them, no view tells them."""
_VAULT_VIEWS: Final = (
    *("state", "cut", "nextCutTime", "idle", "acceptedNav", "redeemQueue"),
    *("totalSupply", "virtualShares", "limits"),
)
_ADAPTER_VIEWS: Final = ("isAttested", "sent", "returned", "value")
"""Of IAdapter, the same on every adapter."""


@dataclass(frozen=True, slots=True)
class VaultReader:
    """One vault; `adapters` as the configuration spells them, so that observations match it."""

    rpc: JsonRpc
    vault: str
    adapters: tuple[str, ...]

    def _calls(self) -> list[Call]:
        calls = [view("MarketMakingVault", self.vault, name) for name in _VAULT_VIEWS]
        for adapter in self.adapters:
            calls += [view("ClobAdapter", adapter, name) for name in _ADAPTER_VIEWS]
        return calls

    async def observe(self, block: Block) -> VaultObserved:
        """Read everything at the block. Raises ChainUnavailable, CallReverted, WireError."""
        answers = await read_at(self.rpc, block, self._calls())
        (state,), (cut,), (next_cut,), (idle,), (nav,), (queue,) = answers[:6]
        (supply,), (virtual,), (limits,) = answers[6:9]
        return VaultObserved(
            block_number=block.number,
            block_hash=block.hash,
            block_timestamp=block.timestamp,
            state=STATES[state],
            epoch=cut[0],
            next_cut_at=next_cut,
            idle=idle,
            accepted_nav=nav,
            owed_assets=mul_div_up(queue[0] + queue[1], nav + 1, supply + virtual),
            venue_cap_bps=limits[1],
            min_on_chain_bps=limits[2],
            adapters=tuple(
                self._adapter(adapter, answers[9 + 4 * i : 13 + 4 * i])
                for i, adapter in enumerate(self.adapters)
            ),
        )

    @staticmethod
    def _adapter(adapter: str, answers: list[tuple[int, ...]]) -> AdapterState:
        (attested,), (sent,), (returned,), (bid, ask) = answers
        return AdapterState(
            adapter=adapter,
            attested=bool(attested),
            sent=sent,
            returned=returned,
            value_bid=bid,
            value_ask=ask,
        )


async def known_adapters(rpc: JsonRpc, vault: str, configured: tuple[str, ...]) -> tuple[str, ...]:
    """List the vault's adapters in wiring order, spelt as configured where they are.

    Raises ChainUnavailable, CallReverted, WireError.
    """
    ((found,),) = await read_at(rpc, "latest", [view("MarketMakingVault", vault, "adapters")])
    spelt = {address.lower(): address for address in configured}
    return tuple(spelt.get(address.lower(), checksum(address)) for address in found)
