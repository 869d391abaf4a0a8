"""V-19 and V-23 of the order-book leg: what leaves, what comes home, and what nobody can do."""

from typing import Any

import ape
import pytest
import rlp
from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from tests.contracts.adapters.creation import init_code
from tests.contracts.rpc import Reverted, Rpc

USDC = 10**6


def events(receipt: Any, name: str) -> list[Any]:
    return [log for log in receipt.events if log.event_name == name]


@pytest.mark.parametrize("kind", ["zero", "vault", "asset"])
def test_constructor__route_in_a_circle__reverts(
    project: Any, host: Any, market: Any, issuer: Any, kind: str
) -> None:
    route = {"zero": "0x" + "0" * 40, "vault": host.address, "asset": market.world.usdc.address}

    with ape.reverts(project.ClobAdapter.RouteInvalid, route=route[kind]):
        issuer.deploy(project.ClobAdapter, host, route[kind])


def test_constructor__route_is_the_adapter_itself__reverts(
    project: Any, host: Any, issuer: Any, chain: Any
) -> None:
    """Asked of the node: Ape finds no error where no contract is."""
    made = keccak(rlp.encode([bytes.fromhex(issuer.address[2:]), issuer.nonce]))[12:]
    arguments = encode(["address", "address"], [host.address, made])
    code = init_code(project, "ClobAdapter") + arguments

    with pytest.raises(Reverted) as refused:
        Rpc(chain).request("eth_call", {"from": issuer.address, "data": to_hex(code)}, "latest")

    assert refused.value.selector == to_hex(keccak(text="RouteInvalid(address)")[:4])


def test_views__fresh__tell_what_it_was_built_with(
    clob: Any, host: Any, market: Any, route: Any
) -> None:
    assert clob.vault() == host.address
    assert clob.asset() == market.world.usdc.address
    assert clob.route() == route.address
    assert clob.isAttested()
    assert clob.value() == (0, 0)
    assert (clob.sent(), clob.returned(), clob.returnRequested()) == (0, 0, 0)


def test_allocate__by_vault__sends_to_the_route_and_counts(
    clob: Any, host: Any, market: Any, issuer: Any, route: Any
) -> None:
    """The transfer's sender is the adapter: the bridge attributes by it."""
    receipt = host.allocate(clob, 5 * USDC, sender=issuer)
    host.allocate(clob, 2 * USDC, sender=issuer)

    last = list(receipt.decode_logs(market.world.usdc.Transfer))[-1]
    assert (last["from"], last["to"], last["value"]) == (clob.address, route.address, 5 * USDC)
    assert [log.assets for log in events(receipt, "Allocate")] == [5 * USDC]
    assert clob.sent() == 7 * USDC
    assert market.world.usdc.balanceOf(route) == 7 * USDC
    assert market.world.usdc.balanceOf(clob) == 0


def test_allocate__not_vault__reverts(clob: Any, stranger: Any) -> None:
    with ape.reverts(clob.NotVault, caller=stranger.address):
        clob.allocate(1, sender=stranger)


def test_allocate__zero__reverts(clob: Any, host: Any, issuer: Any) -> None:
    with ape.reverts(clob.ZeroAmount):
        host.allocate(clob, 0, sender=issuer)


def test_allocate__arrivals_waiting__are_not_sent_out_again(
    clob: Any, host: Any, market: Any, issuer: Any
) -> None:
    market.world.usdc.mint(clob, 3 * USDC, sender=issuer)

    host.allocate(clob, 5 * USDC, sender=issuer)

    assert clob.sent() == 5 * USDC
    assert market.world.usdc.balanceOf(clob) == 3 * USDC


def test_allocate__route_refused_by_the_issuer__reverts_and_counts_nothing(
    clob: Any, host: Any, market: Any, issuer: Any, route: Any
) -> None:
    """A13: a blacklisted route stops money where it is."""
    market.world.usdc.setBlacklisted(route, True, sender=issuer)
    idle = host.idle()

    with ape.reverts():
        host.allocate(clob, 5 * USDC, sender=issuer)

    assert (clob.sent(), host.idle()) == (0, idle)


def test_deallocate__by_vault__files_numbered_requests(clob: Any, host: Any, issuer: Any) -> None:
    first = host.deallocate(clob, 5 * USDC, sender=issuer)
    second = host.deallocate(clob, 2 * USDC, sender=issuer)

    requests = [events(receipt, "ReturnRequested")[0] for receipt in (first, second)]
    assert [(log.id, log.assets) for log in requests] == [(1, 5 * USDC), (2, 2 * USDC)]
    told = events(second, "Deallocate")[0]
    assert (told.assets, told.assetsReturned) == (2 * USDC, 0)
    assert (clob.returnRequested(), clob.returnRequests()) == (7 * USDC, 2)
    assert clob.returned() == 0


def test_deallocate__not_vault__reverts(clob: Any, keeper: Any) -> None:
    with ape.reverts(clob.NotVault, caller=keeper.address):
        clob.deallocate(1, sender=keeper)


def test_deallocate__zero__reverts(clob: Any, host: Any, issuer: Any) -> None:
    with ape.reverts(clob.ZeroAmount):
        host.deallocate(clob, 0, sender=issuer)


def test_sync__nothing_here__does_nothing(clob: Any, stranger: Any) -> None:
    assert events(clob.sync(sender=stranger), "Sync") == []


def test_sync__arrival__goes_to_the_vault_and_counts(
    clob: Any, host: Any, market: Any, issuer: Any, route: Any, stranger: Any
) -> None:
    host.allocate(clob, 5 * USDC, sender=issuer)
    idle = host.idle()
    market.world.usdc.transfer(clob, 4 * USDC, sender=route)

    receipt = clob.sync(sender=stranger)

    assert [log.assets for log in events(receipt, "Sync")] == [4 * USDC]
    assert (clob.sent(), clob.returned()) == (5 * USDC, 4 * USDC)
    assert host.idle() == idle + 4 * USDC
    assert market.world.usdc.balanceOf(clob) == 0
    assert market.world.usdc.allowance(clob, host) == 0


@pytest.mark.parametrize("donated", [1, 9 * USDC])
def test_sync__donation__raises_idle_and_returned_alike(
    clob: Any, host: Any, market: Any, issuer: Any, stranger: Any, donated: int
) -> None:
    """V-04: idle + (sent - credited) - (returned - debited) stays where it was."""
    before = host.idle() - clob.returned()
    market.world.usdc.mint(clob, donated, sender=issuer)

    clob.sync(sender=stranger)

    assert host.idle() - clob.returned() == before
    assert clob.returned() == donated


def test_interface__every_state_changing_function__is_known(project: Any) -> None:
    """V-23: no function takes a recipient: ways out are the route, the vault and its wind-down."""
    names = {method.name for method in project.ClobAdapter.contract_type.mutable_methods}

    assert names == {"allocate", "deallocate", "sync", "unwind", "release"}
