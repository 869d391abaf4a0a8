// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IMarketMakingVault} from "./IMarketMakingVault.sol";

/// @title Signed NAV reports of one vault
/// @notice k of n reporters sign what the attested legs were worth at the cut; any relayer posts it; the report
/// settles the cut in the same transaction or reverts. Gains pass a gate, losses count at once.
/// @dev EIP-712 domain: name "Athanor NavReporter", version "1", chain id, this contract. Type:
/// `Report(address vault,uint64 epoch,uint32 setId,bytes32 prevHash,Leg[] legs,int256[5] pnl,int256 externalFlow,`
/// `bytes32 dataRoot,bytes32 dataCid)Leg(int256 equity,uint128 credited,uint128 debited,uint64 venueHeight)`.
interface INavReporter {
    /// @notice One attested leg at the first venue block with time >= cut time.
    /// @param equity Equity of the venue account [asset units]; may be negative.
    /// @param credited Cumulative nominal amount the venue has credited [asset units].
    /// @param debited Cumulative net amount debited at the venue for return to the vault [asset units].
    /// @param venueHeight Height of that venue block.
    struct Leg {
        int256 equity;
        uint128 credited;
        uint128 debited;
        uint64 venueHeight;
    }

    /// @notice A report.
    /// @param epoch Number of the open cut.
    /// @param setId Current reporter set.
    /// @param prevHash Digest of the last accepted report; 0 for the first.
    /// @param legs One per attested adapter, in wiring order.
    /// @param pnl Spread, inventory, funding, fees and rebates, incentives since the last report [asset units].
    /// @param externalFlow Strangers' deposits to, or withdrawals from, the venue accounts [asset units].
    /// @param dataRoot Merkle root of the data the numbers can be recomputed from.
    /// @param dataCid Where that data is published.
    struct Report {
        uint64 epoch;
        uint32 setId;
        bytes32 prevHash;
        Leg[] legs;
        int256[5] pnl;
        int256 externalFlow;
        bytes32 dataRoot;
        bytes32 dataCid;
    }

    /// @notice Why a report is accepted without settling its cut. NONE: it settles.
    /// LOSS: the loss is larger than the loss bucket. STALE_TRANSIT: too much has been in flight for more than a day.
    /// INSOLVENT: gross NAV is not positive, which ends the vault.
    enum Hold {
        NONE,
        LOSS,
        STALE_TRANSIT,
        INSOLVENT
    }

    /// @notice What a report does, or would do.
    /// @param gross NAV at the cut, bid side [asset units].
    /// @param grossAsk NAV at the cut, ask side [asset units].
    /// @param accepted NAV accepted by the gate, before flows [asset units].
    /// @param staleTransit Transfers in flight for more than a day [asset units].
    /// @param depositsOpen Whether pending deposits are filled.
    /// @param mark High-water mark that the fee is measured from [1e36 assets per share unit].
    /// @param hold Why the cut is held, if it is.
    /// @param fill The settlement; zero when the cut is held.
    struct Outcome {
        uint256 gross;
        uint256 grossAsk;
        uint256 accepted;
        uint256 staleTransit;
        bool depositsOpen;
        uint256 mark;
        Hold hold;
        IMarketMakingVault.Fill fill;
    }

    /// @notice State of the gate.
    /// @param time Cut time of the last report that passed it [s].
    /// @param bucket Gain that may be accepted at once, a fraction of accepted NAV [1e18 = 1].
    /// @param lossBucket Loss that may settle at once, a fraction of accepted NAV [1e18 = 1].
    /// @param recovery Loss that a gain may undo at once [price units, 1e36 assets per share unit].
    /// @param fadeRate Speed at which `recovery` fades [price units per second].
    /// @param pendingFadeRate Part of the speed that starts at the next settlement [price units per second].
    /// @param slotAmount Gain waiting for its release [asset units].
    /// @param slotReleaseAt Earliest release [s].
    struct Gate {
        uint64 time;
        uint64 slotReleaseAt;
        uint256 slotAmount;
        uint256 bucket;
        uint256 lossBucket;
        uint256 recovery;
        uint256 fadeRate;
        uint256 pendingFadeRate;
    }

    /// @notice Emitted when a report was accepted; the vault's `Settle` or `Hold` says what became of the cut.
    /// @param epoch Number of the cut.
    /// @param digest EIP-712 digest of the report.
    /// @param gross NAV at the cut, bid side [asset units].
    /// @param accepted NAV accepted by the gate, before flows [asset units].
    /// @param pnl See `Report` [asset units].
    /// @param externalFlow See `Report` [asset units].
    /// @param dataRoot See `Report`.
    /// @param dataCid See `Report`.
    event SubmitReport(
        uint64 indexed epoch,
        bytes32 indexed digest,
        uint256 gross,
        uint256 accepted,
        int256[5] pnl,
        int256 externalFlow,
        bytes32 dataRoot,
        bytes32 dataCid
    );

    /// @notice Emitted with every accepted report, one per leg. See `Leg` for units.
    event LegReported(
        uint64 indexed epoch,
        uint256 indexed leg,
        int256 equity,
        uint128 credited,
        uint128 debited,
        uint64 venueHeight
    );

    /// @notice Emitted with every accepted report that does not end the vault.
    /// @param mark High-water mark from here on [1e36 assets per share unit].
    /// @param exempt What strangers gave and no settlement has accepted yet [asset units].
    event MoveMark(uint64 indexed epoch, uint256 mark, uint256 exempt);

    /// @notice Emitted when a settlement took a fee.
    /// @param feeRecipient Account that the fee belongs to, less what signers earn.
    /// @param shares The fee [share units].
    /// @param perSigner Part of each signer [share units].
    /// @param signers Signers of the report, as posted.
    event ChargeFee(
        uint64 indexed epoch,
        address indexed feeRecipient,
        uint256 shares,
        uint256 perSigner,
        address[] signers
    );

    /// @notice Emitted when shares of fees were paid out.
    /// @param shares Amount [share units].
    event ClaimFee(address indexed account, uint256 shares);

    /// @notice Emitted when the reporter set was replaced.
    event SetReporters(uint32 indexed setId, address[] reporters, uint256 quorum);

    /// @notice Emitted when the guardian or a reporter sent the open cut back.
    event Object(address indexed by, uint64 indexed epoch);

    /// @notice Emitted when the guardian or a reporter sent a waiting gain back.
    /// @param amount The gain, which waits anew from the next report on [asset units].
    event VetoSlot(address indexed by, uint256 amount);

    /// @notice Emitted when a reporter was removed by the guardian, or for equivocation.
    event RemoveReporter(uint32 indexed setId, address indexed reporter);

    /// @notice Emitted when a reporter was shown to have signed two reports of one cut.
    event Equivocation(address indexed reporter, bytes32 first, bytes32 second);

    error NotVaultOwner(address caller);
    error NotVaultGuardian(address caller);
    /// @notice Neither the guardian nor a current reporter.
    error MayNotObject(address caller);
    /// @notice The caller's next objection or veto is possible at `earliest` [s].
    error ObjectionSpent(uint256 earliest);
    error SlotEmpty();
    /// @notice The two reports are no equivocation: equal, or of different cuts, sets or predecessors.
    error NoEquivocation();
    /// @notice The second signature is another reporter's.
    error SignersDiffer(address first, address second);
    error ZeroAddress();
    error SetSizeOutOfRange(uint256 size);
    error QuorumOutOfRange(uint256 quorum, uint256 size);
    error DuplicateReporter(address reporter);
    /// @notice A reporter must hold no role of the vault.
    error RoleConflict(address reporter);
    error NoOpenCut();
    error EpochMismatch(uint64 given, uint64 expected);
    error SetMismatch(uint32 given, uint32 expected);
    error PrevHashMismatch(bytes32 given, bytes32 expected);
    error QuorumMissed(uint256 signatures, uint256 quorum);
    error NotReporter(address signer);
    error DuplicateSignature(address signer);
    error LegCountMismatch(uint256 given, uint256 expected);
    /// @notice `credited` of a leg is outside [credited of the last report, sent at the cut].
    error CreditedOutOfRange(uint256 leg, uint256 given, uint256 least, uint256 most);
    /// @notice `debited` of a leg is below min(debited of the last report, returned at the cut).
    error DebitedTooLow(uint256 leg, uint256 given, uint256 least);
    /// @notice The venue height of a leg did not grow.
    error VenueHeightNotNewer(uint256 leg, uint64 given, uint64 last);
    /// @notice The change in equity, net of transfers, is not the sum of its causes [asset units].
    error PnlIdentityBroken(int256 change, int256 explained);
    /// @notice NAV is beyond what the share arithmetic carries [asset units].
    error GrossTooLarge(uint256 gross);
    /// @notice No fee waits for the account.
    error NoFee(address account);
    /// @notice Accepts the report and settles the open cut, or holds it. Anyone may relay it.
    /// With nothing left it starts the wind-down instead.
    /// @dev A held cut settles nothing: the lower NAV is published, every request can be cancelled, and the next cut
    /// is a day away. No gain is accepted by a held report.
    /// @param signatures 65-byte signatures of distinct current reporters over `digest(report)`, in any order.
    /// @return outcome What it did.
    function submitReport(Report calldata report, bytes[] calldata signatures)
        external
        returns (Outcome memory outcome);

    /// @notice What `submitReport` would do with a quorum of signatures; same checks, same errors, no signatures.
    function previewReport(Report calldata report) external view returns (Outcome memory outcome);

    /// @notice Sends the open cut back: it settles nothing, and the next cut is a day away.
    /// @dev The guardian or a current reporter, each once in seven days, vetoes counted. Reverts `NoOpenCut`,
    /// `MayNotObject`, `ObjectionSpent`. Emits `Object`.
    function object() external;

    /// @notice Clears the gain that waits in the slot; what is still there at the next report waits three days anew.
    /// @dev As `object`. Reverts `SlotEmpty`, `MayNotObject`, `ObjectionSpent`. Emits `VetoSlot`.
    function vetoSlot() external;

    /// @notice Sends an account the shares of fees that wait for it. Anyone may call; works in every state.
    /// @dev Reverts `NoFee`. Emits `ClaimFee`.
    /// @return shares Amount sent [share units].
    function claimFee(address account) external returns (uint256 shares);

    /// @notice Removes a reporter who signed two different reports of one cut. Anyone may show it.
    /// @dev Both reports name the current set. Reverts `NoEquivocation`, `SignersDiffer`, `NotReporter`. Emits
    /// `Equivocation` and `RemoveReporter`.
    function reportEquivocation(
        Report calldata first,
        bytes calldata firstSignature,
        Report calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice Removes a reporter at once; the quorum stays, and with fewer reporters than it nothing settles.
    /// @dev Only the vault's guardian. Reverts `NotReporter`. Emits `RemoveReporter`.
    function removeReporter(address account) external;

    /// @notice Replaces the reporter set and the quorum. Only the vault's owner. Emits `SetReporters`.
    function setReporters(address[] calldata newReporters, uint256 newQuorum) external;

    /// @notice EIP-712 digest that reporters sign.
    function digest(Report calldata report) external view returns (bytes32);

    /// @notice Digest of the last accepted report; 0 before the first.
    function lastReportHash() external view returns (bytes32);

    /// @notice Legs of the last accepted report; empty before the first.
    function lastLegs() external view returns (Leg[] memory);

    /// @notice Worth of the attested legs, by the last report and the transfers since, transit included and floored
    /// at zero per leg [asset units].
    function attestedValue() external view returns (uint256);

    /// @notice State of the gate.
    function gate() external view returns (Gate memory);

    /// @notice Highest settled price that still bounds deposits at `time` [1e36 assets per share unit].
    function highPrice(uint64 time) external view returns (uint256);

    /// @notice High-water mark: highest settled price, flows and gifts included [1e36 assets per share unit].
    /// @dev The initial price before the first report; set anew when nearly nobody holds shares. Shares burnt since the
    /// last report raise it as they raise the price.
    function mark() external view returns (uint256);

    /// @notice Part of `mark` for what strangers gave and no settlement has accepted yet [asset units].
    function exempt() external view returns (uint256);

    /// @notice Shares of fees that wait for an account [share units].
    function feeOf(address account) external view returns (uint256);

    /// @notice Earliest time of the account's next objection or veto [s]; 0 before its first.
    function nextObjectionAt(address account) external view returns (uint256);

    function reporters() external view returns (address[] memory);
    function isReporter(address account) external view returns (bool);
    function quorum() external view returns (uint256);
    function setId() external view returns (uint32);
    function vault() external view returns (address);
}
