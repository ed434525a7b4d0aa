"""Reads a model's file by its own library, which is loaded only then."""

from pathlib import Path

from churn.errors import BundleError, SettingsError
from churn.explain.libraries import EXTRAS, MODEL_FILES
from churn.explain.trained import TrainedModel


def load_model(path: Path, content: bytes, *, library: str | None = None) -> TrainedModel:
    """Read a model's file by a library, by default the one that its name tells.

    Raises:
        BundleError: the library cannot read it.
        SettingsError: the library is not installed.
    """
    library = library or MODEL_FILES[path.name]
    try:
        match library:
            case "XGBoost":
                from churn.explain.xgb import XgboostModel, load_booster  # noqa: PLC0415 - an extra, slow to load

                return XgboostModel(load_booster(path, memoryview(content)))
            case "LightGBM":
                from churn.explain.lgb import LightgbmModel  # noqa: PLC0415 - an extra, slow to load

                return LightgbmModel(content.decode())
            case "CatBoost":
                from churn.explain.cat import CatboostModel  # noqa: PLC0415 - an extra, slow to load

                return CatboostModel(content)
            case _:
                from churn.explain.skl import read_classifier  # noqa: PLC0415 - an extra, slow to load

                return read_classifier(content)
    except ImportError as error:
        raise SettingsError(
            f"{path} is a model of {library}, which is not installed",
            instead=f"pip install 'streamflow-churn[{EXTRAS[library]}]'",
        ) from error
    except BundleError:
        raise
    except Exception as error:  # what a reader of a damaged file raises is not promised
        raise BundleError(f"{path} is no model that {library} can read", instead="export the model again") from error
