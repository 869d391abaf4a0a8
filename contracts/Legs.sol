// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAdapter} from "./interfaces/IAdapter.sol";
import {ILegs} from "./interfaces/ILegs.sol";
import {IMandate} from "./interfaces/IMandate.sol";
import {IMarketMakingVault} from "./interfaces/IMarketMakingVault.sol";
import {INavReporter} from "./interfaces/INavReporter.sol";
import {Constants} from "./libraries/Constants.sol";

/// @title The legs of one vault
/// @notice Accounting: it holds and moves nothing. Transfers at a cut are frozen with the cut, because a report counts
/// what was in flight then, whatever arrived since.
///
/// Trust: it obeys the vault alone, which names adapters once, at its wiring, and takes cuts behind its own guard
/// against re-entry. Adapters stay what they were: no report and no office changes the list.
///
/// Liveness: an adapter that reverts, or whose price is dead, stops cuts and allocations to attested legs; no claim.
contract Legs is ILegs {
    using SafeCast for uint256;

    /// @dev Cumulative transfers of one attested leg at one cut [asset units].
    struct Transfers {
        uint128 sent;
        uint128 returned;
    }

    /// @inheritdoc ILegs
    address public immutable vault;

    /* WRITTEN AT THE WIRING ONLY: at most MAX_ADAPTERS different ones, each of this vault and its asset */

    /// @inheritdoc ILegs
    mapping(address adapter => bool) public isAdapter;
    address[] private _adapters;
    address[] private _attested; // the part of _adapters whose worth is attested, in the same order

    /* WRITTEN ONCE FOR EACH EPOCH, AT ITS CUT: index as in _attested; neither number ever falls */

    mapping(uint64 epoch => mapping(uint256 leg => Transfers)) private _transfersAt;

    modifier onlyVault() {
        require(msg.sender == vault, NotVault(msg.sender));
        _;
    }

    constructor() {
        vault = msg.sender;
    }

    /* VAULT */

    /// @inheritdoc ILegs
    function add(address[] calldata newAdapters) external onlyVault {
        require(
            newAdapters.length <= Constants.MAX_ADAPTERS,
            TooManyAdapters(newAdapters.length, Constants.MAX_ADAPTERS)
        );

        address asset = IMarketMakingVault(vault).asset();
        for (uint256 i; i < newAdapters.length; ++i) {
            _add(newAdapters[i], asset);
        }
    }

    /// @inheritdoc ILegs
    /// @dev Every sync comes before every value: syncs move assets.
    function cut(uint64 epoch) external onlyVault returns (uint256 bid, uint256 ask) {
        for (uint256 i; i < _adapters.length; ++i) {
            IAdapter(_adapters[i]).sync();
        }
        (bid, ask) = value();

        for (uint256 i; i < _attested.length; ++i) {
            IAdapter adapter = IAdapter(_attested[i]);
            _transfersAt[epoch][i] = Transfers({
                sent: adapter.sent().toUint128(), returned: adapter.returned().toUint128()
            });
        }
    }

    /* VIEWS */

    /// @inheritdoc ILegs
    function checkAllocation(address adapter, uint256 assets, uint256 idleAfter) external view {
        require(isAdapter[adapter], UnknownAdapter(adapter));
        if (!IAdapter(adapter).isAttested()) return;

        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        uint256 exposed = INavReporter(vault_.reporter()).attestedValue() + assets;
        (uint256 bid,) = value();

        IMandate(vault_.mandate()).checkExposure(vault_.acceptedNav(), exposed, idleAfter + bid);
    }

    /// @inheritdoc ILegs
    function value() public view returns (uint256 bid, uint256 ask) {
        for (uint256 i; i < _adapters.length; ++i) {
            (uint256 legBid, uint256 legAsk) = IAdapter(_adapters[i]).value();
            bid += legBid;
            ask += legAsk;
        }
    }

    /// @inheritdoc ILegs
    function adapters() external view returns (address[] memory) {
        return _adapters;
    }

    /// @inheritdoc ILegs
    function attested() external view returns (address[] memory) {
        return _attested;
    }

    /// @inheritdoc ILegs
    function transfersAt(uint64 epoch)
        external
        view
        returns (uint256[] memory sent, uint256[] memory returned)
    {
        uint256 count = _attested.length;
        sent = new uint256[](count);
        returned = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            Transfers memory transfers = _transfersAt[epoch][i];
            (sent[i], returned[i]) = (transfers.sent, transfers.returned);
        }
    }

    /* INTERNAL */

    function _add(address adapter, address asset) private {
        bool mine = IAdapter(adapter).vault() == vault && IAdapter(adapter).asset() == asset;
        require(mine, ForeignAdapter(adapter));
        require(!isAdapter[adapter], DuplicateAdapter(adapter));

        isAdapter[adapter] = true;
        _adapters.push(adapter);
        if (IAdapter(adapter).isAttested()) _attested.push(adapter);
    }
}
