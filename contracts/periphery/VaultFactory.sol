// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IVaultFactory} from "../interfaces/IVaultFactory.sol";
import {IVaultTimelock} from "../interfaces/IVaultTimelock.sol";
import {IUniswapV3FactoryMinimal} from "../interfaces/external/IUniswapV3FactoryMinimal.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title Vaults of known code, created by anyone
/// @notice Trust: nobody. It has no owner and keeps no right over what it made: it is the deployer that wires vault
/// and timelock once, in its last stage. What a vault here promises beyond its code is checked in the plan before
/// anything is deployed: a stake of the keeper, an owner that waits, pools of one known Uniswap, and feeds in every vault
/// that is more than a project's own.
///
/// Whoever repeats or runs ahead of somebody's stage does that stage for them: the outcome is the plan's.
/// @dev Invariant V-22.
contract VaultFactory is IVaultFactory {
    string private constant SINGLE_OPERATOR = " (single operator)";

    /// @inheritdoc IVaultFactory
    address public immutable uniswapV3Factory;

    bytes32 private immutable _timelockCode;
    bytes32 private immutable _vaultCode;
    bytes32 private immutable _reporterCode;
    bytes32 private immutable _uniswapV3AdapterCode;
    bytes32 private immutable _clobAdapterCode;

    /// @inheritdoc IVaultFactory
    mapping(address vault => bool) public isVault;
    /// @inheritdoc IVaultFactory
    mapping(address vault => bool) public isSingleOperator;

    address[] private _vaults;
    mapping(bytes32 id => Creation) private _creations;

    constructor(Codes memory codes_, address uniswapV3Factory_) {
        uniswapV3Factory = uniswapV3Factory_;
        _timelockCode = codes_.timelock;
        _vaultCode = codes_.vault;
        _reporterCode = codes_.reporter;
        _uniswapV3AdapterCode = codes_.uniswapV3Adapter;
        _clobAdapterCode = codes_.clobAdapter;
    }

    /* ANYONE: STAGES */

    /// @inheritdoc IVaultFactory
    function createTimelock(Plan calldata plan, bytes calldata code)
        external
        returns (address timelock)
    {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        require(made.timelock == address(0), StageOutOfOrder());
        _requireSound(plan);
        _requireMarkets(plan);

        timelock = _deploy(id, code, _timelockCode, _timelockArguments(plan));
        made.timelock = timelock;

        emit CreateTimelock(id, timelock);
    }

    /// @inheritdoc IVaultFactory
    function createVault(Plan calldata plan, bytes calldata code) external returns (address vault) {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        require(made.timelock != address(0) && made.vault == address(0), StageOutOfOrder());

        vault = _deploy(id, code, _vaultCode, _vaultArguments(plan, made.timelock));
        made.vault = vault;

        emit CreateVault(id, vault);
    }

    /// @inheritdoc IVaultFactory
    function createReporter(Plan calldata plan, bytes calldata code)
        external
        returns (address reporter)
    {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        require(made.vault != address(0) && made.reporter == address(0), StageOutOfOrder());

        bytes memory arguments = abi.encode(made.vault, plan.reporters, plan.quorum);
        reporter = _deploy(id, code, _reporterCode, arguments);
        made.reporter = reporter;

        emit CreateReporter(id, reporter);
    }

    /// @inheritdoc IVaultFactory
    function createUniswapV3Adapter(Plan calldata plan, bytes calldata code)
        external
        returns (address)
    {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        uint256 next = made.adapters.length;
        require(made.vault != address(0) && next < plan.markets.pools.length, StageOutOfOrder());

        Pool calldata pool = plan.markets.pools[next];
        bytes memory arguments = abi.encode(made.vault, pool.pool, pool.feed, plan.poolLimits[next]);
        return _addAdapter(id, code, _uniswapV3AdapterCode, arguments);
    }

    /// @inheritdoc IVaultFactory
    function createClobAdapter(Plan calldata plan, bytes calldata code) external returns (address) {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        uint256 next = made.adapters.length;
        uint256 pools = plan.markets.pools.length;
        require(
            made.vault != address(0) && next >= pools && next < pools + plan.routes.length,
            StageOutOfOrder()
        );

        bytes memory arguments = abi.encode(made.vault, plan.routes[next - pools]);
        return _addAdapter(id, code, _clobAdapterCode, arguments);
    }

    /// @inheritdoc IVaultFactory
    function wire(Plan calldata plan) external returns (address vault) {
        bytes32 id = idOf(plan);
        Creation storage made = _creations[id];
        uint256 legs = plan.markets.pools.length + plan.routes.length;
        require(
            made.reporter != address(0) && made.adapters.length == legs && !made.wired,
            StageOutOfOrder()
        );
        vault = made.vault;

        made.wired = true;
        isVault[vault] = true;
        isSingleOperator[vault] = plan.singleOperator;
        _vaults.push(vault);

        emit Created(vault, plan.asset, made.timelock, id, plan.singleOperator, plan.markets);
        IMarketMakingVault(vault).wire(made.reporter, made.adapters);
        IVaultTimelock(made.timelock).bind(vault);
    }

    /* VIEWS */

    /// @inheritdoc IVaultFactory
    function idOf(Plan calldata plan) public pure returns (bytes32) {
        return keccak256(abi.encode(plan));
    }

    /// @inheritdoc IVaultFactory
    function predict(Plan calldata plan, bytes calldata timelockCode, bytes calldata vaultCode)
        external
        view
        returns (address timelock, address vault)
    {
        bytes32 id = idOf(plan);
        bytes32 hash = keccak256(bytes.concat(timelockCode, _timelockArguments(plan)));
        timelock = Create2.computeAddress(id, hash);

        hash = keccak256(bytes.concat(vaultCode, _vaultArguments(plan, timelock)));
        vault = Create2.computeAddress(id, hash);
    }

    /// @inheritdoc IVaultFactory
    function creation(bytes32 id) external view returns (Creation memory) {
        return _creations[id];
    }

    /// @inheritdoc IVaultFactory
    function vaultCount() external view returns (uint256) {
        return _vaults.length;
    }

    /// @inheritdoc IVaultFactory
    function vaults(uint256 first, uint256 count) external view returns (address[] memory page) {
        uint256 total = _vaults.length;
        if (first >= total) return page;

        page = new address[](Math.min(count, total - first));
        for (uint256 i; i < page.length; ++i) {
            page[i] = _vaults[first + i];
        }
    }

    /// @inheritdoc IVaultFactory
    function codes() external view returns (Codes memory) {
        return Codes({
            timelock: _timelockCode,
            vault: _vaultCode,
            reporter: _reporterCode,
            uniswapV3Adapter: _uniswapV3AdapterCode,
            clobAdapter: _clobAdapterCode
        });
    }

    /* INTERNAL: DEPLOYMENT */

    function _addAdapter(bytes32 id, bytes calldata code, bytes32 known, bytes memory arguments)
        private
        returns (address adapter)
    {
        adapter = _deploy(id, code, known, arguments);
        _creations[id].adapters.push(adapter);

        emit CreateAdapter(id, adapter);
    }

    function _deploy(bytes32 id, bytes calldata code, bytes32 known, bytes memory arguments)
        private
        returns (address)
    {
        bytes32 given = keccak256(code);
        require(given == known, CodeUnknown(given, known));

        return Create2.deploy(0, id, bytes.concat(code, arguments));
    }

    function _timelockArguments(Plan calldata plan) private pure returns (bytes memory) {
        return abi.encode(plan.delay, plan.multisig);
    }

    function _vaultArguments(Plan calldata plan, address timelock)
        private
        pure
        returns (bytes memory)
    {
        IMandate.Terms memory terms = IMandate.Terms({
            owner: timelock,
            keeper: plan.keeper,
            guardian: plan.guardian,
            feeRecipient: plan.feeRecipient,
            marketsHash: keccak256(abi.encode(plan.markets)),
            limits: plan.limits
        });
        string memory name =
            plan.singleOperator ? string.concat(plan.name, SINGLE_OPERATOR) : plan.name;

        return abi.encode(
            IMarketMakingVault.VaultParams({
                asset: plan.asset, name: name, symbol: plan.symbol, terms: terms
            })
        );
    }

    /* INTERNAL: THE PLAN */

    /// @dev The other hard bounds are those of the contracts themselves, which refuse to be built beyond them.
    function _requireSound(Plan calldata plan) private pure {
        require(
            plan.limits.minStakeBps >= Constants.LEAST_STAKE_BPS,
            StakeTooLow(plan.limits.minStakeBps, Constants.LEAST_STAKE_BPS)
        );
        require(plan.limits.depositCap != 0, NoDepositCap());

        // Reporters watch keeper and guardian too, which the reporter checks by itself.
        for (uint256 i; i < plan.reporters.length; ++i) {
            require(plan.reporters[i] != plan.multisig, RoleConflict(plan.multisig));
        }
        if (plan.singleOperator) return;
        bool apart = plan.keeper != plan.guardian && plan.keeper != plan.multisig;
        require(apart, RoleConflict(plan.keeper));
    }

    function _requireMarkets(Plan calldata plan) private view {
        Pool[] calldata pools = plan.markets.pools;
        bool complete = pools.length == plan.poolLimits.length
            && pools.length + plan.routes.length != 0
            && (plan.routes.length == 0) == (plan.markets.pairs.length == 0);
        require(complete, MarketsIncomplete());

        bool projectsOwn = pools.length == 1 && plan.markets.pairs.length == 0;
        for (uint256 i; i < pools.length; ++i) {
            require(projectsOwn || pools[i].feed != address(0), FeedMissing(pools[i].token));
            _requireGenuine(pools[i], plan.asset);
        }
    }

    function _requireGenuine(Pool calldata pool, address asset) private view {
        address known =
            IUniswapV3FactoryMinimal(uniswapV3Factory).getPool(asset, pool.token, pool.fee);
        // A pool of the known Uniswap is what it says: nobody else can make the factory name it.
        require(known == pool.pool && known != address(0), PoolForeign(pool.pool));
    }
}
