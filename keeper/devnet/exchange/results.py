"""Owns transaction results: code, codespace and raw log, as the chain answers them."""

from dataclasses import dataclass

__all__ = ["OK", "Rejected", "TxResult", "clob", "plus", "sdk", "sending", "subaccounts"]


@dataclass(frozen=True, slots=True)
class TxResult:
    """Outcome of a transaction. Code 0 is success."""

    code: int
    codespace: str
    raw_log: str


OK = TxResult(0, "", "[]")

_TEXT = {
    ("sdk", 2): "tx parse error",
    ("sdk", 4): "unauthorized",
    ("sdk", 5): "insufficient funds",
    ("sdk", 6): "unknown request",
    ("sdk", 7): "invalid address",
    ("sdk", 8): "invalid pubkey",
    ("sdk", 9): "unknown address",
    ("sdk", 10): "invalid coins",
    ("sdk", 11): "out of gas",
    ("sdk", 13): "insufficient fee",
    ("sdk", 18): "invalid request",
    ("sdk", 19): "tx already in mempool",
    ("sdk", 20): "mempool is full",
    ("sdk", 32): "incorrect account sequence",
    ("clob", 3): "invalid order side",
    ("clob", 4): "invalid order quantums",
    ("clob", 5): "invalid order goodTilBlock",
    ("clob", 6): "invalid order subticks",
    ("clob", 7): "order id is already cancelled",
    ("clob", 8): "clob pair id does not name a clob",
    ("clob", 9): "a cancel with a greater or equal goodTilBlock exists for this order",
    ("clob", 10): "next block height is greater than the goodTilBlock of the message",
    ("clob", 11): "goodTilBlock of the message is further than ShortBlockWindow blocks away",
    ("clob", 12): "place order message is invalid",
    ("clob", 20): "an order with this id has a greater or equal goodTilBlock or order hash",
    ("clob", 24): "order is fully filled",
    ("clob", 29): "stateful order cancellation is invalid",
    ("clob", 30): "an order with this id and hash was already processed",
    ("clob", 34): "order conflicts with the status of its clob pair",
    ("clob", 42): "unexpected time in force",
    ("clob", 45): "batch cancel message is invalid",
    ("clob", 47): "clob is not initialised, wait for the next block",
    ("clob", 48): "fill-or-kill is deprecated",
    ("clob", 2001): "reduce-only order would increase the position",
    ("clob", 2003): "post-only order would cross one or more maker orders",
    ("clob", 2004): "immediate order is already filled, its remaining size is cancelled",
    ("clob", 2005): "order would violate the constraints of isolated markets",
    ("clob", 3000): "invalid order flags",
    ("clob", 3001): "invalid order goodTilBlockTime",
    ("clob", 3002): "long-term orders cannot require immediate execution",
    ("clob", 3003): "block time is greater than the goodTilBlockTime of the message",
    ("clob", 3004): "goodTilBlockTime of the message is further than StatefulOrderTimeWindow away",
    ("clob", 3005): "a stateful order with this id exists",
    ("clob", 3006): "stateful order does not exist",
    ("clob", 3007): "stateful order fails the collateral check",
    ("clob", 5001): "block rate limit exceeded",
    ("clob", 6000): "condition type is invalid",
    ("clob", 6001): "trigger subticks of a conditional order are invalid",
    ("clob", 9003): "reduce-only is disabled for orders that are not immediate-or-cancel",
    ("clob", 10001): "subaccount cannot open more stateful orders at its equity tier",
    ("accountplus", 1): "authenticator is not found",
    ("accountplus", 5): "authenticator cannot be initialised",
    ("accountplus", 6): "transaction has several signers",
    ("accountplus", 100): "signature verification failed",
    ("accountplus", 101): "message type verification failed",
    ("accountplus", 102): "clob pair id verification failed",
    ("accountplus", 103): "subaccount verification failed",
    ("accountplus", 104): "AllOf verification failed",
    ("accountplus", 105): "AnyOf verification failed",
    ("sending", 1): "sender is the same as the recipient",
    ("sending", 2): "transfer amount must be positive",
    ("sending", 3): "only USDC can be transferred",
    ("subaccounts", 102): "failed to apply subaccount updates",
    ("subaccounts", 200): "subaccount number is too large",
}


class Rejected(Exception):  # control flow of one transaction, caught by the state machine
    """A message was refused; `result` is what the chain answers. Raised by rules, caught in
    `Chain`."""

    def __init__(self, codespace: str, code: int, detail: str = "") -> None:
        text = _TEXT[(codespace, code)]
        self.result = TxResult(code, codespace, f"{detail}: {text}" if detail else text)
        super().__init__(self.result.raw_log)


def sdk(code: int, detail: str = "") -> Rejected:
    """Return a refusal of the transaction layer."""
    return Rejected("sdk", code, detail)


def clob(code: int, detail: str = "") -> Rejected:
    """Return a refusal of the order book."""
    return Rejected("clob", code, detail)


def plus(code: int, detail: str = "") -> Rejected:
    """Return a refusal of an authenticator."""
    return Rejected("accountplus", code, detail)


def sending(code: int, detail: str = "") -> Rejected:
    """Return a refusal of a transfer."""
    return Rejected("sending", code, detail)


def subaccounts(code: int, detail: str = "") -> Rejected:
    """Return a refusal by the margin accounts."""
    return Rejected("subaccounts", code, detail)
