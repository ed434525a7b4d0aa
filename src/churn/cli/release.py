"""The command `churn release`: from a registered version to a pushed image and a registered task definition."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import find_contract
from churn.cli.extras import require_extra
from churn.cli.models import export_bundle
from churn.cli.options import (
    BaseImageOption,
    BuildNetworkOption,
    CaFileOption,
    ContractOption,
    JsonOption,
    NameOption,
    OptionalReason,
    SourceOption,
    VersionArgument,
    require_reason,
)
from churn.cli.show import err, out, print_json, print_table, say
from churn.cli.training import open_registry
from churn.errors import GateError, ReleaseError, SettingsError
from churn.files import encode_json, write_bytes
from churn.image.building import BASE_IMAGE, REPOSITORY, build_image
from churn.image.smoke import smoke_test
from churn.image.source import require_committed
from churn.model.shelf import CHAMPION
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.release.window import ReleaseWindow
    from churn.training.registry import Registry
    from churn.training.versions import VersionInfo

# ruff: noqa: PLC0415 - the libraries of AWS and MLflow take a while to import, and belong to extras

FAMILY = "streamflow-churn-api-canary"

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be released, of what, and where to."""

    version: str
    contract: str
    repository: str
    families: Sequence[str]
    override: str | None
    base_image: str
    source: Path | None
    network: str | None
    ca_file: Path | None
    rebuild: int | None
    name: str | None = None

    @property
    def tag(self) -> str:
        """Return the image's tag."""
        return f"{self.version}-{self.rebuild}" if self.rebuild else self.version


@app.command(epilog="Example: churn release v2.4.0 --dry-run")
def release(
    version: VersionArgument,
    *,
    contract: ContractOption = "streamflow",
    repository: Annotated[str, typer.Option(help="The repository of images, at AWS and on this machine.")] = REPOSITORY,
    family: Annotated[
        list[str] | None,
        typer.Option(help=f"The task definition to register anew; give it again for more. {FAMILY} if not given."),
    ] = None,
    base_image: BaseImageOption = BASE_IMAGE,
    source: SourceOption = None,
    network: BuildNetworkOption = None,
    ca_file: CaFileOption = None,
    rebuild: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Build a released version again, of a newer base or checkout; the tag gets this number: v2.4.0-2.",
        ),
    ] = None,
    override: Annotated[
        bool, typer.Option("--override", help="Release outside the release window; needs --reason.")
    ] = False,
    reason: OptionalReason = None,
    name: NameOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign off without being asked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say every step and do none.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Export a version, build and try its image, sign it off, push it, and register a task definition that names it.

    Nothing that runs is changed: the rollout does that. Account and region come from where AWS's own tools take them.
    """
    require_extra("release", "boto3", "holidays", "cyclonedx")
    from churn.release.window import read_release_window

    overridden = require_reason("--override", reason) if override else None
    settings = read_settings()
    families = family or [FAMILY]
    order = Order(
        version, contract, repository, families, overridden, base_image, source, network, ca_file, rebuild, name
    )
    window = read_release_window(settings)
    closed_because = window.closed_because(datetime.now(UTC))
    if dry_run:
        _say_steps(_list_steps(order, window, closed_because, settings), as_json=as_json)
        return
    if closed_because and not overridden:
        opening = window.find_opening(datetime.now(UTC))
        raise GateError(
            f"no release now: {closed_because}; releases are made on {window.describe()}",
            instead=(f"wait until {opening:%A %Y-%m-%d %H:%M}, " if opening else "")
            + "or give --override --reason TEXT, which is recorded",
        )
    if not yes and not sys.stdin.isatty():
        raise SettingsError("there is nobody to ask for the sign-off", instead="give --yes, or run it in a terminal")
    record = _carry_out(order, (window.describe(), closed_because), settings, ask=not yes, shown=not as_json)
    if as_json:
        print_json(record)
        return
    for arn in record["task_definitions"]:
        out.print(f"registered {arn}")
    out.print(f"{version} is released, and nothing runs it yet; docs/runbook.md says how to roll it out")


def _list_steps(
    order: Order, window: ReleaseWindow, closed_because: str | None, settings: Settings
) -> list[tuple[str, str]]:
    """List each step of a release: its name, and what it would do."""
    if closed_because and order.override:
        verdict = f"closed, {closed_because}; overridden: {order.override}"
    else:
        verdict = f"closed, {closed_because}: it would be refused without --override" if closed_because else "open"
    image = f"{order.repository}:{order.tag}"
    bundle = settings.shelf(order.contract).bundle(order.version)
    return [
        ("window", f"{window.describe()}: {verdict}"),
        (
            "gates",
            f"find {order.version} in the registry of {order.contract}; refuse if a gate fails, unless it is champion",
        ),
        (
            "account",
            f"ask AWS who releases, for the repository {order.repository}, and for {', '.join(order.families)}",
        ),
        ("export", f"write the bundle {bundle}"),
        ("build", f"docker build --target service --tag {image} --build-arg BASE_IMAGE={order.base_image} ..."),
        ("try", f"docker run --read-only --cap-drop ALL --cpus 1 --memory 2g ... {image}; ask it about the example"),
        ("sign-off", "show model, gates, image and test; ask, unless --yes"),
        ("log in", "get a login from the registry; docker login --password-stdin, kept for the push only"),
        ("push", f"docker push ACCOUNT.dkr.ecr.REGION.amazonaws.com/{image}, unless the same image is there"),
        *(
            ("register", f"the latest task definition of {family} again, with that image by its digest")
            for family in order.families
        ),
        ("record", f"write {settings.churn_home / 'releases'}; tag the version in the registry"),
    ]


def _say_steps(steps: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"step": name, "does": does} for name, does in steps])
        return
    print_table("What a release would do", ["", "step", "what it does"], [
        [at, name, does] for at, (name, does) in enumerate(steps, 1)
    ])  # fmt: skip


def _carry_out(
    order: Order, window: tuple[str, str | None], settings: Settings, *, ask: bool, shown: bool
) -> dict[str, Any]:
    """Carry out all steps but the window's, and return the record. What can refuse comes first."""
    from churn.image.bill import write_bill
    from churn.release.aws import Aws, replace_image
    from churn.release.push import push_image, tag_from_image
    from churn.release.summary import ReleaseSummary

    require_committed(order.source)
    registry = open_registry(settings)
    say(f"judging {order.version}")
    info, gates = _check_gates(registry, order)
    say("asking AWS what there is")
    aws = Aws()
    caller, address = aws.identify_caller(), aws.find_repository(order.repository)
    definitions = [aws.find_definition(family) for family in order.families]
    for definition in definitions:
        replace_image(definition, address, order.version)  # what cannot be registered is refused now
    say(f"exporting {order.version}")
    bundle = export_bundle(f"models:/{info.name}/{info.number}", settings, contract=order.contract).bundle
    say("building the image")
    image = build_image(
        bundle.path,
        source=order.source,
        repository=order.repository,
        base_image=order.base_image,
        network=order.network,
        ca_file=order.ca_file,
        rebuild=order.rebuild,
        shown=shown,
    )
    bill = write_bill(image, settings.churn_home / "images")
    pushed = aws.find_image(order.repository, tag_from_image(image))
    if pushed and image.id not in pushed.ids:
        raise ReleaseError(
            f"{address} has another image as {tag_from_image(image)}, and a tag is never overwritten",
            instead="release the checkout that image was built of, or give the new one a tag of its own: --rebuild 2",
        )
    say("trying the image as it runs in production")
    smoke = smoke_test(image.reference, bundle.path)
    summary = ReleaseSummary(
        model=info.name,
        number=info.number,
        is_champion=CHAMPION in info.aliases,
        manifest=bundle.manifest,
        gates=gates,
        image=image,
        smoke=smoke,
        window=window[0],
        closed_because=window[1],
        override=order.override,
        released_by=caller,
        address=address,
        families=order.families,
        bill=bill.name,
    )
    print_table("Sign-off", ["", ""], summary.list_rows(), to=err)
    if ask and not typer.confirm(f"Release {bundle.manifest.model_version}?", err=True):
        raise GateError("not signed off", instead="nothing was pushed or registered; the image stays on this machine")
    if pushed:
        say(f"{address} has this image already")
    digest = pushed.digest if pushed else push_image(image, address, aws.log_in(), shown=shown)
    tags = {"model-version": bundle.manifest.model_version, "release-override": order.override or "none"}
    arns = [
        aws.register_definition(replace_image(definition, f"{address}@{digest}", bundle.manifest.model_version), tags)
        for definition in definitions
    ]
    now = datetime.now(UTC)
    record = summary.build_record(digest=digest, task_definitions=arns, at=now)
    path = settings.churn_home / "releases" / f"{tag_from_image(image)}-{now:%Y%m%dT%H%M%SZ}.json"
    write_bytes(path, encode_json(record))
    registry.tag(info, summary.build_tags(digest=digest, at=now))
    say(f"recorded in {path}")
    return record


def _check_gates(registry: Registry, order: Order) -> tuple[VersionInfo, list[Mapping[str, Any]]]:
    """Return the version and its gates. Refuse one that fails, unless it is champion already."""
    from churn.training.promotion import check_version

    info, gates = check_version(registry, find_contract(order.contract), order.version, name=order.name)
    failed = [f"{gate.name}: {gate.reason}" for gate in gates if not gate.passed]
    if failed and CHAMPION not in info.aliases:
        raise GateError(
            f"{order.version} is not released: {'; '.join(failed)}",
            instead="train a better version, or promote it with `churn promote --force`, which is recorded",
        )
    return info, [{"gate": gate.name, "passed": gate.passed, "reason": gate.reason} for gate in gates]
