// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMandate} from "./IMandate.sol";
import {IMarketMakingVault} from "./IMarketMakingVault.sol";
import {INavReporter} from "./INavReporter.sol";

/// @title One look at a vault
/// @notice Everything that a depositor, a page or a tool asks about a vault, at one block. It never reverts for a
/// wired vault: what cannot be read is told by a flag.
interface IVaultLens {
    /// @notice Who may act; a timelock does not list its proposers.
    /// @param delay Shortest delay of the owner [s]; 0 when the owner is no timelock of this protocol.
    /// @param pendingOperations Operations that wait in the timelock.
    struct Roles {
        address owner;
        uint256 delay;
        uint256 pendingOperations;
        address keeper;
        address guardian;
        address feeRecipient;
        address depositGate;
        address[] reporters;
        uint256 quorum;
        uint32 setId;
    }

    /// @notice What is true or not.
    /// @param listed The factory completed it: its code is known.
    /// @param singleOperator One party holds several offices.
    /// @param paused The guardian paused new deposits and risk.
    /// @param priceDead A leg cannot tell its worth now: no cut is possible.
    /// @param feedless A leg holds a token without an independent feed: it is valued by 30-minute and 24-hour mean prices
    /// of the very pool that it is in.
    struct Flags {
        bool listed;
        bool singleOperator;
        bool paused;
        bool priceDead;
        bool feedless;
    }

    /// @notice Times [s].
    /// @param exitBound Longest way out of the on-chain part, counted from a request.
    /// @param windDownStartedAt 0 while the vault lives.
    /// @param pausedUntil End of the current or last pause.
    struct Times {
        uint256 lastSettledAt;
        uint256 nextCutTime;
        uint256 exitBound;
        uint256 windDownStartedAt;
        uint256 pausedUntil;
    }

    /// @notice Money now [asset units, shares in share units].
    /// @param accepted Settled NAV.
    /// @param legBid On-chain legs now, bid side; 0 for a leg whose price is dead.
    /// @param legAsk The same, ask side.
    /// @param attested Attested legs by the last report and the transfers since.
    /// @param price Settled assets per whole share.
    struct Money {
        uint256 accepted;
        uint256 idle;
        uint256 legBid;
        uint256 legAsk;
        uint256 attested;
        uint256 supply;
        uint256 price;
    }

    /// @notice What the keeper may still lose, as parts of accepted NAV [1e18 is all of it].
    /// @param day Of the day's bucket.
    /// @param month Of the month's bucket.
    /// @param refilledAt First second at which an operation may increase risk [s]; in the past when one may now.
    struct Losses {
        uint256 day;
        uint256 month;
        uint256 refilledAt;
    }

    /// @notice One leg now [asset units].
    /// @param attested Whether reports say what it is worth.
    /// @param priceDead Whether it cannot say what it is worth.
    /// @param feedless Whether its pool's own mean prices say it.
    /// @param equity Of an attested leg in the last report.
    /// @param outbound Sent, not yet credited by the last report.
    /// @param inbound Debited by the last report, not yet arrived; negative when more arrived since.
    struct Leg {
        address adapter;
        bool attested;
        bool priceDead;
        bool feedless;
        uint256 bid;
        uint256 ask;
        int256 equity;
        uint256 sent;
        uint256 returned;
        int256 outbound;
        int256 inbound;
    }

    /// @notice A vault at one block.
    struct Overview {
        Roles roles;
        Flags flags;
        Times times;
        Money money;
        Leg[] legs;
        IMandate.Limits limits;
        INavReporter.Gate gate;
        Losses losses;
        IMarketMakingVault.State state;
        IMarketMakingVault.Cut cut;
        IMarketMakingVault.Queue deposits;
        IMarketMakingVault.Queue redemptions;
        bytes32 marketsHash;
        uint64 openEpoch;
    }

    /// @notice The vault is not complete: it has no reporter yet.
    error NotWired(address vault);

    /// @notice Everything about a vault now. Reverts `NotWired`.
    function show(address vault) external view returns (Overview memory);

    /// @notice The factory whose register it reads.
    function factory() external view returns (address);
}
