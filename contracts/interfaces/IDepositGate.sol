// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Who may deposit
/// @notice A hook that a vault may be given, for an allow list say. It is asked when a deposit is requested and
/// never again: what was requested settles and is claimed without it.
interface IDepositGate {
    /// @notice Whether this deposit may be requested.
    /// @param owner Account whose assets these are.
    /// @param controller Account that will own the request.
    /// @param assets Amount [asset units].
    function mayDeposit(address owner, address controller, uint256 assets)
        external
        view
        returns (bool);
}
