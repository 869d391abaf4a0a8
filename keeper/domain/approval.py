"""The verdict of the risk layer: nothing but an `Approved` reaches a sender."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

__all__ = ["Approved", "Refused"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Approved(Generic[T_co]):
    """A value that passed every limit; constructed by `keeper.risk` alone."""

    value: T_co


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal: stable `code`, what was refused, and the two numbers that were compared."""

    code: str
    subject: str
    limit: int
    value: int
