"""What a market's quotes are placed around: oracle, own book and leader, or why there is none."""

import msgspec

from keeper.core.state import LeaderState, MarketState, State
from keeper.domain.approval import Refused
from keeper.domain.events import LeaderQuoted
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import LeaderSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM
from keeper.markets.book import Book
from keeper.markets.reference import PPB, composite, drifted_basis, microprice, without_basis

__all__ = [
    "LEADER_SOURCE_PREFIX",
    "Around",
    "leader_price",
    "learn_basis",
    "others_top",
    "reference_of",
    "take_leader",
]

LEADER_SOURCE_PREFIX = "leader"
"""Sources named so feed the reference price only; what their loss means is set per market."""

_PPB_PER_PPM = PPB // PPM
_LEADER_DECIMALS = 8


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Price to quote around (oracle units; None: the oracle itself) and how much farther out."""

    price: int | None = None
    confidence_ppm: int = 0
    widen_ppm: int = 0


_ORACLE = Around()


def reference_of(
    state: State, ticker: str, market: MarketState
) -> tuple[Around | None, list[Refused]]:
    """Return what to quote around, and why wider or not at all (None).

    Asked of a market whose oracle and book are fresh.
    """
    settings = None if market.settings is None else market.settings.leader
    if settings is None or settings.weight_ppm == 0 or market.listing is None:
        return _ORACLE, []
    noted: list[Refused] = []
    sources = [(market.oracle_price, PPM - settings.weight_ppm - settings.venue_weight_ppm)]
    widen_ppm = 0
    age_ms = _age_ms(state, market.leader)
    if 0 <= age_ms <= settings.max_age_ms and market.leader.basis_t_ns >= 0:
        basis_ppm = abs(market.leader.basis_ppb) // _PPB_PER_PPM
        if basis_ppm > settings.max_basis_ppm:
            return None, [_refused("LEADER_BASIS", ticker, settings.max_basis_ppm, basis_ppm)]
        sources.append((_unbiased(market.leader, settings, market.listing), settings.weight_ppm))
    else:
        noted.append(_refused("STALE_LEADER", ticker, settings.max_age_ms, age_ms))
        if settings.on_missing == "pull":
            return None, noted
        widen_ppm = settings.missing_widen_ppm
    if settings.venue_weight_ppm:
        sources += _own_book(state, ticker, market, settings.venue_weight_ppm)
    return _judged(ticker, settings, sources, widen_ppm, noted)


def take_leader(market: MarketState, event: LeaderQuoted, t_ns: int) -> bool:
    """Take the leader's newest quote; an empty or crossed one makes the leader unknown.

    Tells whether it was taken: not if a newer one is known. The newest one told again is fresh
    again: the feed has made sure that it still stands.
    """
    leader = market.leader
    if event.source == leader.source and event.source_seq < leader.seq:
        return False
    leader.source, leader.seq = event.source, event.source_seq
    leader.bid_e8, leader.ask_e8 = event.bid_e8, event.ask_e8
    if not 0 < event.bid_e8 < event.ask_e8 or event.bid_size_e8 + event.ask_size_e8 <= 0:
        leader.t_ns = -1
        return True
    leader.t_ns = t_ns
    leader.price_e8 = microprice(event.bid_e8, event.bid_size_e8, event.ask_e8, event.ask_size_e8)
    if leader.basis_t_ns < 0:
        learn_basis(market, t_ns)
    return True


def leader_price(state: State, market: MarketState, listing: PerpetualMarket) -> int:
    """The leader's microprice in the oracle's unit, down; 0 without one, unknown or too old."""
    settings = None if market.settings is None else market.settings.leader
    if settings is None or market.leader.t_ns < 0:
        return 0
    if state.t_ns - market.leader.t_ns > settings.max_age_ms * NS_PER_MS:
        return 0
    return _in_oracle_units(market.leader.price_e8, settings.base_units, listing)


def learn_basis(market: MarketState, t_ns: int) -> None:
    """Sample leader against oracle, where both are fresh; called at each new oracle price.

    A time of -1 (unknown) is older than any greatest age.
    """
    settings = None if market.settings is None else market.settings
    leader, listing = market.leader, market.listing
    if settings is None or settings.leader is None or listing is None:
        return
    if market.oracle_price <= 0:
        return
    if t_ns - leader.t_ns > settings.leader.max_age_ms * NS_PER_MS:
        return
    if t_ns - market.oracle_t_ns > settings.oracle_max_age_ms * NS_PER_MS:
        return
    price = _in_oracle_units(leader.price_e8, settings.leader.base_units, listing)
    sample = price * PPB // market.oracle_price - PPB
    if leader.basis_t_ns < 0:
        leader.basis_ppb = sample
    else:
        constant_ns = settings.leader.basis_seconds * NS_PER_SECOND
        elapsed_ns = t_ns - leader.basis_t_ns
        leader.basis_ppb = drifted_basis(leader.basis_ppb, sample, elapsed_ns, constant_ns)
    leader.basis_t_ns = t_ns


def _judged(
    ticker: str,
    settings: LeaderSettings,
    sources: list[tuple[int, int]],
    widen_ppm: int,
    noted: list[Refused],
) -> tuple[Around | None, list[Refused]]:
    """Hold the sources' distance against both bands."""
    weighted = [source for source in sources if source[1]]
    if not weighted:
        return Around(widen_ppm=widen_ppm), noted
    price, confidence_ppm = composite(weighted)
    if confidence_ppm > settings.pull_band_ppm:
        refused = _refused("REFERENCE_APART", ticker, settings.pull_band_ppm, confidence_ppm)
        return None, [*noted, refused]
    if confidence_ppm > settings.band_ppm:
        noted.append(_refused("REFERENCE_WIDE", ticker, settings.band_ppm, confidence_ppm))
        widen_ppm += confidence_ppm - settings.band_ppm
    return Around(price=price, confidence_ppm=confidence_ppm, widen_ppm=widen_ppm), noted


def _age_ms(state: State, leader: LeaderState) -> int:
    """Age of the leader's quote in milliseconds; -1 while it is unknown."""
    return -1 if leader.t_ns < 0 else (state.t_ns - leader.t_ns) // NS_PER_MS


def _unbiased(leader: LeaderState, settings: LeaderSettings, listing: PerpetualMarket) -> int:
    price = _in_oracle_units(leader.price_e8, settings.base_units, listing)
    return without_basis(price, leader.basis_ppb)


def _in_oracle_units(price_e8: int, base_units: int, listing: PerpetualMarket) -> int:
    """Convert a price of `base_units` in 1e-8 to the oracle's unit, down."""
    shift = -listing.oracle_exponent - _LEADER_DECIMALS
    if shift >= 0:
        scaled: int = price_e8 * 10**shift // base_units
        return scaled
    divisor: int = base_units * 10**-shift
    return price_e8 // divisor


def others_top(state: State, ticker: str, market: MarketState) -> tuple[int, int, int, int] | None:
    """Best bid, its size, best ask, its size of the market's book without our own orders.

    None where only we quote a side, or what is left is crossed.
    """
    ours = _own_sizes(state, ticker)
    bids, asks = _others(market.book, ours, Side.BUY), _others(market.book, ours, Side.SELL)
    if not bids or not asks:
        return None
    bid, ask = max(bids), min(asks)
    return (bid, bids[bid], ask, asks[ask]) if bid < ask else None


def _own_book(
    state: State, ticker: str, market: MarketState, weight_ppm: int
) -> list[tuple[int, int]]:
    """The venue's microprice without our own orders; nothing where only we quote a side."""
    found = None if market.listing is None else others_top(state, ticker, market)
    if found is None or market.listing is None:
        return []
    return [(market.listing.oracle_price_down(microprice(*found)), weight_ppm)]


def _own_sizes(state: State, ticker: str) -> dict[tuple[Side, int], int]:
    sizes: dict[tuple[Side, int], int] = {}
    for order in state.orders.working.values():
        if order.market == ticker:
            for subticks in order.may_rest_at(state.height):
                key = (order.side, subticks)
                sizes[key] = sizes.get(key, 0) + order.remaining
    return sizes


def _others(book: Book, ours: dict[tuple[Side, int], int], side: Side) -> dict[int, int]:
    """Levels of a side less what may rest there of ours."""
    levels = book.bids if side is Side.BUY else book.asks
    left = ((subticks, size - ours.get((side, subticks), 0)) for subticks, size in levels.items())
    return {subticks: size for subticks, size in left if size > 0}


def _refused(code: str, ticker: str, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=ticker, limit=limit, value=value)
