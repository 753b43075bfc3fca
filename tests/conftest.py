"""What every test may ask for: real footage when its folder is named, a private home, a small drawn shot."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from terminal_rig import Terminal

# How long an example takes tells how busy the machine is, not whether the code is right.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")  # as inference/engines/wan has it, before a test uses the library
# Where compiled files are forbidden, each of a thousand processes would compile our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.pop("OCIO", None)  # a config of the machine's own would be every test's: those that want one set it


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What was imported and collected stays to the end: no collection of garbage in a test has to walk it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries that count what they leak would count it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests: on several cores the last test must not be one of them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _never_the_users_own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever a test does not say, it writes nowhere near the jobs and keys of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSTUDY_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def footage() -> Path:
    """Return the folder of real test footage; the tests that need it skip, with this reason, where it is not named."""
    folder = os.environ.get("UNDERSTUDY_TEST_PLATES")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real footage: set UNDERSTUDY_TEST_PLATES to a folder that holds market/ and beachball/")
    return Path(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a private UNDERSTUDY_HOME for one test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("UNDERSTUDY_HOME", str(folder))
    return folder


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a function that runs a command: `terminal("jobs", "--json").code`."""
    return Terminal(monkeypatch, capsys)
