from __future__ import annotations

import re
import typing

import pytest

from understudy.bridge import bulk_messages, messages
from understudy.bridge.protocol_document import DOCUMENT, protocol_document

UNIONS = (messages.Request, messages.Reply, messages.Push, bulk_messages.Bulk)


@pytest.fixture(scope="module")
def document() -> str:
    return protocol_document()


def test_docs_protocol_is_fresh(document: str) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document, (
        "docs/protocol.md is stale: run `python -m understudy.bridge.protocol_document`"
    )


@pytest.mark.parametrize("kind", [kind for union in UNIONS for kind in typing.get_args(union)])
def test_every_message_stands_in_the_document_with_every_field(document: str, kind: typing.Any) -> None:
    section = re.split(rf"^### {kind.__name__}\b", document, flags=re.MULTILINE)[1].split("\n#")[0]
    assert [name for name in kind.__struct_fields__ if f"| `{name}` |" not in section] == []


def test_every_link_leads_to_a_heading(document: str) -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading).replace(" ", "-").lower()
        for heading in re.findall(r"^#+ (.+)$", document, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\(#([^)]+)\)", document)) - headings == set()


def test_what_is_said_of_a_field_in_the_source_stands_beside_it(document: str) -> None:
    assert "| `bulk_port` | integer | - |" in document
    assert "it may be linked instead of copied" in document
    assert f"version {messages.PROTOCOL_VERSION}" in document.splitlines()[0]
