"""A report with something in every section, from a seeded walk."""

import random

from keeper.pages.report_data import (
    Bond,
    BondPurchase,
    Check,
    DataSource,
    Event,
    Fact,
    Figure,
    FillPoint,
    FillSummary,
    Holder,
    JournalParts,
    MarketChart,
    Markout,
    NavPart,
    Owned,
    Parameter,
    PnlCause,
    PoolChart,
    ProfitPoint,
    Quality,
    ReportData,
    Return,
    Settlement,
)

__all__ = ["sample_report"]

START_MS = 1_795_331_624_000
DAY_MS = 86_400_000
USDC = 10**6
SHARE = 10**18
ADDRESS = "0x09635F643e140090A9A8Dcd712eD6285858ceBef"
HASH = "0x" + "ab" * 32


def _walk(seed: int, start: int, step: int, spread: int = 0) -> tuple[tuple[int, int], ...]:
    """Two minutes, then a day later two more."""
    dice, value, points = random.Random(seed), start, list[tuple[int, int]]()
    for second in range(240):
        value += dice.randrange(-step, step + 1)
        at = START_MS + second * 1_000 + (DAY_MS if second >= 120 else 0)
        points.append((at, value + spread))
    return tuple(points)


def sample_report() -> ReportData:
    """Return the report."""
    return ReportData(
        title="A made-up day on made-up markets",
        mode="local world",
        made_at_s=(START_MS + DAY_MS) // 1_000,
        vault=ADDRESS,
        chain="chain 31337, block 541",
        block=541,
        state="OPEN",
        share_symbol="athETH",
        share_decimals=18,
        nav_usdc_e6=199_951_357_286,
        nav_parts=_parts(),
        total_supply_shares=200_024_318_802_632_548_681_802,
        price_usdc_e12=999_635_246_784,
        settlements=tuple(_settlement(number) for number in (1, 2, 3)),
        events=tuple(_event(number) for number in range(6)),
        pnl=tuple(
            PnlCause(cause=cause, amount_usdc_e6=amount, explanation="how it is computed")
            for cause, amount in (("spread", 19_036_592), ("inventory", -7_254_298), ("funding", 0))
        ),
        checks=(
            Check(name="USDC held", left_name="holders", left=5 * USDC, right_name="all", right=5),
            Check(name="shares", left_name="holders", left=7, right_name="supply", right=7),
        ),
        holders=(Holder(role="keeper", address=ADDRESS, can="trade", cannot="withdraw"),),
        figures=(Figure(name="Swaps in the pool", value="81", note="by others"),),
        source=DataSource(name="seeded flow", span="4 min", clock_offset="0 ms", note="A walk."),
        quoting=tuple(
            Parameter(scope=scope, name=f"parameter {n}", value=f"{n} %", meaning="what it does")
            for scope in ("ETH-USD", "limits of the vault")
            for n in range(6)
        ),
        returns=(
            Return(window="since inception", from_s=START_MS // 1_000, to_s=1, change_ppm=-9),
        ),
        facts=(
            Fact(
                name="Share on the order book", value="60 %", limit="at most 50 %", used_ppm=10**6
            ),
            Fact(name="Last report", value="29 s ago", note="signed by 2 of 3"),
        ),
        journal=_journal(),
        bonds=(_bond(),),
    )


def _bond() -> Bond:
    hours = range(0, 48, 6)
    bought = tuple(
        BondPurchase(
            at_s=START_MS // 1_000 + hour * 3_600,
            who=f"dora {ADDRESS}",
            note=number,
            payout=4_602_412_557_515_360_123_456,
            cost_usdc_e6=9_000 * USDC,
            price_usdc_e12=(2_200 - 20 * hour) * 10**9,
        )
        for number, hour in enumerate(hours, 1)
    )
    owned = Owned(
        project=ADDRESS,
        vault=ADDRESS,
        locked_until_s=START_MS // 1_000 + 400 * 86_400,
        shares=52_000_123_456_789_012_345_678,
        share_symbol="athALB",
        share_decimals=18,
        depth_ppm=812_500,
        worth_usdc_e6=51_999_456_789,
        waiting_usdc_e6=0,
        queued_usdc_e6=1,
        places=tuple(
            NavPart(name=name, custody=ADDRESS, assets_usdc_e6=assets)
            for name, assets in (("Idle", 25_595_405_060), ("In a pool", 38_358_101_584))
        ),
    )
    return Bond(
        market=1,
        auction="dutch",
        symbol="ALB",
        token_decimals=18,
        opened_at_s=START_MS // 1_000,
        conclusion_s=START_MS // 1_000 + 48 * 3_600,
        sold=31_116_733_246_269_807_034_226,
        unsold=28_883_266_753_730_192_965_774,
        floor_usdc_e12=12 * 10**11,
        path=tuple(
            (START_MS + minute * 60_000, (132_000 - 20 * minute) * 10**9 // 60)
            for minute in range(0, 48 * 60, 12)
        ),
        purchases=bought,
        owned=owned,
    )


def _parts() -> tuple[NavPart, ...]:
    rows = (("idle", 0, 50), ("Uniswap ranges and tokens", 79_846_068_165, 80), ("book", 9, None))
    return tuple(
        NavPart(name=name, custody="a contract", assets_usdc_e6=assets, now_usdc_e6=now)
        for name, assets, now in rows
    )


def _settlement(number: int) -> Settlement:
    return Settlement(
        epoch=number,
        cut_at_s=START_MS // 1_000 + number * 86_400,
        settled_at_s=START_MS // 1_000 + number * 86_400 + 60,
        gross_usdc_e6=399_805_482_837,
        accepted_usdc_e6=399_805_482_837,
        deposits_usdc_e6=400_000 * USDC,
        deposit_shares=400_000 * SHARE,
        redeemed_shares=199_976_272_143_869_858_106_342,
        paid_usdc_e6=199_902_741_419,
        price_usdc_e12=10**12 - number * 10**8,
        pnl_usdc_e6=(19, -7),
        digest=HASH,
        data_root=HASH,
    )


def _event(number: int) -> Event:
    return Event(
        at_s=START_MS // 1_000 + number,
        who=f"ada {ADDRESS}",
        what="deposit requested",
        amount="200,000.00 USDC",
        reference=HASH,
    )


def _journal() -> JournalParts:
    oracle = _walk(1, 3_000 * USDC, USDC)
    bid, ask = _walk(1, 3_000 * USDC, USDC, -5 * USDC), _walk(1, 3_000 * USDC, USDC, 5 * USDC)
    held = _walk(2, 0, 10**8)
    pool = _walk(3, 13 * 10**9, 10**7)
    fills = tuple(
        FillPoint(
            at_ms=at,
            side="BUY" if number % 2 else "SELL",
            price_usdc_e6=price,
            base_e9=5 * 10**8,
            liquidity="MAKER" if number % 3 else "TAKER",
            fee_usdc_e6=149_500,
        )
        for number, (at, price) in enumerate(bid[10::20])
    )
    market = MarketChart(
        market="ETH-USD",
        oracle=oracle,
        reference=_walk(4, 3_000 * USDC, USDC),
        bid=((START_MS - 1, None), *bid),
        ask=ask,
        fills=fills,
        position=held,
        pool=pool,
        net=tuple((at, a + b) for (at, a), (_, b) in zip(held, pool, strict=True)),
        quality=Quality(observed_ms=240_000, two_sided_ppm=954_321, spread_ppm=3_333),
    )
    low, high = _walk(5, 2_500 * USDC, 0), _walk(5, 3_500 * USDC, 0)
    return JournalParts(
        markets=(market,),
        pools=(PoolChart(pool=ADDRESS, price=oracle, mark=oracle, lower=low, upper=high),),
        fills=(
            FillSummary(
                market="ETH-USD",
                side="BUY",
                liquidity="MAKER",
                count=11,
                base_e9=5_661_000_000,
                quote_usdc_e6=17_026_528_500,
                fee_usdc_e6=1_702_670,
            ),
        ),
        markouts=tuple(
            Markout(
                market="ETH-USD",
                reference=reference,
                side="BUY",
                liquidity="MAKER",
                horizon_s=seconds,
                count=11,
                usdc_e6=-1_234_567,
                ppm=-72,
            )
            for reference in ("oracle", "leader")
            for seconds in (1, 5, 30)
        ),
        profit=tuple(
            ProfitPoint(at_ms=at, causes_usdc_e6=(n * USDC, -n * 10**5, 0, -n * 10**4, 0))
            for n, (at, _) in enumerate(oracle[::10])
        ),
        refusals=(("MAX_ORDER", 10), ("STALE_BOOK", 4)),
        figures=(Figure(name="Events in the log", value="1,302"),),
    )
