"""Owns the canonical dump of the committed state: the same state gives the same bytes."""

import json
from typing import Any

from . import ledger
from .addresses import BRIDGE, FEE_COLLECTOR, INSURANCE
from .chain import Chain
from .model import Account, Perpetual, Subaccount
from .pools import CROSS, fund_of, isolated_markets, pool_address, rounding

__all__ = ["canonical_bytes", "state_dump"]

Json = dict[str, Any]


def _subaccount(account: Subaccount, unsettled: int) -> Json:
    return {
        "usdc": account.usdc,
        "unsettled_funding": unsettled,
        "positions": {
            str(market_id): {
                "quantums": held.quantums,
                "funding_index": held.funding_index,
                "quote_balance": held.quote_balance,
            }
            for market_id, held in account.positions.items()
        },
    }


def _account(account: Account) -> Json:
    return {
        "number": account.number,
        "sequence": account.sequence,
        "nonces": list(account.nonces),
        "ejected_nonce": account.ejected_nonce,
    }


def _perpetual(perpetual: Perpetual, price: int) -> Json:
    return {
        "funding_index": perpetual.funding_index,
        "open_interest": perpetual.open_interest,
        "oracle_price": price,
    }


def _resting(chain: Chain) -> list[Json]:
    return [
        {
            "subaccount": f"{order.id.subaccount.owner}/{order.id.subaccount.number}",
            "client_id": order.id.client_id,
            "market": market_id,
            "side": order.side.name,
            "subticks": order.subticks,
            "remaining": book.remaining(order),
            "good_til_block": order.good_til_block,
            "good_til_time": order.good_til_time,
        }
        for market_id, book in sorted(chain.clob.books.items())
        for order in book.orders.values()
    ]


def _pending(chain: Chain) -> list[Json]:
    return [
        {
            "market": match.market_id,
            "taker": f"{match.taker.id.subaccount.owner}/{match.taker.id.subaccount.number}",
            "maker": f"{match.maker.id.subaccount.owner}/{match.maker.id.subaccount.number}",
            "side": match.taker.side.name,
            "quantums": match.quantums,
            "quote": match.quote,
        }
        for match in chain.clob.pending
    ]


def _stateful(chain: Chain) -> list[Json]:
    return [
        {
            "subaccount": f"{order_id.subaccount.owner}/{order_id.subaccount.number}",
            "client_id": order_id.client_id,
            "flags": order_id.flags,
            "market": order_id.clob_pair_id,
            "triggered": found.triggered,
            "filled": chain.clob.filled(order_id),
        }
        for order_id, found in sorted(chain.state.stateful.items(), key=lambda item: item[0])
        if found.live
    ]


def _totals(chain: Chain, unsettled: int) -> Json:
    state = chain.state
    isolated = tuple(isolated_markets(state))
    pools = {each: state.bank.get(pool_address(each)) or 0 for each in (CROSS, *isolated)}
    return {
        "bridged_in": state.totals.get("bridged_in") or 0,
        "bridged_out": state.totals.get("bridged_out") or 0,
        "faucet_in": state.totals.get("faucet_in") or 0,
        "rounding": rounding(state) + sum(rounding(state, each) for each in isolated),
        "unsettled_funding": unsettled,
        "fee_collector": state.bank.get(FEE_COLLECTOR) or 0,
        "insurance": state.bank.get(INSURANCE) or 0,
        "isolated_insurance": {
            str(each): state.bank.get(fund_of(state, each)) or 0 for each in isolated
        },
        "collateral_pool": sum(pools.values()),
        "isolated_pools": {str(each): pools[each] for each in isolated},
        "bridge_account": state.bank.get(BRIDGE) or 0,
        "total_usdc": ledger.total_usdc(state),
    }


def state_dump(chain: Chain) -> Json:
    """Return the committed state, what rests on the books and which matches wait for the next
    block, in integers, keys sorted.

    `bank` lists wallets and module accounts; `totals.collateral_pool`, all pools
    together, equals what the subaccounts hold plus `rounding`; `total_usdc` equals bridged_in +
    faucet_in - bridged_out.
    """
    state = chain.state
    pending = {key: ledger.settled(state, account)[1] for key, account in state.subaccounts.items()}
    return {
        "height": chain.height,
        "time_ns": chain.block.time_ns,
        "block_hash": chain.block.hash.hex(),
        "bank": dict(sorted(state.bank.items())),
        "accounts": {key: _account(found) for key, found in sorted(state.accounts.items())},
        "subaccounts": {
            f"{key.owner}/{key.number}": _subaccount(account, pending[key])
            for key, account in sorted(state.subaccounts.items(), key=lambda item: item[0])
        },
        "perpetuals": {
            str(key): _perpetual(found, state.prices.get(key) or 0)
            for key, found in sorted(state.perpetuals.items())
        },
        "statuses": {str(key): found.status for key, found in sorted(state.markets.items())},
        "authenticators": {
            key: [[entry.id, entry.type, entry.config.hex()] for entry in entries]
            for key, entries in sorted(state.authenticators.items())
        },
        "resting": _resting(chain),
        "pending": _pending(chain),
        "stateful": _stateful(chain),
        "totals": _totals(chain, sum(pending.values())),
    }


def canonical_bytes(chain: Chain) -> bytes:
    """Return the dump as sorted JSON without spaces."""
    return json.dumps(state_dump(chain), sort_keys=True, separators=(",", ":")).encode()
