"""Commands on contracts: `churn contract show`, `init`, a draft from a data file, and `test`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from typer.core import TyperGroup

from churn.businesses import find_contract, list_contracts
from churn.cli.documents import describe_contract
from churn.cli.drafts import (
    choose_files,
    choose_languages,
    figures_from_draft,
    name_from_file,
    name_next_commands,
    require_fields,
    say_files,
    say_label,
    say_texts,
    shorten_problems,
    tabulate_fields,
    tabulate_findings,
    write_catalogues,
)
from churn.cli.options import DraftedAsOfOption, JsonOption, day_from_option
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.contract.catalogues import list_drafted, list_missing, write_missing
from churn.contract.messages import list_messages
from churn.contract.places import locate_files
from churn.contract.schema import build_request_schema
from churn.drafting.draft import make_draft
from churn.drafting.soundness import list_reminders, run_checks
from churn.drafting.source import write_contract, write_policy
from churn.drafting.texts import WORDS
from churn.errors import ExitCode
from churn.files import write_bytes

SHOW = "show"
PATIENCE_S = 1.0


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
        print_json(build_request_schema(find_contract(name)))
    else:
        out.print(Markdown(describe_contract(find_contract(name))))


@app.command(
    "init", epilog="Example: churn contract init customers.csv --id customer_id --label churned --name my_business"
)
def contract_init(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv file.", show_default=False)],
    *,
    id_column: Annotated[str, typer.Option("--id", metavar="COLUMN", help="The column that identifies a customer.")],
    label_column: Annotated[str, typer.Option("--label", metavar="COLUMN", help="The column that says who left.")],
    name: Annotated[
        str | None, typer.Option(help="The contract's name; made of the file's name if not given.", show_default=False)
    ] = None,
    left: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="The label's value of who left; the rarer one if not given."),
    ] = None,
    as_of: DraftedAsOfOption = None,
    languages: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            metavar="CODE",
            help=f"A further language of the banner, with a catalogue to fill in: {', '.join(WORDS)}. Repeat it.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files of an earlier draft.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draft a business from a data file: NAME.py and NAME.toml, and a report on what is odd about each column.

    They are written into the first folder of CHURN_BUSINESSES, or into the current folder. The draft trains unedited.
    Customers read label and value of each field, but for personal traits: its texts are for you to improve.
    """
    codes = choose_languages(languages or [])
    files = choose_files(name or name_from_file(source), is_named=name is not None, force=force)
    with _show_bytes(source) as move:
        draft = make_draft(
            source,
            files.declaration.stem,
            id_column=id_column,
            label_column=label_column,
            left=left,
            as_of=day_from_option(as_of),
            move=move,
        )
    require_fields(draft)
    write_bytes(files.policy, write_policy(draft.name, codes).encode())
    write_bytes(files.declaration, write_contract(draft).encode())
    write_catalogues(files, codes)
    if as_json:
        print_json(figures_from_draft(draft, files, codes))
        return
    print_table(*tabulate_fields(draft))
    if draft.left_out or draft.findings:
        print_table(*tabulate_findings(draft))
    for line in say_label(draft):
        out.print(line, markup=False)
    for line in (*say_texts(draft, codes), say_files(files, codes)):
        out.print(line, markup=False)
    for line in name_next_commands(draft, files, source):
        out.print(f"next: {line}", markup=False)


@contextmanager
def _show_bytes(source: Path) -> Iterator[Callable[[int, int], None]]:
    """Yield what moves a bar, which shows only if reading takes longer than a moment."""
    started = time.monotonic()
    with show_progress(f"bytes of {source.name}", calm=True) as move:
        yield lambda done, total: move(done, total) if time.monotonic() - started > PATIENCE_S else None


@app.command("test", epilog="Example: churn contract test telco")
def contract_test(name: Annotated[str, typer.Argument(help="Which contract.")], *, as_json: JsonOption = False) -> None:
    """Ask of a contract what the project's own tests ask: words, codes, encoding, languages, policy.

    Exit code 3 if something is wrong. What a draft left for people to say is listed, and is not wrong.
    """
    contract = find_contract(name)
    results, reminders = run_checks(contract), list_reminders(contract)
    failed = [result for result in results if result.problems]
    if as_json:
        checks = [{"check": check, "problems": problems} for check, problems in results]
        notices = [{"notice": notice, "places": places} for notice, places in reminders]
        print_json({"contract": name, "passed": not failed, "checks": checks, "notices": notices})
    else:
        rows = [(result.check, shorten_problems(result.problems) if result.problems else "holds") for result in results]
        print_table(
            f"{name}: {len(results) - len(failed)} of {len(results)} checks hold", ["check", "what is wrong"], rows
        )
        if reminders:
            rows = [(notice, shorten_problems(places)) for notice, places in reminders]
            print_table("Still for you to say", ["notice", "where"], rows)
    if failed:
        raise typer.Exit(ExitCode.INVALID_DATA)


@app.command("messages", epilog="Example: churn contract messages gym --language de --write")
def contract_messages(
    name: Annotated[str, typer.Argument(help="Which contract.", show_default=False)],
    *,
    language: Annotated[str, typer.Option(help="The language's code, such as `de`.", show_default=False)],
    write: Annotated[
        bool,
        typer.Option("--write", help="Add what is missing to NAME.LANGUAGE.po beside the contract, to be filled in."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List what has no translation of all that subscribers may read; exit code 3 if anything."""
    contract = find_contract(name)
    path = locate_files(contract).catalogue(language)
    missing, drafted = list_missing(contract, language), list_drafted(contract, language)
    if write and missing:
        write_missing(contract, language, path)
    messages = list_messages(contract)
    if as_json:
        print_json(
            {
                "contract": name,
                "language": language,
                "catalogue": str(path),
                "messages": len(messages),
                "missing": missing,
                "todo": drafted,
            }
        )
    elif missing:
        rows = [[message if isinstance(message, str) else " / ".join(message)] for message in missing]
        print_table(f"{len(missing)} of {len(messages)} messages have no translation in {language}", ["message"], rows)
    else:
        out.print(f"all {len(messages)} messages of {name} have a translation in {language}")
    if drafted and not as_json:
        out.print(f"{len(drafted)} say TODO in {path.name}, such as {drafted[0]!r}", markup=False)
    if missing:
        say(f"{path} has them, to be filled in" if write else f"--write adds them to {path}, to be filled in")
        say("until then, what needs one of them is said in English")
        raise typer.Exit(ExitCode.INVALID_DATA)
