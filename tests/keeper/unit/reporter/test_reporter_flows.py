"""Which coins count as bridged, as strangers', and as fees."""

from fractions import Fraction

from keeper.reporter.capture import VenueAccount
from keeper.reporter.flows import Flows, subaccount_foreign, wallet_flows
from keeper.reporter.indexer import Transfer
from keeper.reporter.wire import WalletTx

OWN, BRIDGE, STRANGER = "dydx1own", "dydx1bridge", "dydx1stranger"
ADAPTER = "0x00000000000000000000000000000000000000AA"
ACCOUNT = VenueAccount(ADAPTER, OWN, (0, 1), BRIDGE)


def tx(
    sender: str, recipient: str, quantums: int, *, memo: str = "", signer: str = "", fee: int = 0
) -> WalletTx:
    return WalletTx("H", 5, memo, signer, fee, ((sender, recipient, quantums),))


def test_wallet_flows__bridge_in__credited() -> None:
    assert wallet_flows(ACCOUNT, [tx(BRIDGE, OWN, 70)]) == Flows(70, 0, 0, 0)


def test_wallet_flows__bridge_home_for_the_adapter__debited_with_fee() -> None:
    home = tx(OWN, BRIDGE, 30, memo=ADAPTER.lower(), signer=OWN, fee=2)

    assert wallet_flows(ACCOUNT, [home]) == Flows(0, 30, 0, 2)


def test_wallet_flows__bridge_for_another_recipient__foreign() -> None:
    away = tx(OWN, BRIDGE, 30, memo="0x" + "bb" * 20, signer=OWN, fee=2)

    assert wallet_flows(ACCOUNT, [away]) == Flows(0, 0, -30, 2)


def test_wallet_flows__own_subaccounts__internal() -> None:
    moves = [tx(OWN, f"{OWN}/0", 30, signer=OWN, fee=2), tx(f"{OWN}/1", OWN, 9, signer=OWN, fee=2)]

    assert wallet_flows(ACCOUNT, moves) == Flows(0, 0, 0, 4)


def test_wallet_flows__unlisted_subaccount__foreign() -> None:
    assert wallet_flows(ACCOUNT, [tx(OWN, f"{OWN}/7", 30)]) == Flows(0, 0, -30, 0)


def test_wallet_flows__strangers_gift__foreign_and_its_fee_not_ours() -> None:
    gift = tx(STRANGER, OWN, 11, signer=STRANGER, fee=5)

    assert wallet_flows(ACCOUNT, [gift]) == Flows(0, 0, 11, 0)


def test_wallet_flows__failed_transaction__only_its_fee() -> None:
    failed = WalletTx("H", 5, "", OWN, 6, ())

    assert wallet_flows(ACCOUNT, [failed]) == Flows(0, 0, 0, 6)


def transfer(key: str, sender: str, recipient: str, quantums: int) -> Transfer:
    return Transfer(key, 5, sender, recipient, Fraction(quantums))


def test_subaccount_foreign__strangers_in_and_out__net() -> None:
    rows = [
        transfer("a", f"{STRANGER}/0", f"{OWN}/0", 50),
        transfer("b", f"{OWN}/1", STRANGER, 20),
        transfer("c", OWN, f"{OWN}/0", 999),
        transfer("d", f"{OWN}/0", f"{OWN}/1", 888),
        transfer("d", f"{OWN}/0", f"{OWN}/1", 888),
    ]

    assert subaccount_foreign(ACCOUNT, rows) == 30
