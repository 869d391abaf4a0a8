// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";

/// @title Many controllers in one transaction: to show that settlement does not care how many there are
contract Crowd {
    IMarketMakingVault public immutable vault;

    constructor(IMarketMakingVault vault_) {
        vault = vault_;
        IERC20(vault_.asset()).approve(address(vault_), type(uint256).max);
    }

    /// @notice Claims this contract's own settled deposit.
    function claim() external {
        vault.deposit(vault.maxDeposit(address(this)), address(this), address(this));
    }

    /// @notice Requests a deposit of `assets` for each of `count` controllers.
    function requestDeposits(uint160 first, uint160 count, uint256 assets) external {
        for (uint160 i; i < count; ++i) {
            vault.requestDeposit(assets, address(first + i), address(this));
        }
    }

    /// @notice Requests a redemption of `shares` for each of `count` controllers.
    function requestRedeems(uint160 first, uint160 count, uint256 shares) external {
        for (uint160 i; i < count; ++i) {
            vault.requestRedeem(shares, address(first + i), address(this));
        }
    }
}
