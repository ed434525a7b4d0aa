"""The wheel holds all that is needed: in a fresh environment and an empty folder, from a CSV file to an open page."""

import csv
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
from support.processes import free_port, read_greeting
from support.tools import ROOT, uv

PATIENCE_S = 600


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, and with the libraries of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [uv(), "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(folder), str(ROOT)]
    if subprocess.run([*build, "--offline"], check=False, capture_output=True).returncode:
        subprocess.run(build, check=True)  # what builds is not in uv's cache
    [wheel] = folder.glob("*.whl")
    environment = folder / "environment"
    subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [uv(), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel)]
    subprocess.run(install, check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    # Only folders of sites run .pth files, so what is installed here as editable does not take part.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin"


def environment(home: Path, **more: object) -> dict[str, str]:
    own = {"PATH": os.environ["PATH"], "HOME": home, "CHURN_BUSINESSES": home, **more}
    return {name: str(value) for name, value in own.items()}


def run(programs: Path, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [programs / "churn", *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(program: Path, *arguments: str, home: Path, **more: object) -> Iterator[None]:
    """A program that serves, from when it is ready."""
    process = subprocess.Popen(
        [program, *arguments],
        cwd=home,
        env=environment(home, CHURN_CONTRACT="shop", **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        read_greeting(process)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def write_customers(path: Path) -> None:
    """500 customers; those with few visits and a monthly plan leave more often; every ninth income is not known."""
    chance = np.random.default_rng(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Customer No", "visits", "plan", "income", "left"])
        for at in range(500):
            visits, plan = int(chance.integers(0, 30)), str(chance.choice(["monthly", "yearly"]))
            income = "" if at % 9 == 0 else round(float(chance.normal(3000, 500)), 2)
            leaves = chance.random() < 1 / (1 + np.exp(visits / 5 - 1 - (plan == "monthly")))
            writer.writerow([at, visits, plan, income, "yes" if leaves else "no"])


def test_from_a_csv_file_to_an_open_page(programs: Path, tmp_path: Path) -> None:
    write_customers(tmp_path / "shop.csv")
    run(programs, tmp_path, "contract", "init", "shop.csv", "--id", "Customer No", "--label", "left")
    assert {path.name for path in tmp_path.glob("shop.*")} == {"shop.csv", "shop.py", "shop.toml"}
    run(programs, tmp_path, "data", "check", "shop.csv", "--contract", "shop")
    run(programs, tmp_path, "train", "shop.csv", "--contract", "shop", "--model-version", "v1")
    few = ["--force", "--reason", "five hundred customers"]
    run(programs, tmp_path, "promote", "v1", "--contract", "shop", *few)
    run(programs, tmp_path, "export", "models:/shop-churn-predictor@champion")
    port, page = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    with (
        running(programs / "churn", "serve", home=tmp_path, PORT=port, WORKERS=1),
        running(programs / "churn-portal", home=tmp_path, PORTAL_PORT=page, SERVICE_URL=address),
        httpx2.Client(base_url=f"http://127.0.0.1:{page}", trust_env=False, follow_redirects=True) as browser,
    ):
        customer = {"visits": 1, "plan": "monthly", "income": None}
        answer = httpx2.post(f"{address}/predict", json=customer, trust_env=False)
        assert answer.status_code == 200
        assert answer.json()["top_reasons"][0]["feature"] == "visits"
        assert answer.json()["retention"]["reasons"][0]["text"] == "Visits: 1"
        assert answer.json()["retention"]["offer"] is None
        sign_in = browser.get("/sign-in").text
        token = sign_in.partition('name="form_token" value="')[2].partition('"')[0]
        keys = re.findall(r'name="subscriber" value="([^"]+)"', sign_in)
        opened = browser.post("/sign-in", data={"form_token": token, "subscriber": keys[0]})
        assert opened.status_code == 200
        assert "Your account" in opened.text
