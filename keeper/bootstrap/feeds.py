"""Builds the feeds that are only watched: the leader's books."""

from keeper.config.model import Config
from keeper.feeds.binance.leader import BinanceLeader
from keeper.feeds.binance.settings import BinanceSettings
from keeper.feeds.binance.wire import BinanceMarket
from keeper.ports import Clock, EventSource

__all__ = ["leader_sources"]


def leader_sources(config: Config, clock: Clock) -> tuple[EventSource, ...]:
    """Return the source of every market's leader: one connection, or none without [leader]."""
    section = config.leader
    if section is None:
        return ()
    markets = {
        market.leader.symbol: market.ticker
        for market in config.markets
        if market.leader is not None
    }
    settings = BinanceSettings(
        market=BinanceMarket(section.kind.removeprefix("binance-")),
        ws_url=section.ws_url,
        rest_url=section.rest_url,
        symbols=tuple(markets),
        deadline_ms=section.query_deadline_ms,
    )
    return (BinanceLeader(settings, markets, section.pace_ms, clock),)
