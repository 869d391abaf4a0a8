// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Where a vault's assets are besides the vault
/// @notice The adapters of one vault, named once and for ever; what those on this chain are worth; and what the
/// attested ones had been sent and had given back at each cut.
/// @dev Amounts in asset units. "Attested" and "value" as in `IAdapter`.
interface ILegs {
    error NotVault(address caller);
    error TooManyAdapters(uint256 given, uint256 most);
    /// @notice The adapter is that of another vault, or of another asset.
    error ForeignAdapter(address adapter);
    error DuplicateAdapter(address adapter);
    error UnknownAdapter(address adapter);

    /* VAULT */

    /// @notice Names the adapters. Only the vault, at its wiring.
    /// @dev Reverts `TooManyAdapters`, `ForeignAdapter`, `DuplicateAdapter`.
    function add(address[] calldata newAdapters) external;

    /// @notice Syncs every adapter, then values them and records the attested ones' transfers. Only the vault, once
    /// for each epoch.
    /// @dev Adapters call back to `IMarketMakingVault.returnAssets`. Reverts with an adapter's error.
    /// @return bid Sum of the bids after the syncs [asset units].
    /// @return ask Sum of the asks after the syncs [asset units].
    function cut(uint64 epoch) external returns (uint256 bid, uint256 ask);

    /* VIEWS */

    /// @notice Refuses an allocation to a stranger, or to an attested adapter beyond a limit of the mandate.
    /// @param assets What would be sent [asset units].
    /// @param idleAfter Idle assets that would be left [asset units].
    /// @dev Reverts `UnknownAdapter`; to an attested adapter also as `IMandate.checkExposure` does, and with an
    /// adapter's error when a price is dead.
    function checkAllocation(address adapter, uint256 assets, uint256 idleAfter) external view;

    /// @notice What the on-chain adapters are worth now, in sum [asset units]; attested ones count nothing.
    /// @dev Reverts with the adapter's error when a price is dead.
    function value() external view returns (uint256 bid, uint256 ask);

    /// @notice All adapters, in wiring order.
    function adapters() external view returns (address[] memory);

    /// @notice The attested ones, in wiring order: the legs of a report.
    function attested() external view returns (address[] memory);

    function isAdapter(address adapter) external view returns (bool);

    /// @notice Cumulative transfers of the attested adapters at a cut, in their order [asset units]; zeros where
    /// there was none.
    function transfersAt(uint64 epoch)
        external
        view
        returns (uint256[] memory sent, uint256[] memory returned);

    /// @notice The vault this belongs to.
    function vault() external view returns (address);
}
