// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMarketMakingVault} from "../../contracts/interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../../contracts/interfaces/INavReporter.sol";
import {Constants} from "../../contracts/libraries/Constants.sol";
import {System} from "./System.sol";

/// @title The laws about the fee, the keeper's losses and the keeper's stake
/// @notice Knows no mark: what a fee may be follows from settled prices, and from profit as the venue made it.
abstract contract Charges is System {
    /// @notice What profit there was, what of it was taken, and the best settled price [1e36 assets per share unit].
    struct Profit {
        uint256 best;
        uint256 earned;
        uint256 owned;
        uint256 taken;
        uint256 settlements;
    }

    /// @notice What bounds a report's settlement, as it was before.
    struct Bounds {
        uint256 accepted;
        uint256 supply;
        uint256 staked;
        bool keepersStart;
        uint256 dayBucket;
        uint256 monthBucket;
    }

    Profit private _profit;

    function _bounds() internal view returns (Bounds memory bounds) {
        bounds.accepted = vault.acceptedNav();
        bounds.supply = vault.totalSupply();
        bounds.staked = stake.stakeOf(KEEPER);
        IMarketMakingVault.Queue memory queue = vault.depositQueue();
        uint256 keepers = vault.pendingDepositRequest(0, KEEPER);
        bounds.keepersStart = nearlyNone(bounds.supply) && keepers == queue.total + queue.open;
        (bounds.dayBucket, bounds.monthBucket) = mandate.lossBuckets();
    }

    function nearlyNone(uint256 supply) internal view returns (bool) {
        return supply <= Constants.NEAR_EMPTY_FACTOR * vault.virtualShares();
    }

    /// @dev V-24: a reported loss leaves the keeper exactly so much less to lose.
    function _v24(Bounds memory before, uint256 gross) internal view {
        uint256 loss = nearlyNone(before.supply) ? 0 : Math.saturatingSub(before.accepted, gross);
        uint256 part =
            loss == 0 ? 0 : Math.mulDiv(loss, Constants.ONE, before.accepted, Math.Rounding.Ceil);
        (uint256 day, uint256 month) = mandate.lossBuckets();
        require(day == Math.saturatingSub(before.dayBucket, part), "V-24: day");
        require(month == Math.saturatingSub(before.monthBucket, part), "V-24: month");
    }

    /// @dev V-21: profit is what is owned beyond what was, gifts left out.
    function _earn(uint256 gross, uint256 gift) internal {
        _profit.earned += Math.saturatingSub(gross, gift + _profit.owned);
        _profit.owned = gross;
    }

    /// @dev V-21: no fee at or below the best settled price, and all fees are at most the rate of all profit.
    function _v21(Bounds memory before, IMarketMakingVault.Fill memory fill) internal {
        uint256 shares = before.supply + vault.virtualShares();
        if (nearlyNone(before.supply)) {
            require(fill.feeShares == 0, "V-21: nobody's gain");
            _profit.best = 0;
        }
        _profit.settlements += 1;
        if (fill.feeShares != 0) {
            shares += fill.feeShares;
            require(_price(fill.accepted, shares) >= _profit.best, "V-21: below the best price");
            _profit.taken += Math.mulDiv(fill.feeShares, fill.accepted, shares);
            uint256 most = Math.mulDiv(_profit.earned, FEE_BPS, Constants.BPS);
            require(_profit.taken <= most + _profit.settlements, "V-21: all fees");
        }
        uint256 reached = _price(fill.acceptedAfter, fill.supplyAfter + vault.virtualShares());
        if (fill.wholeExit || reached > _profit.best) _profit.best = reached;
        _profit.owned = _profit.owned + fill.depositAssets - fill.redeemAssets;
    }

    /// @dev V-29: deposits fill to what the keeper's stake bounds and no further, but for the keeper's own first.
    function _v29(Bounds memory before, INavReporter.Outcome memory outcome) internal view {
        if (outcome.fill.depositAssets == 0 || before.keepersStart) return;
        uint256 shares = before.supply + vault.virtualShares();
        uint256 worth = Math.mulDiv(before.staked, outcome.accepted, shares);
        uint256 filledTo = outcome.fill.accepted + outcome.fill.depositAssets;
        require(filledTo <= (worth * Constants.BPS) / STAKE_BPS, "V-29");
    }

    /// @dev V-29: what a late day burns is 2 % of the stake, whether it waits to leave or not.
    function _v29Burnt(uint256 staked, uint256 waiting, uint256 supply) internal view {
        uint256 burnt = Math.ceilDiv(staked, 50) + Math.ceilDiv(waiting, 50);
        (uint256 stillWaiting,) = stake.waiting(KEEPER);
        require(stake.stakeOf(KEEPER) + stillWaiting + burnt == staked + waiting, "V-29: part");
        require(vault.totalSupply() + burnt == supply, "V-29: burnt");
    }

    function _price(uint256 assets, uint256 shares) private pure returns (uint256) {
        return Math.mulDiv(assets + 1, Constants.PRICE_ONE, shares);
    }
}
