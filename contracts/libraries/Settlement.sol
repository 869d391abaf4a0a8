// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {Constants} from "./Constants.sol";

/// @title What one report does to both queues
/// @notice Redemptions settle at the accepted NAV, deposits at the gross ask NAV that is left after the leavers are
/// paid: nobody buys into a gain that is known and not yet accepted, and nobody leaves with it. When practically the
/// whole supply leaves, nobody stays to own the difference, so it settles at gross. The performance fee comes before
/// both: leavers owe their part of it, newcomers none.
/// @dev Leavers first, newcomers second: the newcomers' shares are counted on what the leavers leave behind. Pure;
/// every quotient is rounded against the one who is paid. Invariants V-05, V-06, V-07, V-18, V-21.
library Settlement {
    uint256 private constant MAX_SUPPLY = type(uint128).max; // keeps every product below 512 bits exact
    uint256 private constant MAX_FILL = type(uint120).max; // keeps the shares of one fill below 256 bits

    /// @notice The vault's numbers before the settlement.
    struct Books {
        uint256 supply;
        uint256 virtualShares;
        uint256 idle;
        uint256 depositTotal;
        uint256 redeemTotal;
        uint256 depositCap;
    }

    /// @notice What settling at these prices does.
    function quote(Books memory books, IMarketMakingVault.Pricing memory pricing)
        internal
        pure
        returns (IMarketMakingVault.Fill memory fill)
    {
        uint256 supply = books.supply;
        uint256 nearlyNone = Constants.NEAR_EMPTY_FACTOR * books.virtualShares;
        if (books.redeemTotal != 0 && supply - books.redeemTotal <= nearlyNone) {
            fill = _quoteAt(books, pricing, pricing.gross);
            fill.wholeExit = fill.redeemAssets == _owed(books, pricing.gross);
            if (fill.wholeExit) return fill;
            books.supply = supply; // that fee is not taken
        }
        return _quoteAt(books, pricing, pricing.accepted);
    }

    /// @dev Raises the supply in `books` by the fee.

    function _quoteAt(
        Books memory books,
        IMarketMakingVault.Pricing memory pricing,
        uint256 accepted
    ) private pure returns (IMarketMakingVault.Fill memory fill) {
        uint256 feeShares = _feeShares(books, pricing, accepted);
        books.supply += feeShares;
        uint256 owed = _owed(books, accepted);
        uint256 deposits = pricing.depositsOpen
            ? Math.min(
                Math.min(books.depositTotal, MAX_FILL),
                Math.saturatingSub(books.depositCap, accepted)
            )
            : 0;
        fill = _fillBoth(books, owed, deposits, pricing.grossAsk);
        if (fill.supplyAfter > MAX_SUPPLY) {
            uint256 room = Math.mulDiv(
                MAX_SUPPLY - books.supply,
                pricing.grossAsk - owed + 1,
                books.supply + books.virtualShares
            );
            fill = _fillBoth(books, owed, Math.min(deposits, room), pricing.grossAsk);
        }
        fill.accepted = accepted;
        fill.feeShares = feeShares;
        fill.acceptedAfter = accepted + fill.depositAssets - fill.redeemAssets;
    }

    /// @dev Never so many that the price falls below the mark. What is free of a fee is rounded up; the fee, and the
    /// shares that are worth it once they are minted, are rounded down.
    function _feeShares(
        Books memory books,
        IMarketMakingVault.Pricing memory pricing,
        uint256 accepted
    ) private pure returns (uint256) {
        uint256 shares = books.supply + books.virtualShares;
        uint256 free = Math.mulDiv(pricing.mark, shares, Constants.PRICE_ONE, Math.Rounding.Ceil);
        uint256 gain = Math.saturatingSub(accepted + 1, free);
        uint256 fee = (gain * pricing.feeBps) / Constants.BPS;
        if (fee == 0) return 0; // also where accepted is 0

        return Math.min(Math.mulDiv(fee, shares, accepted - fee), MAX_SUPPLY - books.supply);
    }

    function _fillBoth(Books memory books, uint256 owed, uint256 deposits, uint256 grossAsk)
        private
        pure
        returns (IMarketMakingVault.Fill memory fill)
    {
        uint256 pay = Math.min(owed, books.idle + deposits);
        uint256 burnt = _burntUp(books.redeemTotal, pay, owed);
        uint256 left = books.supply + books.virtualShares - burnt;

        fill.depositAssets = deposits;
        fill.depositShares = Math.mulDiv(deposits, left, grossAsk - pay + 1);
        fill.redeemShares = burnt;
        fill.redeemAssets = pay;
        fill.supplyAfter = books.supply - burnt + fill.depositShares;
    }

    /// @dev All when all is paid, dust that is owed nothing included; none when nothing can be paid.
    function _burntUp(uint256 redeemTotal, uint256 pay, uint256 owed)
        private
        pure
        returns (uint256)
    {
        if (pay == owed) return redeemTotal;
        if (pay == 0) return 0;
        return Math.min(redeemTotal, Math.mulDiv(redeemTotal, pay, owed, Math.Rounding.Ceil));
    }

    function _owed(Books memory books, uint256 accepted) private pure returns (uint256) {
        return Math.mulDiv(books.redeemTotal, accepted, books.supply + books.virtualShares);
    }
}
