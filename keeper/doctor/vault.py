"""Checks of the vault and its contracts: wiring, roles, reports, gas, pool oracles, allowances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.calls import CallReverted, block_of, read_at, view
from keeper.chain.codec import checksum
from keeper.chain.rpc import quantity
from keeper.config.secrets import KeyUnavailable
from keeper.config.sections.pools import Pool
from keeper.doctor.endpoints import EVM
from keeper.doctor.keys import keeper_address
from keeper.doctor.rows import Finding, Probe, fail, ok, skip, warn
from keeper.doctor.site import Site
from keeper.domain.errors import WireError
from keeper.domain.protocol import REPORT_WINDOW_SECONDS

__all__ = ["vault_probes"]

STATES: Final = ("OPEN", "CUT", "WINDDOWN")
LATE_REPORT_SECONDS: Final = 36 * 3_600
LATE_CUT_SECONDS: Final = 3_600
TYPICAL_GAS: Final = 600_000
"""Gas of a mint, burn or swap through an adapter, roughly; an allocation takes a third."""
LEAST_OPERATIONS: Final = 10
FEW_OPERATIONS: Final = 100
ETHER: Final = 10**18
_VAULT_VIEWS: Final = (*("state", "cut", "nextCutTime", "keeper", "reporter", "adapters", "asset"),)


@dataclass(frozen=True, slots=True)
class _Vault:
    site: Site

    async def wiring(self) -> Sequence[Finding]:
        config, vault = self.site.config, self._address
        if await self.site.rpc.call("eth_getCode", vault, "latest") in ("0x", ""):
            return [fail(f"there is no contract at {vault}", "correct vault.address")]
        seen = await self._views()
        if not _same(seen["reporter"], config.vault.reporter):
            found = f"the vault is wired to reporter {checksum(seen['reporter'])}"
            return [fail(f"{found}, not {config.vault.reporter}", "correct vault.reporter")]
        wired = {address.lower() for address in seen["adapters"]}
        foreign = [
            adapter
            for adapter in (*self._legs(), *(pool.adapter for pool in config.pools))
            if adapter.lower() not in wired
        ]
        if foreign:
            found = f"{', '.join(foreign)} is no adapter of the vault"
            return [fail(found, "correct venue.adapter or pools.*.adapter")]
        return [ok(f"reporter and {len(wired)} adapters as configured")]

    async def factory(self) -> Sequence[Finding]:
        """Whether the contract that the vault was made by lists it, if that is a factory."""
        maker = checksum(await self._read("MarketMakingVault", self._address, "deployer"))
        names = ("isVault", "isSingleOperator")
        calls = [view("VaultFactory", maker, name, self._address) for name in names]
        try:
            (listed,), (single,) = await read_at(self.site.rpc, "latest", calls)
        except (CallReverted, WireError):
            found = f"the vault was made by {maker}, which is no vault factory"
            return [warn(found, "trust its code, stake and markets only if you made it yourself")]
        if not listed:
            found = f"the factory {maker} does not list the vault: its last stage was not run"
            return [fail(found, "finish its deployment: ape run deploy")]
        hint = "; one party holds several of its offices" if single else ""
        return [ok(f"the factory {maker} lists the vault{hint}")]

    def _legs(self) -> tuple[str, ...]:
        leg = self.site.config.venue.leg
        return () if leg is None else (leg,)

    async def state(self) -> Sequence[Finding]:
        seen, now = await self._views(), await self._now()
        state, cut_at, due = STATES[seen["state"]], seen["cut"][1], seen["nextCutTime"]
        if state == "WINDDOWN":
            return [
                warn(
                    "the vault winds down for ever",
                    "let the keeper leave (EXIT_DONE), then stop it",
                )
            ]
        if state == "CUT":
            age = now - cut_at
            found = f"epoch {seen['cut'][0]} was cut {_span(age)} ago and awaits its report"
            if age > REPORT_WINDOW_SECONDS:
                return [warn(f"{found}; its window is over", "settle or cut: keeper vault cut")]
            return [ok(found)]
        if cut_at == 0:
            return [ok("the vault is open and was never cut; the first may be taken at any time")]
        if now > due + LATE_CUT_SECONDS:
            found = f"the vault is open and its cut has been due for {_span(now - due)}"
            return [warn(found, "take it: keeper vault cut (a live keeper does by itself)")]
        wait = f"in {_span(due - now)}" if due > now else "now"
        return [ok(f"the vault is open, next cut {wait}")]

    async def report(self) -> Sequence[Finding]:
        (gate,) = await self._reporter("gate")
        if gate[0] == 0:
            return [warn("no report was ever settled", "the first one: keeper report post")]
        age = await self._now() - gate[0]
        found = f"the last settled cut is {_span(age)} old"
        if age > LATE_REPORT_SECONDS:
            fix = "look why: keeper report preview (reporters' answers are listed)"
            return [warn(found, fix)]
        return [ok(found)]

    async def reporters(self) -> Sequence[Finding]:
        reporters, quorum = await self._reporter("reporters", "quorum")
        found = f"{quorum} of {len(reporters)} reporters sign"
        if len(reporters) == quorum:
            fix = "have the owner add one: keeper admin propose set-reporters"
            return [warn(f"{found}: none may be missing", fix)]
        return [ok(found)]

    async def keeper(self) -> Sequence[Finding]:
        if not self.site.is_keeper:
            return [skip("this configuration runs no keeper")]
        if self.site.config.mode == "shadow":
            return [skip("a shadow run is no keeper")]
        keeper = checksum((await self._views())["keeper"])
        try:
            ours = keeper_address(self.site.loaded, self.site.environ)
        except KeyUnavailable:
            return [skip("the key cannot be read (see keys.readable)")]
        if not _same(keeper, ours):
            found = f"the vault's keeper is {keeper}, our key is of {ours}"
            return [fail(found, f"use that key, or: keeper admin propose set-keeper {ours}")]
        return [ok(f"the vault's keeper is our key, {ours}")]

    async def gas(self) -> Sequence[Finding]:
        evm = self.site.config.evm
        keeper = checksum((await self._views())["keeper"])
        balance = quantity(await self.site.rpc.call("eth_getBalance", keeper, "latest"))
        price = quantity(await self.site.rpc.call("eth_gasPrice"))
        now = balance // max(1, TYPICAL_GAS * price)
        worst = balance // (evm.max_gas * evm.max_fee_per_gas_wei)
        found = (
            f"{keeper} has {balance * 10_000 // ETHER / 10_000:.4f} ether: about {now:,} operations"
            f" at this gas price, {worst:,} at the configured ceilings"
        )
        fix = f"send ether to {keeper}"
        if now < LEAST_OPERATIONS:
            return [fail(found, fix)]
        if now < FEW_OPERATIONS or worst == 0:
            return [warn(found, fix)]
        return [ok(found)]

    async def oracles(self) -> Sequence[Finding]:
        if not self.site.config.pools:
            return [skip("no pools are configured")]
        return [await self._oracle(pool) for pool in self.site.config.pools]

    async def allowances(self) -> Sequence[Finding]:
        seen = await self._views()
        adapters = map(checksum, seen["adapters"])
        return [await self._allowance(adapter, seen["asset"]) for adapter in adapters]

    @property
    def _address(self) -> str:
        return self.site.config.vault.address

    async def _views(self) -> dict[str, Any]:
        calls = [view("MarketMakingVault", self._address, name) for name in _VAULT_VIEWS]
        answers = await read_at(self.site.rpc, "latest", calls)
        return {name: answer[0] for name, answer in zip(_VAULT_VIEWS, answers, strict=True)}

    async def _reporter(self, *names: str) -> list[Any]:
        address = self.site.config.vault.reporter
        calls = [view("NavReporter", address, name) for name in names]
        return [answer[0] for answer in await read_at(self.site.rpc, "latest", calls)]

    async def _now(self) -> int:
        """The chain's own time, in unix seconds: what the contracts go by."""
        head = await self.site.rpc.call("eth_getBlockByNumber", "latest", False)
        return block_of(head).timestamp

    async def _oracle(self, pool: Pool) -> Finding:
        rpc, adapter = self.site.rpc, pool.adapter
        slot0, (limits,), (found,), (feed,), (ready,) = await read_at(
            rpc,
            "latest",
            [
                view("IUniswapV3PoolMinimal", pool.pool, "slot0"),
                view("UniswapV3Adapter", adapter, "limits"),
                view("UniswapV3Adapter", adapter, "pool"),
                view("UniswapV3Adapter", adapter, "feed"),
                view("UniswapV3Adapter", adapter, "isReady"),
            ],
        )
        if not _same(found, pool.pool):
            text = f"the adapter works on pool {checksum(found)}, configured is {pool.pool}"
            return fail(text, "correct pools.*.pool", adapter)
        kept, wanted = slot0[4], limits[4]
        raise_it = f"call raiseObservations({wanted}) on {adapter}, as often as it takes"
        if kept < wanted:
            text = f"the pool keeps {kept:,} observations, the adapter asks for {wanted:,}"
            return fail(text, raise_it, adapter)
        try:
            await read_at(rpc, "latest", [view("UniswapV3Adapter", adapter, "twapTick")])
        except CallReverted as error:
            text = f"its 30 minutes of prices are not covered: {error.detail}"
            return fail(text, "wait until the pool's oracle has filled; it needs trades", adapter)
        covered = f"of prices are covered, {kept:,} observations kept"
        if int(feed, 16):
            return ok(f"30 minutes {covered}", adapter)
        text = "feedless: valued by 30 min and 24 h TWAP"
        if not ready:
            fix = "wait until the pool remembers a day; no cut and no operation meanwhile"
            return fail(f"{text}; its 24 hours are not covered", fix, adapter)
        return ok(f"{text}; 24 hours {covered}", adapter)

    async def _allowance(self, adapter: str, asset: str) -> Finding:
        """No allowance may outlive the transaction that gave it: whoever has one could take."""
        tokens, spenders = await self._parties(adapter, asset)
        pairs = [(token, spender) for token in tokens for spender in spenders]
        # The vault's own ABI has the ERC-20 functions; they are the same on every token.
        calls = [
            view("MarketMakingVault", token, "allowance", adapter, spender)
            for token, spender in pairs
        ]
        left = [
            f"{spenders[spender]} may take {amount:,} units of {checksum(token)}"
            for (token, spender), (amount,) in zip(
                pairs, await read_at(self.site.rpc, "latest", calls), strict=True
            )
            if amount
        ]
        if left:
            fix = "pause the keeper and look at the adapter's transactions"
            return fail("; ".join(left), fix, adapter)
        return ok("no allowance is left", adapter)

    async def _parties(self, adapter: str, asset: str) -> tuple[list[str], dict[str, str]]:
        """Tokens an adapter holds, and who could have been allowed to take them, by name."""
        tokens, spenders = [asset], {self._address: "the vault"}
        for pool in self.site.config.pools:
            if _same(pool.adapter, adapter):
                tokens = [
                    await self._read("UniswapV3Adapter", adapter, name)
                    for name in ("token0", "token1")
                ]
                spenders[pool.pool] = "the pool"
        if _same(adapter, self.site.config.venue.adapter):
            spenders[await self._read("ClobAdapter", adapter, "route")] = "the route"
        return tokens, spenders

    async def _read(self, contract: str, address: str, name: str) -> str:
        ((found,),) = await read_at(self.site.rpc, "latest", [view(contract, address, name)])
        return str(found)


def vault_probes(site: Site) -> list[Probe]:
    """Return the checks of the contracts."""
    vault = _Vault(site)
    needs = (EVM,)
    return [
        Probe("vault.wiring", vault.wiring, needs),
        Probe("vault.factory", vault.factory, needs),
        Probe("vault.state", vault.state, needs),
        Probe("vault.report", vault.report, needs),
        Probe("vault.reporters", vault.reporters, needs),
        Probe("vault.keeper", vault.keeper, needs),
        Probe("gas.keeper", vault.gas, needs),
        Probe("pool.oracle", vault.oracles, needs),
        Probe("adapter.allowances", vault.allowances, needs),
    ]


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _span(seconds: int) -> str:
    """A length of time in its largest two units."""
    minutes, hours = seconds // 60, seconds // 3_600
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
