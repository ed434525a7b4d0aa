"""Whether an image is fit to be released: it starts, answers as its bundle does, and ends when it is told to."""

from dataclasses import dataclass
from pathlib import Path

from churn.errors import ImageError
from churn.image.container import run_container
from churn.model.bundle import load_bundle
from churn.retention.reasons import rank_reasons

REASONS = 3


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """What was seen of an image that holds."""

    model_version: str  # as the service says
    healthy_after_s: float  # seconds from `docker run` until it was healthy, with one CPU and 2 GB
    churn_probability: float  # of the contract's example, the same from image and bundle


def smoke_test(reference: str, bundle_path: Path, *, network: str | None = None) -> SmokeResult:
    """Run an image as in production, ask it about the contract's example, and stop it.

    Raises:
        BundleError: the bundle that it was built of cannot be read.
        ImageError: the image does not start, answers otherwise than the bundle does, or does not end with 0.
    """
    bundle = load_bundle(bundle_path)
    contract = bundle.model.contract
    subscriber = contract.model_validate(contract.example())
    (prediction,) = bundle.model.predict([subscriber])
    with run_container(reference, network=network) as container:
        status, headers, answer = container.ask("POST", "/predict", contract.example())
        _require(reference, "status", status, 200)
        _require(reference, "churn_probability", answer["churn_probability"], prediction.probability)
        _require(reference, "top_reasons", answer["top_reasons"], rank_reasons(subscriber, prediction, REASONS))
        _require(reference, "X-Model-Version", headers["X-Model-Version"], bundle.manifest.model_version)
        _require(reference, "exit code", container.stop(), 0)
    return SmokeResult(bundle.manifest.model_version, container.healthy_after_s, prediction.probability)


def _require(reference: str, what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise ImageError(
            f"{reference} does not hold: its {what} is {actual!r}, not {expected!r}",
            instead="build it again of this bundle with `churn image build`; if that does not help, do not release it",
        )
