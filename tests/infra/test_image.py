"""The container image is small, closed, the same each time, and answers as its bundle does."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from support.images import Built, Engine
from support.processes import churn, succeed
from support.tools import ROOT, uv

from churn.contract.sampling import draw_columns
from churn.files import hash_file
from churn.image.building import arguments_from_bundle
from churn.image.container import HARDENED, Container, run_container
from churn.image.docker import docker
from churn.image.source import BUSINESSES, DOCKERFILE, find_checkout, stage_context
from churn.model.bundle import Bundle, load_bundle

pytestmark = pytest.mark.xdist_group("docker")

LARGEST = 250_000_000  # above the base
PATIENCE_S = 60
PYTHON = "/opt/churn/bin/python"
AT_ONCE = {"DRAIN_SECONDS": "0"}  # the stopping of these containers is not looked at

# All files that an image adds to its base, with what must be the same in each build.
LISTED = "find /opt /bundle ! -type d -printf '%p %m %U:%G %T@ %l ' -exec sh -c 'sha256sum <\"$0\"' {} ';' | sort"
# Every bit of what the model says, in hexadecimal.
EXPLAINED = """
import sys, json, numpy, pathlib, churn.model.bundle
rows = numpy.array(json.load(sys.stdin), dtype=numpy.float32)
print(churn.model.bundle.load_bundle(pathlib.Path("/bundle")).model.explain(rows).tobytes().hex())
"""
# What Babel makes of amounts, shares and days in each language.
WORDED = """
from datetime import date
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_percent
from churn.contract.language import list_language_codes
for code in sorted(list_language_codes()):
    made = [format_currency(1234.5, "USD", locale=code), format_percent(0.25, locale=code)]
    print(code, made, format_date(date(2026, 11, 24), "long", locale=code), Locale.parse(code).display_name)
"""


def inside(image: Built, *command: str, given: str | None = None) -> str:
    """What a command prints that runs in the image instead of the service."""
    options = ["--rm", "--interactive", "--network", "none", *HARDENED, "--entrypoint", command[0]]
    return subprocess.run(
        ["docker", "run", *options, image.reference, *command[1:]],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def container(image: Built) -> Iterator[Container]:
    with run_container(image.reference, environment=AT_ONCE) as container:
        yield container


def test_the_image_says_what_it_holds(image: Built) -> None:
    labels, manifest = image.said["labels"], load_bundle(image.bundle).manifest
    assert image.reference.endswith(f":{manifest.model_version}")
    assert labels["org.opencontainers.image.version"] == manifest.model_version
    assert labels["streamflow.bundle.sha256"] == hash_file(image.bundle / "manifest.json")
    assert labels["streamflow.contract.fingerprint"] == manifest.contract_fingerprint
    assert labels["org.opencontainers.image.revision"]
    assert labels["org.opencontainers.image.created"].endswith("Z")


def test_the_image_runs_as_a_numbered_user_with_the_service_as_process_one(image: Built) -> None:
    (known,) = json.loads(docker("image", "inspect", image.reference))
    config = known["Config"]
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["/opt/churn/bin/churn"], ["serve"])
    assert (config["StopSignal"], list(config["ExposedPorts"])) == ("SIGTERM", ["8000/tcp"])
    checked = config["Healthcheck"]
    assert (checked["Test"][0], checked["Retries"]) == ("CMD", 3)
    assert (checked["Interval"], checked["Timeout"]) == (30e9, 5e9)


def test_the_image_stays_within_its_budget(image: Built) -> None:
    names = [layer["name"] for layer in image.said["layers"]]
    assert names == ["base", "home", "libraries", "project", "bundle"]
    assert sum(layer["size_bytes"] for layer in image.said["layers"]) == pytest.approx(image.said["size_bytes"])
    assert 0 < image.said["above_base_bytes"] <= LARGEST


def test_the_image_holds_neither_compilers_nor_what_only_training_needs(image: Built) -> None:
    tools = ["gcc", "cc", "ld", "uv", "curl"]
    found = inside(image, "sh", "-c", f"for tool in {' '.join(tools)}; do command -v $tool; done; true")
    assert found == ""
    libraries = ["mlflow", "optuna", "pandas", "pyarrow", "sklearn", "shap", "xgboost", "pytest", "pip", "Cython"]
    code = f"import importlib.util as u; print([name for name in {libraries} if u.find_spec(name)])"
    assert inside(image, PYTHON, "-c", code).strip() == "[]"


def test_all_byte_code_is_made_and_none_asks_for_its_source(image: Built) -> None:
    code = """
import pathlib, sys
for source in pathlib.Path(sys.prefix, "lib").rglob("*.py"):
    made = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    if not made.exists() or made.read_bytes()[4:8] != b"\\x01\\0\\0\\0":
        print(source)
"""
    assert inside(image, PYTHON, "-c", code) == ""


def test_the_hardened_service_answers_as_the_bundle_does(image: Built, container: Container) -> None:
    model = load_bundle(image.bundle).model
    example = model.contract.example()
    status, headers, answer = container.ask("POST", "/predict", example)
    (expected,) = model.predict([model.contract.model_validate(example)])
    assert (status, headers["X-Model-Version"]) == (200, "v0.0.2")
    assert answer["churn_probability"] == expected.probability


def test_the_image_explains_bit_for_bit_as_this_machine_does(image: Built) -> None:
    model = load_bundle(image.bundle).model
    rows = model.contract.encode_columns(draw_columns(model.contract, np.random.default_rng(3), 1000))
    there = inside(image, PYTHON, "-c", EXPLAINED, given=json.dumps(rows.tolist()))
    assert there.strip() == model.explain(rows).tobytes().hex()


def test_every_language_that_is_answered_in_has_its_numbers_and_dates(
    image: Built, engine: Engine, tmp_path: Path
) -> None:
    there = inside(image, PYTHON, "-c", WORDED).splitlines()
    here = subprocess.run(
        [sys.executable, "-c", WORDED], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert there == here
    assert len(here) >= 2
    assert list_locales(image.reference).isdisjoint({"fr.dat", "fr_CA.dat", "fur.dat"})
    checkout, bundle = find_checkout(ROOT), load_bundle(image.bundle)
    arguments = arguments_from_bundle(bundle, checkout, engine.base_image)
    named = [word for name in ("BASE_IMAGE", "EXTRAS") for word in ("--build-arg", f"{name}={arguments[name]}")]
    with stage_context(checkout, bundle) as context:
        (context / BUSINESSES / "gym.fr.po").write_text("")
        built = tmp_path / "built"  # of the stages that the image is of, all but the last is there already
        kept = ["--file", str(context / DOCKERFILE), "--target", "libraries", "--iidfile", str(built)]
        docker("build", *kept, *named, *build_options(engine), str(context))
    try:
        assert {"fr.dat", "fr_CA.dat", "de.dat"} <= list_locales(built.read_text())
        assert "fur.dat" not in list_locales(built.read_text())
    finally:
        docker("image", "rm", "--force", built.read_text())


def build_options(engine: Engine) -> list[str]:
    """How `docker build` is told what `churn image build` is told on this engine."""
    words = [word for option in engine.build_options for word in option.split("=", 1)]
    given = dict(zip(words[::2], words[1::2], strict=True))
    network = ["--network", given["--network"]] if "--network" in given else []
    return network + (["--secret", f"id=ca,src={given['--ca-file']}"] if "--ca-file" in given else [])


def list_locales(reference: str) -> set[str]:
    """The files of Babel's data that an image has."""
    listed = "ls /opt/churn/lib/python3*/site-packages/babel/locale-data"
    return set(docker("run", "--rm", "--network", "none", "--entrypoint", "sh", reference, "-c", listed).split())


def test_the_health_check_turns_healthy(image: Built) -> None:
    # The same check as the image's own, asked sooner than every 30 s.
    (known,) = json.loads(docker("image", "inspect", image.reference))
    check = " ".join(known["Config"]["Healthcheck"]["Test"][1:])
    name = "churn-tests-health"
    settings = ["--env", "HOST=127.0.0.1", "--env", "WORKERS=2"]
    asked = ["--health-cmd", check, "--health-interval", "1s", "--network", "none", *settings]
    # Without a single folder that can be written, as on Fargate.
    hardened = [option for option in HARDENED if option not in {"--tmpfs", "/tmp"}]  # noqa: S108
    docker("run", "--detach", "--rm", "--name", name, *hardened, *asked, image.reference)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (state := docker("inspect", "--format", "{{.State.Health.Status}}", name)) != "healthy":
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        said = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
        assert "loads all itself" not in said.stdout + said.stderr  # workers are copies here, too
    finally:
        docker("rm", "--force", "--volumes", name)


def test_a_volume_at_data_belongs_to_the_user_of_the_service(image: Built) -> None:
    name = f"churn-tests-{secrets.token_hex(4)}"
    options = ["--rm", "--network", "none", "--volume", f"{name}:/data", *HARDENED, "--entrypoint", "sh"]
    try:
        told = docker("run", *options, image.reference, "-c", "touch /data/journal && stat --format '%u:%g %a' /data")
        assert told == "10001:10001 750"
    finally:
        docker("volume", "rm", name)


def test_the_health_check_fails_where_nobody_answers(image: Built) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        inside(image, PYTHON, "-I", "-S", "/opt/churn/healthy.py")


def test_docker_stop_ends_the_service_with_code_0(image: Built) -> None:
    with run_container(image.reference, environment=AT_ONCE) as container:
        assert container.stop() == 0


def test_a_service_without_its_bundle_ends_with_a_sentence(image: Built) -> None:
    run = ["docker", "run", "--rm", "--network", "none", "--env", "MODEL_PATH=/nowhere", *HARDENED, image.reference]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ended.returncode == 4
    assert "there is no bundle at /nowhere" in ended.stderr


def test_the_bill_of_materials_is_valid_and_names_what_the_lock_file_does(image: Built) -> None:
    text = Path(image.said["bill_of_materials"]).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    installed = {each["purl"] for each in components if each.get("purl", "").startswith("pkg:pypi/")}
    assert installed == {*locked(), f"pkg:pypi/streamflow-churn@{version('streamflow-churn')}"}
    assert any(each.get("purl", "").startswith("pkg:deb/debian/libc6@") for each in components)


def locked() -> set[str]:
    """What serving needs by the lock file, as package URLs."""
    export = [uv(), "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--no-annotate"]
    export += ["--extra", "tracing"]
    lines = subprocess.run(export, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    wanted = [line.partition(" ; ") for line in lines if line[0] != "#"]
    return {f"pkg:pypi/{name.replace('==', '@')}" for name, _, marker in wanted if marker != "sys_platform == 'win32'"}


def test_two_builds_have_the_same_files_to_the_bit(image: Built, engine: Engine, tmp_path: Path) -> None:
    repository = image.reference.partition(":")[0] + "-again"
    options = ("--repository", repository, "--no-cache", "--out", str(tmp_path), "--json", *engine.build_options)
    said = json.loads(succeed(tmp_path, "image", "build", image.bundle, *options))
    again = Built(said["reference"], image.bundle, said)
    try:
        assert inside(again, "sh", "-c", LISTED).splitlines() == inside(image, "sh", "-c", LISTED).splitlines()
        layers = [
            docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", each.reference) for each in (image, again)
        ]
        assert layers[0] == layers[1]
    finally:
        docker("image", "rm", "--force", again.reference)


def test_churn_image_test_passes_the_image_with_its_bundle(image: Built, tmp_path: Path) -> None:
    seen = json.loads(succeed(tmp_path, "image", "test", image.reference, image.bundle, "--json"))
    assert seen["model_version"] == "v0.0.2"
    assert seen["healthy_after_s"] > 0
    assert (
        docker("ps", "--all", "--quiet", "--filter", f"ancestor={image.reference}", "--filter", "status=exited") == ""
    )


def test_churn_image_test_refuses_an_image_of_another_bundle(
    image: Built, tmp_path: Path, bundles: dict[str, Bundle]
) -> None:
    done = churn(tmp_path, "image", "test", image.reference, bundles["streamflow"].path)
    assert done.code == 7
    assert "does not hold: its churn_probability is" in done.err


def test_churn_image_layers_shows_what_takes_the_space(image: Built, tmp_path: Path) -> None:
    said = succeed(tmp_path, "image", "layers", image.reference)
    assert all(name in said for name in ("base", "libraries", "project", "bundle", "above base"))
    assert json.loads(succeed(tmp_path, "image", "layers", image.reference, "--json")) == image.said["layers"]


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_there_is_told_in_dockers_words(tmp_path: Path) -> None:
    done = churn(tmp_path, "image", "layers", "churn-tests/nothing:v1")
    assert done.code == 7
    assert "No such image: churn-tests/nothing:v1" in done.err
