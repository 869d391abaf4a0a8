"""What the report page shows: plain integers and strings, every unit in the field's name.

Whoever fills it reads from where the truth is (contracts, venue, journal) and passes it on as it
is; the page divides only to place a point on a chart. Suffixes: `_usdc_e6` 1e-6 USDC, `_e12`
1e-12, `_base_e9` 1e-9 of the base asset, `_s` unix seconds, `_ms` unix milliseconds, `_ppm`.
"""

import msgspec

__all__ = [
    "Bond",
    "BondPurchase",
    "Check",
    "DataSource",
    "Event",
    "Fact",
    "FillPoint",
    "FillSummary",
    "Figure",
    "Holder",
    "JournalParts",
    "Markout",
    "MarketChart",
    "NavPart",
    "Owned",
    "PageNotes",
    "Parameter",
    "PnlCause",
    "PoolChart",
    "ProfitPoint",
    "Quality",
    "ReportData",
    "Return",
    "Settlement",
]


class NavPart(msgspec.Struct, frozen=True, kw_only=True):
    """One place where money is: who holds it there, and how much."""

    name: str
    custody: str
    assets_usdc_e6: int
    now_usdc_e6: int | None = None
    """The same place at the page's block; None when it was not read or is not known by then."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One settled epoch: NAV as reported and accepted, both flows, price per share afterwards.

    `pnl_usdc_e6` is by cause, in the order of reports.CAUSES.

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
    settled_at_s: int = 0
    pnl_usdc_e6: tuple[int, ...] = ()
    digest: str = ""
    data_root: str = ""


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
    """One fill; `fee_usdc_e6` > 0 was paid."""

    at_ms: int
    side: str
    price_usdc_e6: int
    base_e9: int
    liquidity: str = "MAKER"
    fee_usdc_e6: int = 0


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How a market was quoted while anything was logged, idle spans left out.

    `two_sided_ppm` is the share of `observed_ms` with a bid and an ask of ours; `spread_ppm` the
    time-weighted distance between the best two, of their mean.
    """

    observed_ms: int
    two_sided_ppm: int
    spread_ppm: int


class MarketChart(msgspec.Struct, frozen=True, kw_only=True):
    """One market over time. Series are (unix ms, value) steps; `None` means nothing is quoted.

    `bid`/`ask` are the keeper's own best quotes, `oracle` the venue's oracle price, `reference`
    the middle of the market that leads it, all in 1e-6 USDC; `position`, `pool` (what pools
    hold that this market hedges) and `net` are signed base in 1e-9.
    """

    market: str
    oracle: tuple[tuple[int, int], ...]
    bid: tuple[tuple[int, int | None], ...]
    ask: tuple[tuple[int, int | None], ...]
    fills: tuple[FillPoint, ...]
    position: tuple[tuple[int, int], ...]
    reference: tuple[tuple[int, int | None], ...] = ()
    pool: tuple[tuple[int, int], ...] = ()
    net: tuple[tuple[int, int], ...] = ()
    quality: Quality | None = None


class PoolChart(msgspec.Struct, frozen=True, kw_only=True):
    """One pool over time, prices of the base in 1e-6 USDC; `lower`/`upper` bound the range held."""

    pool: str
    price: tuple[tuple[int, int], ...]
    mark: tuple[tuple[int, int], ...]
    lower: tuple[tuple[int, int | None], ...]
    upper: tuple[tuple[int, int | None], ...]


class ProfitPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Profit since the log's first word on the account, by cause in the order of reports.CAUSES."""

    at_ms: int
    causes_usdc_e6: tuple[int, ...]


class Markout(msgspec.Struct, frozen=True, kw_only=True):
    """What fills of one market, side and liquidity gained by a reference some seconds later.

    `usdc_e6` is the sum, `ppm` the same of the volume; fees are not in it. `count` leaves out
    fills too close to the end of the log. `reference` is "oracle": against its price then; or
    "leader": by how much the leader's price moved since.
    """

    market: str
    reference: str
    side: str
    liquidity: str
    horizon_s: int
    count: int
    usdc_e6: int
    ppm: int


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


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """Change of the settled price per share over a window; `change_ppm` towards zero."""

    window: str
    from_s: int
    to_s: int
    change_ppm: int


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about risk, as text; `used_ppm` is how much of a limit is used."""

    name: str
    value: str
    limit: str = ""
    used_ppm: int | None = None
    note: str = ""


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


class BondPurchase(msgspec.Struct, frozen=True, kw_only=True):
    """One purchase at a bond: who paid, and how many token units for it."""

    at_s: int
    who: str
    note: int
    payout: int
    cost_usdc_e6: int
    price_usdc_e12: int


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """What a project owns by its bonds: shares of its vault, their part of all that it quotes.

    `places` are where the whole vault's assets are; the project's part of each is `depth_ppm`.
    """

    project: str
    vault: str
    locked_until_s: int
    shares: int
    share_symbol: str
    share_decimals: int
    depth_ppm: int
    worth_usdc_e6: int
    waiting_usdc_e6: int
    queued_usdc_e6: int
    places: tuple[NavPart, ...]


class Bond(msgspec.Struct, frozen=True, kw_only=True):
    """One bond market: the price path as (unix ms, 1e-12 USDC a whole token), and its purchases.

    `sold` and `unsold` in token units.
    """

    market: int
    auction: str
    symbol: str
    token_decimals: int
    opened_at_s: int
    conclusion_s: int
    sold: int
    unsold: int
    floor_usdc_e12: int
    path: tuple[tuple[int, int], ...]
    purchases: tuple[BondPurchase, ...]
    owned: Owned


class PageNotes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What neither chain nor journal can tell; `names` are people by address.

    `quoting` tells why settings are what they are: a setting's own name, and its reason in
    `meaning`.
    """

    title: str = ""
    names: dict[str, str] = {}
    checks: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()
    source: DataSource | None = None
    quoting: tuple[Parameter, ...] = ()


class JournalParts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on the page that comes from a keeper's journal alone."""

    markets: tuple[MarketChart, ...] = ()
    pools: tuple[PoolChart, ...] = ()
    fills: tuple[FillSummary, ...] = ()
    markouts: tuple[Markout, ...] = ()
    profit: tuple[ProfitPoint, ...] = ()
    parameters: tuple[Parameter, ...] = ()
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
    returns: tuple[Return, ...] = ()
    facts: tuple[Fact, ...] = ()
    block: int = 0
    state: str = ""
    journal: JournalParts = JournalParts()
    bonds: tuple[Bond, ...] = ()
