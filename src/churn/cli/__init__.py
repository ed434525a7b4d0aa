"""The command `churn`: thin commands around the modules that do the work.

service.py          start, serve
data.py             data
training.py         train, tune; with trained.py and uplift.py
retraining.py       retrain
threshold.py        threshold
models.py           models, promote, export, ui
bundle.py           bundle
proving.py          prove
scoring.py          score
offers.py           offers; with offers_learn.py and offers_on_log.py
banners.py          opens a file of subscribers for threshold and offers
subscriber.py       subscriber; with trained_with.py
reported.py         what portals reported of one person's banners
predictions.py      replay, predictions; with events.py
loadtest.py         loadtest
image.py            image
release.py          release
shadow.py           shadow
judge.py            judge; with judge_plan.py and judge_serve.py
rollout.py          rollout; with rollout_baseline.py, rollout_control.py, rollout_report.py, rollout_views.py and
                    rollout_words.py
drift.py            drift
outcomes.py         outcomes
dashboard.py        dashboard
keys.py             keys
notify.py           notify; what other commands tell people
contract.py         contract; with drafts.py
documents.py        the documents that are generated from the code
options.py          options that several commands have
reports.py          writes reports to files
show.py             prints results, tables and progress
extras.py           says which extra is missing
"""

import sys
from typing import NoReturn

import typer

from churn.cli import (
    bundle,
    contract,
    dashboard,
    data,
    drift,
    events,
    image,
    judge,
    keys,
    loadtest,
    models,
    notify,
    offers,
    offers_learn,
    outcomes,
    predictions,
    proving,
    release,
    retraining,
    rollout,
    rollout_report,
    rollout_views,
    scoring,
    service,
    shadow,
    subscriber,
    threshold,
    training,
)
from churn.cli.show import complain
from churn.errors import ChurnError, ExitCode
from churn.web.streams import settle_streams

app = typer.Typer(
    help="Churn probability with true reasons, from data to a served prediction.",
    epilog=f"Exit codes: {', '.join(f'{code:d} {code.meaning}' for code in ExitCode)}.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
# In the order of the help: commands, then groups of commands.
for commands in (
    service.app, training.app, threshold.app, models.app, proving.app, scoring.app, predictions.app, loadtest.app,
    release.app, drift.app, dashboard.app, contract.app, data.data_app, offers.app, predictions.predictions_app,
    image.app, shadow.app, judge.app,
):  # fmt: skip
    app.add_typer(commands)
rollout.add_to(app)
events.add_to(predictions.predictions_app)
rollout_views.add_to(app)
rollout_report.add_to(app)
offers_learn.add_to(app)
app.add_typer(keys.app)
app.add_typer(notify.app)
app.add_typer(bundle.app)
app.add_typer(retraining.app)
app.add_typer(outcomes.app)
app.add_typer(subscriber.app)


def main() -> NoReturn:
    """Run the command line; what goes wrong is said in a sentence on standard error, with an exit code."""
    try:
        _run()
    except ChurnError as error:
        complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(ExitCode.FAILED)  # who read our output has seen enough
    except OSError as error:
        # A full disk, a folder that may not be written: the user's to mend, so a sentence and no traceback.
        where = f"{error.filename}: " if error.filename else ""
        complain(ChurnError(f"{where}{error.strerror or error}", instead="make room or mend the path, then try again"))
        sys.exit(ExitCode.FAILED)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        settle_streams()
    sys.exit(ExitCode.DONE)


def _run() -> None:
    try:
        app()
    finally:
        sys.stdout.flush()  # here a full disk is still told in a sentence
