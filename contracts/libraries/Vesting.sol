// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBondNote} from "../interfaces/IBondNote.sol";
import {BondConstants} from "./BondConstants.sol";

/// @title Cliff, then linear
library Vesting {
    /// @return Midnight UTC at or after `time + duration` [s]: no note is ripe before its time, least of all at once.
    function expiryUp(uint256 time, uint256 duration) internal pure returns (uint256) {
        return Math.ceilDiv(time + duration, BondConstants.EXPIRY_STEP) * BondConstants.EXPIRY_STEP;
    }

    /// @return Part of the payout vested at `time`, redeemed or not, rounded down.
    function vestedDown(IBondNote.Position memory position, uint256 time)
        internal
        pure
        returns (uint256)
    {
        if (time < position.cliffAt) return 0;
        if (time >= position.expiry) return position.payout;
        uint256 elapsed = time - position.start;
        return Math.mulDiv(position.payout, elapsed, position.expiry - position.start);
    }
}
