"""`keeper strategy`: the quoting rules, what each would quote, their calibration; offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.amounts import parse_amount
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table, scaled
from keeper.cli.strategy_compare import compare

if TYPE_CHECKING:
    from keeper.config.strategies import Rule
    from keeper.domain.instruments import PerpetualMarket
    from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["strategy"]

PRICE_DECIMALS: Final = 6
SIZE_DECIMALS: Final = 9
USDC_DECIMALS: Final = 6
DISTANCES_PPM: Final = (10, 20, 50, 100, 150, 200, 300, 500)
KIND = click.Choice(
    [
        *("megavault", "fixed_spread", "avellaneda_stoikov"),
        *("glft", "constant_product", "range_on_book"),
    ]
)


@click.group()
def strategy() -> None:
    """List the quoting rules and try what each would quote."""


strategy.add_command(compare)


@strategy.command("list")
@json_option
def list_rules(as_json: bool) -> None:
    """List every rule with an example of its parameters and their units."""
    from keeper.config.presets import RULES
    from keeper.config.strategies import SECTIONS

    rows = [
        {
            "rule": kind,
            "parameter": name,
            "example": value,
            "description": SECTIONS[kind].model_fields[name].description or "",
        }
        for kind, values in RULES.items()
        for name, value in values.items()
    ]
    about = {kind: (SECTIONS[kind].__doc__ or "").strip() for kind in RULES}
    data = {"rules": about, "parameters": rows}
    emit(as_json, data, lambda: _print_rules(about, rows))


@strategy.command()
@click.argument("kind", type=KIND)
@click.option(
    "--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change one parameter."
)
@click.option("--price", default="3000", show_default=True, help="Oracle price, in USDC.")
@click.option("--reference", help="Price to quote around, in USDC; absent: the oracle's.")
@click.option("--inventory", default="0", show_default=True, help="Position held, signed, in base.")
@click.option("--equity", default="100000", show_default=True, help="Equity, in USDC.")
@click.option("--tick", default="0.1", show_default=True, help="Tick of the market, in USDC.")
@click.option("--step", default="0.001", show_default=True, help="Step of its sizes, in base.")
@click.option(
    "--at",
    "now_s",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Unix time in seconds, for rules with a horizon (0: at the start of one).",
)
@click.option("--closing", is_flag=True, help="The reducing side alone.")
@json_option
def quote(kind: str, overrides: tuple[str, ...], as_json: bool, **scene: Any) -> None:
    """Show what a rule quotes, from its example parameters unless changed.

    Prices in USDC, distances from the reference in ppm of it, rounded towards it.
    """
    section = _section(kind, overrides)
    snapshot = _snapshot(scene)
    answer = _quoted(_params(section), snapshot)
    data = {
        "rule": kind,
        "parameters": {name: value for name, value in section if name != "kind"},
        **_answer(answer, snapshot),
    }
    emit(as_json, data, lambda: _print_quotes(data))


@strategy.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--symbol", required=True, help="Recorded symbol, e.g. ETHUSDT.")
@click.option(
    "--distance",
    "distances",
    type=click.IntRange(min=0),
    multiple=True,
    default=DISTANCES_PPM,
    show_default=True,
    help="Distance at which trades are counted, in ppm; repeat for several.",
)
@click.option(
    "--sample-ms",
    type=click.IntRange(min=100),
    default=1_000,
    show_default=True,
    help="Interval of the returns that volatility is measured from, in ms.",
)
@json_option
def calibrate(
    data: Path, symbol: str, distances: tuple[int, ...], sample_ms: int, as_json: bool
) -> None:
    """Measure volatility_ppm, k_e9 and arrivals_per_day from a recording.

    Prints of one moment and side are one arrival, which reached its farthest price. What a
    recording of minutes says of a day is a guess: use hours.
    """
    from keeper.recordings import load_recordings, measured

    (recording,) = load_recordings(data, (symbol,))
    found = measured(recording.moments(levels=1), distances, sample_ms * 10**6)._asdict()
    emit(as_json, {"symbol": symbol, **found}, lambda: _print_calibration(found))


def _print_calibration(found: dict[str, Any]) -> None:
    hours = found["elapsed_ns"] // 3_600_000_000_000
    minutes = found["elapsed_ns"] // 60_000_000_000 % 60
    click.echo(f"{hours} h {minutes} min, {found['trades']:,} arrivals")
    for name in ("volatility_ppm", "k_e9", "arrivals_per_day"):
        value = found[name]
        click.echo(f"{name} = {'unknown: too few trades' if value is None else value}")
    print_table(
        [(str(distance), f"{count:,}") for distance, count in found["reached"]],
        head=("distance ppm", "arrivals that reached it"),
    )


def _section(kind: str, overrides: tuple[str, ...]) -> "Rule":
    """The example with changes laid over it. Raises ConfigInvalid naming every fault."""
    import json

    from pydantic import ValidationError

    from keeper.config.load import put_override
    from keeper.config.presets import RULES
    from keeper.config.problems import ConfigInvalid, problems_of
    from keeper.config.strategies import SECTIONS

    body = {"kind": kind, **RULES[kind]}
    for item in overrides:
        put_override(body, item)
    try:
        return SECTIONS[kind].model_validate_json(json.dumps(body))
    except ValidationError as error:
        raise ConfigInvalid(kind, problems_of(error, SECTIONS[kind], "")) from None


def _params(section: "Rule") -> Any:
    from keeper.config.checks import rule_problems
    from keeper.config.problems import ConfigInvalid
    from keeper.config.settings import rule_params

    found = rule_problems(section, "")
    if found:
        raise ConfigInvalid(section.kind, found)
    return rule_params(section)


def _snapshot(scene: dict[str, Any]) -> "MarketSnapshot":
    from keeper.strategies.snapshot import MarketSnapshot

    reference = scene["reference"]
    equity = _exact("--equity", scene["equity"], USDC_DECIMALS)
    return MarketSnapshot(
        market=_market(scene),
        oracle_price=_exact("--price", scene["price"], PRICE_DECIMALS),
        usdc=equity,
        equity=equity,
        inventory=_exact("--inventory", scene["inventory"], SIZE_DECIMALS),
        close_only=scene["closing"],
        reference_price=None
        if reference is None
        else _exact("--reference", reference, PRICE_DECIMALS),
        now_s=scene["now_s"],
    )


def _market(scene: dict[str, Any]) -> "PerpetualMarket":
    from keeper.domain.instruments import PerpetualMarket

    tick = _exact("--tick", scene["tick"], PRICE_DECIMALS)
    step = _exact("--step", scene["step"], SIZE_DECIMALS)
    if tick <= 0 or step <= 0:
        raise ArgumentInvalid("--tick and --step must be positive", next_step="set them above 0")
    return PerpetualMarket(
        ticker="MARKET",
        clob_pair_id=0,
        atomic_resolution=-SIZE_DECIMALS,
        quantum_conversion_exponent=-SIZE_DECIMALS,
        step_base_quantums=step,
        subticks_per_tick=tick,
        oracle_exponent=-PRICE_DECIMALS,
        min_price_change_ppm=50,
        initial_margin_ppm=50_000,
        maintenance_margin_ppm=30_000,
        status="ACTIVE",
    )


def _exact(option: str, text: str, decimals: int) -> int:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if digits and not digits.strip("0."):
        return 0
    return sign * parse_amount(digits, decimals, option)


def _quoted(rule: Any, snapshot: "MarketSnapshot") -> "Quotes":
    """The rule's answer, or why a keeper would not quote it in this market."""
    from keeper.core.plausible import Surroundings, unusable
    from keeper.domain.approval import Refused
    from keeper.strategies import rules

    answer = rules.quote(rule, snapshot)
    if isinstance(answer, Refused):
        return answer
    seen = Surroundings(
        listing=snapshot.market, oracle_price=snapshot.oracle_price, equity=snapshot.equity
    )
    return unusable(rule, None, seen) or answer


def _answer(answer: "Quotes", snapshot: "MarketSnapshot") -> dict[str, Any]:
    import msgspec

    from keeper.domain.approval import Refused
    from keeper.domain.units import PPM

    if isinstance(answer, Refused):
        return {"quotes": [], "refused": msgspec.to_builtins(answer)}
    rows = []
    for wanted in answer:
        away = (snapshot.centre - wanted.subticks) * wanted.side.sign * PPM
        rows.append(
            {
                "side": wanted.side.value,
                "layer": wanted.layer,
                "price": scaled(wanted.subticks, PRICE_DECIMALS),
                "size": scaled(wanted.quantums, SIZE_DECIMALS),
                "distance_ppm": _toward_zero(away, snapshot.centre),
                "time_in_force": wanted.time_in_force.value,
            }
        )
    return {"quotes": rows, "refused": None}


def _toward_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)


def _print_rules(about: dict[str, str], rows: list[dict[str, Any]]) -> None:
    for kind, text in about.items():
        click.echo(f"{kind}: {text}")
        print_table(
            [
                (f"  {row['parameter']}", f"{row['example']:,}", row["description"])
                for row in rows
                if row["rule"] == kind
            ]
        )
        click.echo()


def _print_quotes(data: dict[str, Any]) -> None:
    if data["refused"] is not None:
        refused = data["refused"]
        click.echo(f"refused: {refused['code']} (limit {refused['limit']}, {refused['value']})")
        return
    print_table(
        [tuple(str(value) for value in row.values()) for row in data["quotes"]],
        head=("side", "layer", "price", "size", "distance ppm", "time in force"),
    )
