"""Exit codes, and which error ends in which; the one table that help, docs and tests read."""

import enum
from typing import Final

__all__ = ["ERRORS", "ExitCode", "code_of", "exit_code_of", "exit_table"]


class ExitCode(enum.IntEnum):
    """What the shell sees; `MEANINGS` says it in words."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    CONFIG = 3
    CHAIN = 4
    VENUE = 5
    JOURNAL = 6
    REPLAY = 7
    KEY = 8
    FUNDS = 9
    REFUSED = 10
    HALTED = 11
    QUORUM = 12
    NOT_RUNNING = 13
    PENDING = 14
    UNHEALTHY = 15
    BOOKS = 16
    INTERRUPTED = 130


MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.OK: "done",
    ExitCode.INTERNAL: "a bug in the keeper; please report it",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.CONFIG: "the configuration or an argument's value is wrong",
    ExitCode.CHAIN: "the EVM node is unreachable or serves another chain",
    ExitCode.VENUE: "the venue or a feed is unreachable or answers in another shape",
    ExitCode.JOURNAL: "the journal is absent or corrupt; nothing was traded on it",
    ExitCode.REPLAY: "the replay gave other bytes, or another release wrote the journal",
    ExitCode.KEY: "a key is missing or unusable",
    ExitCode.FUNDS: "a balance or an allowance is too low",
    ExitCode.REFUSED: "a contract or a limit refused it",
    ExitCode.HALTED: "the keeper is halted",
    ExitCode.QUORUM: "too few reporters signed",
    ExitCode.NOT_RUNNING: "no keeper runs on this journal",
    ExitCode.PENDING: "accepted, but not in effect within the time given",
    ExitCode.UNHEALTHY: "a check of `keeper doctor` or `keeper venue` failed",
    ExitCode.BOOKS: "the books do not add up to what the venue says; no figure was shown",
    ExitCode.INTERRUPTED: "interrupted by a signal",
}

ERRORS: Final[dict[str, tuple[str, ExitCode]]] = {
    "ConfigInvalid": ("CONFIG_INVALID", ExitCode.CONFIG),
    "KeyUnavailable": ("KEY_UNAVAILABLE", ExitCode.KEY),
    "ConfigError": ("CONFIG_ERROR", ExitCode.CONFIG),
    "ArgumentInvalid": ("ARGUMENT_INVALID", ExitCode.CONFIG),
    "CauseStands": ("CAUSE_STANDS", ExitCode.REFUSED),
    "FeedUnavailable": ("FEED_UNAVAILABLE", ExitCode.VENUE),
    "VenueRefused": ("VENUE_REFUSED", ExitCode.REFUSED),
    "VenueUnavailable": ("VENUE_UNAVAILABLE", ExitCode.VENUE),
    "ChainUnavailable": ("CHAIN_UNAVAILABLE", ExitCode.CHAIN),
    "ContractMissing": ("CONTRACT_MISSING", ExitCode.CHAIN),
    "NothingClaimable": ("NOTHING_CLAIMABLE", ExitCode.REFUSED),
    "BondUnknown": ("BOND_UNKNOWN", ExitCode.REFUSED),
    "NodeRefused": ("NODE_REFUSED", ExitCode.REFUSED),
    "CallReverted": ("CALL_REVERTED", ExitCode.REFUSED),
    "TransactionRefused": ("TRANSACTION_REFUSED", ExitCode.REFUSED),
    "TransactionPending": ("TRANSACTION_PENDING", ExitCode.PENDING),
    "FundsMissing": ("FUNDS_MISSING", ExitCode.FUNDS),
    "QuorumMissed": ("QUORUM_MISSED", ExitCode.QUORUM),
    "NoOpenCut": ("NO_OPEN_CUT", ExitCode.REFUSED),
    "ReportRefused": ("REPORT_REFUSED", ExitCode.REFUSED),
    "OperationFailed": ("TRANSACTION_REFUSED", ExitCode.REFUSED),
    "JournalCorrupt": ("JOURNAL_CORRUPT", ExitCode.JOURNAL),
    "JournalMissing": ("JOURNAL_MISSING", ExitCode.JOURNAL),
    "SceneFailed": ("SCENE_FAILED", ExitCode.INTERNAL),
    "RecordingInvalid": ("RECORDING_INVALID", ExitCode.CONFIG),
    "IndexUnavailable": ("INDEX_UNAVAILABLE", ExitCode.JOURNAL),
    "ProfitUnexplained": ("PNL_UNEXPLAINED", ExitCode.BOOKS),
    "ReplayMismatch": ("REPLAY_MISMATCH", ExitCode.REPLAY),
    "ParamsRefused": ("PARAMS_REFUSED", ExitCode.REFUSED),
    "ControlRefused": ("CONTROL_REFUSED", ExitCode.REFUSED),
    "NotRunning": ("NOT_RUNNING", ExitCode.NOT_RUNNING),
    "OperationPending": ("OPERATION_PENDING", ExitCode.PENDING),
    "EngineFailed": ("ENGINE_FAILED", ExitCode.INTERNAL),
    "WrongRelease": ("WRONG_RELEASE", ExitCode.REPLAY),
    "WireError": ("WIRE_ERROR", ExitCode.VENUE),
    "AddressTaken": ("ADDRESS_TAKEN", ExitCode.CONFIG),
    "AthanorError": ("ERROR", ExitCode.REFUSED),
}
"""By class name, so that naming an error imports nothing; the most specific class counts."""


def _entry(error: BaseException) -> tuple[str, ExitCode]:
    for kind in type(error).__mro__:
        if kind.__name__ in ERRORS:
            return ERRORS[kind.__name__]
    return "INTERNAL", ExitCode.INTERNAL


def code_of(error: BaseException) -> str:
    """Return the stable code of an error, as `keeper explain` knows it."""
    return _entry(error)[0]


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code an error ends in."""
    return _entry(error)[1]


def exit_table() -> list[tuple[int, str, str]]:
    """Return (number, name, meaning) of every exit code."""
    return [(int(code), code.name, MEANINGS[code]) for code in ExitCode]
