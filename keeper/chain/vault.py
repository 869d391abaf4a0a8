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
    "AssetFeed",
    "VaultReader",
    "open_vault",
]

STATES: Final = ("OPEN", "CUT", "WINDDOWN")
_VAULT_VIEWS: Final = (
    *("state", "cut", "nextCutTime", "idle", "acceptedNav", "redeemQueue"),
    *("totalSupply", "virtualShares", "depositQueue", "lastSettledAt"),
)
_MANDATE_VIEWS: Final = ("limits", "refilledAt", "pausedUntil", "keeper")
_ADAPTER_VIEWS: Final = ("isAttested", "sent", "returned", "value")
"""Of IAdapter, the same on every adapter."""
_OF_MANDATE: Final = len(_VAULT_VIEWS)
_HEAD: Final = _OF_MANDATE + len(_MANDATE_VIEWS)
_PER_ADAPTER: Final = len(_ADAPTER_VIEWS)


@dataclass(frozen=True, slots=True)
class AssetFeed:
    """A feed of the price of the vault's asset, and the decimals it answers with."""

    address: str
    decimals: int


@dataclass(frozen=True, slots=True)
class VaultReader:
    """One vault; `adapters` as the configuration spells them, so that observations match it.

    Those in `clob_adapters` are asked for what was ever requested home as well; `asset_feed` for
    the price of the vault's asset, where there is one. `account` is who sends, empty where nobody
    does.
    """

    rpc: JsonRpc
    vault: str
    mandate: str
    adapters: tuple[str, ...]
    clob_adapters: tuple[str, ...]
    asset_feed: AssetFeed | None = None
    account: str = ""

    def _calls(self) -> list[Call]:
        calls = [view("MarketMakingVault", self.vault, name) for name in _VAULT_VIEWS]
        calls += [view("Mandate", self.mandate, name) for name in _MANDATE_VIEWS]
        for adapter in self.adapters:
            calls += [view("ClobAdapter", adapter, name) for name in _ADAPTER_VIEWS]
        calls += [view("ClobAdapter", a, "returnRequested") for a in self.clob_adapters]
        if self.asset_feed is not None:
            calls.append(view("IAggregatorV3", self.asset_feed.address, "latestRoundData"))
        return calls

    async def observe(self, block: Block) -> VaultObserved:
        """Read everything at the block. Raises ChainUnavailable, CallReverted, WireError."""
        answers = await read_at(self.rpc, block, self._calls())
        (state,), (cut,), (next_cut,), (idle,), (nav,), (queue,) = answers[:6]
        (supply,), (virtual,), (deposits,), (settled,) = answers[6:_OF_MANDATE]
        (limits,), (refilled_at,), (paused_until,), (keeper,) = answers[_OF_MANDATE:_HEAD]
        tail = _HEAD + _PER_ADAPTER * len(self.adapters)
        rest = tail + len(self.clob_adapters)
        asked = dict(zip(self.clob_adapters, (int(a[0]) for a in answers[tail:rest]), strict=True))
        feed = self.asset_feed
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
            asset_price=0 if feed is None else answers[rest][1],
            asset_price_decimals=0 if feed is None else feed.decimals,
            asset_priced_at=0 if feed is None else answers[rest][3],
            other_keeper="" if self._is_ours(keeper) else checksum(keeper),
        )

    def _is_ours(self, keeper: str) -> bool:
        return self.account.lower() in ("", keeper.lower())

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
    rpc: JsonRpc,
    vault: str,
    configured: tuple[str, ...],
    clob_adapters: tuple[str, ...],
    asset_feed: str | None = None,
    *,
    account: str = "",
) -> VaultReader:
    """Find the mandate and the adapters, in wiring order, spelt as configured where they are.

    Raises ChainUnavailable, CallReverted, WireError.
    """
    calls = [view("MarketMakingVault", vault, name) for name in ("mandate", "adapters")]
    (mandate,), (adapters,) = await read_at(rpc, "latest", calls)
    spelt = {address.lower(): address for address in configured}
    known = tuple(spelt.get(address.lower(), checksum(address)) for address in adapters)
    feed = None if asset_feed is None else await _open_feed(rpc, asset_feed)
    return VaultReader(rpc, vault, checksum(mandate), known, clob_adapters, feed, account)


async def _open_feed(rpc: JsonRpc, address: str) -> AssetFeed:
    ((decimals,),) = await read_at(rpc, "latest", [view("IAggregatorV3", address, "decimals")])
    return AssetFeed(address, decimals)
