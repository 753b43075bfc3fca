"""Who signs: a development chain made once, a studio's own chain, or its program; no key is ever said aloud."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from understudy.bridge.errors import KeyRefused, SigningError
from understudy.bridge.private_files import write_private
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.provenance.certificates import VALID_DAYS, issue, make_development_chain
from understudy.inference.provenance.claims import version_manifest
from understudy.inference.provenance.credentials import PURPOSES, read_credentials, sign_beside, sign_in_itself
from understudy.inference.provenance.signing_keys import SigningKey, load_signing_key
from understudy.inference.provenance.trust import DEVELOPMENT_NAME, trust_anchors
from understudy.inference.provenance.verify import verify

from .conftest import MADE, draw_movie

NOW = datetime.now(timezone.utc)
KEYS: dict[str, Any] = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def settings(folder: Path, **said: object) -> UserSettings:
    return load_settings({"home": folder / "home", **said}, environment={})


def signs(key: SigningKey, folder: Path) -> str:
    """Return the state that what this key signs reads back in."""
    listed, seal = folder / "list.json", folder / "list.c2pa"
    listed.write_text("[]")
    sign_beside(listed, seal, version_manifest(MADE, "list.json", ()), (), key)
    reading = read_credentials(listed, key.anchors, sidecar=seal)
    assert reading is not None
    return reading.state


def test_when_a_machine_signs_for_the_first_time_then_it_makes_a_chain_that_only_its_owner_can_read(
    tmp_path: Path,
) -> None:
    key = load_signing_key(settings(tmp_path))
    assert key.development
    assert signs(key, tmp_path) == "Trusted"
    folder = tmp_path / "home" / "signing"
    files = [path for path in folder.iterdir() if path.suffix == ".pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_when_it_signs_again_then_it_is_the_same_chain_and_many_workers_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        keys = list(pool.map(lambda _: load_signing_key(settings(tmp_path)), range(6)))
    assert len({key.chain for key in keys}) == 1
    assert signs(keys[-1], tmp_path) == "Trusted"


def test_the_development_chain_says_on_every_certificate_that_it_is_not_to_be_trusted_and_names_nobody() -> None:
    made = make_development_chain(NOW)
    certificates = [*x509.load_pem_x509_certificates(made.chain), *x509.load_pem_x509_certificates(made.root)]
    assert len(certificates) == 3
    for one in certificates:
        assert all(str(name.value).startswith(DEVELOPMENT_NAME) for name in one.subject)
    usage = certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]


@pytest.mark.parametrize("algorithm", KEYS)
def test_when_a_studio_has_a_chain_and_a_key_then_they_sign(tmp_path: Path, algorithm: str) -> None:
    root = issue("root", NOW, None)
    leaf = issue("signer", NOW, root, key=KEYS[algorithm]())
    write(tmp_path, leaf, root)
    said = settings(
        tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_key=str(tmp_path / "key.pem"),
        trust_anchors=str(tmp_path / "root.pem"),
    )  # fmt: skip
    key = load_signing_key(said)
    assert (key.algorithm, key.development) == (algorithm, False)
    assert signs(key, tmp_path) == "Trusted"


@pytest.mark.parametrize("purpose", [*PURPOSES, ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string])
def test_when_a_leaf_is_of_c2pas_own_purpose_then_its_signature_counts(tmp_path: Path, purpose: str) -> None:
    """Else a picture of a camera on C2PA's trust list would read as invalid, and a job with it be refused."""
    root = issue("root", NOW, None)
    leaf = issue("signer", NOW, root, key=KEYS["es256"](), purpose=x509.ObjectIdentifier(purpose))
    write(tmp_path, leaf, root)
    said = settings(
        tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_key=str(tmp_path / "key.pem"),
        trust_anchors=str(tmp_path / "root.pem"),
    )  # fmt: skip
    assert signs(load_signing_key(said), tmp_path) == "Trusted"


def write(folder: Path, leaf: Any, root: Any) -> None:
    (folder / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    write_private(folder / "key.pem", leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_when_the_key_stays_with_a_program_then_it_signs_what_it_reads(tmp_path: Path) -> None:
    root = issue("root", NOW, None)
    write(tmp_path, issue("signer", NOW, root, key=KEYS["es256"]()), root)
    program = tmp_path / "agent"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from cryptography.hazmat.primitives import hashes\n"
        "from cryptography.hazmat.primitives.asymmetric import ec\n"
        "from cryptography.hazmat.primitives.serialization import load_pem_private_key\n"
        f"key = load_pem_private_key(open({str(tmp_path / 'key.pem')!r}, 'rb').read(), None)\n"
        "sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256())))\n"
    )
    program.chmod(0o700)
    said = settings(
        tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_program=str(program),
        trust_anchors=str(tmp_path / "root.pem"),
    )  # fmt: skip
    assert signs(load_signing_key(said), tmp_path) == "Trusted"


def test_when_a_certificate_has_expired_then_it_is_said_that_it_cannot_sign(tmp_path: Path) -> None:
    root = issue("root", NOW - timedelta(days=4000), None)
    write(tmp_path, issue("signer", NOW - timedelta(days=4000), root, key=KEYS["es256"]()), root)
    key = load_signing_key(
        settings(tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_key=str(tmp_path / "key.pem"))
    )
    with pytest.raises(SigningError, match=r"list\.json cannot be signed"):
        signs(key, tmp_path)
    assert not (tmp_path / "list.c2pa").exists()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"signing_chain": "{0}/none.pem", "signing_key": "{0}/key.pem"}, "none.pem"),
        ({"signing_chain": "{0}/key.pem", "signing_key": "{0}/key.pem"}, "key.pem"),
        ({"signing_chain": "{0}/chain.pem"}, "signing_key"),
        ({"signing_key": "{0}/key.pem"}, "signing_chain"),
        ({"signing_chain": "{0}/chain.pem", "signing_key": "{0}/chain.pem"}, "chain.pem"),
        ({"signing_chain": "{0}/chain.pem", "signing_key": "{0}/other.pem"}, "other.pem"),
        ({"signing_chain": "{0}/chain.pem", "signing_key": "{0}/k", "signing_program": "{0}/p"}, "signing_program"),
    ],
)
def test_when_a_setting_is_wrong_then_it_is_named_and_no_key_is_quoted(
    tmp_path: Path, said: dict[str, str], named: str
) -> None:
    root = issue("root", NOW, None)
    write(tmp_path, issue("signer", NOW, root, key=KEYS["es256"]()), root)
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(tmp_path / "other.pem", other)
    (tmp_path / "chain.pem").chmod(0o600)
    with pytest.raises(SigningError) as problem:
        load_signing_key(settings(tmp_path, **{name: value.format(tmp_path) for name, value in said.items()}))
    assert named in problem.value.message
    secret = (tmp_path / "key.pem").read_text().splitlines()[1]
    assert secret not in problem.value.message + problem.value.remedy + repr(problem.value.__cause__)


def test_when_others_can_read_the_key_then_it_is_refused(tmp_path: Path) -> None:
    root = issue("root", NOW, None)
    write(tmp_path, issue("signer", NOW, root, key=KEYS["es256"]()), root)
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(KeyRefused):
        load_signing_key(
            settings(tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_key=str(tmp_path / "key.pem"))
        )


def test_a_key_is_not_in_what_it_prints(tmp_path: Path) -> None:
    key = load_signing_key(settings(tmp_path))
    assert repr(key) == "SigningKey(es256, development)"


def test_when_a_root_file_is_none_then_it_is_said_and_trust_is_not_silently_off(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text("not a certificate")
    with pytest.raises(SigningError, match=r"trust_anchors: .*root\.pem"):
        trust_anchors(settings(tmp_path, trust_anchors=str(tmp_path / "root.pem")))


def test_whoever_only_verifies_needs_no_picture_library() -> None:
    """The extra `verify` is for a client's machine: two libraries."""
    code = (
        "import sys, understudy.inference.verify_commands, understudy.inference.provenance.verify\n"
        "import understudy.inference.provenance.finals, understudy.inference.compliance.marks\n"
        "print([name for name in ('numpy', 'cv2', 'av', 'OpenEXR', 'pyblish') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_daemon_never_pays_for_signing() -> None:
    """Neither does a process of rules: c2pa and cryptography are in no module that either imports."""
    code = (
        "import sys, understudy.inference.daemon.process, understudy.inference.compliance.gate\n"
        "import understudy.inference.compliance.rules.signatures_are_trusted\n"
        "print([name for name in ('c2pa', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_when_a_certificate_expires_after_it_signed_then_the_file_is_intact_and_that_is_said(tmp_path: Path) -> None:
    """Without a time stamp nobody can tell whether it signed before: C2PA calls that invalid, and it is no change."""
    root = issue("root", datetime.now(timezone.utc), None)
    said = settings(
        tmp_path, signing_chain=str(tmp_path / "chain.pem"), signing_key=str(tmp_path / "key.pem"),
        trust_anchors=str(tmp_path / "root.pem"),
    )  # fmt: skip
    movie = tmp_path / "movie.mp4"
    draw_movie(movie)
    drawn = movie.read_bytes()
    for seconds in (3, 10, 30):  # it must have signed by then, which a busy machine may hold up
        expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=seconds)
        write(tmp_path, issue("signer", expires - timedelta(days=VALID_DAYS), root, key=KEYS["es256"]()), root)
        movie.write_bytes(drawn)
        try:
            key = load_signing_key(said)
            sign_in_itself(movie, version_manifest(MADE, movie.name, ()), (), key)
        except SigningError:
            if datetime.now(timezone.utc) < expires:
                raise
        if datetime.now(timezone.utc) < expires:
            break
    time.sleep(max(0.0, (expires - datetime.now(timezone.utc)).total_seconds() + 1))
    found = verify(movie, key.anchors)
    assert (found.intact, found.trusted) == (True, False)
    assert "expired" in found.notes[0]
