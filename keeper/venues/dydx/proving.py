"""What a hot key may do, tried on the chain: each attempt is harmless should it be let through."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from keeper.domain.commands import PlaceOrder
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.units import NS_PER_MS
from keeper.ports import Clock
from keeper.venues.dydx import messages
from keeper.venues.dydx.keys import Signer
from keeper.venues.dydx.node import BroadcastReply, Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import USDC_DENOM
from keeper.venues.dydx.signing import GasFee, TxSigner

__all__ = ["REFUSED", "TAKEN", "HotKey", "Proof", "prove"]

TAKEN: Final = "taken"
REFUSED: Final = "refused by the authenticator"
_FILTERS: Final = "accountplus"
_BLOCKS: Final = 5
_DEADLINE_MS: Final = 5_000
_FEE: Final = GasFee(gas_limit=250_000, amount=6_250, denom=USDC_DENOM)
_CLIENT_IDS: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class HotKey:
    """A permissioned key, the account it acts for, and a market inside and one outside its filter.

    `outside` is None when the venue lists no other market.
    """

    signer: Signer
    chain_id: str
    address: str
    account_number: int
    subaccount: int
    authenticator_id: int
    inside: PerpetualMarket
    outside: PerpetualMarket | None


@dataclass(frozen=True, slots=True)
class Proof:
    """One attempt: what was tried, what should come of it, and what did."""

    tried: str
    expected: str
    observed: str
    holds: bool


@dataclass(frozen=True, slots=True)
class _Attempt:
    tried: str
    message: Any
    expected: str
    is_order: bool = True


async def prove(node: Node, key: HotKey, clock: Clock) -> tuple[Proof, ...]:
    """Try everything on the chain, in order. Raises VenueUnavailable, WireError.

    Orders are immediate buys of one step at one tick, which nobody fills; transfers are of one
    quote quantum between own places.
    """
    height = (await Reader(node).header()).height
    now_ms = clock.now_ns() // NS_PER_MS
    signer = TxSigner(key.signer, key.chain_id, key.account_number, (key.authenticator_id,))
    proofs = []
    for number, attempt in enumerate(_attempts(key, height + _BLOCKS, now_ms % _CLIENT_IDS)):
        signed = (
            await signer.short_term(attempt.message)
            if attempt.is_order
            else await signer.with_nonce(attempt.message, now_ms + number, _FEE)
        )
        proofs.append(_judged(attempt, await node.broadcast(signed.raw, _DEADLINE_MS)))
    return tuple(proofs)


def _attempts(key: HotKey, until: int, client_id: int) -> Iterator[_Attempt]:
    own, pair = (key.address, key.subaccount), key.inside.clob_pair_id
    other = key.subaccount + 1
    ticker = key.inside.ticker
    order = _order(key.inside, client_id, until)
    yield _Attempt(f"an order in {ticker}", messages.place_order(*own, pair, order), TAKEN)
    cancel = messages.cancel_order(*own, pair, client_id, until)
    yield _Attempt(f"a cancel in {ticker}", cancel, TAKEN)
    batch = messages.batch_cancel(*own, pair, [client_id], until)
    yield _Attempt(f"a batch cancel in {ticker}", batch, TAKEN)
    elsewhere = messages.place_order(key.address, other, pair, order)
    yield _Attempt(f"an order with subaccount {other}", elsewhere, REFUSED)
    if key.outside is not None:
        foreign = _order(key.outside, client_id, until)
        message = messages.place_order(*own, key.outside.clob_pair_id, foreign)
        yield _Attempt(f"an order in {key.outside.ticker}", message, REFUSED)
    yield from _movements(key, own, other)


def _movements(key: HotKey, own: tuple[str, int], other: int) -> Iterator[_Attempt]:
    """Everything that moves collateral or hands out rights."""
    tries = {
        "a withdrawal to the account's wallet": messages.withdraw(own, key.address, 1),
        f"a transfer to subaccount {other}": messages.transfer(own, (key.address, other), 1),
        "a payment from the account's wallet": messages.bank_send(
            key.address, key.address, 1, USDC_DENOM
        ),
        "a wider authenticator for itself": messages.add_authenticator(
            key.address, "SignatureVerification", key.signer.public_key
        ),
    }
    for tried, message in tries.items():
        yield _Attempt(tried, message, REFUSED, is_order=False)


def _order(market: PerpetualMarket, client_id: int, until: int) -> PlaceOrder:
    return PlaceOrder(
        market=market.ticker,
        client_id=client_id,
        side=Side.BUY,
        quantums=market.step_base_quantums,
        subticks=market.subticks_per_tick,
        good_til_block=until,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
    )


def _judged(attempt: _Attempt, reply: BroadcastReply) -> Proof:
    """A refusal for another reason than the key's filters proves nothing."""
    taken = reply.code == 0
    observed = "taken" if taken else f"{reply.codespace} {reply.code}: {reply.raw_log}"
    holds = taken if attempt.expected == TAKEN else reply.codespace == _FILTERS and not taken
    return Proof(attempt.tried, attempt.expected, observed, holds)
