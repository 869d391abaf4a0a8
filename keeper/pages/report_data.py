"""What the report page shows: plain integers and strings, every unit in the field's name.

Whoever fills it reads from where the truth is (contracts, venue, journal) and passes it on as it
is; the page divides only to place a point on a chart. Suffixes: `_usdc_e6` 1e-6 USDC, `_e12`
1e-12, `_base_e9` 1e-9 of the base asset, `_s` unix seconds, `_ms` unix milliseconds, `_ppm`.
"""

import msgspec

__all__ = [
    "Check",
    "DataSource",
    "Event",
    "FillPoint",
    "FillSummary",
    "Figure",
    "Holder",
    "JournalParts",
    "MarketChart",
    "NavPart",
    "Parameter",
    "PnlCause",
    "PoolChart",
    "ReportData",
    "Settlement",
]


class NavPart(msgspec.Struct, frozen=True, kw_only=True):
    """One place where money is: who holds it there, and how much."""

    name: str
    custody: str
    assets_usdc_e6: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One settled epoch: NAV as reported and accepted, both flows, price per share afterwards.

    Shares in share units with `ReportData.share_decimals`; the price per whole share.
    """

    epoch: int
    cut_at_s: int
    gross_usdc_e6: int
    accepted_usdc_e6: int
    deposits_usdc_e6: int
    deposit_shares: int
    redeemed_shares: int
    paid_usdc_e6: int
    price_usdc_e12: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person did or got: a request, a settlement, a claim; amount as text with unit."""

    at_s: int
    who: str
    what: str
    amount: str
    reference: str = ""


class PnlCause(msgspec.Struct, frozen=True, kw_only=True):
    """Profit (+) or loss (-) of one cause since the start."""

    cause: str
    amount_usdc_e6: int
    explanation: str = ""


class FillSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Fills of one market, side (BUY, SELL) and liquidity (MAKER, TAKER); fee > 0 was paid."""

    market: str
    side: str
    liquidity: str
    count: int
    base_e9: int
    quote_usdc_e6: int
    fee_usdc_e6: int


class FillPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One fill on a chart."""

    at_ms: int
    side: str
    price_usdc_e6: int
    base_e9: int


class MarketChart(msgspec.Struct, frozen=True, kw_only=True):
    """One market over time. Series are (unix ms, value) steps; `None` means nothing is quoted.

    `bid`/`ask` are the keeper's own best quotes, `oracle` the venue's oracle price, all in 1e-6
    USDC; `position` is signed base in 1e-9.
    """

    market: str
    oracle: tuple[tuple[int, int], ...]
    bid: tuple[tuple[int, int | None], ...]
    ask: tuple[tuple[int, int | None], ...]
    fills: tuple[FillPoint, ...]
    position: tuple[tuple[int, int], ...]


class PoolChart(msgspec.Struct, frozen=True, kw_only=True):
    """One pool over time, prices of the base in 1e-6 USDC; `lower`/`upper` bound the range held."""

    pool: str
    price: tuple[tuple[int, int], ...]
    mark: tuple[tuple[int, int], ...]
    lower: tuple[tuple[int, int | None], ...]
    upper: tuple[tuple[int, int | None], ...]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Two figures that have to be equal, and where each was read."""

    name: str
    left_name: str
    left: int
    right_name: str
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a key, what it can do, and what it cannot."""

    role: str
    address: str
    can: str
    cannot: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the run, as text with its unit."""

    name: str
    value: str
    note: str = ""


class DataSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where market data came from, as text for people.

    `span` and `clock_offset` are empty where they mean nothing, as for a seeded flow.
    """

    name: str
    span: str = ""
    clock_offset: str = ""
    note: str = ""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One quoting parameter in force: `scope` is a market, a pool or "all markets"."""

    scope: str
    name: str
    value: str
    meaning: str = ""


class JournalParts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the page that comes from a keeper's journal alone."""

    markets: tuple[MarketChart, ...] = ()
    pools: tuple[PoolChart, ...] = ()
    fills: tuple[FillSummary, ...] = ()
    refusals: tuple[tuple[str, int], ...] = ()
    figures: tuple[Figure, ...] = ()


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page."""

    title: str
    mode: str
    made_at_s: int
    vault: str
    chain: str
    share_symbol: str
    share_decimals: int
    nav_usdc_e6: int
    nav_parts: tuple[NavPart, ...]
    total_supply_shares: int
    price_usdc_e12: int
    settlements: tuple[Settlement, ...]
    events: tuple[Event, ...]
    pnl: tuple[PnlCause, ...]
    checks: tuple[Check, ...]
    holders: tuple[Holder, ...]
    figures: tuple[Figure, ...]
    source: DataSource | None = None
    quoting: tuple[Parameter, ...] = ()
    journal: JournalParts = JournalParts()
