// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IProjectTreasury} from "../interfaces/IProjectTreasury.sol";
import {IVaultFactory} from "../interfaces/IVaultFactory.sol";
import {IWindDown} from "../interfaces/IWindDown.sol";
import {BondConstants} from "../libraries/BondConstants.sol";
import {ProjectMarket} from "../libraries/ProjectMarket.sol";

/// @title What a project owns through its bonds
/// @notice Accounting: none. Whatever lies here, waits in a vault for this account or is a share of this account
/// belongs to the project, gifts included.
///
/// Trust: the project may choose among vaults of known code that quote its own market, seven days ahead, and nothing
/// else before the lock ends. It names the vault's keeper and reporters: a project that colludes with them can lose
/// the vault's money as any keeper can, which is bounded there and not here.
///
/// Liveness: an asset whose issuer refuses this account stops its pokes, and loses nothing.
/// @dev Invariants B-08, B-09.
contract ProjectTreasury is IProjectTreasury, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @inheritdoc IProjectTreasury
    address public immutable teller;
    /// @inheritdoc IProjectTreasury
    address public immutable factory;

    /// @inheritdoc IProjectTreasury
    address public owner;
    /// @inheritdoc IProjectTreasury
    uint64 public polUnlock;
    /// @inheritdoc IProjectTreasury
    address public token;
    /// @inheritdoc IProjectTreasury
    address public asset;
    /// @inheritdoc IProjectTreasury
    address public vault;
    /// @inheritdoc IProjectTreasury
    mapping(address vault_ => bool) public wasVault;

    address[] private _vaults;
    IVaultFactory.Pool private _pool;

    address private _nextVault;
    uint64 private _redirectAt;
    IVaultFactory.Pool private _nextPool;

    modifier onlyOwner() {
        require(msg.sender == owner, NotOwner(msg.sender));
        _;
    }

    /// @dev Invariant B-08.
    modifier onlyUnlocked() {
        require(block.timestamp >= polUnlock, Locked(polUnlock));
        _;
    }

    modifier onlyKnown(address vault_) {
        require(wasVault[vault_], VaultForeign(vault_));
        _;
    }

    constructor(address teller_, address factory_) {
        teller = teller_;
        factory = factory_;
    }

    /* TELLER, ONCE */

    /// @inheritdoc IProjectTreasury
    function initialise(Init calldata init) external {
        require(msg.sender == teller, NotTeller(msg.sender));
        require(owner == address(0), AlreadyInitialised());
        require(init.owner != address(0) && init.token != address(0), ZeroAddress());
        IVaultFactory.Pool memory pool_ =
            ProjectMarket.requireOwn(factory, init.vault, init.token, init.markets, init.pool);

        owner = init.owner;
        token = init.token;
        asset = IMarketMakingVault(init.vault).asset();
        _lockUntil(init.polUnlock, block.timestamp);
        _goTo(init.vault, pool_);

        emit Initialise(init.owner, init.token, init.vault, pool_.pool, init.polUnlock);
    }

    /* ANYONE */

    /// @inheritdoc IProjectTreasury
    function poke() external nonReentrant {
        _poke(IMarketMakingVault(vault));
    }

    /// @inheritdoc IProjectTreasury
    function pokeVault(address vault_) external nonReentrant onlyKnown(vault_) {
        _poke(IMarketMakingVault(vault_));
    }

    /// @inheritdoc IProjectTreasury
    function claimRecovered(address vault_, address token_)
        external
        nonReentrant
        onlyKnown(vault_)
        returns (uint256)
    {
        return _claimRecovered(IMarketMakingVault(vault_), token_);
    }

    /* PROJECT */

    /// @inheritdoc IProjectTreasury
    function announceRedirect(
        address newVault,
        IVaultFactory.Markets calldata markets,
        uint256 newPool
    ) external onlyOwner {
        require(!wasVault[newVault], VaultUsed(newVault));
        IVaultFactory.Pool memory pool_ =
            ProjectMarket.requireOwn(factory, newVault, token, markets, newPool);
        address newAsset = IMarketMakingVault(newVault).asset();
        require(newAsset == asset, AssetDiffers(newAsset, asset));

        _nextVault = newVault;
        _nextPool = pool_;
        _redirectAt = (block.timestamp + BondConstants.REDIRECT_NOTICE).toUint64();

        emit AnnounceRedirect(newVault, pool_.pool, _redirectAt);
    }

    /// @inheritdoc IProjectTreasury
    function cancelRedirect() external onlyOwner {
        address cancelled = _requireAnnounced();

        _forgetRedirect();

        emit CancelRedirect(cancelled);
    }

    /// @inheritdoc IProjectTreasury
    function redirect() external onlyOwner {
        address newVault = _requireAnnounced();
        require(block.timestamp >= _redirectAt, RedirectTooEarly(_redirectAt));
        ProjectMarket.requireAlive(newVault);

        address from = vault;
        _goTo(newVault, _nextPool);
        _forgetRedirect();

        emit Redirect(from, newVault);
    }

    /// @inheritdoc IProjectTreasury
    function extendLock(uint64 newPolUnlock) external onlyOwner {
        _lockUntil(newPolUnlock, polUnlock);

        emit ExtendLock(newPolUnlock);
    }

    /// @inheritdoc IProjectTreasury
    function cancelRequests(address vault_)
        external
        onlyOwner
        onlyUnlocked
        nonReentrant
        onlyKnown(vault_)
    {
        _cancelDeposit(IMarketMakingVault(vault_));
        _cancelRedeem(IMarketMakingVault(vault_));
    }

    /// @inheritdoc IProjectTreasury
    function withdraw(address token_, address to, uint256 amount)
        external
        onlyOwner
        onlyUnlocked
        nonReentrant
    {
        emit Withdraw(token_, to, amount);
        IERC20(token_).safeTransfer(to, amount);
    }

    /* VIEWS */

    /// @inheritdoc IProjectTreasury
    function pool() external view returns (IVaultFactory.Pool memory) {
        return _pool;
    }

    /// @inheritdoc IProjectTreasury
    function vaults() external view returns (address[] memory) {
        return _vaults;
    }

    /// @inheritdoc IProjectTreasury
    function announced() external view returns (address, IVaultFactory.Pool memory, uint64) {
        return (_nextVault, _nextPool, _redirectAt);
    }

    /* INTERNAL: THE VAULT, STATE BY STATE */

    /// @dev Invariant B-09. A lapsed or held cut, a pause and closed deposits leave requests where they are: queued.
    function _poke(IMarketMakingVault vault_) private {
        _claim(vault_);
        IMarketMakingVault.State state = vault_.state();
        if (state == IMarketMakingVault.State.WINDDOWN) {
            _leaveEnded(vault_);
        } else if (address(vault_) == vault) {
            _depositHeld(vault_);
        } else {
            _leave(vault_, state);
        }
    }

    function _claim(IMarketMakingVault vault_) private {
        uint256 assets = vault_.maxDeposit(address(this));
        if (assets != 0) {
            uint256 shares = vault_.deposit(assets, address(this), address(this));
            emit ClaimShares(address(vault_), assets, shares);
        }
        uint256 settled = vault_.maxRedeem(address(this));
        if (settled != 0) {
            uint256 paid = vault_.redeem(settled, address(this), address(this));
            emit ClaimAssets(address(vault_), settled, paid);
        }
    }

    /// @dev After the lock the project decides what becomes of the assets; nobody puts them back to work for it.
    function _depositHeld(IMarketMakingVault vault_) private {
        uint256 assets = IERC20(asset).balanceOf(address(this));
        if (block.timestamp >= polUnlock || assets < vault_.minDeposit()) return;

        IERC20(asset).forceApprove(address(vault_), assets);
        try vault_.requestDeposit(assets, address(this), address(this)) returns (uint256) {
            emit RequestDeposit(address(vault_), assets);
        } catch (bytes memory reason) {
            IERC20(asset).forceApprove(address(vault_), 0);
            emit KeepAssets(address(vault_), assets, reason);
        }
    }

    /// @dev What is in a live cut cannot be taken back; the poke after it does so, or claims what was settled.
    function _leave(IMarketMakingVault vault_, IMarketMakingVault.State state) private {
        if (state == IMarketMakingVault.State.OPEN) _cancelDeposit(vault_);
        uint256 shares = vault_.balanceOf(address(this));
        // Equality is safe: shares that somebody gave leave with the others.
        // slither-disable-next-line incorrect-equality
        if (shares == 0) return;

        emit RequestRedeem(address(vault_), shares);
        vault_.requestRedeem(shares, address(this), address(this));
    }

    function _leaveEnded(IMarketMakingVault vault_) private {
        _cancelDeposit(vault_);
        _cancelRedeem(vault_);
        uint256 shares = vault_.balanceOf(address(this));
        if (shares != 0) {
            emit Exit(address(vault_), shares);
            IWindDown(vault_.windDown()).exit(shares);
        }
        _claimRecovered(vault_, asset);
        _claimRecovered(vault_, token);
    }

    function _claimRecovered(IMarketMakingVault vault_, address token_)
        private
        returns (uint256 amount)
    {
        amount = IWindDown(vault_.windDown()).claim(token_);
        if (amount != 0) emit ClaimRecovered(address(vault_), token_, amount);
    }

    function _cancelDeposit(IMarketMakingVault vault_) private {
        if (vault_.pendingDepositRequest(0, address(this)) == 0) return;

        vault_.cancelDepositRequest(0, address(this));
        uint256 assets = vault_.claimCancelDepositRequest(0, address(this), address(this));
        emit CancelDeposit(address(vault_), assets);
    }

    function _cancelRedeem(IMarketMakingVault vault_) private {
        if (vault_.pendingRedeemRequest(0, address(this)) == 0) return;

        vault_.cancelRedeemRequest(0, address(this));
        uint256 shares = vault_.claimCancelRedeemRequest(0, address(this), address(this));
        emit CancelRedeem(address(vault_), shares);
    }

    /* INTERNAL */

    function _goTo(address newVault, IVaultFactory.Pool memory pool_) private {
        vault = newVault;
        wasVault[newVault] = true;
        _vaults.push(newVault);
        _pool = pool_;
    }

    function _lockUntil(uint64 newPolUnlock, uint256 least) private {
        uint64 most = (block.timestamp + BondConstants.MAX_LOCK).toUint64();
        require(
            newPolUnlock > least && newPolUnlock <= most,
            LockOutOfRange(newPolUnlock, (least + 1).toUint64(), most)
        );

        polUnlock = newPolUnlock;
    }

    function _requireAnnounced() private view returns (address) {
        require(_redirectAt != 0, NoRedirect());
        return _nextVault;
    }

    function _forgetRedirect() private {
        delete _nextVault;
        delete _nextPool;
        delete _redirectAt;
    }
}
