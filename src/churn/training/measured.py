"""What is kept of a holdout: how its version and others did on it. Its rows are not kept, for they are people's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from churn.contract.declaration import Contract
from churn.errors import RegistryError
from churn.explain.trained import TrainedModel
from churn.files import encode_json
from churn.training.agreement import list_misfits
from churn.training.evaluation import Evaluation, evaluate
from churn.training.fit import SEED
from churn.training.kept import HoldoutRows, explain_errors
from churn.training.registry import Registry
from churn.training.versions import FetchedModel, VersionInfo

MEASURED_FILE = "measured.json"
MOST_COMPARED = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one holdout.

    Args:
        own: of the version whose holdout it is.
        contribution_shares: each feature's share of the sum of mean |SHAP|.
        others: of other versions, by their number in the registry.
    """

    own: Evaluation
    contribution_shares: Mapping[str, float]
    others: Mapping[int, Evaluation]

    def encode(self) -> bytes:
        """Return the figures as JSON."""
        return encode_json(asdict(self))


_MEASURED = TypeAdapter(Measured)


@explain_errors("the measured holdout")
def read_measured(fetched: FetchedModel) -> Measured | None:
    """Read what the model's training run measured, if it did."""
    content = fetched.export_files.get(MEASURED_FILE)
    return _MEASURED.validate_json(content) if content else None


def measure_versions(
    registry: Registry, contract: type[Contract], infos: Iterable[VersionInfo], holdout: HoldoutRows
) -> dict[int, Evaluation]:
    """Measure versions on the same rows, by number. Those that cannot be read or do not fit are left out."""
    figures = {}
    for info in infos:
        try:
            model = registry.fetch(info).model
        except RegistryError:
            continue
        if not list(list_misfits(contract, model)):
            figures[info.number] = measure(model.trained, holdout)
    return figures


def choose_compared(infos: Sequence[VersionInfo]) -> list[VersionInfo]:
    """Choose which versions a new one is compared with: the newest, and those with an alias. They come newest first."""
    return [info for place, info in enumerate(infos) if place < MOST_COMPARED or info.aliases]


def measure(model: TrainedModel, holdout: HoldoutRows) -> Evaluation:
    """Measure a model on the rows."""
    return evaluate(holdout.labels, model.predict(holdout.rows), SEED)
