"""The command `churn contract`: a subscriber's fields in words or as JSON schema."""

from typing import Annotated

import typer
from rich.markdown import Markdown

from churn.businesses import find_contract, list_contracts
from churn.cli.documents import describe_contract
from churn.cli.show import out, print_json

app = typer.Typer()


@app.command(epilog="Example: churn contract telco --json")
def contract(
    name: Annotated[
        str | None, typer.Argument(help="Which contract; lists them if not given.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON schema of a request.")] = False,  # noqa: FBT002
) -> None:
    """Show a contract: fields, limits, categories, wording."""
    if name is None:
        out.print("\n".join(list_contracts()))
    elif as_json:
        print_json(find_contract(name).model_json_schema())
    else:
        out.print(Markdown(describe_contract(find_contract(name))))
