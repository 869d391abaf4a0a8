// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title ERC-7575: the share token of a vault
interface IERC7575 {
    /// @notice The token that represents a share of the vault.
    function share() external view returns (address shareTokenAddress);
}
