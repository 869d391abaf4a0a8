"""The page's part about bonds: the auction as it went, who bought, what the project owns by it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keeper.domain.units import PPM
from keeper.pages.report_data import Bond, BondPurchase, NavPart, Owned
from keeper.pages.series import scaled

__all__ = ["BondSeen", "bond_part"]

_USDC: Final = 6
_PRICE: Final = 12
_PRICE_DECIMALS: Final = 36
_ONE: Final = 10**18


class BondSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One market and its project at one block, in the units of the contracts.

    Prices have 36 decimals; `path` are (unix seconds, price); `purchases` are (unix seconds, buyer,
    note, payout, cost, price); `places` are where the vault's assets are: name, contract, amount.
    """

    market: int
    auction: str
    symbol: str
    token_decimals: int
    asset_decimals: int
    opened_at: int
    conclusion: int
    unsold: int
    sold: int
    floor: int
    path: Sequence[tuple[int, int]]
    purchases: Sequence[tuple[int, str, int, int, int, int]]
    project: str
    vault: str
    locked_until: int
    shares: int
    share_symbol: str
    share_decimals: int
    depth_share: int
    worth: int
    waiting: int
    queued: int
    places: Sequence[tuple[str, str, int]]


def bond_part(seen: BondSeen, names: Mapping[str, str]) -> Bond:
    """Put a bond into the page's words and units; `names` are people by address in lower case."""

    def e6(assets: int) -> int:
        return scaled(assets, _USDC - seen.asset_decimals)

    return Bond(
        market=seen.market,
        auction=seen.auction,
        symbol=seen.symbol,
        token_decimals=seen.token_decimals,
        opened_at_s=seen.opened_at,
        conclusion_s=seen.conclusion,
        unsold=seen.unsold,
        sold=seen.sold,
        floor_usdc_e12=_price(seen.floor),
        path=tuple((time * 1_000, _price(price)) for time, price in seen.path),
        purchases=tuple(
            BondPurchase(
                at_s=time,
                who=f"{names.get(buyer.lower(), '')} {buyer}".strip(),
                note=note,
                payout=payout,
                cost_usdc_e6=e6(cost),
                price_usdc_e12=_price(price),
            )
            for time, buyer, note, payout, cost, price in seen.purchases
        ),
        owned=Owned(
            project=seen.project,
            vault=seen.vault,
            locked_until_s=seen.locked_until,
            shares=seen.shares,
            share_symbol=seen.share_symbol,
            share_decimals=seen.share_decimals,
            depth_ppm=seen.depth_share * PPM // _ONE,
            worth_usdc_e6=e6(seen.worth),
            waiting_usdc_e6=e6(seen.waiting),
            queued_usdc_e6=e6(seen.queued),
            places=tuple(
                NavPart(name=name, custody=custody, assets_usdc_e6=e6(assets))
                for name, custody, assets in seen.places
            ),
        ),
    )


def _price(price: int) -> int:
    return scaled(price, _PRICE - _PRICE_DECIMALS)
