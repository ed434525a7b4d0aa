"""A prediction log with a challenger's answers, as a service writes it."""

from dataclasses import replace

from churn.model.bundle import Bundle
from churn.prediction_log.challenger import Challenger
from churn.prediction_log.journal import Journal
from churn.prediction_log.places import Places
from churn.prediction_log.record import Entry, LineMaker
from support.predicted import make_entry, make_header

TENURES = (1, 30, 100)


def write_shadowed(
    where: Places,
    bundle: Bundle,
    answered: list[Entry],
    *,
    version: str = "v0.0.1",
    fail: bool = False,
    champion: Bundle | None = None,
) -> None:
    """A journal that was let go, of answers with what the challenger says to them, or not."""
    challenger = Challenger(bundle.model, bundle.sha256)
    source = replace(
        make_header(champion or bundle), challenger_version=version, challenger_bundle_sha256=challenger.bundle_sha256
    )
    maker = LineMaker(source)
    lines = [*map(maker.make_line, answered)]
    if not fail:
        predictions = challenger.predict([entry.prediction for entry in answered])
        lines = [maker.add_challenger(line, answer) for line, answer in zip(lines, predictions, strict=True) if answer]
    journal = Journal(where.journals, maker.header)
    journal.append(b"".join(lines))
    journal.close()


def answers(bundle: Bundle) -> list[Entry]:
    return [make_entry(bundle, tenure=tenure) for tenure in TENURES]
