// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IMarketMakingVault} from "../interfaces/IMarketMakingVault.sol";
import {INavReporter} from "../interfaces/INavReporter.sol";
import {Constants} from "../libraries/Constants.sol";
import {ReportHash} from "./ReportHash.sol";

/// @title Who reports on one vault
/// @notice The set, its quorum, what counts as their signature, and the two ways out of it: the guardian removes at
/// once, and so does anyone who shows two signatures of one reporter under two reports of one cut.
///
/// Trust: one reporter can delay a settlement by a day, once a week. The guardian can remove everybody, which stops
/// settlements and nothing else. Only the owner, in production behind a delay, lets anybody in.
/// @dev Invariant V-16.
abstract contract ReporterSet is EIP712, INavReporter {
    /// @inheritdoc INavReporter
    address public immutable vault;

    /// @inheritdoc INavReporter
    uint256 public quorum;
    /// @inheritdoc INavReporter
    uint32 public setId;
    /// @inheritdoc INavReporter
    mapping(address account => uint256 time) public nextObjectionAt;

    address[] private _reporters;
    mapping(address account => bool) private _isReporter;

    constructor(address vault_, address[] memory initialReporters, uint256 initialQuorum)
        EIP712("Athanor NavReporter", "1")
    {
        require(vault_ != address(0), ZeroAddress());

        vault = vault_;
        _setReporters(initialReporters, initialQuorum);
    }

    /* ANYONE */

    /// @inheritdoc INavReporter
    function reportEquivocation(
        Report calldata first,
        bytes calldata firstSignature,
        Report calldata second,
        bytes calldata secondSignature
    ) external {
        (bytes32 one, bytes32 other) = (digest(first), digest(second));
        bool sameCut = first.epoch == second.epoch && first.prevHash == second.prevHash;
        bool current = first.setId == setId && second.setId == setId;
        require(sameCut && current && one != other, NoEquivocation());
        address signer = ECDSA.recover(one, firstSignature);
        address again = ECDSA.recover(other, secondSignature);
        require(signer == again, SignersDiffer(signer, again));

        emit Equivocation(signer, one, other);
        _remove(signer);
    }

    /* GUARDIAN OF THE VAULT */

    /// @inheritdoc INavReporter
    function removeReporter(address account) external {
        require(msg.sender == IMarketMakingVault(vault).guardian(), NotVaultGuardian(msg.sender));

        _remove(account);
    }

    /* OWNER OF THE VAULT */

    /// @inheritdoc INavReporter
    function setReporters(address[] calldata newReporters, uint256 newQuorum) external {
        require(msg.sender == IMarketMakingVault(vault).owner(), NotVaultOwner(msg.sender));

        for (uint256 i; i < _reporters.length; ++i) {
            delete _isReporter[_reporters[i]];
        }
        _setReporters(newReporters, newQuorum);
    }

    /* VIEWS */

    /// @inheritdoc INavReporter
    function digest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(ReportHash.structHash(vault, report));
    }

    /// @inheritdoc INavReporter
    function reporters() external view returns (address[] memory) {
        return _reporters;
    }

    /// @inheritdoc INavReporter
    function isReporter(address account) external view returns (bool) {
        return _isReporter[account];
    }

    /* INTERNAL */

    /// @dev OpenZeppelin's ECDSA refuses malleable signatures; a signer counts once.
    function _requireQuorum(bytes32 digest_, bytes[] calldata signatures)
        internal
        view
        returns (address[] memory signers)
    {
        require(signatures.length >= quorum, QuorumMissed(signatures.length, quorum));

        signers = new address[](signatures.length);
        for (uint256 i; i < signatures.length; ++i) {
            address signer = ECDSA.recover(digest_, signatures[i]);
            require(_isReporter[signer], NotReporter(signer));
            for (uint256 j; j < i; ++j) {
                require(signers[j] != signer, DuplicateSignature(signer));
            }
            signers[i] = signer;
        }
    }

    /// @dev The guardian included: an objection delays a day, and nobody may stretch it into a wind-down alone.
    function _spendObjection() internal {
        address guardian = IMarketMakingVault(vault).guardian();
        require(_isReporter[msg.sender] || msg.sender == guardian, MayNotObject(msg.sender));
        uint256 earliest = nextObjectionAt[msg.sender];
        require(block.timestamp >= earliest, ObjectionSpent(earliest));

        nextObjectionAt[msg.sender] = block.timestamp + Constants.OBJECTION_INTERVAL;
    }

    /// @dev A new set id, so that what was signed with the removed one has to be signed again.
    function _remove(address account) private {
        require(_isReporter[account], NotReporter(account));

        uint256 last = _reporters.length - 1;
        for (uint256 i; i < last; ++i) {
            if (_reporters[i] == account) _reporters[i] = _reporters[last];
        }
        _reporters.pop();
        delete _isReporter[account];
        setId += 1;

        emit RemoveReporter(setId, account);
    }

    function _setReporters(address[] memory newReporters, uint256 newQuorum) private {
        uint256 size = newReporters.length;
        require(size <= Constants.MAX_REPORTERS, SetSizeOutOfRange(size));
        require(
            newQuorum >= Constants.MIN_QUORUM && newQuorum <= size && newQuorum * 2 > size,
            QuorumOutOfRange(newQuorum, size)
        );

        for (uint256 i; i < size; ++i) {
            address account = newReporters[i];
            _requireNoRole(account);
            require(!_isReporter[account], DuplicateReporter(account));
            _isReporter[account] = true;
        }
        _reporters = newReporters;
        quorum = newQuorum;
        setId += 1;

        emit SetReporters(setId, newReporters, newQuorum);
    }

    function _requireNoRole(address account) private view {
        IMarketMakingVault vault_ = IMarketMakingVault(vault);
        require(account != address(0), ZeroAddress());
        require(
            account != vault_.keeper() && account != vault_.guardian() && account != vault_.owner(),
            RoleConflict(account)
        );
    }
}
