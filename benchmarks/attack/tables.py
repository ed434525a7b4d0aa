"""Damage the tables of a bundle and seal it anew; a kernel under AddressSanitizer and UBSan reads them."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections import Counter
from pathlib import Path

from benchmarks.attack.processes import make_attacked_bundle
from benchmarks.attack.summary import Summary

LIMIT_S = 900.0  # on a machine that is too slow fewer are tried
MOST_ENDS = 10  # of the reading process; then enough is known
LIBRARIES = ("libasan.so", "libubsan.so")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
HELD = {"refused", "answers"}
READER = ("-m", "benchmarks.attack.other_kernel")
READS = "benchmarks.attack.damaged_tables"
LACKING = "there is no gcc with AddressSanitizer and UBSan; on Debian: apt-get install gcc"


def attack(count: int, seed: int, home: Path) -> Summary:
    """Have so many damaged tables read, each either refused or answered from soundly."""
    libraries = find_sanitizers()
    if not libraries:
        return Summary("tables", 0, skipped=LACKING)
    kernel = _build_kernel(home)
    bundle = make_attacked_bundle(home)
    outcomes, faults, until_s = Counter[str](), Counter[str](), time.monotonic() + LIMIT_S
    number = 0
    while number < count and len(faults) < MOST_ENDS and time.monotonic() < until_s:
        lines, error = _read_tables(libraries, [str(kernel), READS, *map(str, (bundle, seed, number, count))], until_s)
        for line in lines:
            at, damaged, outcome = [*line.rstrip("\n").split(" ", 2), ""][:3]
            number = int(at) + 1
            outcomes[outcome] += outcome in HELD
            if outcome not in HELD and (outcome or error):
                faults[f"damage {at} of {damaged} (seed {seed}): {outcome or error}"] += 1
        if not lines:
            raise OSError(f"the reading process does not start: {error}")
    figures = {name: float(outcomes[name]) for name in sorted(HELD)}
    return Summary("tables", number, tuple(faults)[:MOST_ENDS], figures)


def find_sanitizers() -> list[str]:
    """Return the libraries of gcc's sanitizers; none if one is missing."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return []
    asked = [f"-print-file-name={name}" for name in LIBRARIES]
    places = [subprocess.check_output([compiler, option], text=True).strip() for option in asked]
    return places if all(map(os.path.isabs, places)) else []  # gcc names what it lacks as it was asked


def _build_kernel(home: Path) -> Path:
    """Compile the kernel as the project does, but for sanitizers in place of the optimisation.

    Raises:
        OSError: the compiler fails.
    """
    with Path("pyproject.toml").open("rb") as file:
        (module,) = tomllib.load(file)["tool"]["setuptools"]["ext-modules"]
    flags = [flag for flag in module["extra-compile-args"] if not flag.startswith("-O")]
    installed = importlib.util.find_spec(module["name"])
    if installed is None or installed.origin is None:
        raise OSError("the kernel is not installed")
    # Cython made it beside, from the kernel's source, when the environment was made.
    source, kernel = Path(installed.origin).with_name("kernel.c"), home / "kernel.so"
    include = sysconfig.get_path("include")
    command = ["gcc", "-shared", "-fPIC", *flags, *SANITIZED, f"-I{include}", str(source), "-lm", "-o", str(kernel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"the kernel cannot be compiled: {done.stderr[-500:]}")
    return kernel


def _read_tables(libraries: list[str], arguments: list[str], until_s: float) -> tuple[list[str], str]:
    """Run the reading process. Return its lines, and what ended it before its time; empty if nothing did."""
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's own are many
        "PYTHONMALLOC": "malloc",  # each array between guarded bytes
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    process = subprocess.Popen(
        [sys.executable, *READER, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = process.communicate(timeout=max(1.0, until_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        return output.splitlines(), ""
    if not process.returncode:
        return output.splitlines(), ""
    signs = ("Sanitizer", "runtime error", "Error")
    reports = [line for line in errors.splitlines() if any(sign in line for sign in signs)]
    return output.splitlines(), " ".join([f"ended with {process.returncode}", *reports[:1]])
