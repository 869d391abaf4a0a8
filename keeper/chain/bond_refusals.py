"""What to do about each refusal of the bonds' contracts, by the name of its error."""

from typing import Final

__all__ = ["BOND_STEPS"]

_SHOW: Final = "see the market: keeper bond show ID"
_TERMS: Final = "the numbers are: given, least, most; correct the field that is named"

BOND_STEPS: Final = {
    "DeadlineOver": "sign sooner, or give it longer: --deadline 1d",
    "NotProjectOwner": "only the project may: act as its owner, with --from and --unsigned or "
    "--safe where that is a multisig",
    "ProjectUnknown": "name the project's treasury: keeper bond list --json",
    "AuctioneerUnknown": "these contracts are of another release: keeper addresses verify",
    "OutOfRange": _TERMS,
    "TermOutOfRange": _TERMS,
    "SameToken": "a bond pays the project's token, not the vault's asset or share",
    "LockTooShort": "the last note vests after the lock: name a later lock_until, or let the owner "
    "extend the treasury's lock",
    "FloorTooLow": "the oracle fell: look at it, then name a lower min_floor or wait",
    "TransferMismatch": "the token takes a fee or rebases: no bond can be made of it",
    "EscrowShort": "the token shrank in escrow; its issuer must say why before anybody buys",
    "SharesNotAccepted": "pay with the asset: drop --shares",
    "ShareWindowClosed": "shares are taken for an hour after a settlement, while the vault is "
    "OPEN: wait for the next, or drop --shares",
    "NothingVested": "see when: keeper bond notes ADDRESS",
    "NothingToReclaim": _SHOW,
    "MarketConcluded": "the sale is over; see others: keeper bond list",
    "NothingSold": "nothing is available now, or the amount buys nothing: keeper bond show ID",
    "AmountOutTooLow": "the price rose meanwhile: quote again, or allow more: --slippage-bps",
    "ChangeNotAllowed": "a floor only rises and capacity only falls; see keeper bond show ID",
    "ChangeTooEarly": "wait until the time named (unix seconds)",
    "NoChange": _SHOW,
    "TuneNotDue": _SHOW,
    "OracleStale": "the feed has not answered for longer than the market allows; wait for it",
    "OracleNotPositive": "the oracle has no price; wait for it",
    "TwapNotCovered": "the pool has not kept prices for so long: let somebody raise its "
    "observation cardinality, then wait",
    "MarketMissing": "the vault quotes no pool of that token; name a vault that does",
    "MarketsForeign": "the vault's markets are others: check the vault's address",
    "VaultUnknown": "the factory of these bonds did not make that vault",
    "VaultEnded": "the vault is ending; name another",
    "LockOutOfRange": "the lock lies in the past, or more than ten years ahead",
    "ERC721NonexistentToken": "there is no such note, or all of it was redeemed",
}
