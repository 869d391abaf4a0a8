// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Bond positions
/// @notice A note is the only record of what a buyer bought. Whoever holds it redeems it; it can be sold on at any
/// time, with whatever is vested and not yet redeemed. It burns when the last unit is redeemed.
interface IBondNote is IERC721 {
    /// @notice A position.
    /// @param marketId Market that it was bought in.
    /// @param payout Payout tokens bought [token units].
    /// @param redeemed Part that was paid out [token units].
    /// @param start When vesting began [s].
    /// @param cliffAt Nothing is vested before [s].
    /// @param expiry All is vested from here on [s]; a midnight UTC, rounded up.
    struct Position {
        uint256 marketId;
        uint128 payout;
        uint128 redeemed;
        uint64 start;
        uint64 cliffAt;
        uint64 expiry;
    }

    error NotTeller(address caller);

    /* TELLER */

    /// @notice Issues a note, without a callback to its receiver.
    /// @return noteId Number of the note, from 1.
    function mint(address receiver, Position calldata issued) external returns (uint256 noteId);

    /// @notice Books all that is vested as redeemed, and burns the note once that is everything.
    /// @return amount Payout tokens to be paid [token units]; 0 when nothing is.
    function redeem(uint256 noteId) external returns (uint256 amount);

    /* VIEWS */

    /// @notice The position. Reverts for a note that does not exist, or not any more.
    function position(uint256 noteId) external view returns (Position memory);

    /// @notice Payout tokens vested so far, redeemed ones included, rounded down [token units].
    function vested(uint256 noteId) external view returns (uint256);

    /// @notice Payout tokens that `redeem` pays now [token units].
    function redeemable(uint256 noteId) external view returns (uint256);

    /// @notice Whether `account` may redeem and transfer the note: its holder, or who the holder approved.
    function isAuthorised(address account, uint256 noteId) external view returns (bool);

    /// @notice Notes issued so far, redeemed ones included; they are numbered from 1.
    function noteCount() external view returns (uint256);

    function teller() external view returns (address);
}
