"""Run by scripts/stack: copies the files of a business into a folder, unless it is one of the package's own."""

import shutil
import sys

from churn.businesses import find_business
from churn.cli.show import complain
from churn.errors import ChurnError
from churn.settings import read_settings


def main(folder: str) -> int:
    """Gives the exit code."""
    try:
        business = find_business(read_settings().churn_contract)
    except ChurnError as error:
        complain(error)
        return error.exit_code
    for path in [] if business.is_own else business.files.list_present():
        shutil.copy(path, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
