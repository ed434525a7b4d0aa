"""From a contract's field, as pydantic has it, to its `FeatureSpec`. What is not declared whole is refused."""

from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from churn.contract.features import Feature, FeatureSpec, Kind
from churn.contract.phrases import Bands, Value, bands_from_values, label_from_name
from churn.errors import ContractError


def build_spec(name: str, field: FieldInfo) -> FeatureSpec:
    """Derive a field's spec.

    Raises:
        ContractError: says what is missing, or contradicts itself.
    """
    markers = [item for item in field.metadata if isinstance(item, Feature)]
    if len(markers) != 1:
        raise ContractError(f"field {name!r} needs exactly one Feature marker, has {len(markers)}")
    if not field.description or not field.examples:
        raise ContractError(f"field {name!r} needs a description and an example in its Field(...)")
    kind, categories = _read_kind(name, field.annotation)
    lower, upper = _read_limits(field)
    if kind in {"integer", "number"} and (lower is None or upper is None):
        raise ContractError(
            f"field {name!r} needs a lower and an upper limit",
            instead="use Count or Dollars where the business has none",
        )
    says = markers[0].says
    if isinstance(says, Bands) != (kind in {"integer", "number"}):
        raise ContractError(f"field {name!r} is a {kind}: word numbers with Bands, all else with a mapping")
    try:
        bands = says.validate() if isinstance(says, Bands) else bands_from_values(says, categories or (False, True))
    except ValueError as wrong:
        raise ContractError(f"field {name!r}: {wrong}") from wrong
    spec = FeatureSpec(
        name=name,
        label=markers[0].label or label_from_name(name),
        group=markers[0].group or name,
        is_showable=bool(bands[0].raises),
        kind=kind,
        categories=categories,
        lower=lower,
        upper=upper,
        meaning=field.description,
        example=field.examples[0],
        marker=markers[0],
        bands=bands,
        bounds=tuple(band.below for band in bands),
        words=says.words if isinstance(says, Bands) else None,
        default=_read_default(name, field),
        earlier_names=_read_earlier_names(name, field),
    )
    _check_customer_texts(spec)
    return spec


def _read_kind(name: str, annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal and all(isinstance(item, str) for item in get_args(annotation)):
        return "category", get_args(annotation)
    kinds: dict[Any, Kind] = {int: "integer", float: "number", bool: "boolean"}
    if annotation not in kinds:
        raise ContractError(f"field {name!r} is a {annotation}", instead="use int, float, bool or Literal of strings")
    return kinds[annotation], ()


def _read_default(name: str, field: FieldInfo) -> Value | None:
    if field.is_required():
        return None
    if field.default_factory or field.default is None:
        raise ContractError(f"field {name!r} has no plain default", instead="give a value that the field takes")
    default: Value = field.default
    return default


def _read_earlier_names(name: str, field: FieldInfo) -> tuple[str, ...]:
    if field.validation_alias is None:
        return ()
    names = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else []
    if names[:1] != [name] or not all(isinstance(other, str) for other in names):
        raise ContractError(
            f"field {name!r} has an alias that is no earlier name",
            instead=f'write validation_alias=AliasChoices("{name}", "EARLIER NAME")',
        )
    return tuple(str(other) for other in names[1:])


def _read_limits(field: FieldInfo) -> tuple[float | None, float | None]:
    """Return the tightest limits among the field's markers: a field may narrow those of its type."""
    lower = [float(m.ge) for m in field.metadata if isinstance(m, annotated_types.Ge)]  # type: ignore[arg-type]
    upper = [float(m.le) for m in field.metadata if isinstance(m, annotated_types.Le)]  # type: ignore[arg-type]
    return max(lower, default=None), min(upper, default=None)


def _check_customer_texts(spec: FeatureSpec) -> None:
    """Require words for subscribers for all values in both directions, or for none."""
    texts = [text for band in spec.bands for text in (band.raises, band.lowers)]
    if any(texts) and not all(texts):
        raise ContractError(
            f"field {spec.name!r} has words for subscribers for some values only",
            instead="give raises and lowers for each value, or for none",
        )
    if any(texts) and spec.marker.protected:
        raise ContractError(f"field {spec.name!r} is protected and must not be shown", instead="remove its words")
