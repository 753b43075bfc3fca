"""`understudy seal`: a published final names the versions that are in it, and none of them may have been touched."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from terminal_rig import Terminal

from understudy.bridge.errors import ComplianceError
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.provenance.certificates import issue
from understudy.inference.provenance.claims import version_manifest
from understudy.inference.provenance.credentials import read_credentials, sign_beside, sign_in_itself
from understudy.inference.provenance.finals import seal_final
from understudy.inference.provenance.frame_list import (
    FINAL_LIST,
    FINAL_SEAL,
    LIST_NAME,
    SEAL_NAME,
    files_under,
    list_files,
    write_list,
)
from understudy.inference.provenance.signing_keys import SigningKey, load_signing_key
from understudy.inference.provenance.verify import verify

from .conftest import MADE, draw_movie, draw_version, seal_version
from .test_signing_keys import KEYS, NOW, settings, write
from .test_verify_at_home import deliver


@pytest.fixture
def final(tmp_path: Path, signed: Path) -> list[Path]:
    """Return the frames of a published comp, among other files of the publish."""
    folder = tmp_path / "publish"
    folder.mkdir()
    frames = [Path(shutil.copy(path, folder / f"final.{path.name[-8:]}")) for path in (signed / "comp").iterdir()]
    (folder / "notes.txt").write_text("for the editor")
    return sorted(frames)


def test_when_a_movie_is_sealed_then_it_names_the_version_and_its_papers(
    movie: Path, version: Path, key: SigningKey
) -> None:
    assert seal_final([movie], [version / "comp"], key, "1") == (movie,)
    reading = read_credentials(movie, key.anchors)
    assert reading is not None
    assert (reading.state, reading.failures, reading.ingredient_failures) == ("Trusted", (), ())
    assert [(one["job"], one["record_blake3"]) for one in reading.says["layers"]] == [("job1", "ab")]
    assert reading.source_types[0].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_when_a_sequence_is_sealed_then_verify_knows_it_and_leaves_other_files_of_the_publish_alone(
    final: list[Path], version: Path, key: SigningKey
) -> None:
    proofs = seal_final(final, [version], key, "1")
    assert [path.name for path in proofs] == [FINAL_LIST, FINAL_SEAL]
    found = verify(final[0].parent / "final.####.exr", key.anchors)
    assert (found.intact, found.what) == (True, "4 files of a published final")
    final[1].unlink()
    final[2].write_bytes(final[3].read_bytes())
    found = verify(final[0].parent / "final.####.exr", key.anchors)
    assert [(fault.kind, fault.file) for fault in found.faults] == [
        ("missing", final[1].name),
        ("altered", final[2].name),
    ]


def test_when_a_layer_was_touched_then_nothing_is_signed(movie: Path, version: Path, key: SigningKey) -> None:
    before = movie.read_bytes()
    frame = version / "comp" / "comp.1002.exr"
    frame.write_bytes(frame.read_bytes()[:-1])
    with pytest.raises(ComplianceError, match=r"comp/comp\.1002\.exr"):
        seal_final([movie], [version], key, "1")
    assert movie.read_bytes() == before


@pytest.mark.parametrize("said", [{"clearance": "uncleared"}, {"state": "for_review"}])
def test_when_a_layer_is_not_cleared_or_never_part_of_a_final_then_it_is_refused(
    movie: Path, key: SigningKey, tmp_path: Path, said: dict[str, str]
) -> None:
    folder = tmp_path / "another" / "v001"
    draw_version(folder)
    seal_version(folder, key, dataclasses.replace(MADE, compliance={**MADE.compliance, **said}))
    with pytest.raises(ComplianceError, match=f"says {next(iter(said.values()))}"):
        seal_final([movie], [folder], key, "1")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """Return the key of a studio's own certificate, whose root is trusted where it signs."""
    folder = tmp_path_factory.mktemp("studio")
    root = issue("root", NOW, None, whose="The Studio")
    write(folder, issue("signer", NOW, root, key=KEYS["es256"](), whose="The Studio"), root)
    files = {"signing_chain": "chain.pem", "signing_key": "key.pem", "trust_anchors": "root.pem"}
    return load_signing_key(settings(folder, **{name: str(folder / file) for name, file in files.items()}))


def test_when_a_stranger_signed_a_version_then_a_studios_certificate_states_nothing_of_it(
    movie: Path, version: Path, studio: SigningKey
) -> None:
    """Whoever makes a key can sign that something is cleared."""
    before = movie.read_bytes()
    with pytest.raises(ComplianceError, match="signed by Understudy development certificate") as refusal:
        seal_final([movie], [version], studio, "1")
    assert "trust_anchors" in refusal.value.remedy
    assert movie.read_bytes() == before


def test_when_only_a_movie_in_a_version_is_a_strangers_then_that_is_refused_too(
    movie: Path, version: Path, key: SigningKey, studio: SigningKey
) -> None:
    seal_version(version, studio)
    assert seal_final([movie], [version], studio, "1") == (movie,)
    for name in (LIST_NAME, SEAL_NAME):
        (version / name).unlink()
    draw_movie(version / "review.mp4")
    sign_in_itself(version / "review.mp4", version_manifest(MADE, "review.mp4", ()), (), key)
    content = write_list(list_files(version, files_under(version), job="job1", version=1))
    (version / LIST_NAME).write_bytes(content)
    sign_beside(version / LIST_NAME, version / SEAL_NAME, version_manifest(MADE, LIST_NAME, ()), (), studio)
    with pytest.raises(ComplianceError, match="not trusted here"):
        seal_final([movie], [version], studio, "1")


def test_when_a_version_was_recalled_then_it_is_part_of_no_final_though_its_files_are_whole(
    movie: Path, version: Path, key: SigningKey, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "daemon")
    deliver(ledger, version)
    assert seal_final([movie], [version / "comp"], key, "1", home=tmp_path / "daemon") == (movie,)
    said = {"job": "job1", "version": "1", "recipient": "somebody"}
    ledger.append(NewEntry(event="delivery.recalled", actor="jo", subjects=said))
    for erased in (False, True):
        if erased:
            (lists,) = (tmp_path / "daemon" / "ledger" / "lists").iterdir()
            lists.unlink()
        with pytest.raises(ComplianceError, match=r"comp was recalled on 20") as refusal:
            seal_final([movie], [version / "comp"], key, "1", home=tmp_path / "daemon")
        assert "understudy audit" in refusal.value.remedy


def test_when_a_layer_is_not_ours_then_it_is_named(final: list[Path], movie: Path, key: SigningKey) -> None:
    with pytest.raises(ComplianceError, match=r"final\.1001\.exr"):
        seal_final([movie], [final[0]], key, "1")


def test_the_command_seals_and_says_who_signed(
    final: list[Path], version: Path, home: Path, terminal: Terminal
) -> None:
    """The version was signed on another machine: intact, and its signer not known here, which a seal only states."""
    done = terminal("seal", final[0].parent / "final.####.exr", "--layers", version, "--json")
    assert done.code == 0, done.err
    assert [Path(name).name for name in done.json["signed"]] == [FINAL_LIST, FINAL_SEAL]
    assert terminal("verify", final[0].parent / "final.####.exr").code == 0
    assert terminal("seal", final[0].parent / "nothing.####.exr", "--layers", version).code == 2
