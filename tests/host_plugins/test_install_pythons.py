"""The installed tree in every Python that hosts bring, in a process of its own that has nothing but that tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib
from install_rig import PLATFORM, interpreter, real_makers, wanted

from understudy.host_plugins.makers import compile_code
from understudy.host_plugins.plan import Code, tree_parts
from understudy.host_plugins.startup import understudy_startup
from understudy.host_plugins.tree import write_tree

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OURS = {"understudy", "understudy_startup", "zmq", "msgspec", "blake3", "xxhash"}
IMPORT_ALL = """
import sys
sys.path.append(sys.argv[1])
import understudy_startup
before = list(sys.path)
found = understudy_startup.complaints()
assert not found, found
assert sys.path[:len(before)] == before, "something was put before what the host brings"
import importlib, pathlib
for file in sorted(pathlib.Path(sys.argv[1], "understudy", "bridge").glob("[a-z]*.py")):
    importlib.import_module(f"understudy.bridge.{file.stem}")
# What compiled code makes in memory (cython_runtime) lies in no file: it was not imported.
imported = [name for name, module in sys.modules.items() if getattr(module, "__file__", None)]
print(*sorted({name.partition(".")[0] for name in imported} - sys.stdlib_module_names))
"""
A_NUKE = """
import types
nuke = types.ModuleType('nuke')
nuke.__getattr__ = lambda name: type(name, (), {'__init__': lambda *_: None})
sys.modules['nuke'] = nuke
"""
STARTS = {
    "nuke starts": A_NUKE + "import understudy.host_plugins.nuke.startup as s; s.start()",
    "nuke's first button": A_NUKE + "import understudy.host_plugins.nuke.buttons",
    "resolve's script": "import understudy.host_plugins.resolve.startup",
    "a job": "import understudy.bridge.host_work, understudy.bridge.host_daemon",
}
IMPORT_START = """
import sys
sys.path.append(sys.argv[1])
import understudy_startup
assert not understudy_startup.complaints()
exec(sys.argv[2])
imported = [name for name, module in sys.modules.items() if getattr(module, "__file__", None)]
print(*sorted({name.partition(".")[0] for name in imported}))
"""
COMPILE = "import sys; [compile(open(name, encoding='utf-8').read(), name, 'exec') for name in sys.argv[1:]]"


def run(python: str, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script that sees no site-packages, as a host's Python sees none of ours."""
    return subprocess.run(
        [python, "-S", "-s", "-c", script, *arguments], capture_output=True, text=True, check=False, cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a host, its [plugins] 100%") / "tree"
    parts = tree_parts(wanted("nuke", *PYTHONS))
    every_plugin = Code(("nuke", "resolve", "blender", "pyblish"))
    write_tree(
        (every_plugin, *(part for part in parts if not isinstance(part, Code))),
        folder,
        real_makers(),
        host="nuke",
        version="0.1.0",
    )
    return folder


@pytest.mark.parametrize("version", PYTHONS)
def test_when_a_host_imports_the_whole_bridge_then_nothing_but_our_libraries_comes(tree: Path, version: str) -> None:
    done = run(interpreter(version), IMPORT_ALL, str(tree))
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= OURS
    assert {"zmq", "msgspec", "blake3", "xxhash"} <= set(done.stdout.split())


@pytest.mark.parametrize("start", STARTS)
def test_when_a_host_only_starts_then_nothing_is_imported_that_a_job_alone_needs(tree: Path, start: str) -> None:
    done = run(interpreter("3.11"), IMPORT_START, str(tree), STARTS[start])
    assert done.returncode == 0, done.stderr
    brought = set(done.stdout.split()) - {"nuke"}
    assert brought - sys.stdlib_module_names <= OURS
    dear = {"zmq", "logging", "inspect", "subprocess"} & brought
    assert dear == ({"zmq", "logging", "subprocess"} if start == "a job" else set())


@pytest.mark.parametrize("version", PYTHONS)
def test_when_a_host_brings_this_python_then_every_file_of_the_tree_compiles(tree: Path, version: str) -> None:
    files = [str(path) for path in tree.rglob("*.py") if "libraries" not in path.relative_to(tree).parts]
    done = run(interpreter(version), COMPILE, *files)
    assert done.returncode == 0, done.stderr


def test_when_this_python_has_no_libraries_then_it_is_said_which_are_missing(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "tree"
    shutil.copytree(tree, bare, ignore=shutil.ignore_patterns("libraries"))
    script = (
        "import sys; sys.path.append(sys.argv[1]); import understudy_startup as s; print(s.start('bridge.keys', 'x'))"
    )
    done = run(interpreter("3.11"), script, str(bare))
    assert done.stdout.strip() == "False"
    assert "no pyzmq for Python 3.11" in done.stderr
    assert "understudy install" in done.stderr


def a_library(folder: Path, version: str) -> Path:
    (folder / "msgspec").mkdir(parents=True)
    (folder / "msgspec" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    described = folder / f"msgspec-{version}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: msgspec\nVersion: {version}\n")
    return folder


def test_when_the_host_has_an_old_msgspec_then_it_is_named_and_not_replaced(tree: Path, tmp_path: Path) -> None:
    theirs = a_library(tmp_path / "theirs", "0.9.1")
    script = "import sys; sys.path.append(sys.argv[1]); import understudy_startup as s; print(*s.complaints())"
    done = run(interpreter("3.11"), script, str(tree), PYTHONPATH=str(theirs))
    assert "msgspec 0.9.1" in done.stdout
    assert str(theirs) in done.stdout
    assert "0.19" in done.stdout


def test_when_the_host_has_a_newer_msgspec_then_that_one_is_used(tree: Path, tmp_path: Path) -> None:
    theirs = a_library(tmp_path / "theirs", "0.30")
    script = (
        "import sys; sys.path.append(sys.argv[1]); import understudy_startup as s; assert not s.complaints();"
        "import msgspec; print(msgspec.__file__)"
    )
    done = run(interpreter("3.11"), script, str(tree), PYTHONPATH=str(theirs))
    assert done.stdout.startswith(str(theirs)), done.stderr


def test_when_our_code_raises_then_the_host_starts_all_the_same_and_reads_why(tree: Path) -> None:
    script = (
        "import sys; sys.path.append(sys.argv[1]); import understudy_startup as s; print(s.start('bridge.absent', 'x'))"
    )
    done = run(interpreter("3.11"), script, str(tree))
    assert done.stdout.strip() == "False"
    assert "bridge.absent" in done.stderr


def test_the_oldest_versions_that_a_host_is_told_are_those_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        stated = dict(line.split(">=") for line in tomllib.load(stream)["project"]["dependencies"])
    told = {name: ".".join(map(str, oldest)) for name, oldest in understudy_startup.NEEDED.values()}
    assert told == {name: stated[name] for name in told}


def test_the_tree_holds_no_numpy_and_no_qt(tree: Path) -> None:
    names = {path.name.lower() for path in (tree / "libraries" / f"cp311-{PLATFORM}").iterdir()}
    assert not [name for name in names if name.startswith(("numpy", "pyside", "pyqt", "shiboken", "typer", "rich"))]


def test_when_a_tree_is_compiled_then_another_folder_and_no_right_to_write_do_not_matter(
    tree: Path, tmp_path: Path
) -> None:
    python = interpreter("3.11")
    before = tmp_path / "before"
    shutil.copytree(tree, before)
    if "3.11" not in compile_code(before, ("3.11",)):
        pytest.skip("no python3.11 on the path")
    moved = tmp_path / "moved"
    before.rename(moved)
    compiled = moved / "understudy" / "bridge" / "__pycache__" / "client.cpython-311.pyc"
    assert str(tmp_path).encode() not in compiled.read_bytes()
    script = (
        "import sys; sys.path.append(sys.argv[1]); import understudy_startup; understudy_startup.append_paths();"
        "import understudy.bridge.errors as errors; print(errors.__cached__)"
    )
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    assert run(python, script, str(moved), **environment).stdout.strip() == str(
        compiled.with_stem("errors.cpython-311")
    )
    source = moved / "understudy" / "bridge" / "errors.py"
    source.write_text(f"{source.read_text()}\nprint('changed')\n")
    assert "changed" in run(python, script, str(moved), **environment).stdout
