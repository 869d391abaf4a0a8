"""The markets that are quoted: rule, pace, leader."""

from typing import Annotated, Literal

from pydantic import Field

from keeper.config.fields import Milliseconds, NonNegative, Positive, Ppm, Section, described
from keeper.config.strategies import Overlays, Rule

__all__ = ["Market", "MarketLeader", "OrderToTrade", "Resting"]


class MarketLeader(Section):
    """How the leader's book enters one market's reference price; the oracle weighs the rest."""

    symbol: str = described("Its name at the leader, e.g. ETHUSDT.", pattern=r"^[A-Z0-9_]{3,32}$")
    base_units: Positive = described(
        "Units of our base asset in one of the leader's (1000PEPEUSDT: 1000).", 1
    )
    weight_ppm: Ppm = described(
        "Weight of the leader's microprice, in ppm; 0 records it and decides nothing by it."
    )
    venue_weight_ppm: Ppm = described(
        "Weight of the venue's own microprice without our orders, in ppm."
    )
    max_age_ms: Milliseconds = described("An older quote of the leader is missing, in ms.")
    band_ppm: Ppm = described(
        "Distance of a source from the reference beyond which quotes widen by the excess, in ppm."
    )
    pull_band_ppm: Ppm = described("Distance beyond which quotes are pulled, in ppm.")
    basis_seconds: Positive = described(
        "Time constant of the average of leader against oracle that is taken out, in seconds."
    )
    max_basis_ppm: Ppm = described("Largest such average; beyond it quotes are pulled, in ppm.")
    on_missing: Literal["pull", "widen"] = described(
        "Without the leader: pull the quotes, or go on wider by missing_widen_ppm.", "pull"
    )
    missing_widen_ppm: Ppm = described("How much wider then, in ppm; 0 where quotes are pulled.")


class OrderToTrade(Section):
    """How many messages for a price or a size a market may take for what it fills."""

    window_seconds: Positive = described(
        "How far back messages and fills are counted, in seconds.", ge=60, le=86_400
    )
    free_messages: Positive = described(
        "Messages in that time that are not counted, whatever fills."
    )
    max_ratio: NonNegative = described(
        "Most messages for each fill, less one; renewals are not counted."
    )
    max_volume_ratio: NonNegative = described(
        "Most volume offered for each volume filled, less one."
    )


class Resting(Section):
    """How long an order rests before its price or size changes."""

    min_resting_ms: Milliseconds = described("Least time, in ms.", le=60_000)
    urgent_ppm: Ppm = described(
        "An order nearer to the market than wanted by more than this does not wait, in ppm."
    )


class Market(Section):
    """One perpetual market that is quoted."""

    ticker: str = described("Name at the venue, e.g. ETH-USD.", pattern=r"^[A-Z0-9,.\-]{3,32}$")
    strategy: Annotated[Rule, Field(discriminator="kind")] = described(
        "The quoting rule: megavault, fixed_spread, avellaneda_stoikov, glft, constant_product or "
        "range_on_book."
    )
    good_til_block_offset: Positive = described(
        "Blocks after which an order dies by itself, in venue blocks.", le=20
    )
    refresh_blocks: Positive = described("Blocks left at which an order is renewed.")
    price_tolerance_ppm: Ppm = described("Price change that is worth a replacement, in ppm.")
    size_tolerance_ppm: Ppm = described("Size change that is worth a replacement, in ppm.")
    oracle_max_age_ms: Milliseconds = described("Older oracle prices stop quoting, in ms.")
    book_max_age_ms: Milliseconds = described("Older books stop quoting, in ms.")
    max_position_quote_quantums: Positive = described("Largest position, in 1e-6 USDC.")
    inventory_band_quote_quantums: NonNegative = described(
        "Net inventory at which it is brought home by an immediate order, in 1e-6 USDC."
    )
    hedge_max_slippage_ppm: Ppm = described(
        "Worst price of that order, in ppm of the oracle price."
    )
    leader: MarketLeader | None = described(
        "The market that leads this one; absent: quotes stand around the oracle alone.", None
    )
    overlays: Overlays | None = described("What bends the rule; absent: nothing.", None)
    resting: Resting | None = described(
        "How long an order rests before its price or size changes; absent: up to a block.", None
    )
    order_to_trade: OrderToTrade | None = described(
        "Cap on messages for what fills; absent: none.", None
    )
