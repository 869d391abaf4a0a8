// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IClobAdapter} from "../interfaces/IClobAdapter.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";

/// @title ClobAdapter
/// @notice Accounting. The venue's equity is attested in reports; what this contract adds is what has left
/// (`sent`) and what has come home (`returned`), so that a transfer in flight is counted exactly once:
/// venue = equity + (sent - credited) - (returned - debited). Whatever lies here at `sync`, a stranger's gift
/// included, goes to the vault and raises idle and `returned` alike: NAV does not move.
///
/// Trust. Assets leave for `route` or the vault, both fixed at construction; nobody, the keeper included,
/// names a recipient. Coming home needs the venue account's owner key: `deallocate` files a request that the
/// treasurer acts on, and arrival is recognised by anyone's `sync`.
///
/// Tokens, safety: no fee on transfer, no rebasing, no callbacks. Tokens, liveness: while the asset refuses
/// this contract or the route, nothing moves and nothing is lost from the count.
contract ClobAdapter is IClobAdapter, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IAdapter
    address public immutable vault;
    /// @inheritdoc IAdapter
    address public immutable asset;
    /// @inheritdoc IClobAdapter
    address public immutable route;

    /// @inheritdoc IAdapter
    /// @dev Invariant V-19: grows by exactly what left for the route.
    uint256 public sent;
    /// @inheritdoc IAdapter
    /// @dev Invariant V-19: grows by exactly what the vault booked as idle.
    uint256 public returned;
    /// @inheritdoc IClobAdapter
    uint256 public returnRequested;
    /// @inheritdoc IClobAdapter
    uint256 public returnRequests;

    constructor(address vault_, address route_) {
        vault = vault_;
        asset = IMarketMakingVault(vault_).asset();
        route = route_;
        if (route_ == address(0) || route_ == vault_ || route_ == address(this)) {
            revert RouteInvalid(route_);
        }
        if (route_ == asset) revert RouteInvalid(route_);
    }

    /* VAULT */

    /// @inheritdoc IAdapter
    /// @dev Arrivals that wait here are not touched: they are recognised by `sync`.
    function allocate(uint256 assets) external nonReentrant {
        if (msg.sender != vault) revert NotVault(msg.sender);
        if (assets == 0) revert ZeroAmount();

        sent += assets;
        emit Allocate(assets);

        IERC20(asset).safeTransfer(route, assets);
    }

    /// @inheritdoc IAdapter
    function deallocate(uint256 assets) external nonReentrant returns (uint256 assetsReturned) {
        if (msg.sender != vault) revert NotVault(msg.sender);
        if (assets == 0) revert ZeroAmount();

        uint256 id = ++returnRequests;
        returnRequested += assets;
        emit ReturnRequested(id, assets);
        emit Deallocate(assets, 0);
        return 0;
    }

    /* WIND-DOWN */

    /// @inheritdoc IAdapter
    /// @dev A request without an upper end: what the venue owes is known to the venue alone.
    function unwind(bool) external nonReentrant {
        _requireWindDown();
        uint256 id = ++returnRequests;
        returnRequested += type(uint128).max;

        emit ReturnRequested(id, type(uint128).max);
    }

    /// @inheritdoc IAdapter
    /// @dev What comes home later is released by the next call, for ever.
    function release(address token) external nonReentrant returns (uint256 amount) {
        _requireWindDown();
        amount = IERC20(token).balanceOf(address(this));
        if (token == asset) returned += amount;

        emit Release(token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /* ANYONE */

    /// @inheritdoc IAdapter
    function sync() external nonReentrant {
        uint256 assets = IERC20(asset).balanceOf(address(this));
        if (assets > 0) _handOver(assets);
    }

    /* VIEWS */

    /// @inheritdoc IAdapter
    function isAttested() external pure returns (bool) {
        return true;
    }

    /// @inheritdoc IAdapter
    function value() external pure returns (uint256 bid, uint256 ask) {
        return (0, 0);
    }

    /* INTERNAL */

    function _requireWindDown() private view {
        if (msg.sender != IMarketMakingVault(vault).windDown()) revert NotWindDown(msg.sender);
    }

    function _handOver(uint256 assets) private {
        returned += assets;
        emit Sync(assets);

        IERC20(asset).forceApprove(vault, assets);
        IMarketMakingVault(vault).returnAssets(assets);
    }
}
