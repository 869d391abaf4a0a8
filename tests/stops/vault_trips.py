"""The stops that concern the pool or the vault, each with its fault and what it has to come to."""

import asyncio
import contextlib
from typing import Final

from keeper.devnet.tokens import Call
from keeper.domain.commands import RaiseAlert
from keeper.journal import JournalReader
from tests.stops.judging import ANY, Expected
from tests.stops.site import Running, Site
from tests.stops.vault import Act, VaultTrip, is_phase

__all__ = ["OPERATOR_EXIT", "VAULT_TRIPS"]

_WEEK: Final = 7 * 86_400
_MEAN_SECONDS: Final = 1_860
_MOVE_PPM: Final = 30_000
_MOVE_SECONDS: Final = 20
_MOVES: Final = 4
_OFF_PEG_PPM: Final = 970_000
_PRICE_AGE_SECONDS: Final = 3_600
_SNAPSHOT_AGE_MS: Final = 10_000


async def _halt(running: Running) -> None:
    await running.say("risk", "halt", "--reason", "a campaign")


async def _exit(running: Running) -> None:
    await running.say("risk", "exit", "--wait", "0", "--reason", "a campaign")


def _limit(name: str) -> Act:
    """A person tightens a limit to the least there is, and prices go against what is held.

    A loss that is made good within three venue blocks is none: then prices go on, or turn with
    what is held.
    """

    async def strike(running: Running) -> None:
        site = running.site
        await running.say("risk", "set", name, "1", "--reason", "a campaign")
        for _ in range(_MOVES):
            await site.world.shift_price(-_MOVE_PPM if await _net(running) > 0 else _MOVE_PPM)
            with contextlib.suppress(TimeoutError):
                await site.until("its exit", lambda: is_phase(running, "EXITING"), _MOVE_SECONDS)
                break
        await site.world.advance(_MEAN_SECONDS)  # the pool's mean follows: until then it is pushed

    return strike


async def _net(running: Running) -> int:
    """Net delta with the range, in base quantums."""
    rows = (await running.say("positions"))["markets"]
    return sum(int(row["net_delta_quantums"]) for row in rows)


async def _guardian(site: Site, to: str, call: Call) -> None:
    await site.act(site.world.people["guardian"].address, to, call)


async def _mandate(site: Site) -> str:
    vault = site.world.contracts.vault
    return str(await site.world.accounts.read(vault, Call("mandate()"), "address"))


async def _pause(running: Running) -> None:
    await _guardian(running.site, await _mandate(running.site), Call("pause(uint256)", _WEEK))


async def _unpause(running: Running) -> None:
    await _guardian(running.site, await _mandate(running.site), Call("unpause()"))


async def _name(site: Site, role: str) -> None:
    """Have the contract name a keeper, as its owner does by the timelock when the week is over."""
    mandate = await _mandate(site)
    owner = str(await site.world.accounts.read(mandate, Call("owner()"), "address"))
    await site.impersonate(owner)
    await site.act(owner, mandate, Call("setKeeper(address)", site.world.people[role].address))


async def _replace(running: Running) -> None:
    await _name(running.site, "noise")


async def _take_back(running: Running) -> None:
    """Name the keeper again; a person resumes once nothing stands against it."""
    await _name(running.site, "keeper")

    async def may_resume() -> bool:
        return not (await running.ask("risk"))["standing"]

    await running.site.until("the keeper's sight of its name", may_resume)
    await running.say("risk", "resume", "--reason", "a campaign")


async def _read_asset(site: Site) -> tuple[str, ...]:
    """Settings of a keeper that judges the asset's price, and a price to judge."""
    await site.price_asset(10**6)
    age = f"limits.max_asset_price_age_seconds={_PRICE_AGE_SECONDS}"
    return (f'vault.asset_feed="{site.asset_feed}"', "limits.max_depeg_ppm=10000", age)


async def _depeg(running: Running) -> None:
    await running.site.price_asset(_OFF_PEG_PPM)


async def _peg(running: Running) -> None:
    await running.site.price_asset(10**6)


async def _outdate(running: Running) -> None:
    await running.site.world.advance(_PRICE_AGE_SECONDS + 1)


async def _behind_relay(site: Site) -> tuple[str, ...]:
    return (f"evm.rpc_url={site.relay.url}", f"pools.0.snapshot_max_age_ms={_SNAPSHOT_AGE_MS}")


async def _lag(running: Running) -> None:
    await running.site.relay.pin()


async def _cut(running: Running) -> None:
    await running.site.relay.cut()


async def _reopen(running: Running) -> None:
    await running.site.relay.open()


async def _exit_without_gas(running: Running) -> None:
    """The hot key's ether is gone, and a person has the vault left."""
    site = running.site
    await site.give_gas(site.world.people["keeper"].address, 0)
    await _exit(running)

    async def fails() -> bool:
        steps = JournalReader(running.journal).steps()
        alerts = (it for step in steps for it in step.commands if isinstance(it, RaiseAlert))
        return any(alert.code == "CHAIN_FAILS" for alert in alerts)

    await site.cool_down("the keeper's word of what fails", fails)


async def _refuel(running: Running) -> None:
    site = running.site
    await site.give_gas(site.world.people["keeper"].address)


async def _wind_down(running: Running) -> None:
    site, accounts = running.site, running.site.world.accounts
    vault = site.world.contracts.vault
    end = str(await accounts.read(vault, Call("windDown()"), "address"))
    await _guardian(site, end, Call("startImpaired()"))
    await site.until("the keeper's exit", lambda: is_phase(running, "EXITING"))
    await site.world.advance(_MEAN_SECONDS)
    await asyncio.sleep(2)
    for step in ("unwind", "collect"):
        await site.stage.vault("carla", "wind-down", step, "--yes")


def _left(code: str) -> Expected:
    return Expected(code, "EXITING", is_flat=True, has_left_pool=True)


def _reduced(code: str) -> Expected:
    return Expected(code, "ACTIVE", orders=ANY, only_reduces=True, resumes=True)


OPERATOR_EXIT: Final = VaultTrip("operator exit", "`keeper risk exit`", _exit, _left("OPERATOR"))
VAULT_TRIPS: Final = (
    VaultTrip(
        "operator halt",
        "`keeper risk halt`",
        _halt,
        Expected("OPERATOR", "HALTED"),
    ),
    OPERATOR_EXIT,
    VaultTrip(
        "asset off its peg",
        "the feed of the vault's asset answers 0.97",
        _depeg,
        _reduced("DEPEG"),
        _read_asset,
        _peg,
    ),
    VaultTrip(
        "asset price stale",
        "its feed has no round for an hour and a second, `max_asset_price_age_seconds` 3,600",
        _outdate,
        _reduced("ASSET_PRICE"),
        _read_asset,
        _peg,
    ),
    VaultTrip(
        "another keeper named",
        "the owner's `setKeeper`, a week after it was announced",
        _replace,
        Expected("NOT_KEEPER", "HALTED", resumes=True),
        mend=_take_back,
    ),
    VaultTrip(
        "no gas for an exit",
        "the hot key's ether is gone, then `keeper risk exit`",
        _exit_without_gas,
        Expected("OPERATOR", "EXITING", alert="CHAIN_FAILS", resumes=True),
        mend=_refuel,
    ),
    VaultTrip(
        "node behind",
        "the node's newest block stays the same, `snapshot_max_age_ms` 10,000",
        _lag,
        Expected("SNAPSHOT_AGE", "ACTIVE", resumes=True),
        _behind_relay,
        _reopen,
    ),
    VaultTrip(
        "node lost",
        "nobody listens where the node was, `snapshot_max_age_ms` 10,000",
        _cut,
        Expected("SNAPSHOT_AGE", "ACTIVE", resumes=True),
        _behind_relay,
        _reopen,
    ),
    VaultTrip(
        "daily loss",
        "`keeper risk set daily_loss_quote_quantums 1`, then the price moves by 3 %, again "
        "until it trips",
        _limit("daily_loss_quote_quantums"),
        _left("DAILY_LOSS"),
    ),
    VaultTrip(
        "drawdown",
        "`keeper risk set drawdown_ppm 1`, the same moves",
        _limit("drawdown_ppm"),
        _left("DRAWDOWN"),
    ),
    VaultTrip(
        "vault paused",
        "the guardian's `pause` for 7 days",
        _pause,
        Expected("VAULT_PAUSED", "ACTIVE", orders=ANY),
        mend=_unpause,
    ),
    VaultTrip(
        "vault wound down",
        "the guardian's `startImpaired`, then anybody's `unwind` and `collect`",
        _wind_down,
        _left("WIND_DOWN"),
    ),
)
"""In this order: after the last the vault never trades again."""
