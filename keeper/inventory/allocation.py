"""Where the vault's capital should be: owed redemptions first, then targets, within the caps."""

from dataclasses import dataclass

from keeper.domain.orders import Transfer
from keeper.domain.settings import AllocationSettings
from keeper.domain.units import BPS, PPM

__all__ = ["Capital", "plan_transfers"]

_OVERWEIGHT_DIVISOR = 5  # a leg comes home when it exceeds its target by a fifth
_UNDERWEIGHT_DIVISOR = 50  # and is topped up when it lacks a fiftieth: less is noise of prices


@dataclass(frozen=True, slots=True)
class Capital:
    """The vault's capital in asset units, at one observation.

    `clob` is venue equity plus what is on its way there; `clob_homing` was asked home and has not
    arrived; `pools` are (adapter, value at the mark), `stuck` those that give nothing back now;
    `outgoing` are allocations under way.
    """

    nav: int
    idle: int
    owed: int
    outgoing: int
    clob: int
    clob_homing: int
    pools: tuple[tuple[str, int], ...]
    venue_cap_bps: int
    min_on_chain_bps: int
    stuck: frozenset[str] = frozenset()


def plan_transfers(capital: Capital, settings: AllocationSettings) -> tuple[Transfer, ...]:
    """Return the moves wanted now: negative ones bring assets home, positive ones send them out."""
    if capital.nav <= 0:
        return ()
    spare = capital.idle - capital.owed - capital.outgoing
    if spare < 0:
        return _bring_home(capital, settings, -spare)
    return _overweight(capital, settings) + _send_out(capital, settings, spare)


def _targets(capital: Capital, settings: AllocationSettings) -> tuple[int, int]:
    """Targets of the CLOB and of each pool once what is owed has left."""
    staying = max(0, capital.nav - capital.owed)
    count = max(1, len(capital.pools))
    return staying * settings.clob_target_ppm // PPM, staying * settings.pool_target_ppm // (
        PPM * count
    )


def _bring_home(
    capital: Capital, settings: AllocationSettings, shortage: int
) -> tuple[Transfer, ...]:
    """Cover a shortage beyond what is on its way: pools first, for they pay within minutes.

    Then the CLOB, which takes the treasurer and a bridge; a stuck pool is counted on last.
    """
    need = shortage - capital.clob_homing
    at_venue = max(0, capital.clob - capital.clob_homing)
    able = [leg for leg in capital.pools if leg[0] not in capital.stuck]
    unable = [leg for leg in capital.pools if leg[0] in capital.stuck]
    moves: list[Transfer] = []
    venue = () if settings.clob_adapter is None else ((settings.clob_adapter, at_venue),)
    for adapter, value in (*able, *venue, *unable):
        part = min(need, value)
        if part > 0:
            moves.append(Transfer(adapter=adapter, assets=-part))
            need -= part
    return tuple(moves)


def _overweight(capital: Capital, settings: AllocationSettings) -> tuple[Transfer, ...]:
    if settings.clob_adapter is None:
        return ()
    clob_target, _ = _targets(capital, settings)
    excess = capital.clob - capital.clob_homing - clob_target
    if excess < settings.min_move_assets or excess * _OVERWEIGHT_DIVISOR <= clob_target:
        return ()
    return (Transfer(adapter=settings.clob_adapter, assets=-excess),)


def _send_out(capital: Capital, settings: AllocationSettings, spare: int) -> tuple[Transfer, ...]:
    clob_target, pool_target = _targets(capital, settings)
    on_chain = capital.idle - capital.outgoing + sum(value for _, value in capital.pools)
    cap_room = capital.nav * capital.venue_cap_bps // BPS - capital.clob
    chain_room = on_chain - -(-capital.nav * capital.min_on_chain_bps // BPS)
    wanted = min(clob_target - (capital.clob - capital.clob_homing), cap_room, chain_room, spare)
    moves: list[Transfer] = []
    least = max(1, settings.min_move_assets, clob_target // _UNDERWEIGHT_DIVISOR)
    if settings.clob_adapter is not None and wanted >= least:
        moves.append(Transfer(adapter=settings.clob_adapter, assets=wanted))
        spare -= wanted
    for adapter, value in capital.pools:
        wanted = min(pool_target - value, spare)
        if wanted >= max(1, settings.min_move_assets, pool_target // _UNDERWEIGHT_DIVISOR):
            moves.append(Transfer(adapter=adapter, assets=wanted))
            spare -= wanted
    return tuple(moves)
