"""Checks of the order-book venue: message budget, account, what the hot key may do, markets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from keeper.config.budget import message_budget
from keeper.config.secrets import KeyUnavailable
from keeper.config.sections.markets import Market
from keeper.config.settings import market_settings, risk_limits
from keeper.core.plausible import REFUSED, Surroundings, implausible
from keeper.doctor.endpoints import GRPC, REST
from keeper.doctor.keys import venue_public_key
from keeper.doctor.rows import Finding, Probe, fail, ok, skip, warn
from keeper.doctor.site import Site
from keeper.domain.approval import Refused
from keeper.domain.errors import ConfigError, WireError
from keeper.domain.units import NS_PER_MS, PPM
from keeper.markets.perpetual import value_abs_up, value_trunc
from keeper.treasurer.signer import FEE_QUANTUMS, USDC_DENOM
from keeper.venues.dydx.directory import Listing, load_listings
from keeper.venues.dydx.keys import address_of
from keeper.venues.dydx.permissions import CANCEL, PLACE, TRADING, Powers, powers_of
from keeper.venues.dydx.reader import Authenticator, SubaccountState

__all__ = ["venue_probes"]

PACE_BLOCKS: Final = 20
FLOAT_FEES: Final = 20
OPEN_INTEREST_PPM: Final = 20_000
USDC: Final = 1_000_000
OWNER_KEY_FIX: Final = (
    "register AllOf(SignatureVerification, MessageFilter, SubaccountFilter, ClobPairIdFilter) with "
    "the owner's key, list its id in venue.authenticator_ids and give the keeper that key alone"
)


@dataclass(frozen=True, slots=True)
class _Venue:
    site: Site

    async def budget(self) -> Sequence[Finding]:
        budget = message_budget(self.site.config)
        if not self.site.config.markets or not budget.limit_per_block:
            return [skip("no markets are configured")]
        block_ms = await self._block_ms()
        renewals = budget.renewals_per_100_blocks * 600 // max(1, block_ms)
        found = (
            f"at most {budget.limit_per_block} messages a block (worst need "
            f"{budget.worst_per_block}), about {renewals:,} a minute while nothing moves, "
            f"blocks of {block_ms:,} ms"
        )
        tight = [
            fail(
                f"{found}; the chain takes {limit.limit:,} in {limit.blocks} blocks",
                "lower limits.max_messages_per_block",
            )
            for limit in await self.site.reader.order_limits()
            if not limit.carries(budget.limit_per_block)
        ]
        return tight or [ok(f"{found}; within the chain's limits")]

    async def account(self) -> Sequence[Finding]:
        venue, reader = self.site.config.venue, self.site.reader
        account = await reader.account(venue.address)
        if account is None:
            if self.site.config.mode == "shadow":
                return [warn(f"account {venue.address} does not exist", "fund it before mode live")]
            return [
                fail(
                    f"account {venue.address} does not exist on {venue.chain_id}",
                    "fund it: the chain creates accounts on their first receipt",
                )
            ]
        wallet = await reader.bank_balance(venue.address, USDC_DENOM)
        found = f"account {account[0]}, wallet {wallet / USDC:,.2f} USDC"
        if wallet < FLOAT_FEES * FEE_QUANTUMS:
            return [
                warn(
                    f"{found}: fees of fewer than {FLOAT_FEES} transfers",
                    f"send at least {FLOAT_FEES * FEE_QUANTUMS / USDC:.3f} USDC to {venue.address}",
                )
            ]
        return [ok(found)]

    async def equity(self) -> Sequence[Finding]:
        if not self.site.config.markets:
            return [skip("no markets are configured")]
        listings, state = await self._listings(), await self._subaccount()
        value = await self._equity(state, listings)
        found = f"subaccount {self.site.config.venue.subaccount} is worth {value / USDC:,.2f} USDC"
        if value <= 0:
            return [
                warn(
                    f"{found}: nothing is quoted with that",
                    "deposit; where [allocation] is set the keeper sends capital by itself",
                )
            ]
        return [ok(found)]

    async def key(self) -> Sequence[Finding]:
        config = self.site.config
        if not config.markets:
            return [skip("no markets are configured")]
        try:
            public_key = venue_public_key(self.site.loaded, self.site.environ)
        except KeyUnavailable:
            public_key = None  # its absence is a row of its own
        chosen = config.venue.authenticator_ids
        if not chosen:
            return [self._owner_key(public_key)]
        known = {a.authenticator_id: a for a in await self.site.reader.authenticators(self._owner)}
        pairs = {listing.market.clob_pair_id for listing in await self._listings()}
        findings: list[Finding] = []
        for number in chosen:
            entry = known.get(number)
            if entry is None:
                found = f"account {self._owner} has no authenticator {number}"
                fix = "register it with the owner's key, or correct venue.authenticator_ids"
                findings.append(fail(found, fix, str(number)))
            else:
                findings += self._filters(entry, pairs, public_key)
        return findings

    async def markets(self) -> Sequence[Finding]:
        config = self.site.config
        if not config.markets:
            return [skip("no markets are configured")]
        state = await self._subaccount()
        fee_ppm = await self.site.reader.maker_fee_ppm(self._owner)
        findings: list[Finding] = []
        for market in config.markets:
            try:
                (listing,) = await load_listings(
                    self.site.reader, self.site.indexer, (market.ticker,)
                )
            except (ConfigError, WireError) as error:
                fix = error.next_step or "the venue's software may be newer than this keeper"
                findings.append(fail(str(error), fix, market.ticker))
            else:
                findings += await self._market(market, listing, state, fee_ppm)
        return findings

    @property
    def _owner(self) -> str:
        return self.site.config.venue.address

    async def _block_ms(self) -> int:
        """Mean time between the last venue blocks, in ms."""
        head = await self.site.reader.header()
        before = await self.site.reader.header(max(1, head.height - PACE_BLOCKS))
        return (head.time_ns - before.time_ns) // max(1, head.height - before.height) // NS_PER_MS

    async def _subaccount(self) -> SubaccountState:
        return await self.site.reader.subaccount(self._owner, self.site.config.venue.subaccount)

    async def _listings(self) -> list[Listing]:
        tickers = (market.ticker for market in self.site.config.markets)
        return await load_listings(self.site.reader, self.site.indexer, tickers)

    async def _equity(self, state: SubaccountState, listings: Iterable[Listing]) -> int:
        """Quote quantums; positions in markets that are not configured are left out."""
        by_id = {listing.perpetual_id: listing for listing in listings}
        total = state.usdc
        for position in state.positions:
            listing = by_id.get(position.perpetual_id)
            if listing is not None:
                price = await self.site.reader.market_price(listing.market_id)
                total += value_trunc(listing.market, position.quantums, price.price)
                total += position.quote_balance
        return total

    def _owner_key(self, public_key: bytes | None) -> Finding:
        if public_key is not None and address_of(public_key) != self._owner:
            return fail(
                f"the key signs for {address_of(public_key)}, the account is {self._owner}",
                "use the account's key, or list the authenticators of a permissioned one",
            )
        return warn(
            "no authenticators are configured: the hot key is the account's own and could withdraw",
            OWNER_KEY_FIX,
        )

    def _filters(
        self, entry: Authenticator, pairs: set[int], public_key: bytes | None
    ) -> list[Finding]:
        """Say what one authenticator lets its key do, and what is wrong with that."""
        subject = str(entry.authenticator_id)
        powers = powers_of(entry.kind, entry.config)
        own = frozenset({self.site.config.venue.subaccount})
        unsafe = _beyond(powers)
        if unsafe:
            return [fail(f"the key may also sign {unsafe}", OWNER_KEY_FIX, subject)]
        if problem := _lacking(powers, pairs, public_key):
            fix = "register an authenticator that fits, or use the key it names"
            return [fail(problem, fix, subject)]
        if powers.subaccounts is None or powers.subaccounts - own:
            reach = "every subaccount" if powers.subaccounts is None else _numbers(powers)
            return [warn(f"the key trades {reach}", "add SubaccountFilter", subject)]
        if powers.subaccounts != own:
            return [fail("the key may not trade this subaccount", OWNER_KEY_FIX, subject)]
        if powers.pairs is None or powers.pairs - pairs:
            return [
                warn("the key trades more markets than configured", "add ClobPairIdFilter", subject)
            ]
        return [ok("places and cancels in the configured markets, nothing else", subject)]

    async def _market(
        self, market: Market, listing: Listing, state: SubaccountState, fee_ppm: int
    ) -> list[Finding]:
        listed, ticker = listing.market, market.ticker
        price = await self.site.reader.market_price(listing.market_id)
        if listed.status != "ACTIVE":
            found = f"the venue has the market {listed.status}"
            return [fail(found, "take it out of [[markets]] until it trades again", ticker)]
        equity = await self._equity(state, (listing,))
        seen = Surroundings(
            listing=listed, oracle_price=price.price, equity=equity, maker_fee_ppm=fee_ppm
        )
        limits = self.site.config.limits
        flaws = implausible(market_settings(market), risk_limits(limits), seen) if limits else ()
        findings = [_flaw(flaw, ticker) for flaw in flaws]
        findings += await self._open_interest(market, listing, price.price)
        tick = listed.subticks_per_tick * PPM // max(1, listed.subticks_down(price.price))
        found = (
            f"tick {tick:,} ppm, step {listed.step_base_quantums:,} base quantums, initial margin "
            f"{listed.initial_margin_ppm / 10_000:g} %, maker fee {fee_ppm:,} ppm"
        )
        return findings or [ok(found, ticker)]

    async def _open_interest(
        self, market: Market, listing: Listing, oracle_price: int
    ) -> list[Finding]:
        perpetual = await self.site.reader.perpetual(listing.perpetual_id)
        value = value_abs_up(listing.market, perpetual.open_interest, oracle_price)
        most = value * OPEN_INTEREST_PPM // PPM
        if market.max_position_quote_quantums <= most:
            return []
        found = (
            f"max_position {market.max_position_quote_quantums / USDC:,.0f} USDC is more than 2 % "
            f"of the market's open interest ({value / USDC:,.0f} USDC)"
        )
        return [warn(found, "lower it: a position like that is hard to leave", market.ticker)]


def venue_probes(site: Site) -> list[Probe]:
    """Return the checks of account, key and markets."""
    venue = _Venue(site)
    return [
        Probe("venue.messages", venue.budget, (GRPC,)),
        Probe("venue.account", venue.account, (GRPC,)),
        Probe("venue.equity", venue.equity, (GRPC, REST)),
        Probe("venue.key", venue.key, (GRPC, REST)),
        Probe("venue.market", venue.markets, (GRPC, REST)),
    ]


def _beyond(powers: Powers) -> str:
    """Messages that pass and do not trade; empty when there are none."""
    if powers.messages is None:
        return "every message of the account, withdrawals too"
    return ", ".join(sorted(powers.messages - TRADING))


def _lacking(powers: Powers, pairs: set[int], public_key: bytes | None) -> str:
    """What the key cannot do that the keeper needs; empty when there is nothing."""
    missing = {PLACE, CANCEL} - (powers.messages or frozenset())
    if missing:
        return f"the key may not sign {', '.join(sorted(missing))}"
    if powers.pairs is not None and not pairs <= powers.pairs:
        return f"the key may not trade clob pairs {sorted(pairs - powers.pairs)}"
    if public_key is not None and powers.keys is not None and public_key not in powers.keys:
        return "the authenticator is of another key than the one configured"
    return ""


def _numbers(powers: Powers) -> str:
    return f"subaccounts {', '.join(map(str, sorted(powers.subaccounts or ())))}"


def _flaw(flaw: Refused, ticker: str) -> Finding:
    found = f"{flaw.code}: limit {flaw.limit:,}, value {flaw.value:,}"
    fix = f"see: keeper explain {flaw.code}"
    return fail(found, fix, ticker) if flaw.code in REFUSED else warn(found, fix, ticker)
