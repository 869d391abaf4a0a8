"""What a run begins with, and the words of persons that change it."""

from typing import Literal

import msgspec

from keeper.domain.settings import StepSettings

__all__ = ["OperatorCommand", "ParamsChanged", "RunStarted", "Takeover"]


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """First record of a run: all that the run depends on besides later events. Key: run.

    A run of mode shadow reads and decides like a live one; nothing of it is ever sent.
    """

    run: int
    schema: int
    package_version: str
    wheel_hash: str
    config_hash: str
    params_hash: str
    settings: StepSettings
    vault: str
    evm_chain_id: int
    venue_chain_id: str
    subaccount: str
    client_id_base: int
    seed: int
    mode: Literal["live", "shadow"] = "live"


class OperatorCommand(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person's word: pause, resume, cancel, exit, halt or set; argument as the verb defines.

    `operator` is the name that was given, `uid` and `pid` are the system's word on the process
    that gave it (-1: it did not say).
    """

    verb: str
    argument: str
    operator: str
    reason: str = ""
    uid: int = -1
    pid: int = -1


class ParamsChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """New settings from here on, by a person as in OperatorCommand; hash over their bytes."""

    settings: StepSettings
    params_hash: str
    operator: str = ""
    reason: str = ""
    uid: int = -1
    pid: int = -1


class Takeover(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A standby takes the vault over: nothing of the former holder lives past `height`."""

    former: str
    height: int
