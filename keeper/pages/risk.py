"""A keeper's limits, phase and what stands against resuming, for `keeper risk`."""

from typing import Any

import msgspec

from keeper.core.pool_cuts import cuts
from keeper.core.state import State
from keeper.core.stops import standing_breaches
from keeper.core.usage import fullest_first, usage
from keeper.domain.approval import Refused
from keeper.domain.settings import params_hash

__all__ = ["risk_of"]


def risk_of(state: State) -> dict[str, Any]:
    """Return a JSON-ready account of the limits, the fullest first, as of the last event.

    `since_ns` and `cause` are None for a phase that never changed; `standing` are the stops that
    would trip again at once; `cuts` are limits that keep a pool's tokens out of its range.
    """
    settings, turn = state.settings, state.guard.turn
    rows = () if settings is None else usage(state, settings)
    changed = turn.t_ns >= 0
    return {
        "phase": state.guard.phase.value,
        "since_ns": turn.t_ns if changed else None,
        "cause": {
            "code": turn.code,
            "limit": turn.limit,
            "value": turn.value,
            "operator": turn.operator,
            "reason": turn.reason,
        }
        if changed
        else None,
        "standing": [
            {"code": entry.code, "limit": entry.limit, "value": entry.value}
            for entry in _standing(state)
        ],
        "paused": sorted(ticker for ticker, market in state.markets.items() if market.paused),
        "cuts": [msgspec.structs.asdict(cut) for cut in cuts(state)],
        "mode": state.mode,
        "network": state.venue_chain_id,
        "run": state.run,
        "seq": state.seq,
        "t_ns": state.t_ns,
        "params_hash": params_hash(settings) if settings is not None else "",
        "limits": [
            {
                "code": row.code,
                "scope": row.scope,
                "limit": row.limit,
                "value": row.value,
                "unit": row.unit,
                "used_ppm": row.used_ppm,
            }
            for row in fullest_first(rows)
        ],
    }


def _standing(state: State) -> list[Refused]:
    vault, settings = state.chain.vault, state.settings
    found = [] if settings is None else standing_breaches(state, settings.limits)
    if vault is not None and vault.state == "WINDDOWN":
        found.append(Refused(code="WIND_DOWN", subject="vault", limit=0, value=1))
    if vault is not None and vault.other_keeper:
        found.append(Refused(code="NOT_KEEPER", subject="vault", limit=0, value=1))
    return found
