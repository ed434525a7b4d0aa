"""From a contract's field, as pydantic has it, to its `FeatureSpec`. What is not declared whole is refused."""

from collections.abc import Collection, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from churn.contract.dates import MONTHS, DaysSince
from churn.contract.features import OTHER, Feature, FeatureSpec, Kind
from churn.contract.phrases import Band, Bands, Says, Value, bands_from_values, label_from_name, require_sound
from churn.errors import ContractError

UNKNOWN, BLANK = "unknown", "blank"  # the name of an unknown value in codes


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
    annotation, metadata, is_nullable = _read_type(field)
    marker = markers[0]
    _check_missing(name, field, marker, is_nullable=is_nullable)
    kind, categories = _read_kind(name, annotation)
    lower, upper = _read_limits(metadata)
    if kind in {"integer", "number"} and (lower is None or upper is None):
        raise ContractError(
            f"field {name!r} needs a lower and an upper limit",
            instead="use Count or Dollars where the business has none",
        )
    label = marker.label or label_from_name(name)
    says = _add_other(name, label, marker, categories)
    if isinstance(says, Bands) != (kind in {"integer", "number"}):
        raise ContractError(f"field {name!r} is a {kind}: word numbers with Bands, all else with a mapping")
    try:
        bands = says.validate() if isinstance(says, Bands) else bands_from_values(says, categories or (False, True))
        unknown = _word_unknown(label, marker, {band.name for band in bands})
    except ValueError as wrong:
        raise ContractError(f"field {name!r}: {wrong}") from wrong
    spec = FeatureSpec(
        name=name,
        label=label,
        group=marker.group or (marker.of.source.name if marker.of else name),
        is_showable=bool(bands[0].raises),
        kind=kind,
        categories=categories,
        lower=lower,
        upper=upper,
        meaning=field.description,
        example=field.examples[0],
        marker=marker,
        bands=bands,
        bounds=tuple(band.below for band in bands),
        words=says.words if isinstance(says, Bands) else None,
        default=None if is_nullable else _read_default(name, field),
        earlier_names=_read_earlier_names(name, field),
        unknown=unknown,
        unworded=(
            *([None] if is_nullable and not unknown.raises else []),
            *([OTHER] if marker.other and not bands[-1].raises else []),
        ),
    )
    if marker.of:
        _check_derived(spec)
    _check_customer_texts(spec)
    return spec


def _read_type(field: FieldInfo) -> tuple[Any, Sequence[Any], bool]:
    """Return a field's type without None, all markers of it, and whether None is one of its values."""
    parts = get_args(field.annotation)
    if get_origin(field.annotation) not in {Union, UnionType} or NoneType not in parts:
        return field.annotation, field.metadata, False
    known = [part for part in parts if part is not NoneType]
    if len(known) != 1:
        return field.annotation, field.metadata, True
    inner = FieldInfo.from_annotation(known[0])  # Dollars | None has the limits of Dollars inside
    return inner.annotation, [*inner.metadata, *field.metadata], True


def _check_missing(name: str, field: FieldInfo, marker: Feature, *, is_nullable: bool) -> None:
    """Require that type, marker and default say the same of unknown values."""
    if is_nullable != (marker.missing is not False):
        raise ContractError(
            f"field {name!r} {'takes None, but is not' if is_nullable else 'takes no None, but is'} marked as missing",
            instead="write TYPE | None with Feature(missing=True), or neither",
        )
    if is_nullable and (field.is_required() or field.get_default() is not None):
        raise ContractError(f"field {name!r} may be missing and has no default None", instead="write = None behind it")
    if is_nullable and marker.blank is not None:
        raise ContractError(f"field {name!r} has both blank and missing", instead="say one of them")


def _check_derived(spec: FeatureSpec) -> None:
    """Require of a feature that is derived from a date that it takes what is derived, and nothing else."""
    if isinstance(spec.marker.of, DaysSince):
        fits, wanted = (spec.kind, spec.lower) == ("integer", 0), "an int with ge=0, for it has the days since then"
    else:
        fits, wanted = spec.categories == MONTHS, "a Month of churn.contract.dates"
    if not fits:
        raise ContractError(
            f"field {spec.name!r} does not fit the date it is derived from", instead=f"make it {wanted}"
        )
    if spec.blank is not None or spec.earlier_names:
        raise ContractError(
            f"field {spec.name!r} is derived from a date, and has a blank, a default or an earlier name",
            instead="give earlier names to its Date, and write missing=True where the date may not be known",
        )


def _add_other(name: str, label: str, marker: Feature, categories: Sequence[str]) -> Mapping[Any, Says] | Bands:
    """Return what is said of each value, of other categories too."""
    if not marker.other:
        return marker.says
    if categories[-1:] != (OTHER,) or len(categories) == 1 or isinstance(marker.says, Bands):
        raise ContractError(
            f"field {name!r} takes other categories, and does not name them",
            instead=f'give it the type Literal[..., "{OTHER}"], with {OTHER} last',
        )
    noun = label if label[:2].isupper() else label[:1].lower() + label[1:]
    return {OTHER: Says(f"Another {noun}")} | {**marker.says}


def _word_unknown(label: str, marker: Feature, taken: Collection[str]) -> Band:
    """Return what is said of an unknown value. Its name in codes is `unknown`, or `blank` if a category has that."""
    says = marker.missing if isinstance(marker.missing, Says) else Says(f"{label} unknown")
    in_codes = says.name or next((free for free in (UNKNOWN, BLANK) if free not in taken), UNKNOWN)
    if in_codes in taken and marker.missing:
        raise ValueError(f"an unknown value and another have the name {in_codes!r}: give one a name in its Says")
    [band] = require_sound(
        [
            Band(
                says.team,
                says.raises,
                says.lowers,
                suits=says.suits,
                name=in_codes,
                label=says.label or UNKNOWN.capitalize(),
            )
        ],
        has_number=False,
    )
    return band


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


def _read_limits(metadata: Sequence[Any]) -> tuple[float | None, float | None]:
    """Return the tightest limits among the markers: a field may narrow those of its type."""
    lower = [float(m.ge) for m in metadata if isinstance(m, annotated_types.Ge)]  # type: ignore[arg-type]
    upper = [float(m.le) for m in metadata if isinstance(m, annotated_types.Le)]  # type: ignore[arg-type]
    return max(lower, default=None), min(upper, default=None)


def _check_customer_texts(spec: FeatureSpec) -> None:
    """Require words for subscribers for all values in both directions, or for none."""
    optional = [spec.unknown, *(spec.bands[-1:] if spec.marker.other else ())]
    bands = [*(band for band in spec.bands if band not in optional), *(band for band in optional if _has_texts(band))]
    texts = [text for band in bands for text in (band.raises, band.lowers)]
    if any(texts) and not all(texts):
        raise ContractError(
            f"field {spec.name!r} has words for subscribers for some values only",
            instead="give raises and lowers for each value, or for none",
        )
    if any(band.suits and not band.raises for band in [*spec.bands, spec.unknown]):
        raise ContractError(
            f"field {spec.name!r} has suits where subscribers are told nothing else",
            instead="give raises and lowers, too, or leave suits out",
        )
    if any(texts) and spec.marker.protected:
        raise ContractError(f"field {spec.name!r} is protected and must not be shown", instead="remove its words")


def _has_texts(band: Band) -> bool:
    return bool(band.raises or band.lowers)
