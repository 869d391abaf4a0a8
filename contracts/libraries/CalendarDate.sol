// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {TokenText} from "./TokenText.sol";

/// @title Days of the Gregorian calendar
library CalendarDate {
    uint256 private constant DAYS_0000_TO_1970 = 719_468; // from 1 March of the year 0
    uint256 private constant DAYS_IN_400_YEARS = 146_097;
    uint256 private constant DAYS_IN_100_YEARS = 36_524;
    uint256 private constant DAYS_IN_4_YEARS = 1_461;

    /// @return The day of a time in UTC, e.g. `2026-11-22`.
    /// @dev Years are counted from March, so that a leap day is the last of its year. Each division is meant to floor.
    // slither-disable-next-line divide-before-multiply
    function text(uint256 time) internal pure returns (string memory) {
        uint256 day = time / 1 days + DAYS_0000_TO_1970;
        uint256 era = day / DAYS_IN_400_YEARS;
        uint256 inEra = day % DAYS_IN_400_YEARS;
        uint256 leaps = inEra / (DAYS_IN_4_YEARS - 1) - inEra / DAYS_IN_100_YEARS + inEra
            / (DAYS_IN_400_YEARS - 1);
        uint256 yearOfEra = (inEra - leaps) / 365;
        uint256 inYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 fromMarch = (5 * inYear + 2) / 153;
        uint256 date = inYear - (153 * fromMarch + 2) / 5 + 1;
        uint256 month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
        uint256 year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
        return string.concat(
            Strings.toString(year), "-", TokenText.padded(month, 2), "-", TokenText.padded(date, 2)
        );
    }
}
