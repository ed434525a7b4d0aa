"""Cells that are taken though they hold no listed value: blanks and other categories. They are counted and told."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from churn.contract.cells import NOT_KNOWN, is_unknown
from churn.contract.declaration import Contract
from churn.contract.wording import cut

NAMED = 5  # other categories, the most frequent first


@dataclass(slots=True)
class CellCounts:
    """How many cells of each feature are blank, and how often each category that is not listed occurs."""

    contract: type[Contract]
    rows: int = 0
    blanks: Counter[str] = field(default_factory=Counter)
    others: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, cells: Mapping[str, str]) -> None:
        """Count the cells of a valid row, the texts by column."""
        self.rows += 1
        for spec in self.contract.features:
            if spec.marker.of and not spec.find_names(cells):
                continue  # its date is counted
            if not (spec.is_nullable or spec.marker.other or spec.blank is not None):
                continue
            cell = next((cells[name] for name in spec.find_names(cells)), "")
            if not cell.strip() or is_unknown(spec, cell):
                self.blanks[spec.name] += 1
            elif spec.marker.other and cell not in spec.categories:
                self.others.setdefault(spec.name, Counter())[cell] += 1

        for date in self.contract.dates:
            names = date.find_names(cells)
            if date.is_nullable and names and cells[names[0]].strip().lower() in NOT_KNOWN:
                self.blanks[date.name] += 1

    def describe(self) -> Iterator[str]:
        """Say each count in a sentence, in the contract's order."""
        for spec in self.contract.features:
            if blank := self.blanks[spec.name]:
                meaning = "not known" if spec.is_nullable else f"taken as {spec.blank}"
                yield f"{spec.name} is blank in {self._share(blank)}: {meaning}"
            if others := self.others.get(spec.name):
                named = ", ".join(f"{cut(cell)!r} ({count:,})" for cell, count in others.most_common(NAMED))
                more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
                yield f"{spec.name} is not listed in {self._share(others.total())} and taken as other: {named}{more}"

        for date in self.contract.dates:
            if blank := self.blanks[date.name]:
                yield f"{date.name} is blank in {self._share(blank)}: not known"

    def _share(self, count: int) -> str:
        return f"{count:,} of {self.rows:,} rows ({count / self.rows:.1%})"
