"""What an installed wheel would lack in silence: packages left out of the list, data files, bare names."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[1]


def listed() -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return set(tomllib.load(stream)["tool"]["setuptools"]["packages"])


def test_when_a_folder_holds_a_package_then_it_is_listed_in_pyproject() -> None:
    tops = ("bridge", "inference", "ui", "host_plugins")
    found = {
        "understudy." + ".".join(path.parent.relative_to(ROOT).parts)
        for top in tops
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert found == listed()


@pytest.mark.parametrize("package", ["bridge", "inference", "ui", "host_plugins"])
def test_when_a_package_ships_then_it_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_when_the_report_is_rendered_from_an_installed_package_then_its_page_is_there() -> None:
    for name in ("report.html", "show_report.html"):
        assert resources.files("understudy.inference").joinpath(name).is_file()


@pytest.mark.parametrize("package", ["bridge", "inference"])
def test_when_a_package_is_imported_under_its_bare_name_then_it_refuses(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"import understudy.{package}" in done.stderr


def test_when_the_command_line_starts_then_it_finds_the_daemons_commands_by_entry_point() -> None:
    assert "daemon" in entry_points(group="understudy.commands").names


def test_when_a_version_is_pinned_then_every_direct_dependency_is() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    wanted = {
        requirement.split(">")[0].split("[")[0].lower()
        for requirement in [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    } - {"understudy"}
    pinned = {
        line.split("==")[0].strip().lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert wanted <= pinned
