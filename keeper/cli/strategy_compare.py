"""`keeper strategy compare`: every rule and overlay over one recorded tape, as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.amounts import parse_amount
from keeper.cli.options import json_option, progress_option
from keeper.cli.output import emit, print_table, units
from keeper.cli.progress import progress_bar

if TYPE_CHECKING:
    from keeper.core.tape_score import TapeScore
    from keeper.pages.comparison_data import Comparison, TapeRun

__all__ = ["RULES", "compare"]

USDC_DECIMALS = 6
RULES = (
    *("fixed_spread", "megavault", "avellaneda_stoikov", "avellaneda_stoikov_infinite"),
    *("glft", "glft_horizon", "constant_product", "range_on_book"),
)
OVERLAYS = (
    *("trend", "imbalance", "volatility", "funding", "toxicity"),
    *("fee", "target", "session", "reduce_only"),
)


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--symbol", required=True, help="Recorded symbol, e.g. ETHUSDT.")
@click.option(
    "--rule", "rules", type=click.Choice(RULES), multiple=True, help="Only these; may be repeated."
)
@click.option(
    "--overlay",
    "overlays",
    type=click.Choice([*OVERLAYS, "none"]),
    multiple=True,
    help="Only these; may be repeated; `none` for none.",
)
@click.option(
    "--base",
    type=click.Choice(RULES),
    default="fixed_spread",
    show_default=True,
    help="Rule that overlays are laid on.",
)
@click.option(
    "--calibrate-on",
    type=click.Path(path_type=Path),
    help="Another recording to measure parameters from; absent: the tape itself.",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="RUN.NAME=VALUE", help="Change one parameter."
)
@click.option("--order", default="2000", show_default=True, help="Worth of one order, in USDC.")
@click.option("--equity", default="100000", show_default=True, help="Equity at first, in USDC.")
@click.option(
    "--maker-fee-ppm",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Maker fee of the venue, in ppm of volume.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), help="At most so many; absent: one a core."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/strategies.html"),
    show_default=True,
    help="Page to write; replaced whole.",
)
@progress_option
@json_option
def compare(data: Path, out: Path, progress: bool, as_json: bool, **options: Any) -> None:
    """Compare every rule, and every overlay on one of them, on a recorded tape.

    Parameters come from the calibration: all quote about 1/k from the middle. Fills are the
    conservative kind: only what a recorded trade went through. Writes one self-contained page.
    """
    from keeper.pages.comparison import write_comparison

    with progress_bar("walking the tape", is_forced=progress) as show:
        found = _compared(data, options, show)
    write_comparison(found, out)
    body = {"written": str(out), "bytes": out.stat().st_size, **_plain(found)}
    emit(as_json, body, lambda: _print(found, out))


def _compared(data: Path, options: dict[str, Any], show: Any) -> "Comparison":
    import os

    from keeper.bootstrap.comparing import Wanted
    from keeper.bootstrap.comparing import compare as walked
    from keeper.recordings import load_recordings

    symbol, other = options["symbol"], options["calibrate_on"]
    (recording,) = load_recordings(data, (symbol,))
    calibrated_on = None if other is None else load_recordings(other, (symbol,))[0]
    overlays = options["overlays"] or OVERLAYS
    wanted = Wanted(
        rules=options["rules"] or RULES,
        overlays=() if "none" in overlays else overlays,
        base=options["base"],
        order=parse_amount(options["order"], USDC_DECIMALS, "--order"),
        equity=parse_amount(options["equity"], USDC_DECIMALS, "--equity"),
        maker_fee_ppm=options["maker_fee_ppm"],
        overrides=options["overrides"],
        processes=options["processes"] or os.cpu_count() or 1,
    )
    return walked(recording, calibrated_on, wanted, show)


def _plain(found: "Comparison") -> dict[str, Any]:
    """Figures in smallest units: quote quantums (1e-6 USDC), base quantums (1e-8), ppm, ns."""
    import msgspec

    pool = found.pool_range
    return {
        "symbol": found.market.ticker,
        "fill_model": "conservative",
        "base": found.base,
        "prints": found.prints,
        "changes": found.changes,
        "calibration": found.calibration._asdict(),
        "rules": [_row(run) for run in found.rules],
        "overlays": [_row(run) for run in found.overlays],
        "range": None
        if pool is None
        else {
            name: getattr(pool, name)
            for name in ("half_width_ticks", "moves", "loss", "expected_loss")
        },
        "source": msgspec.to_builtins(found.source),
    }


def _row(run: "TapeRun") -> dict[str, Any]:
    import msgspec

    score = run.score
    return {
        "run": run.name,
        "parameters": dict(run.parameters),
        "fills": len(score.fills),
        "volume_quote_quantums": score.volume,
        "captured_quote_quantums": score.captured,
        "profit_before_fees_quote_quantums": score.profit_gross,
        "fees_quote_quantums": score.fees,
        "profit_after_fees_quote_quantums": score.profit_net,
        "largest_position_base_quantums": score.largest_position,
        "markouts": [msgspec.to_builtins(row) for row in score.markouts],
        "observed_ns": score.observed_ns,
        "two_sided_ns": score.two_sided_ns,
        "spread_ppm": score.spread_ppm,
        "refused_ns": dict(score.refused),
    }


def _print(found: "Comparison", out: Path) -> None:
    head = ("run", "fills", "before fees", "fees", "after fees", "captured")
    print_table(
        [_cells(run) for run in (*found.rules, *found.overlays)],
        head=(*head, "1 s ppm", "5 s ppm", "30 s ppm", "both sides"),
    )
    click.echo(f"fills: conservative; overlays on {found.base}; money in USDC")
    click.echo(f"{out}  ({out.stat().st_size:,} bytes)")


def _cells(run: "TapeRun") -> tuple[str, ...]:
    score = run.score
    return (
        run.name,
        f"{len(score.fills):,}",
        *(_cents(value) for value in (score.profit_gross, score.fees, score.profit_net)),
        _cents(score.captured),
        *("-" if row.ppm is None else str(row.ppm) for row in score.markouts),
        _share(score),
    )


def _cents(value: int) -> str:
    """With two decimals, towards zero."""
    cents = abs(value) // 10 ** (USDC_DECIMALS - 2)
    return units(-cents if value < 0 else cents, 2)


def _share(score: "TapeScore") -> str:
    tenths = 1_000 * score.two_sided_ns // score.observed_ns if score.observed_ns else 0
    return f"{tenths // 10}.{tenths % 10} %"
