// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {
    IERC7540Deposit,
    IERC7540Operator,
    IERC7540Redeem,
    IERC7887CancelDeposit,
    IERC7887CancelRedeem
} from "./IERC7540.sol";
import {IERC7575} from "./IERC7575.sol";
import {IMandate} from "./IMandate.sol";

/// @title Shares, assets and the two request queues of a market-making vault
/// @notice One asset, one share token (the vault itself), deposits and redemptions by request. Requests wait for the
/// cut after them, are priced by the report of that cut and settle in the report's own transaction.
/// @dev Units: `assets` in units of the asset (6, 8 or 18 decimals), `shares` in units of 10^-decimals() of a share,
/// where decimals() = d + max(6, 18 - d). Rounding is always in favour of the vault.
interface IMarketMakingVault is
    IERC4626,
    IERC7540Operator,
    IERC7540Deposit,
    IERC7540Redeem,
    IERC7575,
    IERC7887CancelDeposit,
    IERC7887CancelRedeem
{
    /// @notice OPEN: requests wait, capital may be allocated. CUT: numbers are frozen, a report is awaited.
    /// WINDDOWN: irreversible end.
    enum State {
        OPEN,
        CUT,
        WINDDOWN
    }

    /// @notice The on-chain part of NAV at one block.
    /// @param epoch Number of the cut, from 1; grows by one at every cut, settled or lapsed.
    /// @param time Block time of the cut [s].
    /// @param blockNumber Block number of the cut.
    /// @param idle Booked idle assets [asset units].
    /// @param legBid Sum of the on-chain legs' bids [asset units].
    /// @param legAsk Sum of the on-chain legs' asks [asset units].
    struct Cut {
        uint64 epoch;
        uint64 time;
        uint64 blockNumber;
        uint256 idle;
        uint256 legBid;
        uint256 legAsk;
    }

    /// @notice What the reporter hands over when a report is accepted.
    /// @param accepted NAV accepted by the gate, before flows [asset units].
    /// @param gross NAV at the cut, bid side [asset units]; at least `accepted`.
    /// @param grossAsk NAV at the cut, ask side [asset units]; at least `gross`.
    /// @param depositsOpen False when pending deposits must carry over.
    /// @param mark High-water mark: no fee is due on what a share is worth up to it [1e36 assets per share unit].
    /// @param feeBps Share of the gain above the mark that is the fee [bps].
    struct Pricing {
        uint256 accepted;
        uint256 gross;
        uint256 grossAsk;
        bool depositsOpen;
        uint256 mark;
        uint256 feeBps;
    }

    /// @notice What a settlement did, or would do.
    /// @param accepted NAV at which redemptions settled, before flows [asset units].
    /// @param feeShares Shares minted to the reporter as the fee, before flows [share units].
    /// @param depositAssets Pending deposits filled [asset units].
    /// @param depositShares Shares minted for them [share units].
    /// @param redeemShares Pending redemptions filled and burnt [share units].
    /// @param redeemAssets Assets set aside for them [asset units].
    /// @param acceptedAfter Accepted NAV after flows [asset units].
    /// @param supplyAfter Share supply after flows [share units].
    /// @param wholeExit True when practically the whole supply left and settled at gross.
    struct Fill {
        uint256 accepted;
        uint256 feeShares;
        uint256 depositAssets;
        uint256 depositShares;
        uint256 redeemShares;
        uint256 redeemAssets;
        uint256 acceptedAfter;
        uint256 supplyAfter;
        bool wholeExit;
    }

    /// @notice One side of the queue.
    /// @param total Requests of the open or of earlier cuts, not yet filled [asset or share units].
    /// @param open Requests made since the last cut [asset or share units].
    struct Queue {
        uint256 total;
        uint256 open;
    }

    /// @notice Constructor arguments.
    /// @param asset Asset of the vault; 6 to 18 decimals; no transfer fee, no rebasing.
    /// @param name Share token name.
    /// @param symbol Share token symbol.
    /// @param terms First roles and limits; see `IMandate`.
    struct VaultParams {
        address asset;
        string name;
        string symbol;
        IMandate.Terms terms;
    }

    /// @notice Emitted once, when reporter and adapters were wired.
    event Wire(address indexed reporter, address[] adapters);

    /// @notice Emitted at every cut. See `Cut` for units.
    /// @param depositTotal Deposits in the cut [asset units].
    /// @param redeemTotal Redemptions in the cut [share units].
    event CloseEpoch(
        uint64 indexed epoch,
        uint64 time,
        uint256 idle,
        uint256 legBid,
        uint256 legAsk,
        uint256 depositTotal,
        uint256 redeemTotal
    );

    /// @notice Emitted at every settlement. See `Fill` for units.
    event Settle(
        uint64 indexed epoch,
        uint256 accepted,
        uint256 gross,
        uint256 grossAsk,
        uint256 feeShares,
        uint256 depositAssets,
        uint256 depositShares,
        uint256 redeemShares,
        uint256 redeemAssets,
        uint256 acceptedAfter,
        uint256 supplyAfter,
        bool wholeExit
    );

    /// @notice Emitted when a cut was sent back unsettled; its requests stay and can be cancelled.
    /// @param accepted Accepted NAV from here on, at most what it was [asset units].
    /// @param nextCutTime Earliest time of the next cut [s].
    event Hold(uint64 indexed epoch, uint256 accepted, uint256 nextCutTime);

    /// @notice Emitted once, when the wind-down began.
    event EndTrading(uint256 supply, uint256 idle);

    /// @notice Emitted when the wind-down took the idle assets.
    /// @param assets Amount [asset units].
    event ReleaseIdle(uint256 assets);

    /// @notice Emitted when assets went to an adapter.
    /// @param assets Amount [asset units].
    /// @param idle Booked idle assets left [asset units].
    event Allocate(address indexed adapter, uint256 assets, uint256 idle);

    /// @notice Emitted when the keeper asked an adapter for assets.
    /// @param assets Amount asked for [asset units].
    /// @param assetsReturned Amount booked in the same transaction [asset units].
    event Deallocate(address indexed adapter, uint256 assets, uint256 assetsReturned);

    /// @notice Emitted when an adapter handed assets to the vault.
    /// @param assets Amount booked [asset units].
    /// @param idle Booked idle assets afterwards [asset units].
    event ReturnAssets(address indexed adapter, uint256 assets, uint256 idle);

    error ZeroAddress();
    error DecimalsOutOfRange(uint8 decimals);
    error NotDeployer(address caller);
    error AlreadyWired();
    error NotWired();
    error ForeignComponent(address component);
    error UnknownAdapter(address adapter);
    error NotKeeper(address caller);
    error NotReporter(address caller);
    error NotWindDown(address caller);
    error MayNotBurn(address caller);
    /// @notice The caller may not act for this account.
    error NotAuthorised(address account, address caller);
    /// @notice Requests are aggregated: the only request id is 0.
    error UnknownRequest(uint256 requestId);
    /// @notice The request is below the minimum [asset or share units].
    error RequestTooSmall(uint256 given, uint256 least);
    /// @notice The claim is larger than what is claimable [asset or share units].
    error ClaimTooLarge(uint256 given, uint256 claimable);
    /// @notice Nothing of the request can be cancelled now.
    error NothingToCancel(address controller);
    /// @notice The asset moved another amount than asked for.
    error TransferMismatch(uint256 expected, uint256 moved);
    /// @notice Requests are asynchronous: there is no preview of their price.
    error PreviewUnavailable();
    /// @notice A hold publishes losses only: the accepted NAV cannot rise by it [asset units].
    error HoldRaisesNav(uint256 given, uint256 current);
    /// @notice The operation is not possible in this state.
    error WrongState(State state);
    /// @notice The next cut is possible at `earliest` [s].
    error TooEarly(uint256 earliest);
    /// @notice The accepted NAV is above the gross NAV, or the bid above the ask.
    error PricingOutOfOrder();
    /// @notice More was asked for than is booked as idle [asset units].
    error IdleExceeded(uint256 wanted, uint256 idle);
    /// @notice The idle assets left would not pay the requested redemptions [asset units].
    error RedemptionsUnpaid(uint256 idleAfter, uint256 owed);

    /* ANYONE */

    /// @notice Takes the cut: syncs every adapter and freezes the on-chain part of NAV and both queues.
    /// @dev Reverts `TooEarly` within an epoch of the last cut or a day of a hold, `WrongState` in a live cut, `NotWired` before wiring,
    /// and with the adapter's error when a price is dead. Emits `CloseEpoch`.
    /// @return epoch Number of the cut.
    function closeEpoch() external returns (uint64 epoch);

    /* CLAIMS: controller or its operator; see ERC-7540 */

    /* KEEPER */

    /// @notice Sends idle assets to an adapter.
    /// @dev Reverts `WrongState` unless OPEN, `IdleExceeded`, `RedemptionsUnpaid`, and as `IMandate.checkIncrease`
    /// and `checkExposure` do. Emits `Allocate`.
    function allocate(address adapter, uint256 assets) external;

    /// @notice Asks an adapter for assets; possible in every state. Emits `Deallocate`.
    /// @return assetsReturned Amount booked in this call [asset units].
    function deallocate(address adapter, uint256 assets) external returns (uint256 assetsReturned);

    /* ADAPTERS */

    /// @notice Pulls `assets` from the calling adapter and books them as idle; possible in every state.
    /// @dev The adapter must have approved exactly `assets`. Emits `ReturnAssets`.
    function returnAssets(uint256 assets) external;

    /* REPORTER */

    /// @notice Settles the open cut. Only the reporter. Emits `Settle`.
    /// @dev Reverts `WrongState` unless CUT, `PricingOutOfOrder`.
    function settle(Pricing calldata pricing) external returns (Fill memory fill);

    /// @notice Sends the open cut back without settling it and publishes a lower NAV. Only the reporter. Emits `Hold`.
    /// @dev The cut's requests carry over and can be cancelled; the next cut is at least a day away. Reverts
    /// `WrongState` unless CUT, `HoldRaisesNav`.
    function hold(uint256 accepted) external;

    /* WIND-DOWN */

    /// @notice Ends requests, cuts, settlements and allocations, for ever. Only the wind-down. Emits `EndTrading`.
    function endTrading() external;

    /// @notice Sends the idle assets to the wind-down. Only the wind-down. Emits `ReleaseIdle`.
    function releaseIdle() external;

    /// @notice Burns shares: those given back to the wind-down, or a part of the keeper's stake. Only those two.
    /// @dev Reverts `MayNotBurn`.
    function burnShares(address account, uint256 shares) external;

    /* DEPLOYER, ONCE */

    /// @notice Names the reporter and the adapters, for ever. Emits `Wire`.
    /// @dev Reverts `NotDeployer`, `AlreadyWired`, `ForeignComponent`, and as `ILegs.add` does.
    function wire(address newReporter, address[] calldata newAdapters) external;

    /* VIEWS */

    /// @notice What `settle(pricing)` would do now.
    function previewSettle(Pricing calldata pricing) external view returns (Fill memory fill);

    /// @notice OPEN, CUT or WINDDOWN; a cut whose report window has passed counts as OPEN.
    function state() external view returns (State);

    /// @notice The last cut; zero before the first.
    function cut() external view returns (Cut memory);

    /// @notice Booked idle assets, deaf to donations [asset units].
    function idle() external view returns (uint256);

    /// @notice Settled accepted NAV, flows included; equals `totalAssets()` [asset units].
    function acceptedNav() external view returns (uint256);

    /// @notice 10^max(6, 18 - d) shares that price arithmetic adds to the supply; never minted [share units].
    function virtualShares() external view returns (uint256);

    /// @notice The deposit queue [asset units].
    function depositQueue() external view returns (Queue memory);

    /// @notice The redemption queue [share units].
    function redeemQueue() external view returns (Queue memory);

    /// @notice Smallest deposit request [asset units].
    function minDeposit() external view returns (uint256);

    /// @notice Smallest redemption request, unless it is the owner's whole balance [share units].
    function minRedeem() external view returns (uint256);

    /// @notice Block time of the last settlement [s]; 0 before the first.
    function lastSettledAt() external view returns (uint256);

    /// @notice Time of a cut [s]; 0 when there was none.
    function cutTimeOf(uint64 epoch) external view returns (uint256);

    /// @notice Whether more than 1 % of the redemptions of an epoch is neither paid nor cancelled; of one without
    /// any, whether that is so of the newest before it.
    function isUnpaid(uint64 epoch) external view returns (bool);

    /// @notice Earliest time of the next cut [s].
    function nextCutTime() external view returns (uint256);

    /// @notice Epoch number that requests made now will join.
    function openEpoch() external view returns (uint64);

    /// @notice Adapters, what they are worth, and their transfers at each cut: see `ILegs`.
    function legs() external view returns (address);

    /// @notice As the legs say, for tools that look here.
    function adapters() external view returns (address[] memory);
    /// @notice As the legs say, for tools that look here.
    function isAdapter(address adapter) external view returns (bool);

    function silo() external view returns (address);
    function windDown() external view returns (address);
    function reporter() external view returns (address);
    function deployer() external view returns (address);

    /// @notice Roles, limits and pause of this vault.
    function mandate() external view returns (address);

    /// @notice As the mandate says, for tools that look here.
    function owner() external view returns (address);
    /// @notice As the mandate says, for tools that look here.
    function keeper() external view returns (address);
    /// @notice As the mandate says, for tools that look here.
    function guardian() external view returns (address);
}
