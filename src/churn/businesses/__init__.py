"""The businesses this service knows: one file each. A file declares a `CONTRACT`; nothing else needs to be told.

What a contract keeps apart, such as its demo data, lies in a file that begins with an underscore.
"""

import pkgutil
from importlib import import_module

from churn.contract.declaration import Contract
from churn.errors import ContractError
from churn.judging.metrics import TOP_REASONS


def list_contracts() -> list[str]:
    """List the names of all contracts, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def find_contract(name: str) -> type[Contract]:
    """Return the contract of this name.

    Raises:
        ContractError: no file here has that name, or it declares a contract that cannot be served.
    """
    if name not in list_contracts():
        raise ContractError(f"there is no contract {name!r}", instead=f"choose one of {', '.join(list_contracts())}")
    contract: type[Contract] = import_module(f"{__name__}.{name}").CONTRACT
    if contract.contract_name != name:
        raise ContractError(f"businesses/{name}.py declares {contract.contract_name!r}", instead="give both one name")
    if len(contract.features) < TOP_REASONS:
        raise ContractError(f"contract {name!r} has fewer than {TOP_REASONS} fields", instead="declare more")
    return contract
