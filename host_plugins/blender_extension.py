"""The Blender extension as zips, one for each Python that Blender ships: built and judged by Blender's own tool.

`python -m understudy.host_plugins.blender_extension --tool .../blender_ext.py dist`. Runs in our own environment.
Blender refuses a zip with wheels of two Pythons, so there are two; pip never runs in Blender, wheels lie in the zip.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import string
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import NamedTuple

from understudy.bridge.errors import HostError
from understudy.host_plugins.payload import PIP_PLATFORMS, fetch_wheels, write_payload

SOURCE = Path(__file__).resolve().parent / "blender"
TEMPLATE = "blender_manifest.template.toml"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content makes the same wheel


class Edition(NamedTuple):
    """One zip. `blender_max` is exclusive, as Blender reads it."""

    name: str
    python: str
    blender_min: str
    blender_max: str = ""


EDITIONS = (
    Edition("blender-4.2-5.0", "3.11", "4.2.0", "5.1.0"),
    Edition("blender-5.1", "3.13", "5.1.0"),
)


def build_extension(edition: Edition, platforms: Sequence[str], tool: Path, target: Path) -> Path:
    """Write one zip into `target` and return its path. tool: blender_ext.py of any Blender from 4.2 on.

    Raises HostError with the tool's own words when it does not accept what we made.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "understudy"
        write_source(edition, platforms, source)
        built = target / f"understudy-{installed_version('understudy')}-{edition.name}.zip"
        _run(tool, "validate", str(source))
        _run(tool, "build", "--source-dir", str(source), "--output-filepath", str(built))
    _run(tool, "validate", str(built))
    return built


def write_source(edition: Edition, platforms: Sequence[str], source: Path, wheels: Path | None = None) -> None:
    """Write the folder that is zipped. wheels: where to take them from instead of pip's index."""
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__", TEMPLATE, "py.typed"))
    names = _gather_wheels(edition, platforms, source / "wheels", wheels)
    (source / "blender_manifest.toml").write_text(_manifest(edition, platforms, names), encoding="utf-8")


def zip_extension(python: str, platforms: Sequence[str], built: Path, wheels: Path | None = None) -> None:
    """Write the zip of one Python without Blender's tool, which judges it when it is installed."""
    (edition,) = (one for one in EDITIONS if one.python == python)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(built, "w", zipfile.ZIP_DEFLATED) as archive:
        source = Path(folder) / "understudy"
        write_source(edition, platforms, source, wheels)
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(source).as_posix())


def write_bridge_wheel(target: Path) -> Path:
    """Write the bridge as a pure wheel. Its version names its content: Blender unpacks no wheel of a known version."""
    with tempfile.TemporaryDirectory() as folder:
        write_payload(Path(folder), ())
        bridge = Path(folder) / "understudy" / "bridge"
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(bridge.rglob("*.*"))}
    content = hashlib.sha256(b"".join(name.encode() + data for name, data in files.items())).hexdigest()[:12]
    version = f"{installed_version('understudy')}+{content}"
    about = f"understudy_bridge-{version}.dist-info"
    files[f"{about}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: understudy-bridge\nVersion: {version}\nLicense: Apache-2.0\n".encode()
    )
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    wheel = target / f"understudy_bridge-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return wheel


def _gather_wheels(edition: Edition, platforms: Sequence[str], target: Path, wheels: Path | None = None) -> list[str]:
    """Bring every wheel; return their names, ours first. One that serves two systems is there once."""
    target.mkdir()
    names = [write_bridge_wheel(target).name]
    for platform in platforms:
        with tempfile.TemporaryDirectory() as folder:
            for wheel in fetch_wheels(edition.python, platform, Path(folder), wheels):
                if wheel.name not in names:
                    shutil.copyfile(wheel, target / wheel.name)
                    names.append(wheel.name)
    return names


def _manifest(edition: Edition, platforms: Sequence[str], wheels: Sequence[str]) -> str:
    template = string.Template((SOURCE / TEMPLATE).read_text(encoding="utf-8"))
    return template.substitute(
        version=installed_version("understudy"),
        blender_min=edition.blender_min,
        blender_max=f'blender_version_max = "{edition.blender_max}"' if edition.blender_max else "",
        platforms=json.dumps(list(platforms)),
        wheels=json.dumps([f"./wheels/{name}" for name in wheels]),
    )


def _run(tool: Path, *arguments: str) -> None:
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HostError(
            f"Blender's own tool refused to {arguments[0]}: {(done.stdout + done.stderr).strip()[-800:]}",
            remedy="Mend blender_manifest.template.toml, or name another blender_ext.py with --tool.",
        )


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("target", type=Path)
    parser.add_argument("--tool", type=Path, required=True, help="blender_ext.py of a Blender")
    parser.add_argument("--platform", action="append", choices=tuple(PIP_PLATFORMS), help="default: all four")
    parser.add_argument("--python", action="append", choices=[edition.python for edition in EDITIONS])
    chosen = parser.parse_args(arguments)
    for edition in EDITIONS:
        if chosen.python and edition.python not in chosen.python:
            continue
        print(build_extension(edition, chosen.platform or tuple(PIP_PLATFORMS), chosen.tool, chosen.target))


if __name__ == "__main__":
    main(sys.argv[1:])
