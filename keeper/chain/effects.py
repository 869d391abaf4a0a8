"""What our transactions moved in the adapters, read from the logs of their receipts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from keeper.chain.event_logs import Log, logs_of_receipt
from keeper.domain.events import AdapterEffect

__all__ = ["effects_of"]


def effects_of(
    receipt: Mapping[str, Any], adapters: Mapping[str, str]
) -> tuple[AdapterEffect, ...]:
    """Return the adapters' events of a receipt in their order.

    `adapters` gives the configured spelling of each adapter by its lower-case address; what other
    contracts logged is none of ours. Raises WireError.
    """
    found = []
    for address, log in logs_of_receipt(receipt, _CONTRACTS, tuple(_READERS)):
        adapter = adapters.get(address.lower())
        if adapter is not None:
            found.append(_READERS[log.event](adapter, log))
    return tuple(found)


def _effect(adapter: str, log: Log, kind: str, **values: int) -> AdapterEffect:
    return AdapterEffect(log_index=log.index, adapter=adapter, kind=kind, **values)


def _range(log: Log, sign: int) -> dict[str, int]:
    values = log.values
    return {
        "tick_lower": values["tickLower"],
        "tick_upper": values["tickUpper"],
        "liquidity": values.get("liquidity", 0),
        "amount0": sign * values["amount0"],
        "amount1": sign * values["amount1"],
    }


def _swap(adapter: str, log: Log) -> AdapterEffect:
    sold, bought = -log.values["amountIn"], log.values["amountOut"]
    amounts = (sold, bought) if log.values["zeroForOne"] else (bought, sold)
    return _effect(adapter, log, "swap", amount0=amounts[0], amount1=amounts[1])


def _deallocate(adapter: str, log: Log) -> AdapterEffect:
    asked, returned = log.values["assets"], log.values["assetsReturned"]
    return _effect(adapter, log, "deallocate", requested=asked, assets=-returned)


_READERS: Final[dict[str, Callable[[str, Log], AdapterEffect]]] = {
    "MintRange": lambda adapter, log: _effect(adapter, log, "mint", **_range(log, -1)),
    "BurnRange": lambda adapter, log: _effect(adapter, log, "burn", **_range(log, 1)),
    "CollectFees": lambda adapter, log: _effect(adapter, log, "collect", **_range(log, 1)),
    "SwapExactIn": _swap,
    "Allocate": lambda adapter, log: _effect(adapter, log, "allocate", assets=log.values["assets"]),
    "Deallocate": _deallocate,
    "Sync": lambda adapter, log: _effect(adapter, log, "sync", assets=-log.values["assets"]),
}
_CONTRACTS: Final = ("UniswapV3Adapter", "ClobAdapter")
