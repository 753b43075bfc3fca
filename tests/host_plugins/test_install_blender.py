"""The installer with real Blenders: their own command line, run in Blender as a Python module where one is here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from install_rig import machine, real_wheels, wanted

from understudy.host_plugins.found_hosts import describe_host
from understudy.host_plugins.install import carry_out, make_plan, uninstall
from understudy.host_plugins.install_check import check
from understudy.host_plugins.makers import payload_makers
from understudy.host_plugins.release import release
from understudy.host_plugins.tree import make_writable

ENVIRONMENTS = Path(__file__).resolve().parents[1] / "hosts" / "blender" / "environments.py"
BLENDERS = ("4.5.15", "5.2.3")
AS_BLENDER = """
import os, sys
import bpy
if sys.argv[1:] == ["--version"]:
    print(f"Blender {bpy.app.version_string}")
    sys.exit()
assert sys.argv[1:3] == ["--command", "extension"], sys.argv
import addon_utils
addon_utils.enable("bl_pkg")
from bl_pkg import cli_extension
code = cli_extension(sys.argv[3:])
sys.stdout.flush()
os._exit(code)
"""
ENABLE = """
import os, sys
import bpy, addon_utils
addon_utils.enable("bl_ext.system.understudy")
import bl_ext.system.understudy as ours
print("enabled", ours.__file__)
sys.stdout.flush()
os._exit(0)
"""


def environments() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environments", ENVIRONMENTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blender_python(version: str) -> str:
    found = environments().blender_python(version)
    if found is None:
        pytest.skip(f"no Blender {version} here: python tests/hosts/blender/environments.py {version}")
    return str(found)


def as_program(folder: Path, version: str) -> Path:
    """Return a program that answers as that Blender's own command line, because it is that."""
    (folder / "as_blender.py").write_text(AS_BLENDER)
    program = folder / "blender"
    program.write_text(f"#!/bin/sh\nexec '{blender_python(version)}' '{folder / 'as_blender.py'}' \"$@\"\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", BLENDERS)
def test_when_installed_then_blender_itself_has_the_extension_until_it_is_removed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    found = describe_host("blender", str(as_program(tmp_path, version)))
    assert found is not None
    assert found.supported
    one = wanted("blender", found.python)._replace(programs=((found.program, found.python),))
    carry_out(make_plan(one, machine(tmp_path)), payload_makers(real_wheels(found.python)), "")
    installed = tmp_path / "user" / "extensions" / "user_default" / "understudy"
    assert (installed / "__init__.py").is_file()
    assert check("blender", machine(tmp_path)) == []
    assert uninstall("blender", machine(tmp_path)) == []
    assert not installed.exists()


@pytest.mark.parametrize("version", BLENDERS)
def test_when_a_facility_sets_the_variable_then_blender_enables_the_release_and_unpacks_its_libraries(
    tmp_path: Path, version: str
) -> None:
    python = blender_python(version)
    number = environments().PYTHONS[version]
    release(wanted("blender", number), tmp_path, payload_makers(real_wheels(number)), "1")
    tree = tmp_path / "understudy_blender" / "1" / f"python-{number}"
    user = tmp_path / "user"
    user.mkdir()
    done = subprocess.run(
        [python, "-c", ENABLE], capture_output=True, text=True, check=False,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(user), "BLENDER_SYSTEM_EXTENSIONS": str(tree / "extensions")},
    )  # fmt: skip
    assert f"enabled {tree}" in done.stdout, done.stderr
    libraries = user / "extensions" / ".local" / "lib" / f"python{number}" / "site-packages"
    assert {"zmq", "msgspec", "blake3", "xxhash"} <= {path.name for path in libraries.iterdir()}
    make_writable(tree.parent)
