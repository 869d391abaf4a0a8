"""What a project writes down of its bond: a TOML file, or answers to the same questions."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from keeper.cli.failures import ArgumentInvalid

__all__ = [
    "BondFile",
    "DutchPart",
    "MarketPart",
    "OraclePart",
    "ProjectPart",
    "ask_bond",
    "bond_toml",
    "lock_seconds",
    "read_bond_file",
]

Number = str | int
"""A decimal: text, or a whole number. TOML's floats would round."""


class ProjectPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project that exists, by `treasury`; or all that a new one needs."""

    treasury: str = ""
    token: str = ""
    vault: str = ""
    pool: str = ""
    lock_until: str = ""


class MarketPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every market names; durations as "7d", the capacity in whole tokens."""

    auction: Literal["dutch", "oracle"]
    capacity: Number
    duration: str
    cliff: str
    vesting: str
    accepts_shares: bool


class DutchPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms of a Dutch auction; prices in whole assets per whole token."""

    price: Number
    floor: Number
    deposit_interval: str
    debt_buffer_bps: int


class OraclePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms of an oracle auction; `source` is the pool's feed, or its mean price over `window`."""

    source: Literal["feed", "twap"]
    window: str
    discount_bps: int
    max_discount_bps: int
    min_floor: Number


class BondFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bond as it is written down: nothing is looked up yet."""

    project: ProjectPart
    market: MarketPart
    dutch: DutchPart | None = None
    oracle: OraclePart | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One field: where it stands, what is asked, what is proposed, and why."""

    path: str
    text: str
    default: str
    why: str


PROJECT: Final = (
    Question("project.token", "Token that the bond pays out", "", ""),
    Question("project.vault", "The project's vault", "", ""),
    Question(
        "project.lock_until",
        "The liquidity stays locked until (a date)",
        "",
        "at least until the last note has vested; it can only be extended",
    ),
)
MARKET: Final = (
    Question("market.capacity", "Tokens for sale, all escrowed", "", ""),
    Question("market.duration", "Length of the sale", "14d", "1d to 365d"),
    Question("market.cliff", "Nothing vests before", "7d", "0d for none"),
    Question("market.vesting", "All has vested after", "90d", "1d to 1460d; a seller must wait"),
    Question("market.accepts_shares", "Take shares of the vault too", "false", "true or false"),
    Question("market.auction", "Auction: dutch or oracle", "dutch", "dutch needs no oracle"),
)
DUTCH: Final = (
    Question("dutch.price", "First price", "", "at or above the market: it falls by itself"),
    Question("dutch.floor", "Lowest price", "", "the worst that the whole capacity may sell at"),
    Question(
        "dutch.deposit_interval", "Largest purchase: what is sold in", "1d", "1h to the duration"
    ),
    Question("dutch.debt_buffer_bps", "Pause when oversold by (bps)", "2000", "of the target"),
)
ORACLE: Final = (
    Question("oracle.source", "Price source: feed or twap", "feed", "twap: the pool's mean price"),
    Question("oracle.window", "Oldest feed answer, or the mean's window", "1h", "twap: 30m to 1d"),
    Question("oracle.discount_bps", "Discount (bps)", "500", ""),
    Question("oracle.max_discount_bps", "Floor: below today's price by (bps)", "2000", ""),
    Question("oracle.min_floor", "Create it only with a floor of at least", "", ""),
)
PARTS: Final = {"dutch": DUTCH, "oracle": ORACLE}
LITERAL: Final = re.compile(r"true|false|[0-9]+")
TEXTS: Final = ("capacity", "price", "floor", "min_floor")
"""Decimals are text, also where they are whole."""


def read_bond_file(path: Path) -> BondFile:
    """Read a bond's file. Raises ArgumentInvalid."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ArgumentInvalid(
            f"{path} cannot be read: {error}",
            next_step="see config/bonds/example.toml for the shape",
        ) from error
    return _checked(data, str(path))


def ask_bond(ask: Callable[[str, str], str], existing: str | None) -> BondFile:
    """Ask for every field; `ask` gets question and proposal. Raises ArgumentInvalid.

    `existing` is the treasury of a project that is there already.
    """
    answers = {} if existing is None else {"project.treasury": existing}
    kind = ""
    for question in (*(() if existing else PROJECT), *MARKET):
        answers[question.path] = ask(_text(question), question.default)
        kind = answers[question.path]
    if kind not in PARTS:
        raise ArgumentInvalid(f"{kind!r} is no auction", next_step="answer dutch or oracle")
    for question in PARTS[kind]:
        answers[question.path] = ask(_text(question), question.default)
    return _checked(tomllib.loads(_toml(answers)), "the answers")


def bond_toml(bond: BondFile) -> str:
    """Write a bond as the file that says the same."""
    plain = msgspec.to_builtins(bond)
    answers = {
        f"{part}.{name}": _word(value)
        for part, fields in plain.items()
        if fields is not None
        for name, value in fields.items()
        if value != ""
    }
    return _toml(answers)


def lock_seconds(text: str) -> int:
    """Convert an ISO date or time, in UTC unless it says otherwise. Raises ArgumentInvalid."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentInvalid(
            f"{text!r} is no date", next_step="write lock_until as 2027-12-31"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


def _text(question: Question) -> str:
    return f"{question.text} ({question.why})" if question.why else question.text


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _toml(answers: dict[str, str]) -> str:
    lines: list[str] = []
    for path, answer in answers.items():
        part, _, name = path.partition(".")
        if f"[{part}]" not in lines:
            lines += ["", f"[{part}]"] if lines else [f"[{part}]"]
        literal = LITERAL.fullmatch(answer) and name not in TEXTS
        lines.append(f"{name} = {answer}" if literal else f"{name} = {_quoted(answer)}")
    return "\n".join(lines) + "\n"


def _quoted(answer: str) -> str:
    """Quote a TOML string: JSON's basic strings are TOML's."""
    return msgspec.json.encode(answer).decode()


def _checked(data: dict[str, Any], where: str) -> BondFile:
    try:
        bond = msgspec.convert(data, BondFile)
    except msgspec.ValidationError as error:
        raise ArgumentInvalid(
            f"{where}: {error}",
            next_step='see config/bonds/example.toml; decimals are text: price = "1.25"',
        ) from error
    if getattr(bond, bond.market.auction) is None or (bond.dutch and bond.oracle):
        raise ArgumentInvalid(
            f"{where}: the terms of a {bond.market.auction} auction, and no other, are needed",
            next_step=f"write a section [{bond.market.auction}]",
        )
    _require_project(bond.project, where)
    return bond


def _require_project(part: ProjectPart, where: str) -> None:
    new = {"token": part.token, "vault": part.vault, "lock_until": part.lock_until}
    missing = [name for name, value in new.items() if not value]
    if part.treasury and (len(missing) < len(new) or part.pool):
        raise ArgumentInvalid(
            f"{where}: [project] names a treasury, and what only a new project has",
            next_step="keep treasury alone, or drop it",
        )
    if not part.treasury and missing:
        raise ArgumentInvalid(
            f"{where}: [project] lacks {', '.join(missing)}",
            next_step="name them, or the treasury of a project that exists",
        )
