"""The rules of the house: style, types, the directions of imports, the public names, and what a newcomer relies on."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import recuerdo

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PUBLIC = [
    "Forecaster",
    "LanguageModel",
    "SequenceClassifier",
    "SequenceRegressor",
    "__version__",
    "cells",
    "convert",
    "data",
    "errors",
    "kernels",
    "learn",
    "load",
    "memory",
    "nn",
    "shapes",
    "show",
    "tasks",
]


def text(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def files(pattern: str) -> list[Path]:
    rooms = ("src", "tests", "docs", "benchmarks")
    return sorted(path for room in rooms for path in (ROOT / room).rglob(pattern))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ruff", ["check", "--quiet"]),
        ("ruff", ["format", "--check"]),
        ("basedpyright", ["--pythonpath", sys.executable]),
        ("lint-imports", ["--no-cache"]),
        ("towncrier", ["build", "--draft", "--version", "0"]),
    ],
)
def test_the_checkers_find_nothing(tool: str, arguments: list[str]) -> None:
    done = run(Path(sysconfig.get_path("scripts")) / tool, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_public_names_are_these() -> None:
    assert sorted(recuerdo.__all__) == PUBLIC
    assert dir(recuerdo) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_resolves_and_says_what_it_is(name: str) -> None:
    value = getattr(recuerdo, name)
    if isinstance(value, ModuleType) or callable(value):
        assert (value.__doc__ or "").strip(), f"recuerdo.{name} has no docstring"
    if isinstance(value, ModuleType):
        missing = [public for public in getattr(value, "__all__", ()) if not hasattr(value, public)]
        assert not missing, f"recuerdo.{name}.__all__ names what is not there: {missing}"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Forecastr'; it has: Forecaster, "):
        _ = recuerdo.Forecastr


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("recuerdo", {"torch", "numpy", "polars", "matplotlib", "sklearn"}),
        ("recuerdo.cli", {"torch", "matplotlib", "sklearn"}),
    ],
)
def test_importing_stays_light(module: str, heavy: set[str]) -> None:
    done = run(sys.executable, "-c", f"import sys, {module}; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    assert not heavy & set(done.stdout.split())


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    names = {"utils", "util", "helpers", "helper", "misc", "common", "base2"}
    found = [str(path.relative_to(ROOT)) for path in files("*") if path.stem in names]
    assert not found, "name a module after its one idea"


def test_no_file_that_we_read_or_write_is_a_pickle() -> None:
    barred = re.compile(
        r"^\s*(?:import|from)\s+(?:pickle|cloudpickle|dill|joblib|shelve)\b|\btorch\.(?:load|save)\(|allow_pickle=True",
        re.MULTILINE,
    )
    found = {str(path.relative_to(ROOT)): barred.findall(text(path)) for path in (ROOT / "src").rglob("*.py")}
    found = {path: calls for path, calls in found.items() if calls}
    assert not found, "opening a pickle can run a stranger's code: write safetensors and JSON"


def test_a_news_fragment_has_an_issue_and_a_known_type() -> None:
    types = "|".join(kind["directory"] for kind in PYPROJECT["tool"]["towncrier"]["type"])
    names = [path.name for path in (ROOT / "newsfragments").iterdir() if path.name != ".gitignore"]
    wrong = [name for name in names if not re.fullmatch(rf"\d+\.(?:{types})(?:\.\d+)?\.md", name)]
    assert not wrong, f"a fragment is called ISSUE.TYPE.md, and TYPE is one of {types}"


def test_an_ignored_warning_names_its_package_and_the_reason() -> None:
    filters = PYPROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"]
    assert filters[0] == "error"
    block = re.search(r"^filterwarnings = \[\n(.*?)^\]", text("pyproject.toml"), re.MULTILINE | re.DOTALL)
    assert block is not None
    said = re.findall(r"^  # [a-z-]+ [0-9.]+: .+\n  \"(?:ignore|default):", block[1], re.MULTILINE)
    assert len(said) == len(filters) - 1, "above each ignored warning stands '# package 1.2: what it does, and why'"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_that_a_newcomer_reads_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text(page), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_ci_runs_the_command_that_the_readme_names() -> None:
    assert re.search(r"^make test\b", text(".ci/run"), re.MULTILINE)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.search(r"^export CI=true$", text(".ci/run"), re.MULTILINE), "a missing compiler would be no fault"


def test_a_link_between_pages_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *files("*.md")]
    links = {(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", text(page)) if "://" not in link}
    lost = [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()]
    assert not lost


def needed(name: str, extra: str = "") -> set[tuple[str, str]]:
    """The distributions that one of them asks for on this machine, each with the extra that it is asked for with."""
    needs = [Requirement(line) for line in metadata.requires(name) or ()]
    here = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {(canonicalize_name(need.name), also) for need in here for also in ("", *need.extras)}


def test_every_dependency_is_pinned() -> None:
    pins = [line for line in text("constraints.txt").splitlines() if not line.startswith("#")]
    wrong = [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)]
    assert not wrong, "a pin is name==version, without a local version, a path or a host"
    names = [pin.partition("==")[0] for pin in pins]
    assert pins == sorted(pins)
    assert len(names) == len(set(names))

    found: set[tuple[str, str]] = set()
    waiting = {("recuerdo", ""), ("recuerdo", "test")}
    while waiting:
        found |= waiting
        waiting = {need for one in waiting for need in needed(*one)} - found
    missing = {name for name, _ in found} - {*names, "recuerdo"}
    assert not missing, "constraints.txt says at its top how it is refreshed"
