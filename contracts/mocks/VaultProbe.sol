// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";

/// @title Everything a stateful test compares after a step, in one call
contract VaultProbe {
    struct Global {
        uint256 idle;
        uint256 accepted;
        uint256 supply;
        uint256 siloAssets;
        uint256 siloShares;
        uint256 vaultAssets;
        uint256 depositTotal;
        uint256 depositOpen;
        uint256 redeemTotal;
        uint256 redeemOpen;
        uint256 state;
        uint256 feeShares;
        uint256 mark;
        uint256 exempt;
    }

    struct Account {
        uint256 assets;
        uint256 shares;
        uint256 pendingDeposit;
        uint256 depositIn;
        uint256 depositOut;
        uint256 pendingRedeem;
        uint256 redeemIn;
        uint256 redeemOut;
    }

    function read(IMarketMakingVault vault, address[] calldata accounts)
        external
        view
        returns (Global memory all, Account[] memory each)
    {
        IERC20 asset = IERC20(vault.asset());
        INavReporter reporter = INavReporter(vault.reporter());
        IMarketMakingVault.Queue memory deposits = vault.depositQueue();
        IMarketMakingVault.Queue memory redeems = vault.redeemQueue();
        all = Global({
            idle: vault.idle(),
            accepted: vault.acceptedNav(),
            supply: vault.totalSupply(),
            siloAssets: asset.balanceOf(vault.silo()),
            siloShares: vault.balanceOf(vault.silo()),
            vaultAssets: asset.balanceOf(address(vault)),
            depositTotal: deposits.total,
            depositOpen: deposits.open,
            redeemTotal: redeems.total,
            redeemOpen: redeems.open,
            state: uint256(vault.state()),
            feeShares: vault.balanceOf(address(reporter)),
            mark: reporter.mark(),
            exempt: reporter.exempt()
        });
        each = new Account[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            each[i] = _account(vault, asset, accounts[i]);
        }
    }

    function _account(IMarketMakingVault vault, IERC20 asset, address account)
        private
        view
        returns (Account memory)
    {
        return Account({
            assets: asset.balanceOf(account),
            shares: vault.balanceOf(account),
            pendingDeposit: vault.pendingDepositRequest(0, account),
            depositIn: vault.maxDeposit(account),
            depositOut: vault.maxMint(account),
            pendingRedeem: vault.pendingRedeemRequest(0, account),
            redeemIn: vault.maxRedeem(account),
            redeemOut: vault.maxWithdraw(account)
        });
    }
}
