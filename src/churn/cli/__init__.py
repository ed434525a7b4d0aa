"""The command `churn`: thin commands around the modules that do the work."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from churn.cli import (
    contract,
    dashboard,
    drift,
    image,
    judge,
    loadtest,
    models,
    offers,
    outcomes,
    predictions,
    proving,
    release,
    replay,
    road,
    rollout,
    rollout_report,
    scoring,
    shadow,
    training,
)
from churn.cli.show import complain
from churn.errors import ChurnError

EXIT_CODES = """
Exit codes: 0 done, 1 failed, 2 wrong use or setting, 3 invalid data, 4 unusable bundle, 5 registry trouble,
6 refused by a release gate, 7 no usable image,
8 trouble with AWS, 9 held or not over, 10 rolled back,
11 trouble with a rollout, 12 drifted far, 13 the banner harms, 130 interrupted.
"""

app = typer.Typer(
    help="Churn probability with true reasons, from data to a served prediction.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for commands in (
    road,
    training,
    models,
    proving,
    scoring,
    offers,
    replay,
    predictions,
    loadtest,
    image,
    release,
    shadow,
    judge,
    rollout,
    rollout_report,
    drift,
    outcomes,
    dashboard,
    contract,
):
    commands.add_to(app)


def main() -> NoReturn:
    """Runs the command line; what goes wrong is said in a sentence on standard error, with an exit code."""
    try:
        app()
    except ChurnError as error:
        complain(error)
        sys.exit(error.exit_code)
    except OSError as error:
        # A full disk, a folder that may not be written: the user's to mend, so a sentence and no traceback.
        where = f"{error.filename}: " if error.filename else ""
        complain(ChurnError(f"{where}{error.strerror or error}", instead="make room or mend the path, then try again"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)
