// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IProjectTreasury} from "../interfaces/IProjectTreasury.sol";
import {IVaultFactory} from "../interfaces/IVaultFactory.sol";

/// @title Whether a vault is a project's own
library ProjectMarket {
    /// @notice Demands a living vault of the factory that may quote `token` in the pool of that number.
    /// @dev The markets are proven by their hash, which the vault keeps for ever; the factory let in genuine pools
    /// alone. Reverts `VaultUnknown`, `VaultEnded`, `MarketsForeign`, `MarketMissing`.
    /// @return The pool: the token against the vault's asset.
    function requireOwn(
        address factory,
        address vault,
        address token,
        IVaultFactory.Markets calldata markets,
        uint256 pool
    ) internal view returns (IVaultFactory.Pool memory) {
        require(IVaultFactory(factory).isVault(vault), IProjectTreasury.VaultUnknown(vault));
        requireAlive(vault);
        bytes32 given = keccak256(abi.encode(markets));
        bytes32 known = IMandate(IMarketMakingVault(vault).mandate()).marketsHash();
        require(given == known, IProjectTreasury.MarketsForeign(given, known));
        bool quoted = pool < markets.pools.length && markets.pools[pool].token == token;
        require(quoted, IProjectTreasury.MarketMissing(token, pool));
        return markets.pools[pool];
    }

    /// @notice Reverts `VaultEnded` once the vault is winding down.
    function requireAlive(address vault) internal view {
        bool ended = IMarketMakingVault(vault).state() == IMarketMakingVault.State.WINDDOWN;
        require(!ended, IProjectTreasury.VaultEnded(vault));
    }
}
