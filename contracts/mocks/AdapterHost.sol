// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";

/// @title Vault double for adapter tests: roles, the money protocol of `IAdapter`, no queues; its own mandate
contract AdapterHost {
    using SafeERC20 for IERC20;

    address public immutable asset;
    address public immutable keeper;
    address public immutable guardian;

    /// @notice Booked idle assets [asset units].
    uint256 public idle;

    constructor(address asset_, address keeper_, address guardian_) {
        asset = asset_;
        keeper = keeper_;
        guardian = guardian_;
    }

    /// @notice End of a pause [s].
    uint256 public pausedUntil;

    /// @notice Plays the mandate: refuses risk until `until`.
    function pause(uint256 until) external {
        pausedUntil = until;
    }

    /// @notice Plays the mandate.
    function checkIncrease() external view {
        require(block.timestamp >= pausedUntil, IMandate.Paused(pausedUntil));
    }

    /// @notice What adapters said their operations lost [asset units]: taking risk, and taking it away.
    uint256 public lost;
    uint256 public lostByExits;

    /// @notice Plays the mandate: adds to `lost`.
    function chargeLoss(uint256 lossAssets) external {
        lost += lossAssets;
    }

    /// @notice Plays the mandate: adds to `lostByExits`.
    function chargeExit(uint256 lossAssets) external {
        lostByExits += lossAssets;
    }

    /// @notice Plays the mandate as well.
    function mandate() external view returns (address) {
        return address(this);
    }

    /// @notice Plays the wind-down as well.
    address public windDown;
    IMarketMakingVault.State public state;

    /// @notice Lets an account act as the wind-down from here on.
    function endTrading(address newWindDown) external {
        windDown = newWindDown;
        state = IMarketMakingVault.State.WINDDOWN;
    }

    /// @notice Books assets that were sent here.
    function book(uint256 assets) external {
        idle += assets;
    }

    /// @notice Sends booked assets to an adapter, as the vault does.
    function allocate(address adapter, uint256 assets) external {
        idle -= assets;
        IERC20(asset).safeTransfer(adapter, assets);
        IAdapter(adapter).allocate(assets);
    }

    /// @notice Asks an adapter for assets.
    function deallocate(address adapter, uint256 assets) external returns (uint256) {
        return IAdapter(adapter).deallocate(assets);
    }

    /// @notice Pulls assets from the calling adapter and books them.
    function returnAssets(uint256 assets) external {
        idle += assets;
        IERC20(asset).safeTransferFrom(msg.sender, address(this), assets);
    }
}
