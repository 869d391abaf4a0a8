"""Who may act and what it costs: signatures, sequences, nonces, fees, permissioned keys."""

from dataclasses import replace

import pytest
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgRemoveAuthenticator
from v4_proto.dydxprotocol.clob.tx_pb2 import (
    MsgBatchCancel,
    MsgCancelOrder,
    MsgPlaceOrder,
    OrderBatch,
)

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.model import SubaccountId
from keeper.devnet.exchange.results import TxResult
from tests.keeper.exchange.conftest import BLOCK_NS, block
from tests.keeper.exchange.test_trading_rules import answer, code, gtb, resting
from tests.keeper.exchange.wallets import (
    BTC,
    ETH,
    SELL,
    Signing,
    Trader,
    add_authenticator,
    batch_cancel,
    deposit,
    hot_key_authenticator,
    order,
    place,
    send,
    transfer,
    withdraw,
)

TRADING = ",".join(
    f"/dydxprotocol.clob.{name}" for name in ("MsgPlaceOrder", "MsgCancelOrder", "MsgBatchCancel")
)


def delivered(chain: Chain, raw: bytes) -> TxResult:
    """Send a transaction, make a block, return its result in the block."""
    outcome = chain.check_tx(raw)
    assert outcome.result.code == 0, outcome.result.raw_log
    block(chain)
    record = chain.index.get(outcome.hash)
    assert record is not None
    return record.result


def now_ms(chain: Chain) -> int:
    return chain.block.time_ns // 1_000_000


# Signatures


def test_check_tx__wrong_account_number__answers_4(chain: Chain, alice: Trader) -> None:
    stranger = replace(alice, number=alice.number + 1)

    result = answer(chain, place(stranger, order(alice, gtb=gtb(chain))))

    assert result == TxResult(
        4,
        "sdk",
        "signature verification failed; please verify account number "
        f"({alice.number}) and chain-id (localdydxprotocol): unauthorized",
    )


def test_check_tx__wrong_chain_id__answers_4(chain: Chain, alice: Trader) -> None:
    raw = alice.sign(_placement(alice, chain), how=Signing(chain_id="dydx-mainnet-1"))

    assert code(chain, raw) == ("sdk", 4)


def test_check_tx__other_key__answers_8(chain: Chain, alice: Trader, bob: Trader) -> None:
    assert code(chain, place(bob, order(alice, gtb=gtb(chain)))) == ("sdk", 8)


def test_check_tx__unknown_account__answers_9(chain: Chain) -> None:
    nobody = Trader(99)

    assert code(chain, place(nobody, order(nobody, gtb=gtb(chain)))) == ("sdk", 9)


def test_check_tx__one_bit_flipped__answers_refusal(chain: Chain, alice: Trader) -> None:
    raw = bytearray(place(alice, order(alice, gtb=gtb(chain))))
    raw[-1] ^= 1

    assert code(chain, bytes(raw)) == ("sdk", 4)


def test_check_tx__high_s_signature__answers_4(chain: Chain, alice: Trader) -> None:
    group = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = TxRaw.FromString(place(alice, order(alice, gtb=gtb(chain))))
    signature = raw.signatures[0]
    high = group - int.from_bytes(signature[32:], "big")
    raw.signatures[0] = signature[:32] + high.to_bytes(32, "big")

    assert code(chain, raw.SerializeToString()) == ("sdk", 4)


def test_check_tx__garbage__answers_2(chain: Chain) -> None:
    assert code(chain, b"\xff\xff\xff") == ("sdk", 2)


def _placement(trader: Trader, chain: Chain) -> object:
    return MsgPlaceOrder(order=order(trader, gtb=gtb(chain)))


# Sequences and nonces


def test_place__any_sequence__is_ignored(chain: Chain, alice: Trader) -> None:
    raw = alice.sign(_placement(alice, chain), how=Signing(sequence=777))

    assert code(chain, raw) == ("", 0)


def test_check_tx__sequence_out_of_order__answers_32(chain: Chain, alice: Trader) -> None:
    result = answer(chain, alice.paid(deposit(alice, 1), sequence=3))

    assert result == TxResult(
        32,
        "sdk",
        "account sequence mismatch, expected 0, got 3: incorrect account sequence",
    )


def test_check_tx__two_sequences_in_one_block__both_pass(chain: Chain, alice: Trader) -> None:
    codes = [code(chain, alice.paid(deposit(alice, 1), sequence=n)) for n in (0, 1)]
    block(chain)

    account = chain.state.accounts.get(alice.address)
    assert codes == [("", 0), ("", 0)]
    assert account is not None
    assert account.sequence == 2


@pytest.mark.parametrize(
    ("offset", "expected"), [(-30_000, 0), (30_000, 0), (-30_001, 32), (30_001, 32)]
)
def test_check_tx__timestamp_nonce_at_window_edges__answers_0_or_32(
    chain: Chain, alice: Trader, offset: int, expected: int
) -> None:
    raw = alice.paid(deposit(alice, 1), sequence=now_ms(chain) + offset)

    assert answer(chain, raw).code == expected


def test_check_tx__timestamp_nonce_twice__answers_32(chain: Chain, alice: Trader) -> None:
    nonce = now_ms(chain)
    first = code(chain, alice.paid(deposit(alice, 1), sequence=nonce))

    second = code(chain, alice.paid(deposit(alice, 2), sequence=nonce))

    assert (first, second) == (("", 0), ("sdk", 32))
    block(chain)
    account = chain.state.accounts.get(alice.address)
    assert account is not None
    assert account.sequence == 0


def test_check_tx__more_than_20_nonces__forgets_oldest_and_refuses_below(
    chain: Chain, alice: Trader
) -> None:
    base = now_ms(chain)
    codes = [
        code(chain, alice.paid(deposit(alice, n + 1), sequence=base + n))[1] for n in range(21)
    ]

    older = code(chain, alice.paid(deposit(alice, 99), sequence=base - 1))

    assert codes == [0] * 21
    assert older == ("sdk", 32)


# Fees and bank


def test_check_tx__fee_below_minimum__answers_13(chain: Chain, alice: Trader) -> None:
    how = Signing(sequence=0, gas_limit=200_000, fee=4_999)

    result = answer(chain, alice.sign(deposit(alice, 1), how=how))

    assert result == TxResult(
        13, "sdk", "insufficient fees; got: 4999 required: 5000: insufficient fee"
    )


def test_check_tx__gas_below_use__answers_11(chain: Chain, alice: Trader) -> None:
    how = Signing(sequence=0, gas_limit=10, fee=5_000)

    assert code(chain, alice.sign(deposit(alice, 1), how=how)) == ("sdk", 11)


def test_deliver__send_more_than_held__answers_5_and_keeps_fee(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    held = chain.state.bank.get(alice.address)
    assert held is not None

    result = delivered(chain, alice.paid(send(alice.address, bob.address, held), sequence=0))

    assert result == TxResult(
        5,
        "sdk",
        f"spendable balance {held - 5_000} is smaller than {held}: insufficient funds",
    )
    assert chain.state.bank.get(alice.address) == held - 5_000


def test_deliver__second_message_fails__first_is_undone(chain: Chain, alice: Trader) -> None:
    messages = (deposit(alice, 1_000), withdraw(alice, 10**15))

    result = delivered(chain, alice.paid(*messages, sequence=0))

    assert (result.codespace, result.code) == ("subaccounts", 102)
    account = chain.state.subaccounts.get(key(alice))
    assert account is not None
    assert account.usdc == 10_000_000_000


def key(trader: Trader, number: int = 0) -> SubaccountId:
    return SubaccountId(trader.address, number)


def test_deliver__deposit_transfer_withdraw__moves_to_the_unit(chain: Chain, alice: Trader) -> None:
    start = chain.state.bank.get(alice.address) or 0

    results = [
        delivered(chain, alice.paid(message, sequence=n))
        for n, message in enumerate(
            (deposit(alice, 7_000_001), transfer(alice, 3_000_001, 0, 5), withdraw(alice, 1, 5))
        )
    ]

    assert [result.code for result in results] == [0, 0, 0]
    assert chain.state.bank.get(alice.address) == start - 7_000_001 + 1 - 3 * 5_000
    first, second = (chain.state.subaccounts.get(key(alice, n)) for n in (0, 5))
    assert first is not None
    assert second is not None
    assert (first.usdc, second.usdc) == (10_004_000_000, 3_000_000)


@pytest.mark.parametrize(
    ("sender", "recipient", "amount", "expected"),
    [(0, 0, 5, ("sending", 1)), (0, 1, 0, ("sending", 2))],
)
def test_check_tx__malformed_transfer__answers_its_code(
    chain: Chain, alice: Trader, sender: int, recipient: int, amount: int, expected: object
) -> None:
    raw = alice.paid(transfer(alice, amount, sender, recipient), sequence=0)

    assert code(chain, raw) == expected


def test_withdraw__below_initial_margin__answers_102(
    chain: Chain, alice: Trader, bob: Trader
) -> None:
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), size=1_000)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=1_000)))
    block(chain)
    free = 10_000_000_000 - 300_000 - 150_000_000  # maker fee, 5 % of 3,000 USDC

    too_much = delivered(chain, alice.paid(withdraw(alice, free + 1), sequence=0))
    just_enough = delivered(chain, alice.paid(withdraw(alice, free), sequence=1))

    assert (too_much.codespace, too_much.code, just_enough.code) == ("subaccounts", 102, 0)


# Permissioned keys


@pytest.fixture
def hot(chain: Chain, alice: Trader) -> Trader:
    """A key that may trade ETH for alice's subaccount 0 as authenticator 0."""
    hot = Trader(50)
    config = hot_key_authenticator(hot, TRADING, "0", str(ETH))
    message = add_authenticator(alice, "AllOf", config)
    assert delivered(chain, alice.paid(message, sequence=0)).code == 0
    return replace(hot, number=alice.number)


def signed_by(hot: Trader, message: object, *ids: int) -> bytes:
    return hot.sign(message, how=Signing(authenticators=ids or (0,)))


def test_hot_key__place_and_cancel__answers_0(chain: Chain, alice: Trader, hot: Trader) -> None:
    wire = order(alice, gtb=gtb(chain))
    placed = code(chain, signed_by(hot, MsgPlaceOrder(order=wire)))
    assert resting(chain, wire) is not None
    message = MsgCancelOrder(order_id=wire.order_id, good_til_block=wire.good_til_block)
    cancelled = code(chain, signed_by(hot, message))

    assert (placed, cancelled) == (("", 0), ("", 0))
    assert resting(chain, wire) is None


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"market": BTC, "size": 1, "price": 650_000}, "clob pairs [0], allowed [1]"),
        ({"subaccount": 1}, "subaccount 1, allowed [0]"),
    ],
)
def test_hot_key__outside_filter__answers_104(
    chain: Chain, alice: Trader, hot: Trader, fields: dict[str, int], detail: str
) -> None:
    message = MsgPlaceOrder(order=order(alice, gtb=gtb(chain), **fields))

    result = answer(chain, signed_by(hot, message))

    assert (result.codespace, result.code) == ("accountplus", 104)
    assert result.raw_log.startswith(detail)


def test_hot_key__withdraws__answers_104(chain: Chain, alice: Trader, hot: Trader) -> None:
    how = Signing(authenticators=(0,), sequence=1, gas_limit=200_000, fee=5_000)

    result = answer(chain, hot.sign(withdraw(alice, 1), how=how))

    assert (result.codespace, result.code) == ("accountplus", 104)
    assert "MsgWithdrawFromSubaccount" in result.raw_log


def test_hot_key__stranger_signs__answers_104(chain: Chain, alice: Trader, hot: Trader) -> None:
    stranger = replace(Trader(51), number=alice.number)

    result = answer(chain, signed_by(stranger, _placement(alice, chain)))

    assert result == TxResult(
        104, "accountplus", "signature verification failed: AllOf verification failed"
    )
    assert hot.address != stranger.address


def test_hot_key__unknown_authenticator__answers_1(
    chain: Chain, alice: Trader, hot: Trader
) -> None:
    assert code(chain, signed_by(hot, _placement(alice, chain), 7)) == ("accountplus", 1)


def test_hot_key__removed__answers_1(chain: Chain, alice: Trader, hot: Trader) -> None:
    removal = MsgRemoveAuthenticator(sender=alice.address, id=0)
    assert delivered(chain, alice.paid(removal, sequence=1)).code == 0

    assert code(chain, signed_by(hot, _placement(alice, chain))) == ("accountplus", 1)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("MessageFilter", TRADING.encode()),
        ("AllOf", b"[]"),
        ("AllOf", b"not json"),
        ("SignatureVerification", b"short"),
        ("Unheard", b"x"),
    ],
)
def test_add_authenticator__without_signature_check__answers_5(
    chain: Chain, alice: Trader, kind: str, settings: bytes
) -> None:
    raw = alice.paid(add_authenticator(alice, kind, settings), sequence=0)

    assert code(chain, raw) == ("accountplus", 5)


def test_block_time__jump_past_nonce_window__fails_pending_transaction_in_block(
    chain: Chain, alice: Trader
) -> None:
    outcome = chain.check_tx(alice.paid(deposit(alice, 1), sequence=now_ms(chain)))

    chain.commit(chain.block.time_ns + 86_400 * BLOCK_NS)

    record = chain.index.get(outcome.hash)
    assert record is not None
    assert (record.result.codespace, record.result.code) == ("sdk", 32)


def test_batch_cancel__by_stranger__answers_8(chain: Chain, alice: Trader, bob: Trader) -> None:
    message = MsgBatchCancel(
        subaccount_id=alice.subaccount(),
        good_til_block=gtb(chain),
        short_term_cancels=[OrderBatch(clob_pair_id=ETH, client_ids=[1])],
    )

    assert code(chain, bob.sign(message)) == ("sdk", 8)
    assert code(chain, batch_cancel(bob, gtb(chain), (ETH, [1]))) == ("", 0)
