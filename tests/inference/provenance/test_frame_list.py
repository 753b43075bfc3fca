"""The list of files: one form for one content, and no change of a folder that it does not show."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.provenance.claims import IPTC_FIELDS
from understudy.inference.provenance.frame_list import (
    FrameList,
    ListedFile,
    differences,
    files_under,
    list_files,
    look_at,
    read_list,
    write_list,
)
from understudy.inference.provenance.xmp import XMP_BOX, xmp_box, xmp_packet

NAMES = st.from_regex(r"\A[a-z]{1,3}/[a-z]{1,3}\.[0-9]{1,4}\Z")
FOLDERS = st.dictionaries(NAMES, st.sampled_from(["a", "b", "c", "d"]), max_size=8)


def listed(folder: dict[str, str]) -> dict[str, ListedFile]:
    return {path: ListedFile(path=path, sha256=content * 64, size=1) for path, content in folder.items()}


def list_of(folder: dict[str, str]) -> FrameList:
    return FrameList(job="j", version=1, files=tuple(listed(folder).values()))


@given(FOLDERS)
def test_a_list_reads_back_as_it_was_written(folder: dict[str, str]) -> None:
    assert read_list(write_list(list_of(folder))) == list_of(folder)


@given(FOLDERS, FOLDERS)
def test_two_folders_differ_exactly_where_their_files_do(before: dict[str, str], after: dict[str, str]) -> None:
    found = differences(list_of(before), listed(after))
    assert bool(found) == (before != after)
    gone, come = {was for was, _ in found.renamed}, {now for _, now in found.renamed}
    assert set(found.missing) | gone == before.keys() - after.keys()
    assert set(found.extra) | come == after.keys() - before.keys()
    assert set(found.altered) == {path for path in before.keys() & after.keys() if before[path] != after[path]}
    assert all(before[was] == after[now] for was, now in found.renamed)
    assert len(gone) == len(come) == len(found.renamed)


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc/passwd", "", "a\0b"])
def test_when_a_path_leads_out_of_the_folder_then_the_list_does_not_read(path: str) -> None:
    said = {"job": "j", "version": 1, "files": [{"path": path, "sha256": "a" * 64, "size": 1}]}
    with pytest.raises(msgspec.ValidationError):
        read_list(msgspec.json.encode(said))


def test_when_a_path_stands_there_twice_then_the_list_does_not_read() -> None:
    twice = FrameList(job="j", version=1, files=(ListedFile(path="a", sha256="a" * 64, size=1),) * 2)
    with pytest.raises(msgspec.ValidationError, match="'a'"):
        read_list(write_list(twice))


def test_its_digests_are_those_that_sha256sum_prints(tmp_path: Path) -> None:
    (tmp_path / "comp").mkdir()
    (tmp_path / "comp" / "a.exr").write_bytes(bytes(3_000_000))
    (file,) = list_files(tmp_path, files_under(tmp_path), job="j", version=1).files
    said = subprocess.run(["sha256sum", "comp/a.exr"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == f"{file.sha256}  comp/a.exr\n"


def test_when_a_file_is_a_link_then_it_is_never_what_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    made = list_files(tmp_path, ["a", "b"], job="j", version=1)
    assert differences(made, look_at(tmp_path, ["a", "b"])).altered == ("b",)


@given(st.text())
def test_an_xmp_packet_holds_any_prompt_that_xml_can_hold(prompt: str) -> None:
    packet = xmp_packet({"AIPromptInformation": prompt})
    box = xmp_box(packet)
    assert (int.from_bytes(box[:4], "big"), box[4:8], box[8:24]) == (len(box), b"uuid", XMP_BOX)
    found = ElementTree.fromstring(packet.decode()).find(f".//{{{IPTC_FIELDS}}}AIPromptInformation")  # noqa: S314 - ours
    assert found is not None
    kept = "".join(letter for letter in prompt if letter.isprintable())
    assert [letter for letter in found.text or "" if letter.isprintable() and letter != " "] == [
        letter for letter in kept if letter != " "
    ]
