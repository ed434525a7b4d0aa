"""The tree methods, and which of them a release may be made of."""

from collections.abc import Mapping

from churn.errors import SettingsError
from churn.training.methods.forest import ForestMethod
from churn.training.methods.histogram import HistogramMethod
from churn.training.methods.lgb import LightgbmMethod
from churn.training.methods.method import Method, ServableMethod
from churn.training.methods.xgb import XgboostMethod

XGBOOST, LIGHTGBM, HISTOGRAM, FOREST = XgboostMethod(), LightgbmMethod(), HistogramMethod(), ForestMethod()
METHODS: Mapping[str, Method] = {method.name: method for method in (FOREST, HISTOGRAM, XGBOOST, LIGHTGBM)}
"""All that are compared, by name."""
SERVABLE: Mapping[str, ServableMethod] = {method.name: method for method in (XGBOOST, LIGHTGBM, HISTOGRAM)}
"""Those that a release may be made of, by name. Of equally good ones the first is taken: it is the fastest to explain
by its own library, so its proof takes the least time. Tables of the same size answer alike.
"""


def find_method(name: str) -> ServableMethod:
    """Find the method that a release is to be made of, in capitals or not; the first word suffices.

    Raises:
        SettingsError: there is none of this name, or its models cannot be served.
    """
    wanted = name.strip().casefold()
    for method in SERVABLE.values():
        if wanted in {method.name.casefold(), method.name.casefold().split()[0]}:
            return method
    if wanted == FOREST.name:
        what = (
            f"a {FOREST.name} averages its trees' probabilities: its contributions are no log-odds, so it is not served"
        )
    else:
        what = f"there is no method {name!r}"
    raise SettingsError(what, instead=f"choose one of {', '.join(map(repr, SERVABLE))}")
