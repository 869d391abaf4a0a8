// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVaultFactory} from "./IVaultFactory.sol";

/// @title What a project owns through its bonds
/// @notice Holds a project's proceeds and turns them into shares of the project's own vault, of which it is the
/// ERC-7540 controller. Nothing leaves it before `polUnlock`, whatever becomes of the vault.
/// @dev One clone per project. Units: assets in asset units, shares in share units.
interface IProjectTreasury {
    /// @notice First values, from the teller.
    /// @param owner The project: announces redirections, and withdraws after the lock. For ever; name a multisig.
    /// @param token The project's token, which its bonds pay out.
    /// @param vault Vault of the factory that receives the proceeds.
    /// @param markets What the vault's `marketsHash` is the hash of.
    /// @param pool Which of `markets.pools` is the project's own market.
    /// @param polUnlock Nothing leaves before [s].
    struct Init {
        address owner;
        address token;
        address vault;
        IVaultFactory.Markets markets;
        uint256 pool;
        uint64 polUnlock;
    }

    /// @notice Emitted once, when the treasury came into being.
    event Initialise(
        address indexed owner,
        address indexed token,
        address indexed vault,
        address pool,
        uint64 polUnlock
    );

    /// @notice Emitted when proceeds were handed to the vault's deposit queue.
    event RequestDeposit(address indexed vault, uint256 assets);

    /// @notice Emitted when the vault takes no request now; the assets stay here and are tried again at the next poke.
    /// @param reason The vault's error, ABI-encoded.
    event KeepAssets(address indexed vault, uint256 assets, bytes reason);

    /// @notice Emitted when settled deposits were claimed as shares.
    event ClaimShares(address indexed vault, uint256 assets, uint256 shares);

    /// @notice Emitted when a deposit request was taken back, because the vault ends or was left.
    event CancelDeposit(address indexed vault, uint256 assets);

    /// @notice Emitted when shares of a vault that was left were handed to its redemption queue.
    event RequestRedeem(address indexed vault, uint256 shares);

    /// @notice Emitted when a redemption request was taken back, because the vault ends.
    event CancelRedeem(address indexed vault, uint256 shares);

    /// @notice Emitted when settled redemptions were claimed as assets.
    event ClaimAssets(address indexed vault, uint256 shares, uint256 assets);

    /// @notice Emitted when shares were given back to the wind-down of a vault.
    event Exit(address indexed vault, uint256 shares);

    /// @notice Emitted when a part of what a wind-down recovered was claimed.
    event ClaimRecovered(address indexed vault, address indexed token, uint256 amount);

    /// @notice Emitted when the project announced another vault.
    event AnnounceRedirect(address indexed vault, address pool, uint64 effectiveAt);

    /// @notice Emitted when the announcement was taken back.
    event CancelRedirect(address indexed vault);

    /// @notice Emitted when proceeds go to another vault from now on.
    event Redirect(address indexed from, address indexed to);

    /// @notice Emitted when the lock was extended.
    event ExtendLock(uint64 polUnlock);

    /// @notice Emitted when the project took something out, after the lock.
    event Withdraw(address indexed token, address indexed to, uint256 amount);

    error NotTeller(address caller);
    error AlreadyInitialised();
    error NotOwner(address caller);
    error ZeroAddress();
    /// @notice The vault was not made by the factory: its code may be anything.
    error VaultUnknown(address vault);
    /// @notice The markets are not those of the vault.
    error MarketsForeign(bytes32 given, bytes32 expected);
    /// @notice The vault may not quote the project's token there.
    error MarketMissing(address token, uint256 pool);
    /// @notice The vault has another asset.
    error AssetDiffers(address given, address expected);
    /// @notice The vault is ending.
    error VaultEnded(address vault);
    /// @notice The vault is or was this treasury's; a vault that was left is not returned to.
    error VaultUsed(address vault);
    /// @notice The vault never was this treasury's.
    error VaultForeign(address vault);
    error NoRedirect();
    /// @notice The notice is not over [s].
    error RedirectTooEarly(uint64 effectiveAt);
    /// @notice Nothing leaves before `polUnlock` [s].
    error Locked(uint64 polUnlock);
    /// @notice The lock is only ever extended, and to no more than ten years from now [s].
    error LockOutOfRange(uint64 given, uint64 least, uint64 most);

    /* TELLER, ONCE */

    /// @notice Gives a fresh clone its first values. Emits `Initialise`.
    /// @dev Reverts `ZeroAddress`, `VaultUnknown`, `VaultEnded`, `MarketsForeign`, `MarketMissing`, `LockOutOfRange`.
    function initialise(Init calldata init) external;

    /* ANYONE */

    /// @notice Does for the current vault whatever can be done now: claims, deposits the assets held here while the
    /// lock lasts, and once the vault ends gives the shares back and claims what is recovered.
    /// @dev Never reverts for the vault's state; what cannot be done waits for the next poke.
    function poke() external;

    /// @notice The same for a vault that was left: takes requests back, redeems the shares, claims.
    /// @dev Reverts `VaultForeign`.
    function pokeVault(address vault_) external;

    /// @notice Claims another token that the wind-down of a vault recovered. Reverts `VaultForeign`.
    /// @return amount Amount that arrived here [token units]; 0 when nothing is due.
    function claimRecovered(address vault_, address token_) external returns (uint256 amount);

    /* PROJECT */

    /// @notice Announces another vault of the factory, with the same asset and a market of the project's token;
    /// replaces an earlier announcement. Emits `AnnounceRedirect`.
    /// @dev Reverts `NotOwner`, `VaultUsed`, `AssetDiffers` and as `initialise`.
    function announceRedirect(
        address newVault,
        IVaultFactory.Markets calldata markets,
        uint256 newPool
    ) external;

    /// @notice Takes the announcement back. Reverts `NotOwner`, `NoRedirect`. Emits `CancelRedirect`.
    function cancelRedirect() external;

    /// @notice Goes to the announced vault, seven days after the announcement. Emits `Redirect`.
    /// @dev Reverts `NotOwner`, `NoRedirect`, `RedirectTooEarly`, `VaultEnded`. The shares of the old vault are redeemed
    /// by `pokeVault`.
    function redirect() external;

    /// @notice Locks longer. Reverts `NotOwner`, `LockOutOfRange`. Emits `ExtendLock`.
    function extendLock(uint64 newPolUnlock) external;

    /// @notice Takes back what waits in a vault's queues, after the lock. Reverts `NotOwner`, `Locked`, `VaultForeign`.
    function cancelRequests(address vault_) external;

    /// @notice Takes tokens or shares out, after the lock. Reverts `NotOwner`, `Locked`. Emits `Withdraw`.
    function withdraw(address token_, address to, uint256 amount) external;

    /* VIEWS */

    function owner() external view returns (address);
    function token() external view returns (address);
    function asset() external view returns (address);

    /// @notice Vault that receives the proceeds now.
    function vault() external view returns (address);

    /// @notice The project's own market in it.
    function pool() external view returns (IVaultFactory.Pool memory);

    /// @notice Whether the vault is or was this treasury's.
    function wasVault(address vault_) external view returns (bool);

    /// @notice Vaults of this treasury in order, the current one last.
    function vaults() external view returns (address[] memory);

    function polUnlock() external view returns (uint64);

    /// @notice Announced vault, its market, and when `redirect` is possible [s]; zeros for none.
    function announced()
        external
        view
        returns (address newVault, IVaultFactory.Pool memory newPool, uint64 effectiveAt);

    function teller() external view returns (address);
    function factory() external view returns (address);
}
