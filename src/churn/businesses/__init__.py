"""The businesses this service knows: one file each. A file declares a `CONTRACT`; nothing else needs to be told.

They lie here, in the folders that CHURN_BUSINESSES names, or in installed packages with an entry point of the group
`churn.businesses`. What a contract keeps apart, such as its demo data, lies in a file that begins with an underscore.
"""

import contextlib

from churn.businesses._finding import (
    NAME,
    Business,
    export_folders,
    find_business,
    follow_folders,
    import_business,
    list_businesses,
    list_folders,
)
from churn.contract.declaration import Contract
from churn.contract.features import FeatureSpec
from churn.errors import ChurnError, ContractError, SettingsError
from churn.judging.metrics import TOP_REASONS

__all__ = [
    "NAME",
    "Business",
    "export_folders",
    "find_business",
    "find_contract",
    "find_specs",
    "list_contracts",
    "list_folders",
    "name_contracts",
]

DECLARED = ("contract_name", "id_column", "label_column", "label_values")


# A process that is handed a contract imports it before anybody asks for it by name.
with contextlib.suppress(SettingsError):
    follow_folders()


def list_contracts() -> list[str]:
    """List the names of all contracts, in alphabetical order.

    Raises:
        SettingsError: CHURN_BUSINESSES names what is no folder.
        ContractError: two businesses have the same name.
    """
    return [business.name for business in list_businesses()]


def name_contracts() -> str:
    """Name all contracts in a sentence of a help text: `streamflow or telco`. What cannot be listed is for commands."""
    try:
        names = list_contracts()
    except ChurnError:
        return "its name"
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def find_specs(name: str) -> dict[str, FeatureSpec]:
    """Return a contract's fields by name, for their labels; none if there is no such contract here."""
    try:
        return {spec.name: spec for spec in find_contract(name).features}
    except ChurnError:
        return {}


def find_contract(name: str) -> type[Contract]:
    """Return the contract of this name. Its file is run.

    Raises:
        SettingsError: CHURN_BUSINESSES names what is no folder.
        ContractError: no business has that name, its file fails, or it declares a contract that cannot be served.
    """
    business = find_business(name)
    module, path = import_business(business), business.files.declaration
    contract: type[Contract] = getattr(module, "CONTRACT", None)  # type: ignore[assignment]
    if not (isinstance(contract, type) and issubclass(contract, Contract)):
        raise ContractError(f"{path}: CONTRACT is no contract", instead="let it be a class that is made of Contract")
    if lacking := [attribute for attribute in DECLARED if not hasattr(contract, attribute)]:
        raise ContractError(f"{path}: the contract lacks {', '.join(lacking)}", instead="declare it in the class")
    if contract.contract_name != name:
        raise ContractError(f"{path} declares {contract.contract_name!r}", instead=f"give both one name, {name!r}")
    if len(contract.features) < TOP_REASONS:
        raise ContractError(f"contract {name!r} has fewer than {TOP_REASONS} fields", instead="declare more")
    return contract
