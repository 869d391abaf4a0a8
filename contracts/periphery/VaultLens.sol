// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAdapter} from "../interfaces/IAdapter.sol";
import {IMandate} from "../interfaces/IMandate.sol";
import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {IUniswapV3Adapter} from "../interfaces/IUniswapV3Adapter.sol";
import {IVaultFactory} from "../interfaces/IVaultFactory.sol";
import {IVaultLens} from "../interfaces/IVaultLens.sol";
import {IVaultTimelock} from "../interfaces/IVaultTimelock.sol";
import {IWindDown} from "../interfaces/IWindDown.sol";

/// @title One look at a vault
/// @notice Reads and computes nothing that the vault's own contracts do not answer. Nobody depends on it.
///
/// Trust: what it says of a vault that is not `listed` is what that vault's code says, which may be anything.
contract VaultLens is IVaultLens {
    /// @inheritdoc IVaultLens
    address public immutable factory;

    constructor(address factory_) {
        factory = factory_;
    }

    /// @inheritdoc IVaultLens
    function show(address vault) external view returns (Overview memory seen) {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(vault_.reporter() != address(0), NotWired(vault));
        IMandate mandate = IMandate(vault_.mandate());
        INavReporter reporter = INavReporter(vault_.reporter());

        seen.roles = _roles(mandate, reporter);
        seen.times = _times(vault_, mandate);
        seen.legs = _legs(vault_, reporter);
        seen.money = _money(vault_, reporter, seen.legs);
        seen.flags = Flags({
            listed: IVaultFactory(factory).isVault(vault),
            singleOperator: IVaultFactory(factory).isSingleOperator(vault),
            paused: mandate.isPaused(),
            priceDead: _anyDead(seen.legs),
            feedless: _anyFeedless(seen.legs)
        });
        seen.limits = mandate.limits();
        seen.gate = reporter.gate();
        (seen.losses.day, seen.losses.month) = mandate.lossBuckets();
        seen.losses.refilledAt = mandate.refilledAt();
        seen.marketsHash = mandate.marketsHash();
        seen.state = vault_.state();
        seen.cut = vault_.cut();
        seen.deposits = vault_.depositQueue();
        seen.redemptions = vault_.redeemQueue();
        seen.openEpoch = vault_.openEpoch();
    }

    /* INTERNAL */

    function _roles(IMandate mandate, INavReporter reporter)
        private
        view
        returns (Roles memory roles)
    {
        roles.owner = mandate.owner();
        roles.keeper = mandate.keeper();
        roles.guardian = mandate.guardian();
        roles.feeRecipient = mandate.feeRecipient();
        roles.depositGate = mandate.depositGate();
        roles.reporters = reporter.reporters();
        roles.quorum = reporter.quorum();
        roles.setId = reporter.setId();
        roles.delay = _askedOf(roles.owner, abi.encodeWithSignature("getMinDelay()"));
        bytes memory pending = abi.encodeCall(IVaultTimelock.pendingOperations, ());
        roles.pendingOperations = _askedOf(roles.owner, pending);
    }

    function _times(IMarketMakingVault vault, IMandate mandate)
        private
        view
        returns (Times memory)
    {
        IWindDown end = IWindDown(vault.windDown());
        return Times({
            lastSettledAt: vault.lastSettledAt(),
            nextCutTime: vault.nextCutTime(),
            exitBound: end.exitBound(),
            windDownStartedAt: end.startedAt(),
            pausedUntil: mandate.pausedUntil()
        });
    }

    function _money(IMarketMakingVault vault, INavReporter reporter, Leg[] memory legs)
        private
        view
        returns (Money memory money)
    {
        money.accepted = vault.acceptedNav();
        money.idle = vault.idle();
        money.attested = reporter.attestedValue();
        money.supply = vault.totalSupply();
        money.price = vault.convertToAssets(10 ** vault.decimals());
        for (uint256 i; i < legs.length; ++i) {
            money.legBid += legs[i].bid;
            money.legAsk += legs[i].ask;
        }
    }

    /// @dev Reports count the attested legs alone, in wiring order.
    function _legs(IMarketMakingVault vault, INavReporter reporter)
        private
        view
        returns (Leg[] memory legs)
    {
        address[] memory adapters = vault.adapters();
        INavReporter.Leg[] memory reported = reporter.lastLegs();
        uint256 next = 0;
        legs = new Leg[](adapters.length);
        for (uint256 i; i < adapters.length; ++i) {
            legs[i] = _leg(IAdapter(adapters[i]));
            if (!legs[i].attested) continue;
            if (next < reported.length) _addReported(legs[i], reported[next]);
            next += 1;
        }
    }

    function _leg(IAdapter adapter) private view returns (Leg memory leg) {
        leg.adapter = address(adapter);
        leg.attested = adapter.isAttested();
        leg.feedless = !leg.attested && _isFeedless(leg.adapter);
        leg.sent = adapter.sent();
        leg.returned = adapter.returned();
        if (leg.attested) leg.outbound = int256(leg.sent); // safe: an amount of one asset
        if (leg.attested) leg.inbound = -int256(leg.returned); // safe: as above
        try adapter.value() returns (uint256 bid, uint256 ask) {
            (leg.bid, leg.ask) = (bid, ask);
        } catch {
            leg.priceDead = true;
        }
    }

    function _addReported(Leg memory leg, INavReporter.Leg memory reported) private pure {
        leg.equity = reported.equity;
        leg.outbound -= int256(uint256(reported.credited));
        leg.inbound += int256(uint256(reported.debited));
    }

    function _anyDead(Leg[] memory legs) private pure returns (bool) {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].priceDead) return true;
        }
        return false;
    }

    function _anyFeedless(Leg[] memory legs) private pure returns (bool) {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].feedless) return true;
        }
        return false;
    }

    /// @dev An adapter of another kind knows no such question, and is not of a token that would need one.
    function _isFeedless(address adapter) private view returns (bool) {
        bytes memory question = abi.encodeCall(IUniswapV3Adapter.feed, ());
        // slither-disable-next-line low-level-calls
        (bool answered, bytes memory answer) = adapter.staticcall(question);
        return answered && answer.length == 32 && abi.decode(answer, (uint256)) == 0;
    }

    /// @dev 0 from an account that has no code or knows no such question; a try would revert on its answer.
    function _askedOf(address account, bytes memory question) private view returns (uint256) {
        // slither-disable-next-line low-level-calls
        (bool answered, bytes memory answer) = account.staticcall(question);
        return answered && answer.length == 32 ? abi.decode(answer, (uint256)) : 0;
    }
}
