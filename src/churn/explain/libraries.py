"""Names the libraries whose models are read, and loads none of them."""

from collections.abc import Iterable

MODEL_FILES = {
    "model.ubj": "XGBoost",
    "model.txt": "LightGBM",
    "model.cbm": "CatBoost",
    "model.skops": "scikit-learn",
}
"""Names of files in a bundle, and the library whose format each has."""
EXPLAINS_ITSELF = "XGBoost"
"""The library whose own contributions a service falls back on where the trees do not fit into tables."""
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"]
"""What a skops file of scikit-learn's gradient boosting holds beside what skops itself trusts."""
EXTRAS = {"XGBoost": "xgboost", "LightGBM": "training", "CatBoost": "catboost", "scikit-learn": "training"}


def find_model_file(names: Iterable[str]) -> str | None:
    """Return the name, among those of a bundle's files, of the model's own."""
    return next((name for name in MODEL_FILES if name in set(names)), None)
