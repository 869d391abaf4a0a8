// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IRequestSilo} from "./interfaces/IRequestSilo.sol";

/// @title The request silo
/// @notice Apart from the vault's own assets, so that nothing the vault or its keeper does can spend them. It keeps
/// no books: the vault's queues say whose they are.
/// @dev Invariant V-03: its balances cover every pending and claimable amount.
contract RequestSilo is IRequestSilo {
    using SafeERC20 for IERC20;

    /// @inheritdoc IRequestSilo
    address public immutable vault;
    /// @inheritdoc IRequestSilo
    address public immutable asset;

    modifier onlyVault() {
        require(msg.sender == vault, NotVault(msg.sender));
        _;
    }

    constructor(address asset_) {
        vault = msg.sender;
        asset = asset_;
    }

    /// @inheritdoc IRequestSilo
    function sendAssets(address to, uint256 assets) external onlyVault {
        IERC20(asset).safeTransfer(to, assets);
    }

    /// @inheritdoc IRequestSilo
    function sendShares(address to, uint256 shares) external onlyVault {
        IERC20(vault).safeTransfer(to, shares);
    }
}
