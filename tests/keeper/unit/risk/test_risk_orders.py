"""The last check of orders and chain commands: each limit refuses by code with both numbers."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    CancelOrders,
    Deallocate,
    MintRange,
    PlaceOrder,
    SwapExactIn,
    SyncAdapter,
)
from keeper.domain.events import RangeState
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.markets.ranges import (
    fair_output,
    greatest_cost,
    least_output,
    least_proceeds,
    mark_sqrt_price,
)
from keeper.risk.chain import (
    Allowance,
    PoolView,
    VaultView,
    approve_allocate,
    approve_housekeeping,
    approve_pool,
)
from keeper.risk.losses import daily_loss, drawdown
from keeper.risk.orders import (
    MarketExposure,
    OrderView,
    approve_cancel,
    approve_place,
    gross_quote_quantums,
)
from keeper.risk.phase import Phase
from keeper.risk.pools import PoolRisk
from keeper.risk.sizing import fit_ladder
from tests.keeper.builders import (
    CLOB,
    ETH_PRICE,
    LIMITS,
    ONE_ETH,
    POOL,
    SECOND,
    START_NS,
    USDC,
    market_settings,
    pool_seen,
    pool_settings,
)
from tests.keeper.markets import ETH


def _exposure(**changes: Any) -> MarketExposure:
    fields: dict[str, Any] = {
        "market": ETH,
        "oracle_price": ETH_PRICE,
        "position": 0,
        "buys": 0,
        "sells": 0,
        "buy_loss": 0,
        "sell_loss": 0,
        "pool": 0,
        "pool_low": changes.get("pool", 0),
        "pool_high": changes.get("pool", 0),
    }
    return MarketExposure(**{**fields, **changes})


def _order(**changes: Any) -> PlaceOrder:
    fields: dict[str, Any] = {
        "market": "ETH-USD",
        "client_id": 1,
        "side": Side.BUY,
        "quantums": ONE_ETH,
        "subticks": 2_990_000_000,
        "good_til_block": 10,
        "time_in_force": TimeInForce.POST_ONLY,
        "reduce_only": False,
    }
    return PlaceOrder(**{**fields, **changes})


def _view(**changes: Any) -> OrderView:
    fields: dict[str, Any] = {
        "phase": Phase.ACTIVE,
        "limits": LIMITS,
        "settings": market_settings(),
        "before": _exposure(),
        "after": _exposure(buys=ONE_ETH),
        "other_gross": 0,
        "other_margin": 0,
        "other_fall": 0,
        "other_rise": 0,
        "equity": 100_000 * USDC,
        "messages": 0,
        "filled": 0,
    }
    return OrderView(**{**fields, **changes})


def _refusal(order: PlaceOrder, view: OrderView) -> tuple[str, int, int]:
    verdict = approve_place(order, view)
    assert isinstance(verdict, Refused), verdict
    return verdict.code, verdict.limit, verdict.value


def test_approve_place__within_every_limit__approved() -> None:
    order = _order()

    assert approve_place(order, _view()) == Approved(order)


REFUSALS: dict[str, tuple[PlaceOrder, OrderView, int, int]] = {
    "HALTED": (_order(), _view(phase=Phase.HALTED), 0, 1),
    "EXITING": (_order(), _view(phase=Phase.EXITING), 0, 1),
    "NOT_REDUCING": (_order(reduce_only=True), _view(), 0, ONE_ETH),
    "MESSAGE_RATE": (_order(), _view(messages=40), 40, 41),
    "SIZE_STEP": (_order(quantums=ONE_ETH + 1), _view(), 1_000_000, ONE_ETH + 1),
    "PRICE_TICK": (_order(subticks=2_990_000_001), _view(), 100_000, 2_990_000_001),
    "MARKET_STATUS": (
        _order(time_in_force=TimeInForce.GTT),
        _view(after=_exposure(market=replace(ETH, status="POST_ONLY"))),
        0,
        1,
    ),
    "ZERO_ORACLE": (_order(), _view(after=_exposure(oracle_price=0)), 1, 0),
    "PRICE_BAND": (_order(subticks=2_600_000_000), _view(), 100_000, 133_333),
    "MAX_ORDER": (
        _order(quantums=7 * ONE_ETH),
        _view(after=_exposure(buys=7 * ONE_ETH)),
        20_000 * USDC,
        21_000 * USDC,
    ),
    "REDUCING": (
        _order(),
        _view(phase=Phase.REDUCING, after=_exposure(position=ONE_ETH, buys=ONE_ETH)),
        0,
        ONE_ETH,
    ),
    "MAX_POSITION": (
        _order(),
        _view(after=_exposure(position=20 * ONE_ETH, buys=ONE_ETH)),
        60_000 * USDC,
        63_000 * USDC,
    ),
    "MAX_GROSS": (
        _order(),
        _view(other_gross=149_000 * USDC),
        150_000 * USDC,
        152_000 * USDC,
    ),
    "MARGIN": (_order(), _view(equity=100 * USDC, other_margin=20 * USDC), 100 * USDC, 170 * USDC),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_approve_place__limit_broken__refused_with_both_numbers(code: str) -> None:
    order, view, limit, value = REFUSALS[code]

    assert _refusal(order, view) == (code, limit, value)


def test_approve_place__beyond_a_limit_but_reducing__approved() -> None:
    """Selling out of a position that is far too large must always be possible."""
    long = _exposure(position=40 * ONE_ETH)
    view = _view(before=long, after=_exposure(position=40 * ONE_ETH, sells=ONE_ETH))

    assert isinstance(approve_place(_order(side=Side.SELL), view), Approved)


def test_approve_place__pool_delta__counts_with_the_position() -> None:
    hedged = _exposure(position=-25 * ONE_ETH, pool=25 * ONE_ETH)
    after = _exposure(position=-25 * ONE_ETH, pool=25 * ONE_ETH, sells=ONE_ETH)

    assert isinstance(
        approve_place(
            _order(side=Side.SELL, subticks=3_010_000_000), _view(before=hedged, after=after)
        ),
        Approved,
    )


def test_approve_place__filled_part__does_not_count_as_new_size() -> None:
    view = _view(filled=6 * ONE_ETH, after=_exposure(buys=ONE_ETH))

    assert isinstance(approve_place(_order(quantums=7 * ONE_ETH), view), Approved)


def test_approve_place__exit_order__reduce_only_up_to_the_position() -> None:
    short = _exposure(position=-ONE_ETH)
    order = _order(reduce_only=True, time_in_force=TimeInForce.IOC, subticks=3_010_000_000)
    view = _view(
        phase=Phase.EXITING, before=short, after=_exposure(position=-ONE_ETH, buys=ONE_ETH)
    )

    assert isinstance(approve_place(order, view), Approved)
    bigger = replace(order, quantums=2 * ONE_ETH)
    assert _refusal(bigger, view)[0] == "NOT_REDUCING"


def test_market_exposure__margin__initial_margin_plus_the_loss_of_filling() -> None:
    """The worse side loses 30 at once; 5 % of two ETH is 300."""
    exposure = _exposure(
        position=ONE_ETH,
        buys=ONE_ETH,
        sells=ONE_ETH,
        buy_loss=30 * USDC,
        sell_loss=10 * USDC,
    )

    assert exposure.margin == 330 * USDC
    assert gross_quote_quantums((exposure, exposure)) == 12_000 * USDC


def test_approve_cancel__always__approved() -> None:
    cancel = CancelOrders(market="ETH-USD", client_ids=(1,), good_til_block=5)

    assert approve_cancel(cancel) == Approved(cancel)


def _quote(side: Side, layer: int, quantums: int, subticks: int = 3_000_000_000) -> Quote:
    return Quote(
        market="ETH-USD",
        side=side,
        layer=layer,
        quantums=quantums,
        subticks=subticks,
        time_in_force=TimeInForce.POST_ONLY,
    )


def test_fit_ladder__room_for_part__front_layers_first() -> None:
    quotes = tuple(_quote(Side.BUY, layer, 3 * ONE_ETH) for layer in range(3))

    kept, refused = fit_ladder(
        quotes, _exposure(position=15 * ONE_ETH), market_settings(), LIMITS, Phase.ACTIVE
    )

    # 60,000 is 20 ETH: room for five.
    assert [quote.quantums for quote in kept] == [3 * ONE_ETH, 2 * ONE_ETH]
    assert {entry.code for entry in refused} == {"MAX_POSITION"}


def test_fit_ladder__order_too_large__shrunk_to_the_order_limit() -> None:
    kept, refused = fit_ladder(
        (_quote(Side.SELL, 0, 50 * ONE_ETH),), _exposure(), market_settings(), LIMITS, Phase.ACTIVE
    )

    # 20,000 / 1.1 at the far edge of the band, in steps of 0.001.
    assert [quote.quantums for quote in kept] == [6_060_000_000]
    assert [entry.code for entry in refused] == ["MAX_ORDER"]


def test_fit_ladder__outside_the_band__dropped() -> None:
    kept, refused = fit_ladder(
        (_quote(Side.BUY, 0, ONE_ETH, 2_000_000_000),),
        _exposure(),
        market_settings(),
        LIMITS,
        Phase.ACTIVE,
    )

    assert kept == ()
    assert [entry.code for entry in refused] == ["PRICE_BAND"]


def test_fit_ladder__reducing__no_more_than_net_delta() -> None:
    quotes = (_quote(Side.BUY, 0, ONE_ETH), _quote(Side.SELL, 0, 3 * ONE_ETH))

    kept, _ = fit_ladder(
        quotes,
        _exposure(position=-ONE_ETH, pool=3 * ONE_ETH),
        market_settings(),
        LIMITS,
        Phase.REDUCING,
    )

    assert [(quote.side, quote.quantums) for quote in kept] == [(Side.SELL, 2 * ONE_ETH)]


def test_daily_loss__at_and_beyond_the_limit() -> None:
    assert daily_loss(100, 50, 50) is None
    assert daily_loss(100, 49, 50) == Refused(
        code="DAILY_LOSS", subject="vault", limit=50, value=51
    )


def test_drawdown__share_of_the_capital_before_the_fall() -> None:
    assert drawdown(0, -10, 90, 100_000) is None
    assert drawdown(0, -11, 89, 100_000) == Refused(
        code="DRAWDOWN", subject="vault", limit=100_000, value=110_000
    )
    assert drawdown(0, 5, 0, 1) is None
    assert drawdown(0, -5, -5, 100_000) == Refused(
        code="DRAWDOWN", subject="vault", limit=100_000, value=1_000_000
    )


FREE = Allowance(refilled_at=100, paused_until=100, now=100)
SPENT = Allowance(refilled_at=101, paused_until=0, now=100)
PAUSED = Allowance(refilled_at=0, paused_until=101, now=100)


def _vault_view(**changes: Any) -> VaultView:
    fields: dict[str, Any] = {
        "phase": Phase.ACTIVE,
        "state": "OPEN",
        "age_ms": 0,
        "max_age_ms": 1_000,
        "idle": 1_000,
        "owed": 100,
        "outgoing": 50,
        "nav": 2_000,
        "clob_adapter": CLOB,
        "clob": 500,
        "on_chain": 1_500,
        "venue_cap_bps": 5_000,
        "min_on_chain_bps": 3_000,
        "allowance": FREE,
    }
    return VaultView(**{**fields, **changes})


@pytest.mark.parametrize(
    ("assets", "changes", "expected"),
    [
        (10, {"phase": Phase.REDUCING}, ("REDUCING", 0, 10)),
        (10, {"state": "CUT"}, ("VAULT_STATE", 0, 1)),
        (10, {"age_ms": 1_001}, ("STALE_VAULT", 1_000, 1_001)),
        (851, {}, ("IDLE_SHORT", 850, 851)),
        (0, {}, ("IDLE_SHORT", 850, 0)),
        (1, {"allowance": SPENT}, ("LOSSES_SPENT", 101, 100)),
        (1, {"allowance": PAUSED}, ("VAULT_PAUSED", 101, 100)),
        (501, {}, ("VENUE_CAP", 1_000, 1_001)),
        (451, {"on_chain": 1_100}, ("MIN_ON_CHAIN", 600, 599)),
    ],
)
def test_approve_allocate__limit_broken__refused(
    assets: int, changes: dict[str, Any], expected: tuple[str, int, int]
) -> None:
    verdict = approve_allocate(Allocate(adapter=CLOB, assets=assets), _vault_view(**changes))

    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.limit, verdict.value) == expected


def test_approve_allocate__pool_adapter__venue_cap_does_not_apply() -> None:
    command = Allocate(adapter=POOL, assets=850)

    assert approve_allocate(command, _vault_view(venue_cap_bps=0)) == Approved(command)


def test_approve_housekeeping__halted_or_nothing_asked__refused() -> None:
    sync = SyncAdapter(adapter=CLOB)

    assert approve_housekeeping(sync, Phase.REDUCING) == Approved(sync)
    halted = approve_housekeeping(sync, Phase.HALTED)
    empty = approve_housekeeping(Deallocate(adapter=CLOB, assets=0), Phase.ACTIVE)
    assert isinstance(halted, Refused)
    assert (halted.code, halted.subject) == ("HALTED", CLOB)
    assert isinstance(empty, Refused)
    assert empty.code == "IDLE_SHORT"


NOW = START_NS // SECOND
HELD = RangeState(tick_lower=194_000, tick_upper=198_000, liquidity=10**15)
SEEN = pool_seen(0, amount0=1_000 * USDC, amount1=10**18, ranges=(HELD,))


def _pool_risk(**changes: Any) -> PoolRisk:
    """An account without orders, whose limits are far away."""
    fields: dict[str, Any] = {
        "limits": replace(LIMITS, daily_loss_quote_quantums=10**15),
        "ranges_value": 0,
        "is_hedged": True,
        "hedge": _exposure(),
        "max_position": 10**15,
        "fall": 0,
        "rise": 0,
        "hedge_needs": 0,
        "equity": 10**15,
    }
    return PoolRisk(**{**fields, **changes})


def _pool_view(**changes: Any) -> PoolView:
    fields: dict[str, Any] = {
        "phase": Phase.ACTIVE,
        "pool": pool_settings(),
        "seen": SEEN,
        "mark": mark_sqrt_price(pool_settings(), SEEN),
        "age_ms": 0,
        "now": NOW,
        "deadline_seconds": 120,
        "allowance": FREE,
        "risk": _pool_risk(),
    }
    return PoolView(**{**fields, **changes})


def _swap(**changes: Any) -> SwapExactIn:
    view = _pool_view()
    base = SwapExactIn(
        adapter=POOL,
        zero_for_one=True,
        amount_in=900 * USDC,
        amount_out_min=least_output(view.pool, SEEN, view.mark, True, 900 * USDC),
        deadline=NOW + 120,
    )
    return replace(base, **changes)


def _burn(**changes: Any) -> BurnRange:
    least = least_proceeds(SEEN.sqrt_price_x96, HELD, 5_000)
    base = BurnRange(
        adapter=POOL,
        tick_lower=194_000,
        tick_upper=198_000,
        liquidity=10**15,
        amount0_min=least[0],
        amount1_min=least[1],
        deadline=NOW + 1,
    )
    return replace(base, **changes)


def _mint(**changes: Any) -> MintRange:
    entry = RangeState(tick_lower=194_000, tick_upper=198_000, liquidity=10**13)
    most = greatest_cost(SEEN.sqrt_price_x96, entry, 5_000)
    base = MintRange(
        adapter=POOL,
        tick_lower=194_000,
        tick_upper=198_000,
        liquidity=10**13,
        amount0_max=most[0],
        amount1_max=most[1],
        deadline=NOW + 1,
    )
    return replace(base, **changes)


def _home(least: int) -> SwapExactIn:
    """Half of the WETH that is there, sold for at least so much USDC."""
    return _swap(zero_for_one=False, amount_in=10**18 // 2, amount_out_min=least)


FAIR = fair_output(pool_settings(), SEEN, _pool_view().mark, 10**18 // 2)


@pytest.mark.parametrize("allowance", [SPENT, PAUSED])
def test_approve_pool__no_new_risk_and_a_fair_swap_home__approved(allowance: Allowance) -> None:
    for phase in (Phase.ACTIVE, Phase.EXITING):
        view = _pool_view(allowance=allowance, phase=phase)
        assert approve_pool(_home(FAIR), view) == Approved(_home(FAIR))


def test_approve_pool__no_new_risk_and_a_swap_home_below_that__refused() -> None:
    cheap = _home(FAIR - 1)

    refused = approve_pool(cheap, _pool_view(allowance=SPENT))

    assert isinstance(refused, Refused)
    assert refused.code == "LOSSES_SPENT"
    assert approve_pool(cheap, _pool_view()) == Approved(cheap)


def test_approve_pool__no_new_risk_and_no_feed__even_a_fair_swap_home_is_refused() -> None:
    seen = replace(SEEN, feedless=True)

    refused = approve_pool(_home(FAIR), _pool_view(allowance=SPENT, seen=seen))

    assert isinstance(refused, Refused)
    assert refused.code == "LOSSES_SPENT"


@pytest.mark.parametrize("command", [_swap(), _burn(), _mint()])
def test_approve_pool__within_bounds__approved(
    command: SwapExactIn | BurnRange | MintRange,
) -> None:
    assert approve_pool(command, _pool_view()) == Approved(command)


@pytest.mark.parametrize(
    ("command", "changes", "code"),
    [
        (_swap(), {"phase": Phase.HALTED}, "HALTED"),
        (_mint(), {"phase": Phase.EXITING}, "EXITING"),
        (_swap(), {"phase": Phase.EXITING}, "EXITING"),
        (_swap(), {"age_ms": 30_001}, "SNAPSHOT_AGE"),
        (_swap(), {"seen": replace(SEEN, last_operation_at=NOW - 59)}, "COOLDOWN"),
        (_swap(deadline=NOW), {}, "DEADLINE"),
        (_swap(deadline=NOW + 121), {}, "DEADLINE"),
        (_swap(), {"allowance": SPENT}, "LOSSES_SPENT"),
        (_mint(), {"allowance": SPENT}, "LOSSES_SPENT"),
        (_swap(), {"allowance": PAUSED}, "VAULT_PAUSED"),
        (_swap(), {"mark": 0}, "ZERO_MARK"),
        (
            _mint(),
            {"seen": replace(SEEN, sqrt_price_x96=SEEN.sqrt_price_x96 * 101 // 100)},
            "POOL_OFF_MARK",
        ),
        (_swap(amount_in=1_001 * USDC), {}, "IDLE_SHORT"),
        (_swap(amount_in=0), {}, "IDLE_SHORT"),
        (_swap(amount_out_min=_swap().amount_out_min - 1), {}, "SLIPPAGE"),
        (_burn(liquidity=10**15 + 1), {}, "LIQUIDITY"),
        (_burn(liquidity=0), {}, "LIQUIDITY"),
        (_burn(amount0_min=_burn().amount0_min - 1), {}, "SLIPPAGE"),
        (_burn(amount1_min=_burn().amount1_min - 1), {}, "SLIPPAGE"),
        (_mint(liquidity=0), {}, "LIQUIDITY"),
        (_mint(amount0_max=_mint().amount0_max + 1), {}, "SLIPPAGE"),
        (_mint(amount1_max=_mint().amount1_max + 1), {}, "SLIPPAGE"),
    ],
)
def test_approve_pool__bound_broken__refused(
    command: SwapExactIn | BurnRange | MintRange, changes: dict[str, Any], code: str
) -> None:
    verdict = approve_pool(command, _pool_view(**changes))

    assert isinstance(verdict, Refused)
    assert verdict.code == code


def test_approve_pool__exiting__leaving_and_selling_base_pass() -> None:
    sell = _swap(zero_for_one=False, amount_in=10**18, amount_out_min=2_990 * USDC)

    assert isinstance(approve_pool(_burn(), _pool_view(phase=Phase.EXITING)), Approved)
    assert isinstance(approve_pool(sell, _pool_view(phase=Phase.EXITING)), Approved)


def test_approve_pool__losses_spent__leaving_a_range_passes() -> None:
    assert isinstance(approve_pool(_burn(), _pool_view(allowance=SPENT)), Approved)
