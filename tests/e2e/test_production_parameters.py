"""The demonstration relaxes nothing: the numbers, the node and the contracts are production's."""

import ast
import re
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from keeper.devnet import deployment
from keeper.devnet.anvil import Anvil
from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import evm_identities

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = ROOT / "contracts" / "libraries" / "Constants.sol"
POOL_ADAPTER = ROOT / "contracts" / "adapters" / "UniswapV3Adapter.sol"
POOL_MARKS = ROOT / "contracts" / "adapters" / "PoolMarks.sol"
INSTRUMENTS = ROOT / "scripts" / "instrument.py"  # counts branches, on a node of its own
EXAMPLE = ROOT / "scripts" / "params" / "protocol.example.toml"
WORLD_CODE = [
    path
    for folder in ("keeper/devnet", "scripts")
    for path in (ROOT / folder).rglob("*.py")
    if path != INSTRUMENTS
]
PRODUCTION_CONTRACTS = [
    path for path in (ROOT / "contracts").rglob("*.sol") if "mocks" not in path.parts
]
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
SPECIFIED: dict[str, int] = {
    "EPOCH_LENGTH": 86_400,
    "REPORT_WINDOW": 21_600,
    "HOLD_TIME": 86_400,
    "MAX_PAUSE": 604_800,
    "PAUSE_INTERVAL": 1_209_600,
    "MAX_FEE_BPS": 3_000,
    "SIGNER_FEE_BPS": 200,
    "LEAST_STAKE_BPS": 500,
    "MAX_SETTLEMENT_DELAY": 259_200,
    "LOOSEN_DELAY": 604_800,
    "OBJECTION_INTERVAL": 7 * 86_400,
    "WIND_DOWN_DELAY": 7 * 86_400,
    "UNWIND_PATIENCE": 3 * 86_400,
    "COHORT_UNPAID": 10**16,
    "LOSS_BUCKET_MAX": 2 * 10**16,
    "LOSS_BUCKET_REFILL_TIME": 86_400,
    "DAY_LOSS_MAX": 10**16,
    "DAY_LOSS_REFILL_TIME": 86_400,
    "MONTH_LOSS_MAX": 3 * 10**16,
    "MONTH_LOSS_REFILL_TIME": 30 * 86_400,
    "OPERATION_LOSS_MAX": 3 * 10**15,
    "PENALTY_BPS": 200,
    "PENALTY_INTERVAL": 86_400,
    "STAKE_WITHDRAWAL_DELAY": 7 * 86_400,
    "BPS": 10_000,
    "MAX_VENUE_CAP_BPS": 5_000,
    "MIN_ON_CHAIN_BPS": 3_000,
    "MAX_ADAPTERS": 8,
    "MIN_ASSET_DECIMALS": 6,
    "MAX_ASSET_DECIMALS": 18,
    "MIN_VIRTUAL_DECIMALS": 6,
    "LEAST_SHARE_DECIMALS": 18,
    "NEAR_EMPTY_FACTOR": 1_000,
    "MAX_REPORTERS": 9,
    "MIN_QUORUM": 2,
    "ONE": 10**18,
    "PRICE_ONE": 10**36,
    "BUCKET_MAX": 10**16,
    "BUCKET_REFILL_TIME": 86_400,
    "RECOVERY_FADE_TIME": 7 * 86_400,
    "SLOT_DELAY": 3 * 86_400,
    "SLOT_MAX": 5 * 10**16,
    "HIGH_WINDOW": 3 * 86_400,
    "HIGH_FADE_TIME": 100 * 86_400,
    "HIGH_MIN": 98 * 10**16,
    "GAP_MAX": 101 * 10**16,
    "PRICE_FLOOR_FACTOR": 1_000,
    "STALE_MAX": 2 * 10**16,
}
"""The specification's numbers, written out again: seconds, basis points, parts of 1e18."""
SPECIFIED_OF_POOLS: dict[str, int] = {
    "TWAP_WINDOW": 1_800,
    "FEEDLESS_WINDOW": 86_400,
    "MAX_RANGES": 8,
    "BPS": 10_000,
    "MAX_FEED_AGE": 2 * 86_400,
    "MAX_DEVIATION_BPS": 1_000,
    "MIN_COOLDOWN": 60,
    "MAX_VALUE_CHANGE_BPS": 30,
    "HOME_LOSS_PPM": 3_000,
    "PPM": 1_000_000,
}
"""The hard bounds of every pool adapter, whatever its deployer asks for."""

NODE_METHODS = {
    "evm_setNextBlockTimestamp",  # the world's clock, which is what the demonstration speeds up
    "evm_mine",
}
NODE_OPTIONS = {
    *("--host", "--port", "--chain-id", "--accounts", "--mnemonic", "--balance"),
    *("--hardfork", "--timestamp", "--no-mining", "--order", "--prune-history"),
}
CHEATS = re.compile(
    r"anvil_|hardhat_|setCode|setStorageAt|setBalance|impersonate|evm_(snapshot|revert)|debug_set"
    r"|code-size-limit|disable-code-size|unlocked?-gas|gas-limit|setIntervalMining"
)


def solidity_value(text: str) -> int:
    """Return a constant's value: a number with an optional unit of time. Raises ValueError."""
    match = re.fullmatch(r"([0-9][0-9_]*(?:\.[0-9]+)?)(?:e([0-9]+))?(?: (\w+))?", text.strip())
    if match is None:
        raise ValueError(f"not a plain constant: {text}")
    number, exponent, unit = match.groups()
    scale: int = 10 ** int(exponent or 0) * (SECONDS[unit] if unit else 1)
    value = Fraction(number.replace("_", "")) * scale
    if value.denominator != 1:
        raise ValueError(f"not a whole number: {text}")
    return value.numerator


def constants(source: Path) -> dict[str, int]:
    """Return every constant a Solidity file declares."""
    found = re.findall(r"constant (\w+) = ([^;]+);", source.read_text())
    return {name: solidity_value(value) for name, value in found}


def without_comments(source: str) -> str:
    """Return Solidity without comments, whose words are no code."""
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)


def strings_of(path: Path) -> set[str]:
    """Return every string a Python module holds except its docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    }


def without_addresses(value: Any) -> Any:
    """Return parameters with every address replaced by one mark."""
    if isinstance(value, dict):
        return {key: without_addresses(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_addresses(item) for item in value]
    return "address" if isinstance(value, str) and ADDRESS.fullmatch(value) else value


@pytest.mark.parametrize(("text", "value"), [("1 days", 86_400), ("0.98e18", 98 * 10**16)])
def test_solidity_value__number_with_unit_or_exponent__reads_it(text: str, value: int) -> None:
    assert solidity_value(text) == value


def test_constants__compared_with_the_specification__every_number_is_the_same() -> None:
    assert constants(CONSTANTS) == SPECIFIED
    assert constants(POOL_ADAPTER) | constants(POOL_MARKS) == SPECIFIED_OF_POOLS


def test_contracts__lengths_of_time__stand_in_tables_alone() -> None:
    """A limit hidden elsewhere could not be held against the specification; a calendar has days."""
    places = {
        path.name
        for path in PRODUCTION_CONTRACTS
        if re.search(
            r"\b[0-9]+ (weeks|days|hours|minutes|seconds)\b", without_comments(path.read_text())
        )
    }
    tables = {CONSTANTS.name, POOL_ADAPTER.name, POOL_MARKS.name, "BondConstants.sol"}
    assert places == {*tables, "CalendarDate.sol"}


def test_protocol_parameters__of_the_local_world__are_the_production_example() -> None:
    example = tomllib.loads(EXAMPLE.read_text())
    local = tomllib.loads(deployment._protocol_parameters(evm_identities()))
    assert without_addresses(local) == without_addresses(example)
    assert local != example


def test_protocol_parameters__of_the_local_world__name_its_own_people() -> None:
    people = evm_identities()
    local = tomllib.loads(deployment._protocol_parameters(people))
    vault, reporter = local["vault"], local["reporter"]
    assert vault["owner"] == people["owner"].address
    assert vault["keeper"] == people["keeper"].address
    assert vault["guardian"] == people["guardian"].address
    roles = ("reporter_one", "reporter_two", "reporter_three")
    assert reporter["reporters"] == [people[role].address for role in roles]
    assert local["clob"][0]["route"] == people["bridge"].address


def test_protocol_example__its_limits__are_the_specified_ones() -> None:
    example = tomllib.loads(EXAMPLE.read_text())
    (pool,) = example["uniswap_v3"]
    assert example["vault"]["venue_cap_bps"] == SPECIFIED["MAX_VENUE_CAP_BPS"]
    assert example["vault"]["min_stake_bps"] == SPECIFIED["LEAST_STAKE_BPS"]
    assert example["vault"]["owner_delay_seconds"] == SPECIFIED["LOOSEN_DELAY"]
    assert example["vault"]["min_on_chain_bps"] == SPECIFIED["MIN_ON_CHAIN_BPS"]
    assert (example["reporter"]["quorum"], len(example["reporter"]["reporters"])) == (2, 3)
    assert pool["cooldown_seconds"] == 60
    assert pool["max_value_change_bps"] == 30
    assert pool["deviation_limit_bps"] == 300
    assert pool["min_observations"] > SPECIFIED_OF_POOLS["TWAP_WINDOW"]


def test_anvil__its_options__change_no_rule_of_the_chain(tmp_path: Path) -> None:
    clock = WorldClock(tmp_path / "clock.json")
    clock.start(1_795_320_000_000_000_000)
    anvil = Anvil(tmp_path, clock, chain_id=31_337, accounts=1)
    options = {word for word in anvil._arguments() if word.startswith("--")}
    assert options <= NODE_OPTIONS


@pytest.mark.parametrize("path", WORLD_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_local_world__what_it_asks_the_node__cannot_change_state(path: Path) -> None:
    strings = strings_of(path)
    assert [text for text in strings if CHEATS.search(text)] == []
    assert {text for text in strings if re.fullmatch(r"evm_[a-z]+[A-Z]\w*|evm_mine", text)} <= (
        NODE_METHODS
    )


def test_local_world__search_for_cheats__sees_the_strings_of_a_module() -> None:
    """The search above is worth something only if it reads what the node is really asked."""
    asked = set().union(*(strings_of(path) for path in WORLD_CODE))
    assert asked >= NODE_METHODS
    assert CHEATS.search("anvil_setStorageAt")
    assert CHEATS.search("--disable-code-size-limit")


@pytest.mark.parametrize("path", PRODUCTION_CONTRACTS, ids=lambda path: path.name)
def test_contract__of_production__has_no_branch_for_tests(path: Path) -> None:
    code = without_comments(path.read_text())
    assert "mocks/" not in code
    assert re.search(r"\bconsole\b|\bvm\.|\bcheatcode|isTest|IS_TEST|devnet", code) is None
    assert re.search(r"block\.chainid\s*[!=]=", code) is None


def test_mocks__named_in_scripts__only_where_the_local_world_is_built() -> None:
    mocks = {path.stem for path in (ROOT / "contracts" / "mocks").glob("*.sol")}
    named = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "scripts").rglob("*.py")
        if any(re.search(rf"\bproject\.{mock}\b", path.read_text()) for mock in mocks)
    }
    assert named == {"scripts/_deploy/external.py", "scripts/_deploy/listing.py"}


def test_keeper__outside_the_local_world__imports_nothing_of_it() -> None:
    """Only the commands of the local world may know that there is one."""
    outside = [
        path
        for path in (ROOT / "keeper").rglob("*.py")
        if "devnet" not in path.relative_to(ROOT / "keeper").parts[0]
    ]
    importers = {
        str(path.relative_to(ROOT))
        for path in outside
        if re.search(r"^\s*(from|import) keeper\.devnet", path.read_text(), flags=re.MULTILINE)
    }
    assert importers == {"keeper/cli/devnet.py", "keeper/cli/devnet_faults.py"}
