"""The errors a user may meet. Each says what is wrong, where, and what to do instead."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """How a command can end, each code with its meaning in a few words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member that is its number and has its meaning beside it."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    FAILED = 1, "failed"
    WRONG_USE = 2, "wrong use or setting"
    INVALID_DATA = 3, "invalid data"
    UNUSABLE_BUNDLE = 4, "unusable bundle"
    REGISTRY_TROUBLE = 5, "registry trouble"
    REFUSED = 6, "refused by a release gate"
    UNUSABLE_IMAGE = 7, "no usable image"
    AWS_TROUBLE = 8, "trouble with AWS"
    NOT_OVER = 9, "held or not over"
    ROLLED_BACK = 10, "rolled back"
    ROLLOUT_TROUBLE = 11, "trouble with a rollout"
    DRIFTED_FAR = 12, "drifted far"
    HARMS = 13, "the banner harms"
    INTERRUPTED = 130, "interrupted"


class ChurnError(Exception):
    """Anything that can be told to a user in a sentence, without a traceback.

    Args:
        message: what is wrong, and where.
        instead: what to do about it.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, instead: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


class ContractError(ChurnError):
    """A contract that contradicts itself, or a name that no contract has."""

    exit_code = ExitCode.WRONG_USE


class SettingsError(ChurnError):
    """A setting that cannot be used."""

    exit_code = ExitCode.WRONG_USE


class OfferPolicyError(ChurnError):
    """A policy of offers that cannot be read, is not complete, or does not fit its contract."""

    exit_code = ExitCode.WRONG_USE


class DataError(ChurnError):
    """A data file that does not hold what its contract says."""

    exit_code = ExitCode.INVALID_DATA


class BundleError(ChurnError):
    """An exported model that is damaged, foreign, or answers differently than it did at export."""

    exit_code = ExitCode.UNUSABLE_BUNDLE


class RegistryError(ChurnError):
    """The model registry cannot be reached, or does not hold what was asked for."""

    exit_code = ExitCode.REGISTRY_TROUBLE


class GateError(ChurnError):
    """A model version that the release gates refuse."""

    exit_code = ExitCode.REFUSED


class ImageError(ChurnError):
    """A container image that cannot be built, or that does not hold what its bundle says."""

    exit_code = ExitCode.UNUSABLE_IMAGE


class ReleaseError(ChurnError):
    """AWS cannot be reached, refuses, or has not what a release needs."""

    exit_code = ExitCode.AWS_TROUBLE


class RolloutError(ChurnError):
    """A rollout cannot go on: router, figures or its own record cannot be used, or another one is on its way."""

    exit_code = ExitCode.ROLLOUT_TROUBLE


class LoadTestError(ChurnError):
    """A service that cannot be load tested, or that does not hold what it should under load."""


class ClientError(ChurnError):
    """A call of the service that brought no answer. No message holds anything of a subscriber."""


class Unavailable(ClientError):  # noqa: N818 - says what the service is; so do the next two
    """The service is down, overloaded or too slow: the same call may succeed later."""


class Nonsense(ClientError):  # noqa: N818
    """Something answered that is not this service, or not a version of it that the client understands."""


class Refused(ClientError):  # noqa: N818
    """The call itself is wrong: the same one will be refused again.

    Args:
        status: the HTTP status; None if nothing was sent.
        detail: what is wrong, in the service's words. Like `fields` it may quote what was sent: show it to who sent
            it, and do not log it.
        fields: name of a field -> what is wrong with it, where fields are to blame.
    """

    def __init__(
        self,
        message: str,
        *,
        instead: str = "",
        status: int | None = None,
        detail: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, instead=instead)
        self.status = status
        self.detail = detail
        self.fields = dict(fields or {})
