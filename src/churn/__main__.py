"""The program `churn`, also `python -m churn`.

It loads the commands only when it is run: each worker process of a service or of bulk scoring imports this file again.
"""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line."""
    from churn.web.streams import hold_streams  # noqa: PLC0415 - see above

    hold_streams()
    from churn.cli import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
