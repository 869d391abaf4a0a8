"""Settings, events and a driver for tests of the deterministic core."""

from typing import Any

from msgspec.structs import replace

from keeper.core.state import State, initial_state
from keeper.core.step import step
from keeper.domain.commands import CancelOrders, Command, CommandId, PlaceOrder
from keeper.domain.events import (
    AdapterState,
    BookLevel,
    BookUpdated,
    CommandResult,
    Event,
    FillReceived,
    LeaderQuoted,
    MarketListed,
    OraclePriced,
    PerpetualPosition,
    PoolObserved,
    Reconciled,
    RunStarted,
    SourceUp,
    SubaccountObserved,
    VaultObserved,
    VenueBlock,
)
from keeper.domain.orders import Liquidity, Side
from keeper.domain.reports import ZERO32, Leg, Report
from keeper.domain.settings import (
    AllocationSettings,
    FixedSpreadParams,
    HousekeepingSettings,
    LeaderSettings,
    MarketSettings,
    MegaVaultParams,
    PoolSettings,
    RiskLimits,
    StepSettings,
)
from keeper.markets.univ3 import sqrt_price_down, tick_at_sqrt_price
from tests.keeper.markets import ETH

SECOND = 1_000_000_000
MS = 1_000_000
USDC = 1_000_000
START_NS = 1_750_000_000 * SECOND
START_HEIGHT = 1_000
HOUR = 3_600
FAR_AHEAD = START_NS // SECOND + 24 * HOUR
CLIENT_ID_BASE = 9_950  # ids soon grow by a digit: as text they then sort otherwise

ETH_PRICE = 3_000 * 10**6
ONE_ETH = 10**9  # base quantums
POOL = "0xpool-adapter"
CLOB = "0xclob-adapter"

MEGAVAULT = MegaVaultParams(
    layers=3,
    spread_min_ppm=3_000,
    spread_buffer_ppm=1_500,
    skew_factor_ppm=500_000,
    order_size_pct_ppm=50_000,
    activation_threshold_quote_quantums=1_000 * USDC,
)
FIXED = FixedSpreadParams(
    layers=2, half_spread_ppm=2_000, layer_step_ppm=1_000, order_size_quote_quantums=3_000 * USDC
)
LEADER = LeaderSettings(
    symbol="ETHUSDT",
    base_units=1,
    weight_ppm=600_000,
    venue_weight_ppm=0,
    max_age_ms=3_000,
    band_ppm=1_000,
    pull_band_ppm=5_000,
    basis_seconds=300,
    max_basis_ppm=5_000,
    on_missing="pull",
    missing_widen_ppm=0,
)
LIMITS = RiskLimits(
    max_order_quote_quantums=20_000 * USDC,
    max_gross_quote_quantums=150_000 * USDC,
    price_band_ppm=100_000,
    daily_loss_quote_quantums=5_000 * USDC,
    drawdown_ppm=100_000,
    max_messages_per_block=40,
    max_intent_age_ms=2_000,
    max_height_age_ms=10_000,
    max_clock_skew_ms=5_000,
)


def market_settings(**changes: Any) -> MarketSettings:
    """ETH-USD under the MegaVault rule."""
    base = MarketSettings(
        ticker="ETH-USD",
        strategy=MEGAVAULT,
        good_til_block_offset=10,
        refresh_blocks=2,
        price_tolerance_ppm=200,
        size_tolerance_ppm=50_000,
        oracle_max_age_ms=10_000,
        book_max_age_ms=10_000,
        max_position_quote_quantums=60_000 * USDC,
        inventory_band_quote_quantums=20_000 * USDC,
        hedge_max_slippage_ppm=5_000,
    )
    return replace(base, **changes)


def pool_settings(**changes: Any) -> PoolSettings:
    """A USDC/WETH pool with the asset as token0, hedged on ETH-USD."""
    base = PoolSettings(
        adapter=POOL,
        pool="0xpool",
        hedge_market="ETH-USD",
        asset_is_token0=True,
        asset_decimals=6,
        base_decimals=18,
        half_width_ticks=1_200,
        recentre_ticks=600,
        max_slippage_ppm=5_000,
        snapshot_max_age_ms=30_000,
        cooldown_seconds=60,
    )
    return replace(base, **changes)


ALLOCATION = AllocationSettings(
    clob_adapter=CLOB,
    clob_target_ppm=350_000,
    pool_target_ppm=200_000,
    min_move_assets=100 * USDC,
    transaction_deadline_seconds=120,
)


HOUSEKEEPING = HousekeepingSettings(
    reporters=3,
    cut_lead_seconds=30,
    cut_jitter_seconds=120,
    report_retry_seconds=15,
    redemption_buffer_ppm=20_000,
    claim_floor_assets=100 * USDC,
    report_alert_seconds=2 * HOUR,
    payment_alert_seconds=24 * HOUR,
    settlement_alert_seconds=5 * 24 * HOUR,
    stake_room_alert_ppm=100_000,
)


def settings(**changes: Any) -> StepSettings:
    """One ETH market, no pool, unless changed."""
    base = StepSettings(markets=(market_settings(),), pools=(), allocation=None, limits=LIMITS)
    return replace(base, **changes)


def run_started(chosen: StepSettings, run: int = 1) -> RunStarted:
    return RunStarted(
        run=run,
        schema=1,
        package_version="0",
        wheel_hash="",
        config_hash="",
        params_hash="",
        settings=chosen,
        vault="0xvault",
        evm_chain_id=31_337,
        venue_chain_id="localdydxprotocol",
        subaccount="dydx1keeper/0",
        client_id_base=CLIENT_ID_BASE,
        seed=1,
    )


def subaccount(
    height: int = START_HEIGHT, usdc: int = 100_000 * USDC, **positions: int
) -> SubaccountObserved:
    """A committed snapshot; positions as ETH=quantums."""
    held = tuple(
        PerpetualPosition(market=f"{name}-USD", quantums=size, funding_index=0, quote_balance=0)
        for name, size in sorted(positions.items())
    )
    return SubaccountObserved(height=height, usdc_quote_quantums=usdc, positions=held)


def book(
    seq: int, bid: int = 2_999_900_000, ask: int = 3_000_100_000, **changes: Any
) -> BookUpdated:
    """A whole two-sided ETH book of ten ETH a side at one price each."""
    base = BookUpdated(
        market="ETH-USD",
        source="book",
        source_seq=seq,
        snapshot=True,
        bids=(BookLevel(bid, 10 * ONE_ETH),),
        asks=(BookLevel(ask, 10 * ONE_ETH),),
    )
    return replace(base, **changes)


def oracle(height: int, price: int = ETH_PRICE, market: str = "ETH-USD") -> OraclePriced:
    return OraclePriced(market=market, source="oracle", price=price, height=height)


def leader(seq: int, bid: int = 299_999_000_000, ask: int = 300_001_000_000) -> LeaderQuoted:
    """The leader's best prices around 3,000 in 1e-8, of one ETH each."""
    return LeaderQuoted(
        market="ETH-USD",
        source="leader:test",
        source_seq=seq,
        bid_e8=bid,
        bid_size_e8=10**8,
        ask_e8=ask,
        ask_size_e8=10**8,
    )


def fill(
    number: int, order: PlaceOrder, quantums: int, height: int, **changes: Any
) -> FillReceived:
    """A maker fill of an order of ours at its price and a fee of 1 bp."""
    quote = ETH.quote_quantums_down(quantums, order.subticks)
    base = FillReceived(
        fill_id=f"fill-{number}",
        market=order.market,
        client_id=order.client_id,
        side=order.side,
        quantums=quantums,
        subticks=order.subticks,
        quote_quantums=quote,
        fee_quote_quantums=quote // 10_000,
        liquidity=Liquidity.MAKER,
        kind="LIMIT",
        height=height,
    )
    return replace(base, **changes)


class Keeper:
    """Drives `step` as the engine does: numbers events, keeps time, remembers what was sent."""

    def __init__(self, chosen: StepSettings | None = None) -> None:
        self.state: State = initial_state()
        self.seq = 0
        self.now = START_NS
        self.height = START_HEIGHT
        self.book_seq = 0
        self.sent: list[tuple[CommandId, Command]] = []
        self.feed(run_started(chosen if chosen is not None else settings()))

    def feed(self, event: Event) -> list[Command]:
        """Step one event at the current time; return its commands."""
        self.seq += 1
        commands = [a.value for a in step(self.state, self.now, self.seq, event)]
        for ordinal, command in enumerate(commands):
            self.sent.append((CommandId(self.state.run, self.seq, ordinal), command))
        return commands

    def start(self, **positions: int) -> list[Command]:
        """Bring the keeper to where it quotes; return the commands of all events."""
        out = self.feed(MarketListed(market=ETH))
        out += self.feed(
            Reconciled(height=START_HEIGHT, subaccount=subaccount(**positions), open_orders=())
        )
        out += self.block(0)
        out += self.feed(SourceUp(source="book"))
        return out + self.feed(SourceUp(source="oracle"))

    def block(self, blocks: int = 1, price: int = ETH_PRICE) -> list[Command]:
        """Let a second and a block pass with a fresh oracle price and book."""
        self.now += blocks * SECOND
        self.height += blocks
        self.book_seq += 1
        tick = ETH.subticks_per_tick
        middle = price - price % tick
        out = self.feed(oracle(self.height, price))
        out += self.feed(book(self.book_seq, middle - tick, middle + tick))
        return out + self.feed(VenueBlock(height=self.height, time_ns=self.now))

    def answer(self, outcome: str = "ACK", code: int = 0) -> list[Command]:
        """Answer every order message sent since the last answer."""
        out: list[Command] = []
        waiting, self.sent = self.sent, []
        for command_id, command in waiting:
            if isinstance(command, PlaceOrder | CancelOrders):
                out += self.feed(result(command_id, outcome, code))
        return out

    def places(self) -> list[PlaceOrder]:
        """Every place sent since the last answer."""
        return [command for _, command in self.sent if isinstance(command, PlaceOrder)]


def result(command_id: CommandId, outcome: str, code: int = 0) -> CommandResult:
    """A node's answer; code 19 is the transaction layer's, every other the order book's."""
    return CommandResult(
        command=command_id,
        outcome=outcome,
        code=code,
        codespace="sdk" if code == 19 else "clob",
        detail="",
        tx_hash="",
    )


def of(commands: list[Command], kind: type) -> list[Any]:
    """Commands of one kind."""
    return [command for command in commands if isinstance(command, kind)]


def sides(orders: list[PlaceOrder]) -> dict[Side, list[PlaceOrder]]:
    """Orders by side, front first."""
    return {
        Side.BUY: sorted((o for o in orders if o.side is Side.BUY), key=lambda o: -o.subticks),
        Side.SELL: sorted((o for o in orders if o.side is Side.SELL), key=lambda o: o.subticks),
    }


def vault(block: int, **changes: Any) -> VaultObserved:
    """A vault with a million of NAV, all idle, and both adapters empty."""
    base = VaultObserved(
        block_number=block,
        block_hash=f"0xv{block}",
        block_timestamp=START_NS // SECOND + block,
        state="OPEN",
        epoch=1,
        next_cut_at=FAR_AHEAD,
        cut_at=START_NS // SECOND - HOUR,
        last_settled_at=START_NS // SECOND - HOUR,
        supply=10**24,
        deposits_waiting=0,
        idle=1_000_000 * USDC,
        accepted_nav=1_000_000 * USDC,
        owed_assets=0,
        venue_cap_bps=5_000,
        min_on_chain_bps=3_000,
        adapters=(adapter(CLOB), adapter(POOL)),
    )
    return replace(base, **changes)


def adapter(
    name: str, value: int = 0, sent: int = 0, returned: int = 0, requested: int = 0
) -> AdapterState:
    return AdapterState(
        adapter=name,
        attested=name == CLOB,
        sent=sent,
        returned=returned,
        requested=requested,
        value_bid=value,
        value_ask=value,
    )


def signed_report(epoch: int = 1) -> Report:
    """A report of one leg, as a quorum signs it."""
    return Report(
        epoch=epoch,
        set_id=1,
        prev_hash=ZERO32,
        legs=(Leg(equity=5, credited=0, debited=0, venue_height=9),),
        pnl=(1, 2, 3, 4, 5),
        external_flow=0,
        data_root=ZERO32,
        data_cid=ZERO32,
    )


def pool_seen(block: int, **changes: Any) -> PoolObserved:
    """A deep 5 bp USDC/WETH pool at 3000, nothing of ours in it yet."""
    sqrt_price = sqrt_price_down(3_000 * 10**6, 10**18)
    tick = tick_at_sqrt_price(sqrt_price)
    base = PoolObserved(
        adapter=POOL,
        pool="0xpool",
        block_number=block,
        block_hash=f"0xp{block}",
        block_timestamp=START_NS // SECOND + block,
        sqrt_price_x96=sqrt_price,
        tick=tick,
        twap_tick=tick,
        tick_spacing=10,
        fee_ppm=500,
        liquidity=10**19,
        amount0=0,
        amount1=0,
        ranges=(),
        mark_price=3_000 * 10**8,
        mark_decimals=8,
        mark_updated_at=START_NS // SECOND + block,
        last_operation_at=0,
    )
    return replace(base, **changes)
