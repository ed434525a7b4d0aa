"""What it costs to leave out a protected field that carries more than its share."""

from collections.abc import Mapping

from churn.contract.declaration import Contract, Rows
from churn.explain.trained import TrainedModel
from churn.training.comparison import Difference, compare_aucs
from churn.training.evaluation import compute_shares
from churn.training.groups import Indices, Labels
from churn.training.methods.method import Recipe

LARGEST_SHARE = 0.05


def list_protected_shares(contract: type[Contract], shares: Mapping[str, float]) -> dict[str, float]:
    """List each protected field's share of the sum of mean |SHAP|."""
    return {spec.name: shares[spec.name] for spec in contract.features if spec.marker.protected}


def price_protected(
    contract: type[Contract],
    model: TrainedModel,
    rows: Rows,
    labels: Labels,
    *,
    train: Indices,
    holdout: Indices,
    recipe: Recipe,
    strengths: Mapping[str, float],
) -> dict[str, Difference]:
    """Fit anew without each protected field whose share is too large. Return what the AUC on the holdout loses.

    Args:
        contract: of the model.
        model: fitted with all fields.
        rows: float32 (n, features), of the whole file.
        labels: 0 (stayed) or 1 (left), (n,).
        train: the places of the rows to fit on.
        holdout: the places of the rows to measure on.
        recipe: what the model was fitted by.
        strengths: mean |SHAP| by feature.
    """
    costs = {}
    for name, share in list_protected_shares(contract, compute_shares(strengths)).items():
        if share <= LARGEST_SHARE:
            continue
        without = rows.copy()
        without[:, contract.feature_names().index(name)] = 0  # one value for all, on which no tree can split
        rest = recipe.fit(contract, without[train], labels[train])
        costs[name] = compare_aucs(labels[holdout], model.predict(rows[holdout]), rest.predict(without[holdout]))
    return costs
