// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Numbers of the protocol that no deployment may change
/// @dev Each is anchored in docs/spec.md. Fractions are of 1e18.
library Constants {
    uint256 internal constant EPOCH_LENGTH = 1 days; // least time between two cuts
    uint256 internal constant REPORT_WINDOW = 6 hours; // after it an unreported cut lapses

    uint256 internal constant WIND_DOWN_DELAY = 7 days; // without settlement or payment anyone may end the vault
    uint256 internal constant UNWIND_PATIENCE = 3 days; // afterwards positions are left at any price
    uint256 internal constant COHORT_UNPAID = 0.01e18; // a cut is unpaid while more than 1 % of it is

    uint256 internal constant BPS = 10_000; // 100 %
    uint256 internal constant MAX_VENUE_CAP_BPS = 5_000; // 50 % of accepted NAV on order-book venues
    uint256 internal constant MIN_ON_CHAIN_BPS = 3_000; // 30 % of accepted NAV on the EVM chain
    uint256 internal constant MAX_FEE_BPS = 3_000; // 30 % of a gain
    uint256 internal constant SIGNER_FEE_BPS = 200; // 2 % of a fee to each signer of its report
    uint256 internal constant LEAST_STAKE_BPS = 500; // the keeper holds 5 % of a vault of the factory
    uint256 internal constant MAX_PAUSE = 7 days; // the guardian's pause ends by itself
    uint256 internal constant PAUSE_INTERVAL = 14 days; // and the next is at least so far from its end
    uint256 internal constant MAX_SETTLEMENT_DELAY = 3 days; // a cut should be paid by then
    uint256 internal constant LOOSEN_DELAY = 7 days; // max(7 d, 2 * MAX_SETTLEMENT_DELAY + EPOCH_LENGTH)
    uint256 internal constant MAX_ADAPTERS = 8; // bounds the gas of a cut

    uint8 internal constant MIN_ASSET_DECIMALS = 6; // a unit is worth at most 0.0001 cent of a dollar
    uint8 internal constant MAX_ASSET_DECIMALS = 18; // more would cost the share arithmetic its width
    uint8 internal constant MIN_VIRTUAL_DECIMALS = 6; // a million virtual share units per asset unit, at least
    uint8 internal constant LEAST_SHARE_DECIMALS = 18; // whole shares read like ether
    uint256 internal constant NEAR_EMPTY_FACTOR = 1_000; // supply <= 1000 virtual shares is nearly none

    uint256 internal constant MAX_REPORTERS = 9; // more signatures cost more than they add
    uint256 internal constant MIN_QUORUM = 2; // one signer is no quorum

    uint256 internal constant ONE = 1e18; // 100 %, for fractions of the gate
    uint256 internal constant PRICE_ONE = 1e36; // scale of a price: asset units per share unit
    uint256 internal constant BUCKET_MAX = 0.01e18; // 1 % of accepted NAV may be gained at once
    uint256 internal constant BUCKET_REFILL_TIME = 1 days; // from empty to full, linear
    uint256 internal constant RECOVERY_FADE_TIME = 7 days; // a loss may be undone at once for so long
    uint256 internal constant SLOT_DELAY = 3 days; // a larger gain waits so long
    uint256 internal constant SLOT_MAX = 0.05e18; // and at most 5 % of accepted NAV waits, or is released
    uint256 internal constant LOSS_BUCKET_MAX = 0.02e18; // a loss of 2 % of accepted NAV settles at once
    uint256 internal constant LOSS_BUCKET_REFILL_TIME = 1 days; // from empty to full, linear
    uint256 internal constant DAY_LOSS_MAX = 0.01e18; // the keeper may lose 1 % of accepted NAV at once
    uint256 internal constant DAY_LOSS_REFILL_TIME = 1 days; // from empty to full, linear
    uint256 internal constant MONTH_LOSS_MAX = 0.03e18; // and 3 % in many days
    uint256 internal constant MONTH_LOSS_REFILL_TIME = 30 days; // from empty to full, linear
    uint256 internal constant OPERATION_LOSS_MAX = 0.003e18; // no new risk while a bucket holds less than 0.3 %
    uint256 internal constant PENALTY_BPS = 200; // 2 % of the keeper's stake is burnt for each full day of it
    uint256 internal constant PENALTY_INTERVAL = 1 days; // such a day
    uint256 internal constant STAKE_WITHDRAWAL_DELAY = 7 days; // shares that leave the stake are exposed so long
    uint256 internal constant HOLD_TIME = 1 days; // no cut so long after a held or objected one
    uint256 internal constant OBJECTION_INTERVAL = 7 days; // one objection or veto each in so long
    uint256 internal constant HIGH_WINDOW = 3 days; // settled prices that bound deposits
    uint256 internal constant HIGH_FADE_TIME = 100 days; // the highest fades by 1 % of itself a day
    uint256 internal constant HIGH_MIN = 0.98e18; // deposits wait below 98 % of the highest of them
    uint256 internal constant GAP_MAX = 1.01e18; // and while an unaccepted gain or a spread exceeds 1 %
    uint256 internal constant PRICE_FLOOR_FACTOR = 1_000; // and below a thousandth of the initial price
    uint256 internal constant STALE_MAX = 0.02e18; // transit older than a day above 2 % holds the cut
}
