// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMandate} from "./IMandate.sol";
import {IUniswapV3Adapter} from "./IUniswapV3Adapter.sol";

/// @title Vaults of known code, created by anyone
/// @notice A vault with everything around it is more code than one transaction may deploy, so a creation has stages,
/// each named after what it deploys. A plan says everything in advance; whoever runs a stage hands in the plan and the
/// code of that stage, and can choose neither: the code is known by its hash, its arguments come from the plan alone.
/// @dev Order: `createTimelock`, `createVault`, `createReporter`, then `createUniswapV3Adapter` once per pool and
/// `createClobAdapter` once per route, then `wire`. The addresses depend on the plan and the code alone (CREATE2).
interface IVaultFactory {
    /// @notice A pool that the vault may provide liquidity to.
    /// @param pool The Uniswap v3 pool, made by the factory's Uniswap.
    /// @param token Its token that is not the vault's asset.
    /// @param fee Its fee [ppm].
    /// @param feed Independent price feed of `token` in the asset. 0 for a token without one, valued by the pool's own
    /// mean prices: in a project's own vault alone, one whose markets are this pool and nothing else.
    struct Pool {
        address pool;
        address token;
        uint24 fee;
        address feed;
    }

    /// @notice Everywhere that a vault may be traded. Its hash, `keccak256(abi.encode(markets))`, is the mandate's
    /// `marketsHash` for ever.
    /// @param pairs Pairs on order-book venues, `venue:PAIR`, e.g. `dydx:ETH-USD`.
    /// @param pools Pools on this chain.
    struct Markets {
        string[] pairs;
        Pool[] pools;
    }

    /// @notice Everything about a vault in advance.
    /// @param salt Tells equal plans apart.
    /// @param singleOperator Whether one party holds several of the offices; the share's name then says so.
    /// @param asset See `IMarketMakingVault.VaultParams`.
    /// @param name Share token name, without the mark of a single operator.
    /// @param symbol Share token symbol.
    /// @param multisig Proposes what the owner, a timelock, does.
    /// @param delay The timelock's first delay [s], at least its least.
    /// @param keeper See `IMandate.Terms`.
    /// @param guardian See `IMandate.Terms`.
    /// @param feeRecipient See `IMandate.Terms`.
    /// @param limits See `IMandate.Limits`; in a vault of this factory the keeper's stake is at least 5 %.
    /// @param reporters First reporters.
    /// @param quorum How many of them must sign.
    /// @param markets Everywhere that the vault may be traded.
    /// @param poolLimits Limits of the adapter of each pool, in the order of `markets.pools`.
    /// @param routes The only address that each order-book adapter sends to.
    struct Plan {
        bytes32 salt;
        bool singleOperator;
        address asset;
        string name;
        string symbol;
        address multisig;
        uint256 delay;
        address keeper;
        address guardian;
        address feeRecipient;
        IMandate.Limits limits;
        address[] reporters;
        uint256 quorum;
        Markets markets;
        IUniswapV3Adapter.Limits[] poolLimits;
        address[] routes;
    }

    /// @notice Hashes of the init code, without arguments, that this factory deploys.
    struct Codes {
        bytes32 timelock;
        bytes32 vault;
        bytes32 reporter;
        bytes32 uniswapV3Adapter;
        bytes32 clobAdapter;
    }

    /// @notice What a creation has deployed so far; 0 for what it has not.
    struct Creation {
        address timelock;
        address vault;
        address reporter;
        address[] adapters;
        bool wired;
    }

    /// @notice Emitted by each stage. `id` is the plan's.
    event CreateTimelock(bytes32 indexed id, address timelock);
    event CreateVault(bytes32 indexed id, address vault);
    event CreateReporter(bytes32 indexed id, address reporter);
    event CreateAdapter(bytes32 indexed id, address adapter);

    /// @notice Emitted when a vault is complete and listed.
    event Created(
        address indexed vault,
        address indexed asset,
        address indexed timelock,
        bytes32 id,
        bool singleOperator,
        Markets markets
    );

    /// @notice The code is not the one that this stage deploys.
    error CodeUnknown(bytes32 given, bytes32 expected);
    /// @notice The stage was run already, or the one before it was not.
    error StageOutOfOrder();
    /// @notice The keeper's stake would be less than any vault of this factory has [bps].
    error StakeTooLow(uint256 given, uint256 least);
    error NoDepositCap();
    /// @notice There is nothing to trade on, or not one limit for each pool, or a route without a pair.
    error MarketsIncomplete();
    /// @notice The pool is not what the plan says, or not of the known Uniswap.
    error PoolForeign(address pool);
    /// @notice A token without an independent feed enters no vault that is traded anywhere else.
    error FeedMissing(address token);
    /// @notice One account in two offices, of which one keeps watch over the other.
    error RoleConflict(address account);

    /* ANYONE: STAGES */

    /// @notice Checks the plan and deploys the owner. Emits `CreateTimelock`.
    /// @dev Reverts with the plan's first fault, `CodeUnknown`, `StageOutOfOrder`; so do the other stages, and with the
    /// error of the contract they deploy.
    function createTimelock(Plan calldata plan, bytes calldata code) external returns (address);

    /// @notice Deploys the vault with silo, wind-down and mandate. Emits `CreateVault`.
    function createVault(Plan calldata plan, bytes calldata code) external returns (address);

    /// @notice Deploys the reporter. Emits `CreateReporter`.
    function createReporter(Plan calldata plan, bytes calldata code) external returns (address);

    /// @notice Deploys the adapter of the next pool. Emits `CreateAdapter`.
    function createUniswapV3Adapter(Plan calldata plan, bytes calldata code)
        external
        returns (address);

    /// @notice Deploys the adapter of the next route. Emits `CreateAdapter`.
    function createClobAdapter(Plan calldata plan, bytes calldata code) external returns (address);

    /// @notice Puts the parts together and lists the vault. Emits `Created`.
    function wire(Plan calldata plan) external returns (address vault);

    /* VIEWS */

    /// @notice The name of a plan: the hash of all of it.
    function idOf(Plan calldata plan) external pure returns (bytes32);

    /// @notice Where timelock and vault of a plan will be.
    function predict(Plan calldata plan, bytes calldata timelockCode, bytes calldata vaultCode)
        external
        view
        returns (address timelock, address vault);

    function creation(bytes32 id) external view returns (Creation memory);

    /// @notice Whether this factory completed it; everything else may have any code.
    function isVault(address vault) external view returns (bool);

    /// @notice Whether its plan said that one party holds several offices.
    function isSingleOperator(address vault) external view returns (bool);

    function vaultCount() external view returns (uint256);

    /// @notice Vaults in order of completion, from `first` on, at most `count`.
    function vaults(uint256 first, uint256 count) external view returns (address[] memory);

    function codes() external view returns (Codes memory);
    function uniswapV3Factory() external view returns (address);
}
