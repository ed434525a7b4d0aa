"""What is kept of a holdout: how its version and others did on it. Its rows are not kept, for they are people's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pydantic import TypeAdapter

from churn.contract.declaration import Contract
from churn.errors import RegistryError
from churn.explain.trained import TrainedModel
from churn.files import encode_json
from churn.training.agreement import list_misfits
from churn.training.comparison import Comparison, Difference, compare
from churn.training.data import TrainingData
from churn.training.evaluation import Evaluation, evaluate
from churn.training.folds import SEED
from churn.training.holdout import Boundary, Mask, split_by_chance
from churn.training.kept import LOG_FROM, HoldoutRows, explain_errors
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
        comparisons: with other versions, by their number; none in what earlier versions of this software kept.
        protected_costs: the AUC that a model without a protected field loses, for those that have too large a share.
    """

    own: Evaluation
    contribution_shares: Mapping[str, float]
    others: Mapping[int, Evaluation]
    comparisons: Mapping[int, Comparison] = field(default_factory=dict)
    protected_costs: Mapping[str, Difference] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the figures as JSON."""
        return encode_json(asdict(self))


_MEASURED = TypeAdapter(Measured)


@explain_errors("the measured holdout")
def read_measured(fetched: FetchedModel) -> Measured | None:
    """Read what the model's training run measured, if it did."""
    content = fetched.export_files.get(MEASURED_FILE)
    return _MEASURED.validate_json(content) if content else None


def compare_versions(
    registry: Registry,
    contract: type[Contract],
    infos: Iterable[VersionInfo],
    *,
    trained: TrainedModel,
    holdout: HoldoutRows,
    find_unseen: Callable[[VersionInfo], Mask | None] = lambda _: None,
) -> dict[int, Comparison]:
    """Compare a model with versions on the same rows, by number. Those that cannot be read or do not fit are left out.

    Args:
        trained: the model whose holdout this is.
        holdout: rows that it was not trained on.
        find_unseen: tells on which of these rows a version was not trained; None if nobody knows.
    """
    own, comparisons = trained.predict(holdout.rows), {}
    for info in infos:
        try:
            model = registry.fetch(info).model
        except RegistryError:
            continue
        if not list(list_misfits(contract, model)):
            other = model.trained.predict(holdout.rows)
            comparisons[info.number] = compare(holdout.labels, own, other, find_unseen(info))
    return comparisons


def list_others(comparisons: Mapping[int, Comparison]) -> dict[int, Evaluation]:
    """List the figures of the other versions, where there were rows enough."""
    return {number: comparison.other for number, comparison in comparisons.items() if comparison.other}


def find_unseen(info: VersionInfo, data: TrainingData) -> Mask | None:
    """Tell on which rows of a file a version was not trained, as far as that is sure; None if nobody knows.

    Who was in the log is known by another hash. So of a version that was trained on it, too, only its own file tells.
    """
    if LOG_FROM in info.tags and info.tags.get("training_data_sha256") != data.sha256:
        return None
    if boundary := Boundary.read_tags(info.tags):
        return boundary.find_held_out(data.ids, data.rows)
    if info.tags.get("training_data_sha256") == data.sha256:
        return split_by_chance(data.labels)
    return None


def choose_compared(infos: Sequence[VersionInfo]) -> list[VersionInfo]:
    """Choose which versions a new one is compared with: the newest, and those with an alias. They come newest first."""
    return [info for place, info in enumerate(infos) if place < MOST_COMPARED or info.aliases]


def measure(model: TrainedModel, holdout: HoldoutRows) -> Evaluation:
    """Measure a model on the rows."""
    return evaluate(holdout.labels, model.predict(holdout.rows), SEED)
