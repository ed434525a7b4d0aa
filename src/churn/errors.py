"""The errors a user may meet. Each says what is wrong, where, and what to do instead."""

from __future__ import annotations


class ChurnError(Exception):
    """Anything that can be told to a user in a sentence, without a traceback.

    Args:
        message: what is wrong, and where.
        instead: what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, instead: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.instead = instead


class ContractError(ChurnError):
    """A contract that contradicts itself, or a name that no contract has."""

    exit_code = 2


class SettingsError(ChurnError):
    """A setting that cannot be used."""

    exit_code = 2


class OfferPolicyError(ChurnError):
    """A policy of offers that cannot be read, is not complete, or does not fit its contract."""

    exit_code = 2


class DataError(ChurnError):
    """A data file that does not hold what its contract says."""

    exit_code = 3


class BundleError(ChurnError):
    """An exported model that is damaged, foreign, or answers differently than it did at export."""

    exit_code = 4


class RegistryError(ChurnError):
    """The model registry cannot be reached, or does not hold what was asked for."""

    exit_code = 5


class GateError(ChurnError):
    """A model version that the release gates refuse."""

    exit_code = 6


class LoadTestError(ChurnError):
    """A service that cannot be load tested, or that does not hold what it should under load."""
