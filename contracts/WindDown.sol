// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAdapter} from "./interfaces/IAdapter.sol";
import {IMarketMakingVault} from "./interfaces/IMarketMakingVault.sol";
import {IWindDown} from "./interfaces/IWindDown.sol";
import {Constants} from "./libraries/Constants.sol";

/// @title The end of one vault
/// @notice Accounting: everything recovered of a token is what lies here plus what was paid out, so that arrivals
/// need no bookkeeping and a gift is shared like anything else. The divisor is the supply at the start: no share can
/// come into being afterwards, and each can be given back once.
///
/// Trust: nobody. Starting needs a failure that the chain itself can see, the guardian, or a signed report.
///
/// Tokens, liveness: a token whose issuer refuses this contract, or a receiver, blocks claims of that token alone.
/// @dev Invariants V-15, V-27.
contract WindDown is IWindDown, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IWindDown
    address public immutable vault;

    /// @inheritdoc IWindDown
    uint256 public startedAt;
    /// @inheritdoc IWindDown
    uint256 public supplyAtStart;
    /// @inheritdoc IWindDown
    mapping(address account => uint256) public units;
    /// @inheritdoc IWindDown
    mapping(address account => mapping(address token => uint256)) public paid;

    mapping(address token => uint256) private _paidOut;

    modifier afterStart() {
        require(startedAt != 0, NotStarted());
        _;
    }

    constructor() {
        vault = msg.sender;
    }

    /* ANYONE, ONCE OVERDUE */

    /// @inheritdoc IWindDown
    function start() external {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(vault_.totalSupply() != 0, NoShares());
        _requireOverdue(vault_.lastSettledAt());

        _start(Cause.UNSETTLED);
    }

    /// @inheritdoc IWindDown
    function startUnpaid(uint64 epoch) external {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        _requireOverdue(vault_.cutTimeOf(epoch));
        require(vault_.isUnpaid(epoch), CohortPaid(epoch));

        _start(Cause.UNPAID);
    }

    /* GUARDIAN, REPORTER */

    /// @inheritdoc IWindDown
    function startImpaired() external {
        require(msg.sender == IMarketMakingVault(vault).guardian(), NotGuardian(msg.sender));

        _start(Cause.IMPAIRED);
    }

    /// @inheritdoc IWindDown
    function startInsolvent() external {
        require(msg.sender == IMarketMakingVault(vault).reporter(), NotReporter(msg.sender));

        _start(Cause.INSOLVENT);
    }

    /* ANYONE, AFTER THE START */

    /// @inheritdoc IWindDown
    function unwind(address adapter) external afterStart nonReentrant {
        require(IMarketMakingVault(vault).isAdapter(adapter), UnknownAdapter(adapter));

        emit Unwind(adapter);
        IAdapter(adapter).unwind(block.timestamp > startedAt + Constants.UNWIND_PATIENCE);
    }

    /// @inheritdoc IWindDown
    function collect(address from, address token)
        external
        afterStart
        nonReentrant
        returns (uint256 amount)
    {
        bool isVault = from == vault;
        require(isVault || IMarketMakingVault(vault).isAdapter(from), UnknownAdapter(from));

        uint256 before = IERC20(token).balanceOf(address(this));
        if (isVault) IMarketMakingVault(vault).releaseIdle();
        else IAdapter(from).release(token);
        amount = IERC20(token).balanceOf(address(this)) - before;

        emit Collect(from, token, amount);
    }

    /// @inheritdoc IWindDown
    function exit(uint256 shares) external afterStart nonReentrant {
        units[msg.sender] += shares;

        emit Exit(msg.sender, shares);
        IMarketMakingVault(vault).burnShares(msg.sender, shares);
    }

    /// @inheritdoc IWindDown
    function claim(address token) external afterStart nonReentrant returns (uint256 amount) {
        amount = claimable(msg.sender, token);
        // Nothing due is nothing to pay; no other amount is special.
        // slither-disable-next-line incorrect-equality
        if (amount == 0) return 0;

        paid[msg.sender][token] += amount;
        _paidOut[token] += amount;

        emit Claim(msg.sender, token, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    /* VIEWS */

    /// @inheritdoc IWindDown
    function recovered(address token) public view returns (uint256) {
        return IERC20(token).balanceOf(address(this)) + _paidOut[token];
    }

    /// @inheritdoc IWindDown
    function claimable(address account, address token) public view returns (uint256) {
        if (supplyAtStart == 0) return 0;
        uint256 due = Math.mulDiv(recovered(token), units[account], supplyAtStart);
        return due - paid[account][token];
    }

    /// @inheritdoc IWindDown
    function patience() external pure returns (uint256) {
        return Constants.UNWIND_PATIENCE;
    }

    /// @inheritdoc IWindDown
    function delay() external pure returns (uint256) {
        return Constants.WIND_DOWN_DELAY;
    }

    /// @inheritdoc IWindDown
    function exitBound() external pure returns (uint256) {
        return Constants.EPOCH_LENGTH + Constants.REPORT_WINDOW + Constants.HOLD_TIME
            + Constants.WIND_DOWN_DELAY;
    }

    /* INTERNAL */

    function _requireOverdue(uint256 since) private view {
        uint256 earliest = since == 0 ? type(uint256).max : since + Constants.WIND_DOWN_DELAY;
        require(block.timestamp > earliest, NotOverdue(earliest));
    }

    function _start(Cause cause) private {
        // Zero is what nobody has written yet.
        // slither-disable-next-line incorrect-equality
        require(startedAt == 0, AlreadyStarted());

        startedAt = block.timestamp;
        supplyAtStart = IMarketMakingVault(vault).totalSupply();

        emit Start(cause, supplyAtStart);
        IMarketMakingVault(vault).endTrading();
    }
}
