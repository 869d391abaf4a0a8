// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A venue leg of one vault
/// @notice Moves the vault's asset to one venue and back, and reports what the leg is worth. It knows nothing of
/// depositors. Keeper, guardian and owner are read from the vault.
/// @dev Money protocol between vault and adapter, the same for every venue:
/// - out: the vault transfers exactly `assets` to the adapter, then calls `allocate(assets)`; no approval is given;
/// - home: the adapter approves the vault for exactly `assets` and calls `IMarketMakingVault.returnAssets(assets)`,
///   which pulls them and books them as idle; the approval is zero again afterwards. This may happen inside `sync`,
///   inside `deallocate`, at any time and in any state of the vault.
interface IAdapter {
    /// @notice Emitted when assets left the vault for the venue.
    /// @param assets Amount received from the vault [asset units].
    event Allocate(uint256 assets);

    /// @notice Emitted when the vault asks for assets back.
    /// @param assets Amount asked for [asset units].
    /// @param assetsReturned Amount handed over in the same transaction [asset units]; 0 on venues that answer later.
    event Deallocate(uint256 assets, uint256 assetsReturned);

    /// @notice Emitted when assets were recognised and handed to the vault.
    /// @param assets Amount handed over [asset units].
    event Sync(uint256 assets);

    /// @notice Emitted when a token was sent to the vault's wind-down.
    /// @param amount Amount sent [token units].
    event Release(address indexed token, uint256 amount);

    /// @notice The caller is not the vault this adapter belongs to.
    error NotVault(address caller);

    /// @notice The caller is not the vault's keeper.
    error NotKeeper(address caller);

    /// @notice The caller is not the vault's wind-down contract.
    error NotWindDown(address caller);

    /// @notice The vault is being wound down: nothing may be put to work any more.
    error WindingDown();

    /// @notice The vault this adapter belongs to, fixed at construction.
    function vault() external view returns (address);

    /// @notice The vault's asset.
    function asset() external view returns (address);

    /// @notice True when the leg's worth is the equity attested in the reports; `value()` is then (0, 0).
    function isAttested() external view returns (bool);

    /// @notice Cumulative amount that the vault allocated to the venue [asset units]; never falls.
    /// @dev On attested legs NAV counts what is in flight with it. On on-chain legs it informs accounting only: their
    /// part of NAV is `value()` alone.
    function sent() external view returns (uint256);

    /// @notice Cumulative amount that came back from the venue and was handed to the vault [asset units]; never falls.
    /// @dev Whatever is handed over counts, a donation that `sync` passes on included: it raises the vault's idle assets
    /// alike. Part of NAV on attested legs only, as `sent`.
    function returned() external view returns (uint256);

    /// @notice Worth of the leg at the independent mark [asset units].
    /// @dev Reverts when a price it needs is dead or stale: that blocks the cut, never a claim.
    /// @return bid Worth used for redemptions, at most `ask`.
    /// @return ask Worth used for deposits.
    function value() external view returns (uint256 bid, uint256 ask);

    /// @notice Collects fees, recognises returned tokens and hands the vault's asset to the vault. Anyone may call it;
    /// the vault calls it at every cut. Emits `Sync` when anything was handed over.
    function sync() external;

    /// @notice Puts `assets`, already transferred in by the vault, to work. Only the vault.
    /// @param assets Amount just received [asset units].
    function allocate(uint256 assets) external;

    /// @notice Leaves every position without a trade, or asks the venue for everything. Only the vault's wind-down.
    /// @param atAnyPrice Whether the pool's price no longer has to be near its mean.
    function unwind(bool atAnyPrice) external;

    /// @notice Sends all of a token that lies here to the vault's wind-down. Only the vault's wind-down.
    /// @return amount Amount sent [token units].
    function release(address token) external returns (uint256 amount);

    /// @notice Asks for assets back. Only the vault.
    /// @param assets Amount wanted [asset units].
    /// @return assetsReturned Amount handed to the vault inside this call [asset units].
    function deallocate(uint256 assets) external returns (uint256 assetsReturned);
}
