// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Numbers of the bonds that no market may change
/// @dev Each is explained in docs/bonds.md.
library BondConstants {
    uint256 internal constant BPS = 10_000; // 100 %

    uint256 internal constant MIN_DURATION = 1 days; // of a sale
    uint256 internal constant MAX_DURATION = 365 days;
    uint256 internal constant MIN_VESTING = 1 days; // a discount without a wait is a gift to whoever is fastest
    uint256 internal constant MAX_VESTING = 4 * 365 days;
    uint256 internal constant EXPIRY_STEP = 1 days; // notes end at midnight UTC, rounded up
    uint256 internal constant CHANGE_NOTICE = 3 days; // before a floor rises or capacity falls
    uint256 internal constant MAX_CAPACITY = type(uint112).max; // leaves the debt arithmetic its width

    uint8 internal constant MIN_DECIMALS = 6; // of payout token and asset
    uint8 internal constant MAX_DECIMALS = 18;
    uint256 internal constant PRICE_DECIMALS = 36; // of a price, whole asset per whole token
    uint256 internal constant PRICE_ONE = 1e36; // one whole asset per whole token
    uint256 internal constant MAX_PRICE = 1e54; // 10^18 whole assets per whole token
    uint256 internal constant MAX_CONTROL = 1 << 240; // leaves tunes their width

    uint256 internal constant MIN_DECAY_INTERVAL = 3 days; // a debt of the target leaks away no faster
    uint256 internal constant DECAY_DEPOSIT_INTERVALS = 5; // nor faster than five largest purchases
    uint256 internal constant MIN_DEPOSIT_INTERVAL = 1 hours;
    uint256 internal constant LEAST_BUFFER_BPS = 1_000; // debt may exceed its target by 10 % in any market
    uint256 internal constant MIN_TUNE_INTERVAL = 6 hours; // one tune's fall is over before the next
    uint256 internal constant TUNE_FALL_TIME = 6 hours; // down linearly
    uint256 internal constant TUNE_RISE_BPS = 12_500; // up at once, at most 25 %
    uint256 internal constant UNDERSOLD_TIME = 1 days; // an undersold market waits so long for its tune

    uint256 internal constant MIN_TWAP = 30 minutes;
    uint256 internal constant MAX_TWAP = 1 days;
    uint256 internal constant MIN_FEED_AGE = 1 minutes;
    uint256 internal constant MAX_FEED_AGE = 2 days;

    uint256 internal constant SHARE_WINDOW = 1 hours; // after a settlement
    uint256 internal constant SHARE_VALUE_BPS = 9_800; // settled price less 2 %

    uint256 internal constant REDIRECT_NOTICE = 7 days; // before proceeds go to another vault
    uint256 internal constant MAX_LOCK = 10 * 365 days; // beyond it a lock is a typing error
}
