"""Libraries that not every installation has."""

from importlib.util import find_spec

from churn.errors import ChurnError


def require_extra(extra: str, *modules: str) -> None:
    """Raise ChurnError if a module of an extra is not installed, before an import fails deep down."""
    if missing := [name for name in modules if find_spec(name) is None]:
        raise ChurnError(
            f"this command needs the extra `{extra}`; missing here: {', '.join(missing)}",
            instead=f"install it with `pip install 'streamflow-churn[{extra}]'`",
        )


def require_training_extra() -> None:
    """Say in a sentence that the training libraries are missing."""
    require_extra("training", "mlflow", "optuna", "sklearn", "shap")
