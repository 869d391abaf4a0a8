"""The whole configuration as frozen sections; every field's description names its unit.

No field that could lose money has a default: amounts, limits, gas caps and spreads are written
out by the operator. What has a default is a time-out, a pace, a local file name, or a limit at the
figure of docs/spec.md section 9 (off where what it needs may not be there).
"""

from typing import Final, Literal

from keeper.config.fields import Section, described
from keeper.config.sections.keys import Keys
from keeper.config.sections.limits import Limits
from keeper.config.sections.markets import Market
from keeper.config.sections.pools import Pool
from keeper.config.sections.processes import Clock, JournalSection, Relay, Reporter, Treasurer
from keeper.config.sections.vault import Allocation, Evm, Housekeeping, Vault
from keeper.config.sections.venue import Leader, Venue

__all__ = ["FORMAT_VERSION", "Config"]

FORMAT_VERSION: Final = 1


class Config(Section):
    """One TOML file; secrets come from the environment, overrides from KEEPER__SECTION__KEY."""

    format_version: Literal[1] = described("Version of this file's format.")
    mode: Literal["live", "shadow"] = described(
        "live: `keeper run` trades. shadow: it reads and decides, sends nothing, needs no key.",
        "live",
    )
    vault: Vault = described("The vault.")
    evm: Evm = described("The EVM chain.")
    venue: Venue = described("The order-book venue.")
    clock: Clock = described("Where time comes from.", Clock.model_construct())
    journal: JournalSection | None = described("The log; needed by `keeper run`.", None)
    leader: Leader | None = described("Where leaders' books come from; absent: nowhere.", None)
    markets: tuple[Market, ...] = described("Markets to quote; needed by `keeper run`.", ())
    pools: tuple[Pool, ...] = described("Pools to hold ranges in.", ())
    allocation: Allocation | None = described("Absent: the keeper moves no capital.", None)
    housekeeping: Housekeeping | None = described(
        "Absent: the keeper neither cuts, reports and claims, nor tells of deadlines.", None
    )
    limits: Limits | None = described("Risk limits; needed by `keeper run`.", None)
    keys: Keys = described("Names of the secrets.", Keys.model_construct())
    reporter: Reporter | None = described("Needed by `keeper reporter serve`.", None)
    treasurer: Treasurer | None = described("Needed by `keeper treasurer serve`.", None)
    relay: Relay | None = described(
        "Needed by `keeper report`, and by a `keeper run` that cuts and reports.", None
    )
