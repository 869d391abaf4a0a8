"""Projects and markets: what is checked before a token is escrowed, and what is said of it."""

from typing import Any

import ape
import pytest

from tests.contracts.bonds.houses import (
    DAY,
    FOREVER,
    HOUR,
    PRICE,
    TOKEN,
    USDC,
    ZERO,
    Bonds,
    dutch_terms,
    midnight_after,
    oracle_terms,
)

MARKET_FIELDS = (
    *("project", "auctioneer", "token", "asset", "vault", "createdAt", "conclusion", "cliff"),
    *("vesting", "tokenDecimals", "assetDecimals", "acceptsShares", "symbol"),
)


def only(receipt: Any, name: str) -> Any:
    """The one event of that name; of several contracts', that of the one called."""
    named = [entry for entry in receipt.events if entry.event_name == name]
    called = [entry for entry in named if entry.contract_address == receipt.receiver]
    (event,) = named if len(named) == 1 else called
    return event


def test_create_project__own_vault__is_registered_down_to_the_pool(bonds: Bonds) -> None:
    receipt = bonds.teller.createProject(bonds.project_params(), sender=bonds.team)

    event = only(receipt, "CreateProject")
    treasury = bonds.project.ProjectTreasury.at(event.project)
    assert bonds.teller.isProject(event.project)
    assert bonds.teller.projects(bonds.teller.projectCount() - 1, 9) == [event.project]
    assert (event.token, event.vault, event.owner, event.pool) == (
        *(bonds.token.address, bonds.vault.address, bonds.team.address, bonds.pool.address),
    )
    assert event.polUnlock == treasury.polUnlock()
    assert tuple(treasury.pool()) == bonds.plan.markets[1][0]
    assert (treasury.owner(), treasury.token(), treasury.asset(), treasury.vault()) == (
        *(bonds.team.address, bonds.token.address, bonds.usdc.address, bonds.vault.address),
    )
    made = only(receipt, "Initialise")
    assert (made.owner, made.token, made.vault, made.pool, made.polUnlock) == (
        *(bonds.team.address, bonds.token.address, bonds.vault.address, bonds.pool.address),
        event.polUnlock,
    )


def test_create_project__vault_of_nobodys_factory__reverts(bonds: Bonds) -> None:
    params = bonds.project_params(vault=bonds.teller.address)

    with ape.reverts(bonds.project.ProjectTreasury.VaultUnknown):
        bonds.teller.createProject(params, sender=bonds.team)


def test_create_project__markets_of_another_vault__reverts(bonds: Bonds) -> None:
    params = bonds.project_params(markets=(("dydx:ETH-USD",), bonds.plan.markets[1]))

    with ape.reverts(bonds.project.ProjectTreasury.MarketsForeign):
        bonds.teller.createProject(params, sender=bonds.team)


def test_create_project__token_with_no_pool_in_the_vault__reverts(bonds: Bonds) -> None:
    """Edge case: a market for a token that nothing quotes."""
    other = bonds.deployer.deploy(bonds.project.OddToken, "NONE")

    for params in (bonds.project_params(token=other.address), bonds.project_params(pool=1)):
        with ape.reverts(bonds.project.ProjectTreasury.MarketMissing):
            bonds.teller.createProject(params, sender=bonds.team)


def test_create_project__vault_is_ending__reverts(bonds: Bonds) -> None:
    bonds.end_vault()

    with ape.reverts(bonds.project.ProjectTreasury.VaultEnded):
        bonds.teller.createProject(bonds.project_params(), sender=bonds.team)


@pytest.mark.parametrize("lock", [0, 10 * 366 * DAY])
def test_create_project__lock_over_or_absurd__reverts(bonds: Bonds, lock: int) -> None:
    params = bonds.project_params(polUnlock=bonds.now + lock)

    with ape.reverts(bonds.project.ProjectTreasury.LockOutOfRange):
        bonds.teller.createProject(params, sender=bonds.team)


def test_initialise__anybody_or_again__reverts(bonds: Bonds, treasury: Any) -> None:
    template = bonds.project.ProjectTreasury.at(bonds.teller.treasuryImplementation())
    init = (bonds.team.address, *bonds.project_params())

    for target in (template, treasury):
        with ape.reverts(target.NotTeller):
            target.initialise(init, sender=bonds.team)


def test_create_market__dutch__escrows_its_whole_capacity(bonds: Bonds, treasury: Any) -> None:
    escrowed = bonds.teller.escrowed(bonds.token)
    params = bonds.market_params(treasury)

    receipt = bonds.teller.createMarket(params, 2 * PRICE, FOREVER, sender=bonds.team)

    number = bonds.teller.marketCount()
    assert bonds.teller.escrowed(bonds.token) == escrowed + 100_000 * TOKEN
    assert bonds.token.balanceOf(bonds.teller) == escrowed + 100_000 * TOKEN
    event, opened = only(receipt, "CreateMarket"), only(receipt, "Open")
    time = bonds.now
    assert (event.marketId, event.project, event.token, event.auctioneer) == (
        *(number, treasury.address, bonds.token.address, bonds.dutch.address),
    )
    assert (event.capacity, event.floor) == (100_000 * TOKEN, 2 * PRICE)
    assert event.conclusion == time + 7 * DAY
    assert (opened.id, opened.capacity, opened.price, opened.floor, opened.conclusion) == (
        *(number, 100_000 * TOKEN, 5 * PRICE, 2 * PRICE, time + 7 * DAY),
    )
    made = dict(zip(MARKET_FIELDS, bonds.teller.market(number), strict=True))
    assert made == {
        "project": treasury.address,
        "auctioneer": bonds.dutch.address,
        "token": bonds.token.address,
        "asset": bonds.usdc.address,
        "vault": bonds.vault.address,
        "createdAt": time,
        "conclusion": time + 7 * DAY,
        "cliff": 7 * DAY,
        "vesting": 30 * DAY,
        "tokenDecimals": 18,
        "assetDecimals": 6,
        "acceptsShares": True,
        "symbol": "PROJ",
    }
    assert bonds.teller.marketsOf(treasury)[-1] == number


def test_create_market__oracle__has_its_floor_from_the_feed(bonds: Bonds, treasury: Any) -> None:
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)

    number = bonds.create_market(treasury, auctioneer=bonds.oracle.address, terms=oracle_terms())

    assert bonds.oracle.lot(number).floor == 14 * PRICE // 10
    assert bonds.oracle.price(number) == 18 * PRICE // 10


def test_create_project_and_market__in_one_call__does_both(bonds: Bonds) -> None:
    params = (bonds.project_params(), bonds.market_params(ZERO))

    bonds.teller.createProjectAndMarket(*params, 0, FOREVER, sender=bonds.team)

    number = bonds.teller.marketCount()
    (project,) = bonds.teller.projects(bonds.teller.projectCount() - 1, 1)
    assert bonds.teller.market(number).project == project
    assert bonds.teller.marketsOf(project) == [number]


def test_create_project_and_market__of_another_project__reverts(
    bonds: Bonds, treasury: Any
) -> None:
    params = (bonds.project_params(), bonds.market_params(treasury))

    with ape.reverts(bonds.teller.ProjectUnknown):
        bonds.teller.createProjectAndMarket(*params, 0, FOREVER, sender=bonds.team)


def test_create_market__without_or_past_its_deadline__reverts(bonds: Bonds, treasury: Any) -> None:
    """Edge case: a creation without a deadline."""
    for deadline in (0, bonds.now - 1):
        with ape.reverts(bonds.teller.DeadlineOver):
            bonds.teller.createMarket(bonds.market_params(treasury), 0, deadline, sender=bonds.team)


def test_create_market__floor_below_what_the_project_demands__reverts(
    bonds: Bonds, treasury: Any
) -> None:
    params = bonds.market_params(treasury)

    with ape.reverts(bonds.teller.FloorTooLow):
        bonds.teller.createMarket(params, 2 * PRICE + 1, FOREVER, sender=bonds.team)


def test_create_market__by_a_stranger__reverts(bonds: Bonds, treasury: Any) -> None:
    with ape.reverts(bonds.teller.NotProjectOwner):
        bonds.teller.createMarket(bonds.market_params(treasury), 0, FOREVER, sender=bonds.stranger)


def test_create_market__treasury_of_nobody__reverts(bonds: Bonds) -> None:
    with ape.reverts(bonds.teller.ProjectUnknown):
        bonds.create_market(bonds.stranger.address)


def test_create_market__auctioneer_of_the_callers__reverts(bonds: Bonds, treasury: Any) -> None:
    own = bonds.deployer.deploy(bonds.project.DutchAuctioneer, bonds.teller)

    with ape.reverts(bonds.teller.AuctioneerUnknown):
        bonds.create_market(treasury, auctioneer=own.address)


@pytest.mark.parametrize(
    "change",
    [
        {"capacity": TOKEN - 1},
        {"capacity": 2**112},
        {"duration": DAY - 1},
        {"duration": 365 * DAY + 1},
        {"vesting": DAY - 1},
        {"vesting": 4 * 365 * DAY + 1},
        {"cliff": 30 * DAY + 1},
    ],
    ids=lambda change: "_".join(map(str, *change.items())),
)
def test_create_market__field_beyond_its_bounds__reverts(
    bonds: Bonds, treasury: Any, change: dict[str, Any]
) -> None:
    with ape.reverts(bonds.teller.OutOfRange):
        bonds.create_market(treasury, **change)


@pytest.mark.parametrize(
    "terms",
    [
        dutch_terms(interval=HOUR - 1),
        dutch_terms(interval=7 * DAY + 1),
        dutch_terms(buffer_bps=10_001),
        dutch_terms(floor=0),
        dutch_terms(price=PRICE, floor=PRICE + 1),
        dutch_terms(price=10**54 + 1),
    ],
    ids=["short", "long", "buffer", "no_floor", "below_floor", "absurd"],
)
def test_create_market__dutch_term_beyond_its_bounds__reverts(
    bonds: Bonds, treasury: Any, terms: bytes
) -> None:
    with ape.reverts(bonds.dutch.TermOutOfRange):
        bonds.create_market(treasury, terms=terms)


def test_create_market__lock_ends_before_the_last_note__reverts(bonds: Bonds) -> None:
    at = bonds.now + 100
    last = midnight_after(at + 7 * DAY + 30 * DAY)
    short = bonds.create_project(polUnlock=last - 1)
    bonds.at(at)

    with ape.reverts(bonds.teller.LockTooShort, least=last):
        bonds.create_market(short)


@pytest.mark.parametrize("leg", ["asset", "share"])
def test_create_market__payout_is_the_vaults_asset_or_share__reverts(
    bonds: Bonds, make_plan: Any, make_pool: Any, make_system: Any, leg: str
) -> None:
    """Edge cases: the same token on both legs, and the vault's asset as payout."""
    token = bonds.usdc if leg == "asset" else bonds.vault
    asset = bonds.deployer.deploy(bonds.project.TestUSDC, 6)
    pool = make_pool(token, asset)
    plan = make_plan(asset, token, pool, bonds.feed, 7)
    system = make_system(plan, asset)
    treasury = bonds.create_project(
        token=token.address, vault=system.vault.address, markets=plan.markets
    )

    with ape.reverts(bonds.teller.SameToken):
        spoil_asset(bonds, treasury, token, leg)


def spoil_asset(bonds: Bonds, treasury: Any, token: Any, leg: str) -> None:
    """A factory's vault cannot quote its own asset or share, so the treasury is made to say so."""
    slot = {"asset": 2, "share": 3}[leg]
    value = "0x" + token.address[2:].lower().rjust(64, "0")
    bonds.chain.provider.make_request("anvil_setStorageAt", [treasury.address, hex(slot), value])
    assert (treasury.asset() if leg == "asset" else treasury.vault()) == token.address
    bonds.create_market(treasury)


@pytest.mark.parametrize("decimals", [5, 19])
def test_create_market__decimals_out_of_range__reverts(
    bonds: Bonds, treasury: Any, decimals: int
) -> None:
    bonds.token.setDecimals(decimals, sender=bonds.deployer)

    with ape.reverts(bonds.teller.OutOfRange):
        bonds.create_market(treasury)


def test_purchase__decimals_changed_by_the_tokens_author__changes_nothing(
    bonds: Bonds, market: int
) -> None:
    """Edge case: attacker-controlled `decimals()`."""
    before = bonds.teller.quote(market, 100 * USDC)

    bonds.token.setDecimals(6, sender=bonds.deployer)

    assert bonds.teller.quote(market, 100 * USDC).payout >= before.payout
    assert bonds.teller.quote(market, 100 * USDC).payout < before.payout * 101 // 100
    assert bonds.teller.market(market).tokenDecimals == 18


def test_create_market__token_that_takes_a_fee__reverts(bonds: Bonds, treasury: Any) -> None:
    bonds.token.setFeeBps(1, sender=bonds.deployer)

    with ape.reverts(bonds.teller.TransferMismatch):
        bonds.create_market(treasury)


def test_wire__stranger_again_or_foreign__reverts(bonds: Bonds) -> None:
    project, deployer = bonds.project, bonds.deployer
    parts = (bonds.note, bonds.teller.treasuryImplementation(), [bonds.dutch])
    with ape.reverts(bonds.teller.AlreadyWired):
        bonds.teller.wire(*parts, sender=deployer)
    fresh = deployer.deploy(project.BondTeller, bonds.factory)
    with ape.reverts(fresh.NotDeployer):
        fresh.wire(*parts, sender=bonds.stranger)
    note = deployer.deploy(project.BondNote, fresh)
    treasury = deployer.deploy(project.ProjectTreasury, fresh, bonds.factory)
    other = deployer.deploy(project.ProjectTreasury, fresh, bonds.stranger)
    dutch = deployer.deploy(project.DutchAuctioneer, fresh)
    for wrong in (
        parts,
        (note, parts[1], [dutch]),
        (note, other, [dutch]),
        (note, treasury, parts[2]),
        (note, treasury, [dutch, dutch]),
    ):
        with ape.reverts(fresh.ForeignComponent):
            fresh.wire(*wrong, sender=deployer)

    receipt = fresh.wire(note, treasury, [dutch], sender=deployer)

    event = only(receipt, "Wire")
    assert (event.note, event.treasury, event.auctioneers) == (
        *(note.address, treasury.address, [dutch.address]),
    )


def test_teller_calls__of_parts_by_anybody_else__revert(bonds: Bonds, market: int) -> None:
    """Money follows the teller alone."""
    caller = bonds.stranger
    position = (market, 1, 0, 0, 0, 0)
    calls = [
        (bonds.note, "mint", (caller, position)),
        (bonds.note, "redeem", (1,)),
        (bonds.dutch, "sell", (market, 1, 0)),
        (bonds.dutch, "release", (market,)),
        (bonds.dutch, "applyChange", (market,)),
        (bonds.dutch, "withdrawChange", (market,)),
        (bonds.dutch, "announceChange", (market, 1, 0)),
    ]
    for contract, name, arguments in calls:
        with ape.reverts(contract.NotTeller):
            getattr(contract, name)(*arguments, sender=caller)
