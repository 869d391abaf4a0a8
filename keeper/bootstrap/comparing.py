"""Runs every rule and overlay over one recorded tape, in processes beside each other."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, Final

import msgspec

from keeper.core.on_tape import Best, TapePoint, walk
from keeper.core.range_on_tape import range_walk
from keeper.core.tape_score import TapeScore, score
from keeper.domain.errors import ConfigError, RecordingInvalid
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.settings import MarketSettings, PoolEconomics, PoolSettings
from keeper.domain.strategies import Overlays, Strategy
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.markets.perpetual import quantums_for_value_down
from keeper.pages.comparison_data import Comparison, TapeRun
from keeper.pages.numbers import money_text
from keeper.pages.report_data import DataSource
from keeper.recordings import Recording, market_of, measured, points_of
from keeper.strategies import overlays as overlay_rules
from keeper.strategies import rules
from keeper.strategies.calibration import Calibration
from keeper.strategies.fitting import HORIZON_SECONDS, Measured, fitted_overlays, fitted_rules
from keeper.strategies.range_economics import half_width_ticks

__all__ = ["OVERLAY_NAMES", "RULE_TITLES", "Wanted", "compare"]

RULE_TITLES: Final = {
    "fixed_spread": ("Fixed spread", "a constant distance: the rule every other must beat"),
    "megavault": ("MegaVault", "dYdX's own on-chain rule: skew by leverage"),
    "avellaneda_stoikov": ("Avellaneda-Stoikov", f"finite horizon of {HORIZON_SECONDS} s"),
    "avellaneda_stoikov_infinite": ("Avellaneda-Stoikov, infinite", "infinite horizon"),
    "glft": ("GLFT", "closed form, for a horizon far away"),
    "glft_horizon": ("GLFT, finite", f"exact table, horizon of {HORIZON_SECONDS} s"),
    "constant_product": ("Constant product", "x*y = k laid out as limit orders"),
    "range_on_book": ("Range on the book", "a Uniswap v3 range laid out as limit orders"),
}
"""Title and a few words for each rule that `fitted_rules` returns."""

OVERLAY_NAMES: Final = tuple(Overlays.__struct_fields__)
_ABOUT: Final = {
    "trend": "moves with the short-term trend",
    "imbalance": "moves with the order flow at the best levels",
    "volatility": "widens when the market moves more than it did over the calibration",
    "funding": "leans against paying funding",
    "toxicity": "widens the side whose fills lost",
    "fee": "moves both sides out by the maker fee",
    "target": "holds an inventory other than none",
    "session": "only reduces after the middle of the tape",
    "reduce_only": "only reduces from an inventory on",
}
_NO_FUNDING: Final = "The tape holds no funding payment, so there is nothing to lean against."
_SAME: Final = "It made no difference: this rule does not look at inventory, or nothing set it off."
_POOL_FEE_PPM: Final = 500
_POOL_WIDTH_PPM: Final = 2_000_000
_FEW_POINTS: Final = 20_000
"""Points times runs below which other processes cost more than they save."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to compare: names, money in quote quantums, changed parameters as RUN.NAME=VALUE."""

    rules: Sequence[str]
    overlays: Sequence[str]
    base: str
    order: int
    equity: int
    maker_fee_ppm: int
    overrides: Sequence[str] = ()
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)


class _Job(msgspec.Struct, frozen=True):
    """One walk, and what every walk of a tape shares."""

    name: str
    strategy: Strategy
    overlays: Overlays | None
    cash: int
    maker_fee_ppm: int
    until_ns: int


def compare(
    recording: Recording,
    calibrated_on: Recording | None,
    wanted: Wanted,
    show: Callable[[int, int], None],
) -> Comparison:
    """Walk the recording's tape once a rule and overlay; `show` is told (done, total).

    Parameters are fitted to `calibrated_on`, else to the tape itself. Raises RecordingInvalid
    where too few trades reach anywhere, ConfigError for parameters that cannot be quoted.
    """
    moments = list(recording.moments(levels=1))
    found = measured(moments if calibrated_on is None else calibrated_on.moments(levels=1))
    tape, listing = list(points_of(moments)), market_of(recording.symbol, moments)
    _check_order(wanted, listing, tape)
    jobs = _jobs(wanted, _measured(calibrated_on or recording, found, wanted), recording)
    scores = _scored(jobs, listing, tape, wanted.processes, show)
    terms = _pool_terms(found)
    runs = [_run(job, scores[job.name], scores[wanted.base]) for job in jobs]
    return Comparison(
        market=listing,
        source=_source(recording),
        started_s=recording.start_ns // NS_PER_SECOND,
        middle=tuple(_middles(tape)),
        changes=sum(isinstance(point, Best) for point in tape),
        prints=sum(not isinstance(point, Best) for point in tape),
        calibration=found,
        calibrated_on="" if calibrated_on is None else _files(calibrated_on),
        equity=wanted.equity,
        order=wanted.order,
        maker_fee_ppm=wanted.maker_fee_ppm,
        base=wanted.base,
        rules=tuple(run for run, job in zip(runs, jobs, strict=True) if job.overlays is None),
        overlays=tuple(run for run, job in zip(runs, jobs, strict=True) if job.overlays),
        pool_range=range_walk(terms, _POOL_FEE_PPM, wanted.equity, tape),
        pool_facts=_pool_facts(terms),
    )


def _middles(tape: Iterable[TapePoint]) -> Iterator[tuple[int, int]]:
    for point in tape:
        if isinstance(point, Best):
            yield point.t_ns // NS_PER_MS, (point.top.bid + point.top.ask) // 2


def _measured(recording: Recording, found: Calibration, wanted: Wanted) -> Measured:
    if found.k_e9 is None or found.arrivals_per_day is None:
        raise RecordingInvalid(
            recording.files[0].name,
            0,
            f"{found.trades} arrivals are too few to fit how far trades reach",
            next_step="give a longer recording, or a longer one to --calibrate-on",
        )
    return Measured(
        volatility_ppm=found.volatility_ppm,
        k_e9=found.k_e9,
        arrivals_per_day=found.arrivals_per_day,
        order=wanted.order,
        equity=wanted.equity,
        maker_fee_ppm=wanted.maker_fee_ppm,
    )


def _jobs(wanted: Wanted, of: Measured, recording: Recording) -> list[_Job]:
    """The base, the other rules, then the overlays on the base. Raises ConfigError."""
    changes = _changes(wanted.overrides)
    chosen = {
        name: _changed(rule, changes.pop(name, {})) for name, rule in fitted_rules(of).items()
    }
    base, middle_ns = chosen[wanted.base], (recording.start_ns + recording.end_ns) // 2
    bent = {
        name: Overlays(**{name: _changed(getattr(overlay, name), changes.pop(name, {}))})
        for name, overlay in fitted_overlays(of, base, middle_ns // NS_PER_SECOND).items()
    }
    if changes:
        raise _unfit(f"--set {next(iter(changes))}: neither a rule nor an overlay of this name")
    terms = (wanted.equity, wanted.maker_fee_ppm, recording.end_ns)
    names = [name for name in chosen if name in wanted.rules or name == wanted.base]
    jobs = [_Job(name, chosen[name], None, *terms) for name in names]
    jobs += [_Job(name, base, bent[name], *terms) for name in bent if name in wanted.overlays]
    for job in jobs:
        _check(job)
    return jobs


def _check(job: _Job) -> None:
    """Refuse what `config check` would. Raises ConfigError."""
    found = list(rules.problems(job.strategy))
    if job.overlays is not None:
        found += overlay_rules.problems(job.overlays)
        shift = overlay_rules.greatest_shift_ppm(job.overlays)
        spread = rules.half_spread_ppm(job.strategy, 0)
        if 0 < spread <= shift:
            found.append(f"may move quotes by {shift} ppm, the half spread is {spread} ppm")
    if found:
        raise _unfit(f"{job.name}: {found[0]}")


def _check_order(wanted: Wanted, listing: PerpetualMarket, tape: Iterable[TapePoint]) -> None:
    """Refuse orders that no rule would send. Raises ConfigError."""
    first = next((middle for _, middle in _middles(tape)), 0)
    price = listing.oracle_price_down(first)
    if price > 0 and quantums_for_value_down(listing, wanted.order, price) == 0:
        step = money_text(listing.step_base_quantums, 8, short=True)
        worth = money_text(wanted.order, 6, short=True)
        raise ConfigError(
            f"an order of {worth} USDC is less than the step of {step} {listing.ticker}",
            next_step="raise --order",
        )


def _unfit(text: str) -> ConfigError:
    return ConfigError(text, next_step="`keeper strategy list` names every parameter")


def _changes(overrides: Iterable[str]) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for item in overrides:
        path, separator, value = item.partition("=")
        run, dot, name = path.strip().partition(".")
        if not separator or not dot:
            raise _unfit(f"--set {item!r} is not RUN.NAME=VALUE")
        try:
            changes.setdefault(run, {})[name] = json.loads(value.replace("_", ""))
        except json.JSONDecodeError:
            changes.setdefault(run, {})[name] = value.strip()
    return changes


def _changed(params: Any, change: dict[str, Any]) -> Any:
    """Parameters with values laid over them. Raises ConfigError for a wrong name or kind."""
    if not change:
        return params
    unknown = sorted(set(change) - set(params.__struct_fields__))
    if unknown:
        raise _unfit(f"--set: {unknown[0]} is no parameter of {type(params).__name__}")
    try:
        return msgspec.convert({**msgspec.structs.asdict(params), **change}, type(params))
    except msgspec.ValidationError as error:
        raise _unfit(f"--set: {error}") from error


# The tape is handed to each process once, not with every job.
_held: dict[str, Any] = {}


def _hold(listing: PerpetualMarket, tape: list[TapePoint]) -> None:
    _held["tape"] = (listing, tape)


def _walked(job: _Job) -> TapeScore:
    listing, tape = _held["tape"]
    settings = _settings(listing.ticker, job)
    rows = walk(settings, listing, job.cash, job.maker_fee_ppm, tape)
    return score(rows, listing, job.until_ns)


def _scored(
    jobs: Sequence[_Job],
    listing: PerpetualMarket,
    tape: list[TapePoint],
    processes: int,
    show: Callable[[int, int], None],
) -> dict[str, TapeScore]:
    if processes < 2 or len(jobs) * len(tape) < _FEW_POINTS:
        _hold(listing, tape)
        scores = {}
        for done, job in enumerate(jobs):
            show(done, len(jobs))
            scores[job.name] = _walked(job)
        _held.clear()
        return scores
    with ProcessPoolExecutor(
        min(processes, len(jobs)), get_context("spawn"), _hold, (listing, tape)
    ) as pool:
        under_way: dict[Future[TapeScore], str] = {
            pool.submit(_walked, job): job.name for job in jobs
        }
        for done, _ in enumerate(as_completed(under_way), 1):
            show(done, len(jobs))
        return {name: future.result() for future, name in under_way.items()}


def _settings(ticker: str, job: _Job) -> MarketSettings:
    """A walk reads the rule and its overlays alone; limits and lifetimes play no part in it."""
    return MarketSettings(
        ticker=ticker,
        strategy=job.strategy,
        overlays=job.overlays,
        good_til_block_offset=1,
        refresh_blocks=0,
        price_tolerance_ppm=0,
        size_tolerance_ppm=0,
        oracle_max_age_ms=0,
        book_max_age_ms=0,
        max_position_quote_quantums=0,
        inventory_band_quote_quantums=0,
        hedge_max_slippage_ppm=0,
    )


def _run(job: _Job, found: TapeScore, base: TapeScore) -> TapeRun:
    params: Any = job.strategy
    remark = ""
    if job.overlays is None:
        title, about = RULE_TITLES[job.name]
    else:
        title, about = job.name, _ABOUT[job.name]
        params = getattr(job.overlays, job.name)
        remark = _SAME if found.fills == base.fills else ""
    values = msgspec.structs.asdict(params)
    return TapeRun(
        name=job.name,
        title=title,
        about=about,
        parameters=tuple((name, _written(value)) for name, value in values.items()),
        score=found,
        remark=_NO_FUNDING if job.name == "funding" else remark,
    )


def _written(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else json.dumps(value)


def _pool_terms(found: Calibration) -> PoolSettings:
    economics = PoolEconomics(
        standing_seconds=HORIZON_SECONDS,
        volume_assets_per_day=0,
        volatility_ppm=max(1, found.volatility_ppm),
        width_ppm=_POOL_WIDTH_PPM,
        gas_assets=0,
        skew_ticks=0,
    )
    terms = PoolSettings(
        adapter="",
        pool="",
        hedge_market="",
        asset_is_token0=False,
        asset_decimals=6,
        base_decimals=18,
        half_width_ticks=1,
        recentre_ticks=1,
        max_slippage_ppm=0,
        snapshot_max_age_ms=0,
        cooldown_seconds=0,
        economics=economics,
    )
    half = half_width_ticks(terms, _POOL_FEE_PPM)
    return msgspec.structs.replace(terms, recentre_ticks=max(1, half // 2))


def _pool_facts(terms: PoolSettings) -> tuple[tuple[str, str], ...]:
    economics = terms.economics
    if economics is None:
        return ()
    return (
        ("pool's fee", money_text(_POOL_FEE_PPM, 4, short=True) + " %"),
        ("standing_seconds", f"{economics.standing_seconds:,}"),
        ("volatility_ppm", f"{economics.volatility_ppm:,}"),
        ("width_ppm", f"{economics.width_ppm:,}"),
        ("recentre_ticks", f"{terms.recentre_ticks:,}"),
    )


def _files(recording: Recording) -> str:
    return ", ".join(file.name for file in recording.files)


def _source(recording: Recording) -> DataSource:
    seconds = (recording.end_ns - recording.start_ns) // NS_PER_SECOND
    return DataSource(
        name=f"{recording.symbol}, {_files(recording)}",
        span=f"{seconds // 60} min {seconds % 60} s",
        clock_offset=f"{recording.clock_offset_ns // 10**6} ms",
        note="",
    )
