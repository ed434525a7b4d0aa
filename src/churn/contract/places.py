"""Where the files of a business lie: beside its declaration NAME.py, each under its name."""

import inspect
from dataclasses import dataclass
from pathlib import Path

from churn.contract.declaration import Contract


@dataclass(frozen=True, slots=True)
class BusinessFiles:
    """The paths of a business's files. All but the declaration may be absent."""

    declaration: Path

    @property
    def policy(self) -> Path:
        """NAME.toml: the policy of offers."""
        return self.declaration.with_suffix(".toml")

    @property
    def tuned(self) -> Path:
        """NAME.json: the parameters that tuning found."""
        return self.declaration.with_suffix(".json")

    @property
    def portal(self) -> Path:
        """NAME.portal.toml: what the portal says in the business's own way."""
        return self.declaration.with_suffix(".portal.toml")

    @property
    def page(self) -> Path:
        """NAME.portal.html: the template of the account in the portal."""
        return self.declaration.with_suffix(".portal.html")

    def catalogue(self, language: str) -> Path:
        """NAME.LANGUAGE.po: what subscribers read, in this language."""
        return self.declaration.with_suffix(f".{language}.po")

    def list_catalogues(self) -> dict[str, Path]:
        """List the catalogues that are there, by language."""
        paths = sorted(self.declaration.parent.glob(f"{self.declaration.stem}.*.po"))
        return {path.stem.rpartition(".")[2]: path for path in paths}

    def list_present(self) -> list[Path]:
        """List all files that are there, with those that begin with an underscore and may be imported by it."""
        own = [self.declaration, self.policy, self.tuned, self.portal, self.page, *self.list_catalogues().values()]
        return [path for path in own if path.is_file()] + sorted(self.declaration.parent.glob("_*.py"))


def locate_files(contract: type[Contract]) -> BusinessFiles:
    """Locate the files of a contract."""
    return BusinessFiles(Path(inspect.getfile(contract)))
