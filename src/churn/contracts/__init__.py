"""The businesses this service knows: one file each. A file declares a `CONTRACT`; nothing else needs to be told."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from churn.contract import Contract
from churn.errors import ContractError


def contract_names() -> list[str]:
    """The names of all contracts, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_contract(name: str) -> type[Contract]:
    """The contract of this name.

    Raises:
        ContractError: no file here has that name.
    """
    if name not in contract_names():
        raise ContractError(f"there is no contract {name!r}", instead=f"choose one of {', '.join(contract_names())}")
    contract: type[Contract] = import_module(f"{__name__}.{name}").CONTRACT
    return contract
