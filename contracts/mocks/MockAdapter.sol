// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";

/// @title Adapter double: attested (forwards to a venue address) or on-chain (holds, worth what the test says)
contract MockAdapter is IAdapter {
    using SafeERC20 for IERC20;

    address public immutable vault;
    address public immutable asset;
    bool public immutable isAttested;
    address public immutable venue;

    uint256 public sent;
    uint256 public returned;
    uint256 public bid;
    uint256 public ask;
    bool public isDead;

    error PriceDead();

    modifier onlyVault() {
        require(msg.sender == vault, NotVault(msg.sender));
        _;
    }

    /// @param venue_ Where allocations go; zero for an on-chain leg.
    constructor(address vault_, address asset_, address venue_) {
        vault = vault_;
        asset = asset_;
        venue = venue_;
        isAttested = venue_ != address(0);
    }

    function setValue(uint256 newBid, uint256 newAsk) external {
        bid = newBid;
        ask = newAsk;
    }

    function setDead(bool dead) external {
        isDead = dead;
    }

    function sync() external {
        if (!isAttested) return;
        uint256 held = IERC20(asset).balanceOf(address(this));
        if (held != 0) _handOver(held);
    }

    function allocate(uint256 assets) external onlyVault {
        if (isAttested) {
            sent += assets;
            IERC20(asset).safeTransfer(venue, assets);
        } else {
            bid += assets;
            ask += assets;
        }
        emit Allocate(assets);
    }

    function deallocate(uint256 assets) external onlyVault returns (uint256 assetsReturned) {
        if (!isAttested) {
            uint256 held = IERC20(asset).balanceOf(address(this));
            assetsReturned = assets < held ? assets : held;
            bid -= assetsReturned < bid ? assetsReturned : bid;
            ask -= assetsReturned < ask ? assetsReturned : ask;
            _handOver(assetsReturned);
        }
        emit Deallocate(assets, assetsReturned);
    }

    function unwind(bool) external {
        require(msg.sender == IMarketMakingVault(vault).windDown(), NotWindDown(msg.sender));
        bid = 0;
        ask = 0;
    }

    function release(address token) external returns (uint256 amount) {
        require(msg.sender == IMarketMakingVault(vault).windDown(), NotWindDown(msg.sender));
        amount = IERC20(token).balanceOf(address(this));

        emit Release(token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    function value() external view returns (uint256, uint256) {
        require(!isDead, PriceDead());
        return (bid, ask);
    }

    function _handOver(uint256 assets) private {
        if (isAttested) returned += assets;
        IERC20(asset).forceApprove(vault, assets);
        IMarketMakingVault(vault).returnAssets(assets);
        emit Sync(assets);
    }
}
