"""What every error and refusal code means and what to do about it, for `keeper explain`."""

from typing import Final

__all__ = ["CODES"]

ERRORS: Final[dict[str, str]] = {
    "ARGUMENT_INVALID": "An argument's value makes no sense. Nothing was sent. "
    "Amounts are decimals with at most as many places as the token has.",
    "CALL_REVERTED": "A contract refused a read. The message carries its own error name; "
    "the vault may be in another state than the command expects.",
    "CHAIN_UNAVAILABLE": "The EVM node did not answer, or serves another chain. "
    "Check [evm] chain_id and rpc_url. "
    "A keeper that loses its node stops acting on the chain and resumes by itself.",
    "CONFIG_BAD_VALUE": "A value has the wrong type, unit or range. "
    "The description in the message names the unit; `keeper config schema` lists them all.",
    "CONFIG_CONTRADICTION": "Each field is valid, together they are not. "
    "For example more layers than the message limit carries.",
    "CONFIG_ERROR": "The configuration cannot be read or lacks what this command needs. "
    "`keeper config init` writes a commented one.",
    "CONFIG_INVALID": "The configuration has faults; each is listed with its line. "
    "Nothing was started.",
    "CONFIG_MISSING_KEY": "A mandatory key is missing. "
    "What can lose money has no default on purpose.",
    "CONFIG_UNKNOWN_KEY": "A key is not known, often a misspelling. "
    "It is refused because a limit that is not read is no limit.",
    "ERROR": "The keeper refused on purpose; the message says why.",
    "FUNDS_MISSING": "The account lacks the token, the shares, the ether for gas, or an allowance. "
    "The message names the amounts and the command that fixes it.",
    "INTERNAL": "A bug. Please report it with the text shown.",
    "JOURNAL_CORRUPT": "A record fails its checksum, sequence or hash chain. "
    "The keeper does not trade on it: restore the segment, or start a new journal folder.",
    "JOURNAL_MISSING": "The folder holds no journal segments. Check [journal] folder.",
    "KEEPER_HALTED": "A stop tripped and the keeper places no order. "
    "`keeper status` names the stop; restarting keeps the state.",
    "KEY_UNAVAILABLE": "A key is not configured, its variable is not set, or it is not a key. "
    "The file names variables (NAME or NAME_FILE) or a keystore, never the key.",
    "NODE_REFUSED": "The EVM node answered with an error of its own; the message carries it.",
    "NOT_RUNNING": "No keeper answers on this journal's control socket. Start it: keeper run.",
    "QUORUM_MISSED": "Fewer reporters signed than the contract's quorum. "
    "Each reporter's answer is listed; a refusal names the number it disagrees with.",
    "REPLAY_MISMATCH": "Deciding the journal again gave other commands than it holds. "
    "The record is named; it was written by other code or changed afterwards.",
    "TRANSACTION_REFUSED": "The transaction would revert, reverted, or was not included in time. "
    "The dry run costs nothing and names the contract's error.",
    "UNKNOWN_MARKET": "The venue has no market of that name; check [[markets]] ticker.",
    "USAGE": "The command line is wrong; see --help.",
    "VENUE_UNAVAILABLE": "The venue's gRPC, REST or websocket endpoint did not answer, or serves "
    "another chain than [venue] chain_id.",
    "WIRE_ERROR": "A venue or contract answered in an unexpected shape; "
    "its version may be newer than this keeper.",
}
REFUSALS: Final[dict[str, str]] = {}
CODES: Final = ERRORS | REFUSALS
