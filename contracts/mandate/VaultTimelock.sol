// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {IVaultTimelock} from "../interfaces/IVaultTimelock.sol";
import {Constants} from "../libraries/Constants.sol";

/// @title The owner of one vault's mandate and reporter set
/// @notice Trust: the proposer can announce anything that the owner may do and force none of it on a depositor who
/// asked to leave before the announcement. The guardian can send every announcement back, one that replaces the
/// guardian included: its power is to keep things as they are. Whoever executes chooses the moment and nothing else.
///
/// Liveness: while such redemptions stay unpaid nothing loosens; past the wind-down's delay anyone may end the vault.
/// @dev Invariant V-22. A vault is built with its owner's address, so the timelock exists first and is bound to the
/// vault afterwards, by whoever created both.
contract VaultTimelock is TimelockController, IVaultTimelock {
    /// @inheritdoc IVaultTimelock
    uint256 public constant LEAST_DELAY = Constants.LOOSEN_DELAY;

    /// @inheritdoc IVaultTimelock
    address public immutable deployer;

    /// @inheritdoc IVaultTimelock
    address public vault;
    /// @inheritdoc IVaultTimelock
    uint256 public pendingOperations;
    /// @inheritdoc IVaultTimelock
    mapping(bytes32 id => uint64 epoch) public redemptionsUpTo;

    constructor(uint256 delay, address proposer)
        TimelockController(delay, _only(proposer), _only(address(0)), address(0))
    {
        _requireLongEnough(delay);
        require(proposer != address(0), ZeroAddress());

        deployer = msg.sender;
    }

    /* DEPLOYER, ONCE */

    /// @inheritdoc IVaultTimelock
    function bind(address newVault) external {
        require(msg.sender == deployer, NotDeployer(msg.sender));
        require(vault == address(0), AlreadyBound());
        require(IMarketMakingVault(newVault).owner() == address(this), NotOwnerOf(newVault));

        vault = newVault;

        emit Bind(newVault);
    }

    /* PROPOSERS */

    /// @inheritdoc TimelockController
    function schedule(
        address target,
        uint256 value,
        bytes calldata data,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        _note(hashOperation(target, value, data, predecessor, salt));
        super.schedule(target, value, data, predecessor, salt, delay);
    }

    /// @inheritdoc TimelockController
    function scheduleBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        _note(hashOperationBatch(targets, values, payloads, predecessor, salt));
        super.scheduleBatch(targets, values, payloads, predecessor, salt, delay);
    }

    /* PROPOSERS, GUARDIAN OF THE VAULT */

    /// @inheritdoc TimelockController
    function cancel(bytes32 id) public override {
        super.cancel(id);
        pendingOperations -= 1;
    }

    /* ANYONE */

    /// @inheritdoc TimelockController
    function execute(
        address target,
        uint256 value,
        bytes calldata payload,
        bytes32 predecessor,
        bytes32 salt
    ) public payable override {
        _requireRedemptionsPaid(hashOperation(target, value, payload, predecessor, salt));
        super.execute(target, value, payload, predecessor, salt);
        pendingOperations -= 1;
    }

    /// @inheritdoc TimelockController
    function executeBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) public payable override {
        _requireRedemptionsPaid(hashOperationBatch(targets, values, payloads, predecessor, salt));
        super.executeBatch(targets, values, payloads, predecessor, salt);
        pendingOperations -= 1;
    }

    /* ITSELF, BEHIND ITS DELAY */

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        _requireLongEnough(newDelay);
        super.updateDelay(newDelay);
    }

    /* VIEWS */

    /// @inheritdoc AccessControl
    /// @dev The guardian of the day cancels; a role granted here would outlive its office.
    function hasRole(bytes32 role, address account) public view override returns (bool) {
        bool office = role == CANCELLER_ROLE && vault != address(0)
            && account == IMarketMakingVault(vault).guardian();
        return office || super.hasRole(role, account);
    }

    /* INTERNAL */

    /// @dev Runs before the operation is known to be new: whatever is written here is undone if it is not.
    function _note(bytes32 id) private {
        require(vault != address(0), NotBound());
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        uint64 openEpoch = vault_.openEpoch();

        redemptionsUpTo[id] = vault_.redeemQueue().open == 0 ? openEpoch - 1 : openEpoch;
        pendingOperations += 1;
    }

    /// @dev Invariant V-22. Of the requests up to that epoch the newest are filled least.
    function _requireRedemptionsPaid(bytes32 id) private view {
        if (vault == address(0)) return; // nothing was ever scheduled
        uint64 epoch = redemptionsUpTo[id];
        bool wasCut = epoch < IMarketMakingVault(vault).openEpoch();
        require(wasCut && !IMarketMakingVault(vault).isUnpaid(epoch), RedemptionUnpaid(epoch));
    }

    function _requireLongEnough(uint256 delay) private pure {
        require(delay >= LEAST_DELAY, DelayTooShort(delay, LEAST_DELAY));
    }

    function _only(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}
