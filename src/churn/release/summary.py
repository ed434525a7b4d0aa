"""What is signed off before an image leaves this machine, and the record that stays of a release."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from churn.image.building import MEGABYTE, Image
from churn.image.smoke import SmokeResult
from churn.model.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """All that somebody should know who lets a version go out."""

    model: str  # its name in the registry
    number: int  # in the registry
    is_champion: bool  # whether the registry calls it champion already
    manifest: Manifest  # of the bundle
    gates: Sequence[Mapping[str, Any]]  # the verdicts against the present champion: `gate`, `passed`, `reason`
    image: Image  # that was built and tried
    smoke: SmokeResult  # what was seen of it
    window: str  # when releases may be made, in words
    closed_because: str | None  # why now is no such time; None if it is
    override: str | None  # the reason for releasing nevertheless
    released_by: str  # who, as AWS knows them
    address: str  # of the repository that it goes to
    families: Sequence[str]  # the task definitions that will name it
    bill: str  # the name of the image's bill of materials

    def list_rows(self) -> list[tuple[str, str]]:
        """List for a person: what, and how it is."""
        card, labels = self.manifest, self.image.labels
        failed = [f"{gate['gate']}: {gate['reason']}" for gate in self.gates if not gate["passed"]]
        standing = "champion" if self.is_champion else "not champion"
        return [
            ("model", f"{self.model} version {self.number} ({card.model_version}), {standing}"),
            ("trained", f"{card.training_date or 'unknown when'} on {card.training_data_version or 'unknown data'}"),
            ("holdout", f"AUC {_format_figure(card.test_auc)}, F1 {_format_figure(card.test_f1)}"),
            ("gates", "; ".join(failed) or f"all {len(self.gates)} hold"),
            ("explained by", card.explainer if card.explainer == "tables" else f"XGBoost: {card.explainer_reason}"),
            ("image", f"{self.image.reference}, {self.image.size / MEGABYTE:.0f} MB"),
            ("revision", labels["org.opencontainers.image.revision"]),
            ("bundle", f"sha256 {labels['streamflow.bundle.sha256']}"),
            ("tried", f"healthy after {self.smoke.healthy_after_s:.1f} s, answered and stopped as it should"),
            ("window", f"{self.window}: {f'CLOSED, {self.closed_because}' if self.closed_because else 'open'}"),
            *([("override", self.override)] if self.override else []),
            ("goes to", f"{self.address}, then {', '.join(self.families)}"),
            ("released by", self.released_by),
        ]

    def build_record(self, *, digest: str, task_definitions: Sequence[str], at: datetime) -> dict[str, Any]:
        """Return the record that is kept, for scripts and for questions in a year."""
        return {
            "model": self.model,
            "model_version": self.manifest.model_version,
            "registry_number": self.number,
            "champion": self.is_champion,
            "training_data_version": self.manifest.training_data_version,
            "test_auc": self.manifest.test_auc,
            "test_f1": self.manifest.test_f1,
            "gates": list(self.gates),
            "image": {
                "reference": self.image.reference,
                "id": self.image.id,
                "digest": digest,
                "address": f"{self.address}@{digest}",
                "size_bytes": self.image.size,
                "bill_of_materials": self.bill,
                "labels": dict(self.image.labels),
            },
            "smoke_test": asdict(self.smoke),
            "window": {"rule": self.window, "closed_because": self.closed_because, "override": self.override},
            "released_by": self.released_by,
            "released_at": at.isoformat(timespec="seconds"),
            "task_definitions": list(task_definitions),
        }

    def build_tags(self, *, digest: str, at: datetime) -> Mapping[str, str]:
        """Return tags for the version in the registry."""
        return {
            "released_at": at.isoformat(timespec="seconds"),
            "released_by": self.released_by,
            "released_digest": digest,
            "released_override": self.override or "",
        }


def _format_figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
