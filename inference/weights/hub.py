"""The Hugging Face hub's own list of a model's files, and one file of it fetched with resume.

`HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_TOKEN` and the variables of proxies count as huggingface_hub reads them, which is
when it is imported.

huggingface_hub downloads under a name of its own making for each process and removes it when the process ends early
(since 2.x, for file systems without locks): five gigabytes at 99 % would start over. Its `http_get` resumes: given the
half file that is here it fetches the rest, and tries again by itself while the process lives. It writes ten megabytes
at a time, which is the most that a killed pull loses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.catalogue import Model, Source
from understudy.inference.weights.digests import CHUNK_BYTES
from understudy.inference.weights.manifest import UNKNOWN, Origin, is_inside

HALF_ENDING = ".incomplete"


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file as the hub lists it."""

    path: str
    size: int
    sha256: str
    """Of a file in large storage; empty for a small one, which git names by `git_object`."""
    git_object: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class HubList:
    files: tuple[HubFile, ...]
    licence: str
    """What the model's card says."""

    @property
    def origins(self) -> tuple[Origin, ...]:
        return tuple(dict.fromkeys(file.origin for file in self.files))


def list_files(model: Model, endpoint: str | None = None) -> HubList:
    """Return what belongs to the model's folder, by commit, size and digest. Raises WeightsError."""
    files: dict[str, HubFile] = {}
    licence = ""
    for source in model.sources:
        info = _info(source, endpoint)
        origin = Origin(repository=source.repository, revision=info.sha)
        for file in _files(info, source, origin):
            files.setdefault(file.path, file)
        licence = licence or _licence(info)
    return HubList(tuple(sorted(files.values(), key=lambda file: file.path)), licence or UNKNOWN)


def _info(source: Source, endpoint: str | None) -> Any:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    try:
        return HfApi(endpoint=endpoint).model_info(source.repository, revision=source.revision, files_metadata=True)
    except (HTTPError, OSError) as problem:
        raise _unreachable(f"{source.repository} cannot be listed", problem) from None


def _files(info: Any, source: Source, origin: Origin) -> list[HubFile]:
    wanted = [
        sibling for sibling in info.siblings or []
        if any(fnmatchcase(sibling.rfilename, pattern) for pattern in source.patterns)
    ]  # fmt: skip
    strange = [sibling.rfilename for sibling in wanted if not is_inside(sibling.rfilename) or sibling.size is None]
    if strange:
        raise WeightsError(
            f"{source.repository} lists {strange[0]}, without a size or with a path that leads elsewhere",
            remedy="Check HF_ENDPOINT: what answers there is not the hub, or not to be trusted.",
        )
    return [
        HubFile(
            path=sibling.rfilename,
            size=sibling.size,
            sha256=sibling.lfs.sha256 if sibling.lfs is not None else "",
            git_object=sibling.blob_id or "",
            origin=origin,
        )
        for sibling in wanted
    ]


def _licence(info: Any) -> str:
    card = info.card_data.get("license") if info.card_data is not None else None
    tags = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    return str(card or (tags[0] if tags else ""))


def fetch_file(
    file: HubFile, folder: Path, *, endpoint: str | None = None, told: Callable[[int], None] = lambda size: None
) -> str:
    """Bring one file to its place, going on from its half if there is one, and return its SHA-256.

    The file gets its name only when it is whole and digests to what the hub says. `told` gets the bytes as they come,
    those of the half first. Raises WeightsError; a half that may be gone on from stays.
    """
    final, half = folder / file.path, folder / f"{file.path}{HALF_ENDING}"
    final.parent.mkdir(parents=True, exist_ok=True)
    here = half.stat().st_size if half.is_file() else 0
    if here > file.size:
        half.unlink()
        here = 0
    told(here)
    with half.open("ab") as stream:
        _fetch_rest(file, _Counted(stream, told), here, endpoint)
    sha256 = _checked(file, half, final)
    half.replace(final)
    return sha256


def _fetch_rest(file: HubFile, stream: _Counted, here: int, endpoint: str | None) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import HTTPError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    if here == file.size:
        return
    disable_progress_bars()
    url = hf_hub_url(file.origin.repository, file.path, revision=file.origin.revision, endpoint=endpoint)
    # Packed on the way, small files come without a length and cannot be gone on with.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    try:
        http_get(url, stream, resume_size=here, headers=headers, expected_size=file.size)
    except (HTTPError, OSError) as problem:
        raise _unreachable(f"{file.path} stopped at {stream.tell()} of {file.size} bytes", problem) from None


class _Counted:
    """The half file as `http_get` writes it, telling what comes."""

    def __init__(self, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._stream, self._told = stream, told

    def write(self, content: bytes) -> int:
        self._told(len(content))
        return self._stream.write(content)

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, place: int) -> int:
        return self._stream.seek(place)

    def truncate(self) -> int:
        return self._stream.truncate()


def _checked(file: HubFile, half: Path, final: Path) -> str:
    """Return the SHA-256 of a file that has all arrived. Raises WeightsError and removes one that is another."""
    sha256, git = hashlib.sha256(), hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    with half.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            sha256.update(chunk)
            git.update(chunk)
    expected, found = (file.sha256, sha256.hexdigest()) if file.sha256 else (file.git_object, git.hexdigest())
    if expected and expected != found:
        half.unlink()
        raise WeightsError(
            f"{final} did not arrive as the hub lists it: {'SHA-256' if file.sha256 else 'git object'} {expected} "
            f"expected, {found} found; what came was removed",
            remedy="Pull again. If it comes again, a proxy or a mirror (HF_ENDPOINT) on the way changes files.",
        )
    return sha256.hexdigest()


def _unreachable(what: str, problem: Exception) -> WeightsError:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    if isinstance(problem, OfflineModeIsEnabled):
        return WeightsError(f"{what}: offline mode is on", remedy="Unset HF_HUB_OFFLINE, or copy the folder here.")
    if isinstance(problem, GatedRepoError):
        return WeightsError(
            f"{what}: its maker asks you to agree first", remedy="Agree on its page, then set HF_TOKEN."
        )
    if isinstance(problem, RepositoryNotFoundError):
        return WeightsError(f"{what}: it is not there, or not for you", remedy="Check HF_ENDPOINT and HF_TOKEN.")
    said = (str(problem).strip() or type(problem).__name__).splitlines()[0]
    return WeightsError(
        f"{what}: {said}",
        remedy="Pull again: it goes on where it stopped. Check the network, HF_ENDPOINT and the disk.",
    )
