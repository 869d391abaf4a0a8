// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAdapter} from "./interfaces/IAdapter.sol";
import {
    IERC7540Deposit,
    IERC7540Operator,
    IERC7540Redeem,
    IERC7887CancelDeposit,
    IERC7887CancelRedeem
} from "./interfaces/IERC7540.sol";
import {IERC7575} from "./interfaces/IERC7575.sol";
import {IMandate} from "./interfaces/IMandate.sol";
import {IMarketMakingVault} from "./interfaces/IMarketMakingVault.sol";
import {INavReporter} from "./interfaces/INavReporter.sol";
import {Constants} from "./libraries/Constants.sol";
import {RequestPool} from "./libraries/RequestPool.sol";
import {Settlement} from "./libraries/Settlement.sol";
import {Mandate} from "./mandate/Mandate.sol";
import {RequestSilo} from "./RequestSilo.sol";
import {WindDown} from "./WindDown.sol";

/// @title A market-making vault
/// @notice Accounting: `idle` is booked, never read from a balance, so that nothing sent to the vault changes a
/// price. `acceptedNav` moves at settlements alone. Whatever is pending or claimable lives in the silo.
///
/// Trust: the keeper moves assets between the vault and its adapters within limits and has no other power; the
/// reporter prices a cut once; roles and limits are the mandate's; the deployer wires once and is nobody after.
///
/// Token assumptions, for safety: a transfer moves the amount asked for (measured when assets come in), balances do
/// not rebase. For liveness: the issuer refuses neither vault nor silo; a refused receiver blocks its own claim only.
contract MarketMakingVault is ERC20Permit, ReentrancyGuardTransient, IMarketMakingVault {
    using RequestPool for RequestPool.Pool;
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @dev Cumulative transfers of one attested leg at one cut [asset units].
    struct Transfers {
        uint128 sent;
        uint128 returned;
    }

    /// @dev Where the vault stands between two settlements [seconds since 1970].
    struct Progress {
        bool cutOpen; // false once settled or held; a lapsed cut keeps it true
        bool ended; // in wind-down
        uint64 heldUntil; // no cut before it
        uint64 lastSettledAt; // 0 before the first settlement
    }

    bytes4 private constant ERC7575_ID = 0x2f0a18c5; // of the vault side, fixed by the standard

    IERC20 private immutable _asset;
    RequestSilo private immutable _silo;
    WindDown private immutable _windDown;
    Mandate private immutable _mandate;
    address private immutable _keeperStake;
    uint8 private immutable _decimals;

    /// @inheritdoc IMarketMakingVault
    address public immutable deployer;
    /// @inheritdoc IMarketMakingVault
    uint256 public immutable virtualShares;
    /// @inheritdoc IMarketMakingVault
    uint256 public immutable minDeposit;
    /// @inheritdoc IMarketMakingVault
    uint256 public immutable minRedeem;

    /* WIRING */

    /// @inheritdoc IMarketMakingVault
    address public reporter;
    /// @inheritdoc IMarketMakingVault
    mapping(address adapter => bool) public isAdapter;
    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    address[] private _adapters;
    address[] private _attested; // the part of _adapters whose worth is attested

    /* MONEY */

    /// @inheritdoc IMarketMakingVault
    uint256 public idle;
    /// @inheritdoc IMarketMakingVault
    /// @dev Invariant V-02: at most gross NAV at the last settlement, flows included.
    uint256 public acceptedNav;

    RequestPool.Pool private _deposits;
    RequestPool.Pool private _redeems;

    /* CUT */

    Cut private _cut;
    Progress private _progress;
    /// @inheritdoc IMarketMakingVault
    mapping(uint64 epoch => uint256 time) public cutTimeOf;
    mapping(uint64 epoch => mapping(uint256 leg => Transfers)) private _transfersAt;

    modifier onlyKeeper() {
        require(msg.sender == _mandate.keeper(), NotKeeper(msg.sender));
        _;
    }

    modifier onlyWindDown() {
        require(msg.sender == address(_windDown), NotWindDown(msg.sender));
        _;
    }

    constructor(VaultParams memory params)
        ERC20(params.name, params.symbol)
        ERC20Permit(params.name)
    {
        uint8 assetDecimals = IERC20Metadata(params.asset).decimals();
        require(
            assetDecimals >= Constants.MIN_ASSET_DECIMALS
                && assetDecimals <= Constants.MAX_ASSET_DECIMALS,
            DecimalsOutOfRange(assetDecimals)
        );

        uint8 virtualDecimals = _virtualDecimals(assetDecimals);
        _asset = IERC20(params.asset);
        _silo = new RequestSilo(params.asset);
        _windDown = new WindDown();
        _mandate = new Mandate(address(this), params.terms);
        _keeperStake = _mandate.keeperStake();
        _decimals = assetDecimals + virtualDecimals;
        deployer = msg.sender;
        virtualShares = 10 ** virtualDecimals;
        minDeposit = 10 ** assetDecimals;
        minRedeem = 10 ** (assetDecimals + virtualDecimals);
        _deposits.init();
        _redeems.init();
    }

    /* DEPLOYER, ONCE */

    /// @inheritdoc IMarketMakingVault
    function wire(address newReporter, address[] calldata newAdapters) external {
        require(msg.sender == deployer, NotDeployer(msg.sender));
        require(reporter == address(0), AlreadyWired());
        require(
            newAdapters.length <= Constants.MAX_ADAPTERS,
            TooManyAdapters(newAdapters.length, Constants.MAX_ADAPTERS)
        );
        require(INavReporter(newReporter).vault() == address(this), ForeignComponent(newReporter));

        reporter = newReporter;
        for (uint256 i; i < newAdapters.length; ++i) {
            _addAdapter(newAdapters[i]);
        }

        emit Wire(newReporter, newAdapters);
    }

    /* DEPOSITORS: REQUEST AND CANCEL */

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;

        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @inheritdoc IERC7540Deposit
    function requestDeposit(uint256 assets, address controller, address owner_)
        external
        nonReentrant
        returns (uint256)
    {
        _requireNotEnded();
        _requireActsFor(owner_);
        _requireNonZero(controller);
        require(assets >= minDeposit, RequestTooSmall(assets, minDeposit));
        _mandate.checkDeposit(owner_, controller, assets);

        _deposits.request(controller, assets);

        emit DepositRequest(controller, owner_, 0, msg.sender, assets);
        _pullExactly(owner_, address(_silo), assets);
        return 0;
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(uint256 shares, address controller, address owner_)
        external
        nonReentrant
        returns (uint256)
    {
        _requireNotEnded();
        _requireNonZero(controller);
        require(
            shares != 0 && (shares >= minRedeem || shares == balanceOf(owner_)),
            RequestTooSmall(shares, minRedeem)
        );
        if (msg.sender != owner_ && !isOperator[owner_][msg.sender]) {
            _spendAllowance(owner_, msg.sender, shares);
        }

        _redeems.request(controller, shares);
        _transfer(owner_, address(_silo), shares);

        emit RedeemRequest(controller, owner_, 0, msg.sender, shares);
        return 0;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function cancelDepositRequest(uint256 requestId, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = _cancel(_deposits, requestId, controller);

        emit CancelDepositRequest(controller, 0, msg.sender);
    }

    /// @inheritdoc IERC7887CancelRedeem
    function cancelRedeemRequest(uint256 requestId, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        shares = _cancel(_redeems, requestId, controller);

        emit CancelRedeemRequest(controller, 0, msg.sender);
    }

    /// @inheritdoc IERC7887CancelDeposit
    function claimCancelDepositRequest(uint256 requestId, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        assets = _claimCancelled(_deposits, requestId, controller);

        emit CancelDepositClaim(controller, receiver, 0, msg.sender, assets);
        _silo.sendAssets(receiver, assets);
    }

    /// @inheritdoc IERC7887CancelRedeem
    function claimCancelRedeemRequest(uint256 requestId, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        shares = _claimCancelled(_redeems, requestId, controller);

        emit CancelRedeemClaim(controller, receiver, 0, msg.sender, shares);
        _silo.sendShares(receiver, shares);
    }

    /* DEPOSITORS: CLAIM */

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) external returns (uint256) {
        return deposit(assets, receiver, msg.sender);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external returns (uint256) {
        return mint(shares, receiver, msg.sender);
    }

    /// @inheritdoc IERC4626
    function withdraw(uint256 assets, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        _requireActsFor(controller);
        _requireClaimable(assets, maxWithdraw(controller));

        shares = _redeems.claimByOut(controller, assets);
        _payAssets(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC4626
    function redeem(uint256 shares, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        _requireActsFor(controller);
        _requireClaimable(shares, maxRedeem(controller));

        assets = _redeems.claimByIn(controller, shares);
        _payAssets(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function deposit(uint256 assets, address receiver, address controller)
        public
        nonReentrant
        returns (uint256 shares)
    {
        _requireActsFor(controller);
        _requireClaimable(assets, maxDeposit(controller));

        shares = _deposits.claimByIn(controller, assets);
        _payShares(assets, shares, receiver, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function mint(uint256 shares, address receiver, address controller)
        public
        nonReentrant
        returns (uint256 assets)
    {
        _requireActsFor(controller);
        _requireClaimable(shares, maxMint(controller));

        assets = _deposits.claimByOut(controller, shares);
        _payShares(assets, shares, receiver, controller);
    }

    /* ANYONE */

    /// @inheritdoc IMarketMakingVault
    /// @dev Adapters are wired once and call back only to `returnAssets`; everything else is guarded.
    // slither-disable-next-line reentrancy-no-eth
    function closeEpoch() external nonReentrant returns (uint64 epoch) {
        require(reporter != address(0), NotWired());
        _requireState(State.OPEN);
        require(block.timestamp >= nextCutTime(), TooEarly(nextCutTime()));

        for (uint256 i; i < _adapters.length; ++i) {
            IAdapter(_adapters[i]).sync();
        }
        (uint256 legBid, uint256 legAsk) = _onChainValue();
        epoch = _deposits.openEpoch;

        _deposits.cut();
        _redeems.cut();
        _recordTransfers(epoch);
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
        require(isAdapter[adapter], UnknownAdapter(adapter));
        require(assets <= idle, IdleExceeded(assets, idle));
        uint256 idleAfter = idle - assets;
        _requireRedemptionsPaid(idleAfter);
        if (IAdapter(adapter).isAttested()) _requireVenueLimits(assets, idleAfter);

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
        require(isAdapter[adapter], UnknownAdapter(adapter));

        uint256 idleBefore = idle;
        IAdapter(adapter).deallocate(assets);
        assetsReturned = idle - idleBefore;

        emit Deallocate(adapter, assets, assetsReturned);
    }

    /* ADAPTERS */

    /// @inheritdoc IMarketMakingVault
    /// @dev Not guarded against re-entry: it runs inside `closeEpoch` and `deallocate`, and only ever adds what came.
    function returnAssets(uint256 assets) external {
        require(isAdapter[msg.sender], UnknownAdapter(msg.sender));

        idle += assets;

        emit ReturnAssets(msg.sender, assets, idle);
        _pullExactly(msg.sender, address(this), assets);
    }

    /* REPORTER */

    /// @inheritdoc IMarketMakingVault
    /// @dev Invariants V-05, V-07, V-20.
    function settle(Pricing calldata pricing) external nonReentrant returns (Fill memory fill) {
        require(msg.sender == reporter, NotReporter(msg.sender));
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
        require(msg.sender == reporter, NotReporter(msg.sender));
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

    /* VIEWS: REQUESTS */

    /// @inheritdoc IERC7540Deposit
    function pendingDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return _pending(_deposits, requestId, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function claimableDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? maxDeposit(controller) : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return _pending(_redeems, requestId, controller);
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? maxRedeem(controller) : 0;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function pendingCancelDepositRequest(uint256, address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IERC7887CancelRedeem
    function pendingCancelRedeemRequest(uint256, address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IERC7887CancelDeposit
    function claimableCancelDepositRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? _deposits.cancelled[controller] : 0;
    }

    /// @inheritdoc IERC7887CancelRedeem
    function claimableCancelRedeemRequest(uint256 requestId, address controller)
        external
        view
        returns (uint256)
    {
        return requestId == 0 ? _redeems.cancelled[controller] : 0;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: settled assets whose shares wait. Never reverts.
    function maxDeposit(address controller) public view returns (uint256) {
        return _deposits.viewPosition(controller).claimIn;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: shares that wait. Never reverts.
    function maxMint(address controller) public view returns (uint256) {
        return _deposits.viewPosition(controller).claimOut;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: assets that wait. Never reverts.
    function maxWithdraw(address controller) public view returns (uint256) {
        return _redeems.viewPosition(controller).claimOut;
    }

    /// @inheritdoc IERC4626
    /// @dev Of a controller: settled shares whose assets wait. Never reverts.
    function maxRedeem(address controller) public view returns (uint256) {
        return _redeems.viewPosition(controller).claimIn;
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert PreviewUnavailable();
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
    function state() public view returns (State) {
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
    function isUnpaid(uint64 epoch) external view returns (bool) {
        return _redeems.unfilledPart(epoch) > Constants.COHORT_UNPAID;
    }

    /// @inheritdoc IMarketMakingVault
    function cut() external view returns (Cut memory) {
        return _cut;
    }

    /// @inheritdoc IMarketMakingVault
    function cutLegs()
        external
        view
        returns (address[] memory legs, uint256[] memory sent, uint256[] memory returned)
    {
        return cutLegsAt(_cut.epoch);
    }

    /// @inheritdoc IMarketMakingVault
    function cutLegsAt(uint64 epoch)
        public
        view
        returns (address[] memory legs, uint256[] memory sent, uint256[] memory returned)
    {
        legs = _attested;
        sent = new uint256[](legs.length);
        returned = new uint256[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            Transfers memory transfers = _transfersAt[epoch][i];
            (sent[i], returned[i]) = (transfers.sent, transfers.returned);
        }
    }

    /// @inheritdoc IMarketMakingVault
    function openEpoch() external view returns (uint64) {
        return _deposits.openEpoch;
    }

    /// @inheritdoc IMarketMakingVault
    function depositQueue() external view returns (Queue memory) {
        return Queue({total: _deposits.total, open: _deposits.open});
    }

    /// @inheritdoc IMarketMakingVault
    function redeemQueue() external view returns (Queue memory) {
        return Queue({total: _redeems.total, open: _redeems.open});
    }

    /* VIEWS: WIRING */

    /// @inheritdoc IERC4626
    function asset() external view returns (address) {
        return address(_asset);
    }

    /// @inheritdoc IERC7575
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IMarketMakingVault
    function silo() external view returns (address) {
        return address(_silo);
    }

    /// @inheritdoc IMarketMakingVault
    function windDown() external view returns (address) {
        return address(_windDown);
    }

    /// @inheritdoc IMarketMakingVault
    function mandate() external view returns (address) {
        return address(_mandate);
    }

    /// @inheritdoc IMarketMakingVault
    function owner() external view returns (address) {
        return _mandate.owner();
    }

    /// @inheritdoc IMarketMakingVault
    function keeper() external view returns (address) {
        return _mandate.keeper();
    }

    /// @inheritdoc IMarketMakingVault
    function guardian() external view returns (address) {
        return _mandate.guardian();
    }

    /// @inheritdoc IMarketMakingVault
    function adapters() external view returns (address[] memory) {
        return _adapters;
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC7575
    function vault(address asset_) external view returns (address) {
        return asset_ == address(_asset) ? address(this) : address(0);
    }

    /// @notice ERC-165: operators, asynchronous deposits and redemptions, their cancellation, both sides of ERC-7575.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId
            || interfaceId == type(IERC7540Operator).interfaceId
            || interfaceId == type(IERC7540Deposit).interfaceId
            || interfaceId == type(IERC7540Redeem).interfaceId
            || interfaceId == type(IERC7887CancelDeposit).interfaceId
            || interfaceId == type(IERC7887CancelRedeem).interfaceId || interfaceId == ERC7575_ID
            || interfaceId == IERC7575.vault.selector;
    }

    /* INTERNAL: GUARDS */

    function _requireNonZero(address account) private pure {
        require(account != address(0), ZeroAddress());
    }

    function _requireActsFor(address account) private view {
        require(
            msg.sender == account || isOperator[account][msg.sender],
            NotAuthorised(account, msg.sender)
        );
    }

    function _requireRequest(uint256 requestId, address controller) private view {
        require(requestId == 0, UnknownRequest(requestId));
        _requireActsFor(controller);
    }

    function _requireNotEnded() private view {
        require(!_progress.ended, WrongState(State.WINDDOWN));
    }

    function _requireState(State wanted) private view {
        State current = state();
        require(current == wanted, WrongState(current));
    }

    function _requireClaimable(uint256 wanted, uint256 claimable) private pure {
        require(wanted <= claimable, ClaimTooLarge(wanted, claimable));
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

    function _requireVenueLimits(uint256 assets, uint256 idleAfter) private view {
        uint256 attested = INavReporter(reporter).attestedValue() + assets;
        (uint256 legBid,) = _onChainValue();
        _mandate.checkExposure(acceptedNav, attested, idleAfter + legBid);
    }

    /* INTERNAL: WIRING AND CUT */

    function _addAdapter(address adapter) private {
        bool mine = IAdapter(adapter).vault() == address(this)
            && IAdapter(adapter).asset() == address(_asset);
        require(mine, ForeignComponent(adapter));
        require(!isAdapter[adapter], DuplicateAdapter(adapter));

        isAdapter[adapter] = true;
        _adapters.push(adapter);
        if (IAdapter(adapter).isAttested()) _attested.push(adapter);
    }

    function _recordTransfers(uint64 epoch) private {
        for (uint256 i; i < _attested.length; ++i) {
            IAdapter adapter = IAdapter(_attested[i]);
            _transfersAt[epoch][i] = Transfers({
                sent: adapter.sent().toUint128(), returned: adapter.returned().toUint128()
            });
        }
    }

    /// @dev Attested adapters answer (0, 0).
    function _onChainValue() private view returns (uint256 bid, uint256 ask) {
        for (uint256 i; i < _adapters.length; ++i) {
            (uint256 legBid, uint256 legAsk) = IAdapter(_adapters[i]).value();
            bid += legBid;
            ask += legAsk;
        }
    }

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

    /* INTERNAL: REQUESTS AND MONEY */

    function _cancel(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        returns (uint256 amount)
    {
        _requireRequest(requestId, controller);

        amount = pool.cancel(controller, state() == State.CUT);
        require(amount != 0, NothingToCancel(controller));
    }

    function _claimCancelled(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        returns (uint256)
    {
        _requireRequest(requestId, controller);

        return pool.claimCancelled(controller);
    }

    function _payShares(uint256 assets, uint256 shares, address receiver, address controller)
        private
    {
        emit Deposit(controller, receiver, assets, shares);
        _silo.sendShares(receiver, shares);
    }

    function _payAssets(uint256 assets, uint256 shares, address receiver, address controller)
        private
    {
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        _silo.sendAssets(receiver, assets);
    }

    function _pullExactly(address from, address to, uint256 assets) private {
        uint256 before = _asset.balanceOf(to);
        _asset.safeTransferFrom(from, to, assets);
        uint256 moved = _asset.balanceOf(to) - before;
        // Equality is the point: an asset that takes a fee or rebases is refused.
        // slither-disable-next-line incorrect-equality
        require(moved == assets, TransferMismatch(assets, moved));
    }

    function _pending(RequestPool.Pool storage pool, uint256 requestId, address controller)
        private
        view
        returns (uint256)
    {
        if (requestId != 0) return 0;
        RequestPool.Position memory position = pool.viewPosition(controller);
        return uint256(position.amount) + position.openAmount;
    }

    /// @dev Rounds down; too large a result is the largest number instead of a revert.
    function _mulDivSaturated(uint256 x, uint256 y, uint256 z) private pure returns (uint256) {
        (uint256 high,) = Math.mul512(x, y);
        return high >= z ? type(uint256).max : Math.mulDiv(x, y, z);
    }

    function _virtualDecimals(uint8 assetDecimals) private pure returns (uint8) {
        uint8 toWhole = Constants.LEAST_SHARE_DECIMALS - assetDecimals;
        return toWhole > Constants.MIN_VIRTUAL_DECIMALS ? toWhole : Constants.MIN_VIRTUAL_DECIMALS;
    }
}
