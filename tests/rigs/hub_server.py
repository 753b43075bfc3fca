"""A small Hugging Face hub on this machine's loopback: lists repositories and serves their files, whole or in ranges.

It speaks as much as `huggingface_hub` needs: `/api/models/REPO/revision/REV`, `/REPO/resolve/REV/FILE` by HEAD and GET
with `Range`, large files through a redirect to where they are stored. What goes wrong on the way is set from outside.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".onnx", ".ckpt")
CHUNK_BYTES = 2**18


@dataclass
class Hub:
    """What the server holds and how it fails."""

    files: dict[str, dict[str, bytes]]
    """By repository, by path."""
    url: str = ""
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    """By path: after how many bytes the next answers break off, one entry an answer."""
    spoilt: set[str] = field(default_factory=set)
    """Paths that arrive with another last byte than they should."""
    lists: dict[str, int] = field(default_factory=dict)
    """By path: a size that is listed instead of the true one."""
    ignores_ranges: bool = False
    seconds_a_chunk: float = 0.0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, range of every request for a file."""

    def ranges_of(self, path: str) -> list[str]:
        """Return the ranges in which a stored file was asked for, in order; empty = from its start."""
        return [said for method, asked, said in self.asked if method == "GET" and asked == path]


@contextmanager
def serving(files: Mapping[str, Mapping[str, bytes]]) -> Iterator[Hub]:
    """Yield a hub that answers until the block ends."""
    hub = Hub({repository: dict(held) for repository, held in files.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return a folder's files as a repository holds them."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *said: object) -> None:
            """Say nothing: a test's own words are enough."""

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            parts = unquote(urlsplit(self.path).path).strip("/").split("/")
            if parts[:2] == ["api", "models"] and "/".join(parts[2:4]) in hub.files:
                self._send(200, json.dumps(_listing(hub, "/".join(parts[2:4]))).encode(), "application/json")
            elif parts[0] == "stored":
                self._store("/".join(parts[1:3]), "/".join(parts[3:]), body)
            elif (
                len(parts) > 4
                and parts[2] == "resolve"
                and "/".join(parts[4:]) in hub.files.get("/".join(parts[:2]), {})
            ):
                self._resolve("/".join(parts[:2]), "/".join(parts[4:]), body)
            else:
                self._send(404, b"{}", "application/json", {"X-Error-Code": "RepoNotFound"})

        def _resolve(self, repository: str, path: str, body: bool) -> None:
            if not path.endswith(LARGE):
                self._store(repository, path, body)
                return
            self._send(
                302,
                b"",
                "text/plain",
                {"Location": f"{hub.url}/stored/{repository}/{path}", **_named(hub, repository, path)},
            )

        def _store(self, repository: str, path: str, body: bool) -> None:
            content = hub.files[repository][path]
            if path in hub.spoilt:
                content = content[:-1] + bytes([content[-1] ^ 1])
            said = self.headers.get("Range", "")
            hub.asked.append((self.command, path, said))
            start = 0 if hub.ignores_ranges or not said else int(said.removeprefix("bytes=").split("-")[0])
            headers = _named(hub, repository, path)
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._head(206 if start else 200, len(content) - start, "application/octet-stream", headers)
            if body:
                self._pour(path, content[start:])

        def _pour(self, path: str, content: bytes) -> None:
            limits = hub.cut_after.get(path, [])
            limit = limits.pop(0) if limits else len(content)
            for start in range(0, min(limit, len(content)), CHUNK_BYTES):
                self.wfile.write(content[start : min(start + CHUNK_BYTES, limit)])
                time.sleep(hub.seconds_a_chunk)
            self.close_connection = limit < len(content)

        def _send(self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
            self._head(status, len(content), kind, headers or {})
            if self.command == "GET":
                self.wfile.write(content)

        def _head(self, status: int, length: int, kind: str, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


def _named(hub: Hub, repository: str, path: str) -> dict[str, str]:
    content = hub.files[repository][path]
    digest = hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else _git_object(content)
    return {
        "ETag": f'"{digest}"',
        "X-Repo-Commit": COMMIT,
        "X-Linked-Etag": f'"{digest}"',
        "X-Linked-Size": str(len(content)),
        "Accept-Ranges": "bytes",
    }


def _git_object(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _listing(hub: Hub, repository: str) -> dict[str, object]:
    siblings = []
    for path, content in sorted(hub.files[repository].items()):
        sibling: dict[str, object] = {
            "rfilename": path,
            "size": hub.lists.get(path, len(content)),
            "blobId": _git_object(content),
        }
        if path.endswith(LARGE):
            sibling["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        siblings.append(sibling)
    return {
        "id": repository,
        "modelId": repository,
        "sha": COMMIT,
        "private": False,
        "tags": ["license:apache-2.0"],
        "cardData": {"license": "apache-2.0"},
        "siblings": siblings,
    }
