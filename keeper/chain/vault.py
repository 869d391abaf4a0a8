"""Reads the vault and its adapters' flows at one block."""

from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import Block, Call, read_at, view
from keeper.chain.codec import checksum
from keeper.chain.rpc import JsonRpc
from keeper.domain.events import AdapterState, VaultObserved
from keeper.domain.units import mul_div_up

__all__ = [
    "STATES",
    "VaultReader",
    "open_vault",
]

STATES: Final = ("OPEN", "CUT", "WINDDOWN")
_VAULT_VIEWS: Final = (
    *("state", "cut", "nextCutTime", "idle", "acceptedNav", "redeemQueue"),
    *("totalSupply", "virtualShares", "depositQueue", "lastSettledAt"),
)
_MANDATE_VIEWS: Final = ("limits", "refilledAt", "pausedUntil")
_ADAPTER_VIEWS: Final = ("isAttested", "sent", "returned", "value")
"""Of IAdapter, the same on every adapter."""
_OF_MANDATE: Final = len(_VAULT_VIEWS)
_HEAD: Final = _OF_MANDATE + len(_MANDATE_VIEWS)
_PER_ADAPTER: Final = len(_ADAPTER_VIEWS)


@dataclass(frozen=True, slots=True)
class VaultReader:
    """One vault; `adapters` as the configuration spells them, so that observations match it.

    Those in `clob_adapters` are asked for what was ever requested home as well.
    """

    rpc: JsonRpc
    vault: str
    mandate: str
    adapters: tuple[str, ...]
    clob_adapters: tuple[str, ...]

    def _calls(self) -> list[Call]:
        calls = [view("MarketMakingVault", self.vault, name) for name in _VAULT_VIEWS]
        calls += [view("Mandate", self.mandate, name) for name in _MANDATE_VIEWS]
        for adapter in self.adapters:
            calls += [view("ClobAdapter", adapter, name) for name in _ADAPTER_VIEWS]
        calls += [view("ClobAdapter", a, "returnRequested") for a in self.clob_adapters]
        return calls

    async def observe(self, block: Block) -> VaultObserved:
        """Read everything at the block. Raises ChainUnavailable, CallReverted, WireError."""
        answers = await read_at(self.rpc, block, self._calls())
        (state,), (cut,), (next_cut,), (idle,), (nav,), (queue,) = answers[:6]
        (supply,), (virtual,), (deposits,), (settled,) = answers[6:_OF_MANDATE]
        (limits,), (refilled_at,), (paused_until,) = answers[_OF_MANDATE:_HEAD]
        tail = _HEAD + _PER_ADAPTER * len(self.adapters)
        asked = dict(zip(self.clob_adapters, (int(a[0]) for a in answers[tail:]), strict=True))
        return VaultObserved(
            block_number=block.number,
            block_hash=block.hash,
            block_timestamp=block.timestamp,
            state=STATES[state],
            epoch=cut[0],
            next_cut_at=next_cut,
            cut_at=cut[1],
            last_settled_at=settled,
            supply=supply,
            deposits_waiting=deposits[0] + deposits[1],
            idle=idle,
            accepted_nav=nav,
            owed_assets=mul_div_up(queue[0] + queue[1], nav + 1, supply + virtual),
            venue_cap_bps=limits[1],
            min_on_chain_bps=limits[2],
            adapters=tuple(
                self._adapter(adapter, asked.get(adapter, 0), answers[first : first + _PER_ADAPTER])
                for adapter, first in zip(
                    self.adapters, range(_HEAD, tail, _PER_ADAPTER), strict=True
                )
            ),
            losses_refilled_at=refilled_at,
            paused_until=paused_until,
        )

    @staticmethod
    def _adapter(adapter: str, requested: int, answers: list[tuple[int, ...]]) -> AdapterState:
        (attested,), (sent,), (returned,), (bid, ask) = answers
        return AdapterState(
            adapter=adapter,
            attested=bool(attested),
            sent=sent,
            returned=returned,
            requested=requested,
            value_bid=bid,
            value_ask=ask,
        )


async def open_vault(
    rpc: JsonRpc, vault: str, configured: tuple[str, ...], clob_adapters: tuple[str, ...]
) -> VaultReader:
    """Find the mandate and the adapters, in wiring order, spelt as configured where they are.

    Raises ChainUnavailable, CallReverted, WireError.
    """
    calls = [view("MarketMakingVault", vault, name) for name in ("mandate", "adapters")]
    (mandate,), (adapters,) = await read_at(rpc, "latest", calls)
    spelt = {address.lower(): address for address in configured}
    known = tuple(spelt.get(address.lower(), checksum(address)) for address in adapters)
    return VaultReader(rpc, vault, checksum(mandate), known, clob_adapters)
