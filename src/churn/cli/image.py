"""Commands on the service's container image: `churn image build`, `churn image test`, `churn image layers`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.cli.extras import require_extra
from churn.cli.options import BaseImageOption, BuildNetworkOption, CaFileOption, JsonOption, SourceOption
from churn.cli.show import out, print_json, print_table, say
from churn.image.building import BASE_IMAGE, MEGABYTE, REPOSITORY, Layer, build_image, bytes_above_base, list_layers
from churn.image.smoke import smoke_test
from churn.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

BundleArgument = Annotated[Path, typer.Argument(help="The bundle's directory.", show_default=False)]
ImageArgument = Annotated[str, typer.Argument(help="Name and tag of the image.", show_default=False)]

app = typer.Typer(name="image", help="Build and try the service's container image; needs Docker.", no_args_is_help=True)


@app.command("build", epilog="Example: churn image build var/bundles/streamflow/champion")
def image_build(
    bundle: BundleArgument,
    *,
    repository: Annotated[str, typer.Option(help="The image's name; the tag is the model's version.")] = REPOSITORY,
    base_image: BaseImageOption = BASE_IMAGE,
    source: SourceOption = None,
    network: BuildNetworkOption = None,
    ca_file: CaFileOption = None,
    cache: Annotated[bool, typer.Option(help="Use what was built before.")] = True,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write the bill of materials; `images` under CHURN_HOME if not given."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the image that serves a bundle, tagged with the model's version, and list what is in it."""
    require_extra("image", "cyclonedx")
    from churn.image.bill import write_bill  # noqa: PLC0415 - an extra

    say(f"building {repository} of {bundle}")
    image = build_image(
        bundle,
        source=source,
        repository=repository,
        base_image=base_image,
        network=network,
        ca_file=ca_file,
        cache=cache,
        shown=not as_json,
    )
    bill = write_bill(image, folder or read_settings().churn_home / "images")
    if as_json:
        print_json(
            {
                "reference": image.reference,
                "id": image.id,
                "size_bytes": image.size,
                "above_base_bytes": bytes_above_base(image.layers),
                "labels": dict(image.labels),
                "layers": _list_layers_json(image.layers),
                "bill_of_materials": str(bill),
            }
        )
        return
    _show(image.layers)
    out.print(f"{image.reference} is built, its bill of materials is {bill}")
    out.print(f"next: churn image test {image.reference} {bundle}")


@app.command("test", epilog="Example: churn image test streamflow-churn-api:v2.3.1 var/bundles/streamflow/v2.3.1")
def image_test(
    image: ImageArgument,
    bundle: BundleArgument,
    network: Annotated[
        str | None, typer.Option(help="The container's network; a port is published unless it is `host`.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Run an image as in production and compare its answer with its bundle's; exit code 7 if it does not hold."""
    say(f"running {image} with one CPU, 2 GB, and nothing writable")
    result = smoke_test(image, bundle, network=network)
    if as_json:
        print_json(asdict(result))
    else:
        out.print(
            f"{image} holds: healthy after {result.healthy_after_s:.1f} s, answers {result.churn_probability} as the "
            "bundle does, and stopped with exit code 0"
        )


@app.command("layers", epilog="Example: churn image layers streamflow-churn-api:v2.3.1")
def image_layers(image: ImageArgument, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Show what takes the space in an image."""
    layers = list_layers(image)
    if as_json:
        print_json(_list_layers_json(layers))
    else:
        _show(layers)


def _list_layers_json(layers: Sequence[Layer]) -> list[dict[str, str | int]]:
    return [{"name": layer.name, "size_bytes": layer.size} for layer in layers]


def _show(layers: Sequence[Layer]) -> None:
    rows = [[layer.name, f"{layer.size / MEGABYTE:.1f} MB"] for layer in layers]
    print_table("Layers", ["layer", "size"], [*rows, ["above base", f"{bytes_above_base(layers) / MEGABYTE:.1f} MB"]])
