// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Keeper of everything that is pending or claimable
/// @notice Holds the assets and shares of requests and of settled claims, apart from the vault's own assets, so that
/// no trade, allocation or settlement can spend what has been set aside for somebody.
interface IRequestSilo {
    /// @notice The caller is not the vault that created this silo.
    error NotVault(address caller);

    /// @notice The vault that created this silo; its address is also the share token.
    function vault() external view returns (address);

    /// @notice The vault's asset.
    function asset() external view returns (address);

    /// @notice Sends assets out. Only the vault.
    /// @param to Recipient.
    /// @param assets Amount [asset units].
    function sendAssets(address to, uint256 assets) external;

    /// @notice Sends shares out. Only the vault.
    /// @param to Recipient.
    /// @param shares Amount [share units].
    function sendShares(address to, uint256 shares) external;
}
