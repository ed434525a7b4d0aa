"""Exports a registered model as a bundle. Anybody may have registered it, with the contract's features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn.businesses import find_contract
from churn.contract.declaration import Contract
from churn.contract.sampling import draw_columns, draw_demo_columns
from churn.errors import BundleError, ChurnError
from churn.model.bundle import Bundle
from churn.model.manifest import Manifest, read_manifest
from churn.model.sealing import write_bundle
from churn.model.shelf import CHAMPION, Shelf, require_replaceable
from churn.training.agreement import list_misfits, require_agreement
from churn.training.given import GivenRows, list_absent_values, read_check_file, rows_from_example
from churn.training.kept import build_card, read_holdout, read_reference, read_reference_values, read_threshold
from churn.training.registered import RegisteredModel
from churn.training.registry import Registry
from churn.training.uplift.kept import read_uplift
from churn.training.versions import FetchedModel, name_registered_model

LEAVE = "let it take over with --force, or export it by its number: models:/NAME/NUMBER"
FINGERPRINT = "contract_fingerprint"
GOLDEN_ROWS, COMPARED_ROWS = 64, 16_000


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was made of a registered model.

    Args:
        notes: what its user must know, one sentence each.
        is_measured: whether its codes are known to be the contract's: it was trained for the contract, or gave its
            owner's probabilities on rows that the owner handed in.
    """

    bundle: Bundle
    notes: tuple[str, ...]
    is_measured: bool


def export_model(
    registry: Registry,
    uri: str,
    destination: Path | None,
    *,
    shelf_of: Callable[[str], Shelf],
    contract: str | None,
    otherwise: str,
    check: Path | None = None,
    force: bool = False,
    threshold: float | None = None,
    edge_rows: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Exported:
    """Export a registered model, if the bundle says what the registered model says itself.

    Args:
        destination: the bundle's directory; one named after the model's version if None.
        shelf_of: a contract's name -> its shelf.
        contract: the contract's name; what the version's tag says if None.
        otherwise: the contract's name where nothing says it.
        force: replace a bundle of another model, and let the alias's link leave another model.
        threshold: the banner is shown above this probability; what the version's tag says if None, else the contract's.
        check: a file of subscribers with the probabilities that the model's owner computed for them.
        edge_rows: adversarial rows of the tables' proof; as many as the library can be asked about if None.
        progress: told how many rows have been compared with its library, of how many.

    Raises:
        RegistryError: there is no such model, or it is not safe to load.
        DataError: the file of subscribers is not valid.
        BundleError: its features are not the contract's, lists the differences; or the bundle says something else.
    """
    fetched = registry.fetch(registry.find(uri))
    chosen = find_contract(contract or fetched.info.tags.get("contract", otherwise))
    _require_fingerprint(fetched, chosen)
    if misfits := list(list_misfits(chosen, fetched.model)):
        raise BundleError(
            f"{uri} does not fit the contract {chosen.contract_name}: {'; '.join(misfits)}",
            instead="train the model on exactly the contract's features, or name another contract with --contract",
        )
    if fetched.model.loader is not None and check is None:
        raise BundleError(
            f"{uri} predicts by code that was logged with it ({fetched.model.loader}), which is never run, so nothing "
            "shows what it says itself",
            instead="give rows with its probabilities: --check rows.csv",
        )
    card = build_card(chosen, fetched.info)
    shelf = shelf_of(chosen.contract_name)
    path = destination or shelf.bundle(card.model_version)
    require_replaceable(path, card, force=force)
    alias = uri.partition("@")[2] if destination is None else ""
    if alias:
        _require_alias_stays(chosen, shelf, alias, fetched, force=force)
    holdout, generator = read_holdout(fetched), np.random.default_rng(0)
    golden = chosen.encode_columns(draw_columns(chosen, generator, GOLDEN_ROWS))
    drawn = chosen.encode_columns(draw_demo_columns(chosen, generator, COMPARED_ROWS))
    reference, reference_values = read_reference(chosen, fetched), read_reference_values(chosen, fetched)
    given = list(_gather_rows(chosen, fetched, check))
    notes = list(_note_model(fetched.model))

    # The trees come first: the comparison of the tables takes long.
    require_agreement(chosen, fetched.trained.predict, fetched.model, given, has_tables=True)

    def examine(bundle: Bundle) -> None:
        has_tables = bundle.manifest.explainer == "tables"
        require_agreement(chosen, bundle.model.predict_probabilities, fetched.model, given, has_tables=has_tables)

    bundle = write_bundle(
        path,
        contract=chosen,
        model=fetched.trained,
        card=card,
        golden_rows=golden,
        reference=reference,
        reference_values=reference_values,
        threshold=read_threshold(fetched.info) if threshold is None else threshold,
        more_rows=holdout.rows if holdout else drawn,
        edge_rows=edge_rows,
        uplift=read_uplift(fetched),
        progress=progress,
        examine=examine,
    )
    if alias == CHAMPION:
        shelf.move_champion(path.name)
    elif alias:
        shelf.move_alias(alias, path.name)
    is_own = fetched.info.tags.get(FINGERPRINT) == chosen.fingerprint
    measured = [rows for rows in given if rows.probabilities is not None]
    notes += _note_explainer(bundle.manifest)
    notes += _note_measures(chosen, measured, is_own=is_own)
    return Exported(bundle, tuple(notes), is_measured=is_own or bool(measured))


def _require_fingerprint(fetched: FetchedModel, contract: type[Contract]) -> None:
    """Refuse a version that was trained for a contract with other fields, order or codes, as `churn promote` does."""
    tagged = fetched.info.tags.get(FINGERPRINT)
    if tagged not in {None, contract.fingerprint}:
        raise BundleError(
            f"{fetched.info.name} version {fetched.info.number} was trained for the fingerprint {tagged[:12]}, "
            f"the code's {contract.contract_name} has {contract.fingerprint[:12]}: its codes mean something else",
            instead="export it with the code that it was trained by, or train it again for this contract",
        )


def _require_alias_stays(
    contract: type[Contract], shelf: Shelf, alias: str, fetched: FetchedModel, *, force: bool
) -> None:
    """Refuse to let an alias's link leave the bundle of one registered model for that of another."""
    there = shelf.find_alias(alias)
    if there is None or force:
        return
    try:
        registered = read_manifest(there).registered_as or f"models:/{name_registered_model(contract)}/"
    except ChurnError as error:
        raise BundleError(f"{there} cannot be read: {error.message}", instead=LEAVE) from error
    if not registered.startswith(f"models:/{fetched.info.name}/"):
        raise BundleError(
            f"the link {alias} in {shelf.folder} points to {there.name}, which is {registered.strip('/')}, and "
            f"{fetched.info.name} is another model; no link is moved",
            instead=LEAVE,
        )


def _gather_rows(contract: type[Contract], fetched: FetchedModel, check: Path | None) -> Iterator[GivenRows]:
    if check is not None:
        yield read_check_file(contract, check)
    example = fetched.model.example
    if example is not None and example.shape[1] == len(contract.features):
        yield rows_from_example(contract, example)


def _note_model(model: RegisteredModel) -> Iterator[str]:
    if model.rounds is not None:
        used, total = model.rounds
        yield f"its training stopped early: the bundle has the {used} of {total} rounds of trees that it predicts with"
    if model.trained.feature_names is None and model.signature is None:
        yield "it knows no names and has no signature: its columns are taken in the contract's order"


def _note_explainer(manifest: Manifest) -> Iterator[str]:
    if manifest.explainer != "tables":
        yield (
            f"it is explained by XGBoost's own contributions, because {manifest.explainer_reason}. This takes 15 to 35 "
            "times as long as tables, fewer rows were compared, and the service needs the extra `xgboost`"
        )


def _note_measures(contract: type[Contract], measured: Sequence[GivenRows], *, is_own: bool) -> Iterator[str]:
    for rows in measured:
        yield f"it says what {rows.source} says on all {len(rows.rows):,} rows"
        if absent := list(list_absent_values(contract, rows.rows)):
            yield f"not measured, because no row of {rows.source} has them: {', '.join(absent)}"
    if not is_own and not measured:
        yield (
            "nothing was measured of what its owner says: its codes and units may be others than the contract's, and 1 "
            "may mean stayed. Give subscribers with its probabilities: --check rows.csv"
        )
