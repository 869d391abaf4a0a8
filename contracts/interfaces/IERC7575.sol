// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title ERC-7575: the share token of a vault, and the vault of a share token
interface IERC7575 {
    /// @notice The token that represents a share of the vault.
    function share() external view returns (address shareTokenAddress);

    /// @notice The vault of the share for this asset: the lookup of the share's side.
    /// @return The vault, or zero for an asset that it does not take.
    function vault(address asset) external view returns (address);
}
