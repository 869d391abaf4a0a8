// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAdapter} from "./interfaces/IAdapter.sol";
import {IMarketMakingVault} from "./interfaces/IMarketMakingVault.sol";
import {INavReporter} from "./interfaces/INavReporter.sol";
import {Constants} from "./libraries/Constants.sol";
import {RequestPool} from "./libraries/RequestPool.sol";
import {Settlement} from "./libraries/Settlement.sol";
import {Mandate} from "./mandate/Mandate.sol";
import {Legs} from "./Legs.sol";
import {RequestDesk} from "./RequestDesk.sol";
import {WindDown} from "./WindDown.sol";

/// @title A market-making vault
/// @notice Cuts, settlements and the idle assets; what depositors do is in `RequestDesk`, where the other assets are in
/// `Legs`, who may act in `Mandate`, the end in `WindDown`.
///
/// Accounting: `idle` is booked, never read from a balance, so that nothing sent to the vault changes a price.
/// `acceptedNav` moves at settlements alone.
///
/// Trust: the keeper moves assets between the vault and its adapters within limits and has no other power; the
/// reporter prices a cut once; roles and limits are the mandate's; the deployer wires once and is nobody after.
contract MarketMakingVault is RequestDesk {
    using RequestPool for RequestPool.Pool;
    using SafeERC20 for IERC20;

    /// @dev Where the vault stands between two settlements [seconds since 1970].
    struct Progress {
        bool cutOpen; // false once settled or held; a lapsed cut keeps it true
        bool ended; // in wind-down
        uint64 heldUntil; // no cut before it
        uint64 lastSettledAt; // 0 before the first settlement
    }

    Legs private immutable _legs;
    WindDown private immutable _windDown;
    Mandate private immutable _mandate;
    address private immutable _keeperStake;

    /// @inheritdoc IMarketMakingVault
    address public immutable deployer;

    /* WIRING: written once */

    /// @inheritdoc IMarketMakingVault
    address public reporter;

    /* MONEY */

    /// @inheritdoc IMarketMakingVault
    /// @dev At most the vault's balance: what is beyond was given and counts nowhere (V-04).
    uint256 public idle;
    /// @inheritdoc IMarketMakingVault
    /// @dev Invariant V-02: at most gross NAV at the last settlement, flows included.
    uint256 public acceptedNav;

    /* CUT: `_cut.epoch` is one less than the pools' open epoch */

    Cut private _cut;
    Progress private _progress;
    /// @inheritdoc IMarketMakingVault
    mapping(uint64 epoch => uint256 time) public cutTimeOf;

    modifier onlyKeeper() {
        _requireKeeper();
        _;
    }

    modifier onlyWindDown() {
        _requireWindDown();
        _;
    }

    constructor(VaultParams memory params)
        ERC20(params.name, params.symbol)
        ERC20Permit(params.name)
        RequestDesk(params.asset)
    {
        _legs = new Legs();
        _windDown = new WindDown();
        _mandate = new Mandate(address(this), params.terms);
        _keeperStake = _mandate.keeperStake();
        deployer = msg.sender;
    }

    /* DEPLOYER, ONCE */

    /// @inheritdoc IMarketMakingVault
    function wire(address newReporter, address[] calldata newAdapters) external {
        require(msg.sender == deployer, NotDeployer(msg.sender));
        require(reporter == address(0), AlreadyWired());
        require(INavReporter(newReporter).vault() == address(this), ForeignComponent(newReporter));

        reporter = newReporter;

        emit Wire(newReporter, newAdapters);
        _legs.add(newAdapters);
    }

    /* ANYONE */

    /// @inheritdoc IMarketMakingVault
    /// @dev Adapters are wired once and call back only to `returnAssets`; everything else is guarded.
    // slither-disable-next-line reentrancy-no-eth
    function closeEpoch() external nonReentrant returns (uint64 epoch) {
        require(reporter != address(0), NotWired());
        _requireState(State.OPEN);
        uint256 earliest = nextCutTime();
        require(block.timestamp >= earliest, TooEarly(earliest));

        epoch = _deposits.openEpoch;
        (uint256 legBid, uint256 legAsk) = _legs.cut(epoch);

        _deposits.cut();
        _redeems.cut();
        _progress.cutOpen = true;
        cutTimeOf[epoch] = block.timestamp;
        _cut = Cut({
            epoch: epoch,
            time: uint64(block.timestamp), // safe: seconds since 1970
            blockNumber: uint64(block.number), // safe: fewer than 2^64 blocks
            idle: idle,
            legBid: legBid,
            legAsk: legAsk
        });

        emit CloseEpoch(
            epoch,
            uint64(block.timestamp), // safe: as above
            idle,
            legBid,
            legAsk,
            _deposits.total,
            _redeems.total
        );
    }

    /* KEEPER */

    /// @inheritdoc IMarketMakingVault
    function allocate(address adapter, uint256 assets) external onlyKeeper nonReentrant {
        _requireState(State.OPEN);
        _mandate.checkIncrease();
        require(assets <= idle, IdleExceeded(assets, idle));
        uint256 idleAfter = idle - assets;
        _requireRedemptionsPaid(idleAfter);
        _legs.checkAllocation(adapter, assets, idleAfter);

        idle = idleAfter;

        emit Allocate(adapter, assets, idleAfter);
        _asset.safeTransfer(adapter, assets);
        IAdapter(adapter).allocate(assets);
    }

    /// @inheritdoc IMarketMakingVault
    /// @dev What counts is what was booked through `returnAssets` in this call, not what the adapter claims.
    function deallocate(address adapter, uint256 assets)
        external
        onlyKeeper
        nonReentrant
        returns (uint256 assetsReturned)
    {
        _requireAdapter(adapter);

        uint256 idleBefore = idle;
        IAdapter(adapter).deallocate(assets);
        assetsReturned = idle - idleBefore;

        emit Deallocate(adapter, assets, assetsReturned);
    }

    /* ADAPTERS */

    /// @inheritdoc IMarketMakingVault
    /// @dev Not guarded against re-entry: it runs inside `closeEpoch` and `deallocate`, and only ever adds what came.
    function returnAssets(uint256 assets) external {
        _requireAdapter(msg.sender);

        idle += assets;

        emit ReturnAssets(msg.sender, assets, idle);
        _pullExactly(msg.sender, address(this), assets);
    }

    /* REPORTER */

    /// @inheritdoc IMarketMakingVault
    /// @dev Invariants V-05, V-07, V-20.
    function settle(Pricing calldata pricing) external nonReentrant returns (Fill memory fill) {
        _requireReporter();
        fill = previewSettle(pricing);

        _progress.cutOpen = false;
        _progress.lastSettledAt = uint64(block.timestamp); // safe: seconds since 1970
        acceptedNav = fill.acceptedAfter;
        idle = idle + fill.depositAssets - fill.redeemAssets;
        _deposits.fill(fill.depositAssets, fill.depositShares);
        _redeems.fill(fill.redeemShares, fill.redeemAssets);
        _burn(address(_silo), fill.redeemShares);
        _mint(address(_silo), fill.depositShares);
        _mint(msg.sender, fill.feeShares);

        _emitSettle(pricing, fill);
        if (fill.depositAssets >= fill.redeemAssets) {
            _silo.sendAssets(address(this), fill.depositAssets - fill.redeemAssets);
        } else {
            _asset.safeTransfer(address(_silo), fill.redeemAssets - fill.depositAssets);
        }
    }

    /// @inheritdoc IMarketMakingVault
    /// @dev Invariant V-20.
    function hold(uint256 accepted) external {
        _requireReporter();
        _requireState(State.CUT);
        require(accepted <= acceptedNav, HoldRaisesNav(accepted, acceptedNav));

        _progress.cutOpen = false;
        acceptedNav = accepted;
        _progress.heldUntil = uint64(block.timestamp + Constants.HOLD_TIME); // safe: seconds since 1970

        emit Hold(_cut.epoch, accepted, nextCutTime());
    }

    /* WIND-DOWN AND KEEPER'S STAKE */

    /// @inheritdoc IMarketMakingVault
    function burnShares(address account, uint256 shares) external {
        require(
            msg.sender == address(_windDown) || msg.sender == _keeperStake, MayNotBurn(msg.sender)
        );

        _burn(account, shares);
    }

    /* WIND-DOWN */

    /// @inheritdoc IMarketMakingVault
    function endTrading() external onlyWindDown {
        _progress.ended = true;
        _progress.cutOpen = false;

        emit EndTrading(totalSupply(), idle);
    }

    /// @inheritdoc IMarketMakingVault
    function releaseIdle() external onlyWindDown {
        uint256 assets = idle;
        idle = 0;

        emit ReleaseIdle(assets);
        _asset.safeTransfer(address(_windDown), assets);
    }

    /* VIEWS: PRICE */

    /// @inheritdoc IERC4626
    /// @dev Settled, never live: it changes at settlements only.
    function totalAssets() external view returns (uint256) {
        return acceptedNav;
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) external view returns (uint256) {
        return _mulDivSaturated(assets, totalSupply() + virtualShares, acceptedNav + 1);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) external view returns (uint256) {
        return _mulDivSaturated(shares, acceptedNav + 1, totalSupply() + virtualShares);
    }

    /* VIEWS: CUT AND SETTLEMENT */

    /// @inheritdoc IMarketMakingVault
    function previewSettle(Pricing calldata pricing) public view returns (Fill memory) {
        _requireState(State.CUT);
        require(
            pricing.accepted <= pricing.gross && pricing.gross <= pricing.grossAsk,
            PricingOutOfOrder()
        );

        return Settlement.quote(
            Settlement.Books({
                supply: totalSupply(),
                virtualShares: virtualShares,
                idle: idle,
                depositTotal: _deposits.total,
                redeemTotal: _redeems.total,
                depositCap: _mandate.depositCapFor(pricing.accepted)
            }),
            pricing
        );
    }

    /// @inheritdoc IMarketMakingVault
    function state() public view override returns (State) {
        if (_progress.ended) return State.WINDDOWN;
        bool live = _progress.cutOpen && block.timestamp <= _cut.time + Constants.REPORT_WINDOW;
        return live ? State.CUT : State.OPEN;
    }

    /// @inheritdoc IMarketMakingVault
    function nextCutTime() public view returns (uint256) {
        return Math.max(_cut.time + Constants.EPOCH_LENGTH, _progress.heldUntil);
    }

    /// @inheritdoc IMarketMakingVault
    function lastSettledAt() external view returns (uint256) {
        return _progress.lastSettledAt;
    }

    /// @inheritdoc IMarketMakingVault
    function cut() external view returns (Cut memory) {
        return _cut;
    }

    /* VIEWS: WIRING */

    /// @inheritdoc IMarketMakingVault
    function legs() external view returns (address) {
        return address(_legs);
    }

    /// @inheritdoc IMarketMakingVault
    function windDown() external view returns (address) {
        return address(_windDown);
    }

    /// @inheritdoc IMarketMakingVault
    function mandate() public view override returns (address) {
        return address(_mandate);
    }

    /// @inheritdoc IMarketMakingVault
    function owner() external view returns (address) {
        return _mandate.owner();
    }

    /// @inheritdoc IMarketMakingVault
    function keeper() public view returns (address) {
        return _mandate.keeper();
    }

    /// @inheritdoc IMarketMakingVault
    function guardian() external view returns (address) {
        return _mandate.guardian();
    }

    /// @inheritdoc IMarketMakingVault
    function adapters() external view returns (address[] memory) {
        return _legs.adapters();
    }

    /// @inheritdoc IMarketMakingVault
    function isAdapter(address adapter) public view returns (bool) {
        return _legs.isAdapter(adapter);
    }

    /* INTERNAL: GUARDS */

    function _requireKeeper() private view {
        require(msg.sender == keeper(), NotKeeper(msg.sender));
    }

    function _requireReporter() private view {
        require(msg.sender == reporter, NotReporter(msg.sender));
    }

    function _requireWindDown() private view {
        require(msg.sender == address(_windDown), NotWindDown(msg.sender));
    }

    function _requireState(State wanted) private view {
        State current = state();
        require(current == wanted, WrongState(current));
    }

    function _requireAdapter(address account) private view {
        require(isAdapter(account), UnknownAdapter(account));
    }

    /// @dev Against every redemption requested so far, open ones included: a request must not be starved, and one
    /// that was cancelled no longer counts.
    function _requireRedemptionsPaid(uint256 idleAfter) private view {
        uint256 owed = Math.mulDiv(
            uint256(_redeems.total) + _redeems.open,
            acceptedNav,
            totalSupply() + virtualShares,
            Math.Rounding.Ceil
        );
        require(idleAfter >= owed, RedemptionsUnpaid(idleAfter, owed));
    }

    /* INTERNAL: SETTLEMENT AND PRICE */

    function _emitSettle(Pricing calldata pricing, Fill memory fill) private {
        emit Settle(
            _cut.epoch,
            fill.accepted,
            pricing.gross,
            pricing.grossAsk,
            fill.feeShares,
            fill.depositAssets,
            fill.depositShares,
            fill.redeemShares,
            fill.redeemAssets,
            fill.acceptedAfter,
            fill.supplyAfter,
            fill.wholeExit
        );
    }

    /// @dev Rounds down; too large a result is the largest number instead of a revert.
    function _mulDivSaturated(uint256 x, uint256 y, uint256 z) private pure returns (uint256) {
        (uint256 high,) = Math.mul512(x, y);
        return high >= z ? type(uint256).max : Math.mulDiv(x, y, z);
    }
}
