"""A contract in three versions: a field comes, one is renamed and one goes. Each may be the contract of a process."""

import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from churn.contract.declaration import Contract

HEAD = '''
from typing import Annotated
from pydantic import AliasChoices, Field
from churn.contract.declaration import Contract, Count, Dollars, Feature
from churn.contract.phrases import Band, Bands, CountedNoun, write_dollars

NUMBER = Bands([Band("{value}", name="all")], words=CountedNoun("thing", "things"))
DOLLARS = Bands([Band("{value}", name="all")], words=write_dollars)

class Subscriber(Contract):
    """A subscriber of a contract that changes."""

    contract_name = "streamflow"
    id_column = "subscriber_id"
    label_column = "churned"
    label_values = ("0", "1")
'''
TENURE = 'tenure: Annotated[Count, Field(description="Months.", examples=[14]), Feature(says=NUMBER)]'
BILL = 'bill: Annotated[Dollars, Field(description="A month.", examples=[89.5]), Feature(says=DOLLARS)]'
RENAMED = (
    'monthly_bill: Annotated[Dollars, Field(description="A month.", examples=[89.5], '
    'validation_alias=AliasChoices("monthly_bill", "bill")), Feature(says=DOLLARS)]'
)
TICKETS = 'tickets: Annotated[Count, Field(description="Opened.", examples=[3]), Feature(says=NUMBER)]'
DEVICES = 'devices: Annotated[Count, Field(description="In use.", examples=[4]), Feature(says=NUMBER)] = 2'
VERSIONS = {
    "v1": [TENURE, BILL, TICKETS],
    "v2": [TENURE, RENAMED, f"{TICKETS} = 0", DEVICES],  # takes what v1 takes and what v3 takes
    "v3": [TENURE, RENAMED.replace(', "bill"', ""), DEVICES],
}
OLD = {"tenure": 14, "bill": 89.5, "tickets": 3}
NEW = {"tenure": 14, "monthly_bill": 89.5, "devices": 4}
# Every Python that starts with this folder on its path has the business in it, in place of the real one.
SITE = "from pathlib import Path\nfrom churn.businesses import _finding\n_finding.OWN_FOLDER = Path({folder!r})\n"
MAKE = """
import sys
from pathlib import Path
import numpy as np
import xgboost
from churn.businesses import _finding, find_contract
from churn.contract.sampling import draw_columns
from churn.explain.xgb import XgboostModel
from churn.model.manifest import ModelCard
from churn.model.sealing import write_bundle

for folder in map(Path, sys.argv[1:]):
    _finding.OWN_FOLDER = folder / "businesses"
    contract = find_contract("streamflow")
    rows = contract.encode_columns(draw_columns(contract, np.random.default_rng(1), 500))
    data = xgboost.DMatrix(rows, label=rows[:, 0] < np.median(rows[:, 0]))
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, 5)
    card = ModelCard(model_version=folder.name)
    write_bundle(folder / "bundle", contract=contract, model=XgboostModel(booster), card=card, golden_rows=rows[:5])
"""
POLICY = """
version = "changed"
contract = "streamflow"
languages = ["en", "de"]
price_field = "{price}"
[headlines]
with_offer.en = "Something for you"
with_offer.de = "Etwas für Sie"
without_offer.en = "Make more of it"
without_offer.de = "Holen Sie mehr heraus"
[holdout]
share = 0.1
experiment = "changed"
[cooldown]
days = 180
[assumptions]
margin_share = 0.4
margin_share_source = "Assumed."
months_kept = 12
months_kept_source = "Assumed."
"""


def declare(*fields: str) -> type[Contract]:
    """A contract with these fields, in this process."""
    module = sys.modules["changed"] = ModuleType("changed")
    module.__file__ = __file__  # what lies beside a contract is looked for
    exec(_source(fields), module.__dict__)  # noqa: S102 - source of our own
    contract: type[Contract] = module.__dict__["CONTRACT"]
    return contract


def write_policy(version: str, folder: Path) -> Path:
    """Write the offers of a version: none."""
    path = folder / "streamflow.toml"
    path.write_text(POLICY.format(price="bill" if version == "v1" else "monthly_bill"), encoding="utf-8")
    return path


def write_business(version: str, folder: Path) -> dict[str, str]:
    """Write it as a business of its own. Return the environment of processes that have it."""
    businesses = folder / version / "businesses"
    businesses.mkdir(parents=True)
    (businesses / "streamflow.py").write_text(_source(VERSIONS[version]), encoding="utf-8")
    write_policy(version, businesses)
    (folder / version / "sitecustomize.py").write_text(SITE.format(folder=str(businesses)), encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(folder / version), os.environ.get("PYTHONPATH", "")])}


def _source(fields: Sequence[str]) -> str:
    return HEAD + textwrap.indent("\n".join(fields), "    ") + "\n\nCONTRACT = Subscriber\n"
