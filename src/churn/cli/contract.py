"""Commands on contracts: `churn contract show`, a subscriber's fields in words or as JSON schema."""

from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from typer.core import TyperGroup

from churn.businesses import find_contract, list_contracts
from churn.cli.documents import describe_contract
from churn.cli.show import out, print_json

SHOW = "show"


class NamedOrShown(TyperGroup):
    """Commands on contracts. `churn contract NAME` is `churn contract show NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what is no command as the name of a contract to show."""
        is_command = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if is_command or ctx.resilient_parsing else [SHOW, *args])


app = typer.Typer(
    name="contract", cls=NamedOrShown, help="Show contracts: fields, limits, categories, wording.", no_args_is_help=True
)


@app.command(SHOW, epilog="Example: churn contract telco --json")
def contract_show(
    name: Annotated[
        str | None, typer.Argument(help="Which contract; lists them if not given.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON schema of a request.")] = False,  # noqa: FBT002
) -> None:
    """Show a contract: fields, limits, categories, wording. The word `show` may be left out."""
    if name is None:
        out.print("\n".join(list_contracts()))
    elif as_json:
        print_json(find_contract(name).model_json_schema())
    else:
        out.print(Markdown(describe_contract(find_contract(name))))
