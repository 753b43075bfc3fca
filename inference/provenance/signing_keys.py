"""Who signs: a studio's chain with its key or its signing program, else the development chain of this machine's HOME.

A key is read when something is signed and never kept on disk beyond its own file, logged, or named in a message by
more than its file's path. Signers are made in the worker that signs: one from before a fork is refused by c2pa.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from understudy.bridge.errors import SigningError
from understudy.bridge.private_files import locked, make_private_folder, read_private, write_private
from understudy.bridge.settings import UserSettings
from understudy.inference.provenance.certificates import make_development_chain
from understudy.inference.provenance.trust import (
    FOLDER,
    PEM_LIMIT_BYTES,
    ROOT_NAME,
    development_root,
    read_pem,
    trust_anchors,
)

CHAIN_NAME, KEY_NAME = "development_chain.pem", "development_key.pem"
PROGRAM_SECONDS = 60.0
"""An HSM behind a network answers in a second; one that asks a person for a touch may take most of a minute."""
SIGNATURE_LIMIT_BYTES = 4096

Sign = Callable[[bytes], bytes]
_DIGESTS: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "es256": hashes.SHA256,
    "es384": hashes.SHA384,
    "es512": hashes.SHA512,
}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs, without the key: it stays in `sign`, or in the studio's program. For one process."""

    chain: bytes
    """PEM, leaf first."""
    anchors: bytes
    """PEM of the roots that this machine trusts, the signer's own among them."""
    algorithm: str
    """A C2PA name: es256, es384, es512, ps256, ed25519."""
    sign: Sign
    development: bool
    time_stamp_url: str | None = None

    def days_left(self, now: datetime) -> int:
        """Return how many days each certificate of the chain still holds."""
        ends = (one.not_valid_after_utc for one in x509.load_pem_x509_certificates(self.chain))
        return (min(ends) - now).days

    @property
    def name(self) -> str:
        """The name in the leaf's certificate, as whoever verifies reads it."""
        leaf = x509.load_pem_x509_certificates(self.chain)[0]
        names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else "a certificate without a name"

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm}, {'development' if self.development else 'studio'})"


def load_signing_key(settings: UserSettings, *, now: datetime | None = None) -> SigningKey:
    """Return who signs on this machine; makes the development chain where no studio's chain is set. Reads the disk.

    Raises SigningError naming the setting and the file; KeyRefused for a key that others can read.
    """
    url = settings.time_stamp_url or None
    if not settings.signing_chain:
        if settings.signing_key or settings.signing_program:
            raise SigningError(
                "`signing_key` or `signing_program` is set, and no `signing_chain`",
                remedy="Set signing_chain to the PEM file of the certificate, leaf first.",
            )
        return _development(settings.home, url, now or datetime.now(timezone.utc))
    chain = read_pem(Path(settings.signing_chain), "signing_chain")
    algorithm = _algorithm(chain, settings.signing_chain)
    return SigningKey(
        chain=chain, anchors=trust_anchors(settings), algorithm=algorithm, sign=_studio_sign(settings, algorithm),
        development=False, time_stamp_url=url,
    )  # fmt: skip


def _development(home: Path, url: str | None, now: datetime) -> SigningKey:
    folder = home / FOLDER
    make_private_folder(home)
    make_private_folder(folder)
    with locked(folder, ".signing.lock"):
        # The chain is written last: where it is there, the others are whole.
        if not (folder / CHAIN_NAME).is_file():
            made = make_development_chain(now)
            write_private(folder / ROOT_NAME, made.root)
            write_private(folder / KEY_NAME, made.key)
            write_private(folder / CHAIN_NAME, made.chain)
    chain = read_pem(folder / CHAIN_NAME, "the development chain")
    algorithm = _algorithm(chain, str(folder / CHAIN_NAME))
    return SigningKey(
        chain=chain, anchors=development_root(home), algorithm=algorithm,
        sign=_key_sign(folder / KEY_NAME, algorithm), development=True, time_stamp_url=url,
    )  # fmt: skip


def _studio_sign(settings: UserSettings, algorithm: str) -> Sign:
    if bool(settings.signing_key) == bool(settings.signing_program):
        raise SigningError(
            "`signing_chain` needs one of `signing_key` and `signing_program`, not both",
            remedy="Set signing_key to the key's PEM file, or signing_program to a program that signs.",
        )
    if settings.signing_program:
        return _program_sign(Path(settings.signing_program))
    return _key_sign(Path(settings.signing_key), algorithm)


def _key_sign(path: Path, algorithm: str) -> Sign:
    """Return what signs with the key in `path`. Raises SigningError for a file that holds no key that fits."""
    try:
        key = load_pem_private_key(read_private(path, PEM_LIMIT_BYTES), None)
    except OSError as problem:
        raise SigningError(f"{path} cannot be read: {problem.strerror}", remedy="Check `signing_key`.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote the file.
        raise SigningError(
            f"{path} holds no private key that can be used", remedy="Give it as PEM, PKCS 8, not encrypted."
        ) from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and algorithm in _DIGESTS:
        digest = _DIGESTS[algorithm]()
        return lambda data: key.sign(data, ec.ECDSA(digest))
    if isinstance(key, rsa.RSAPrivateKey) and algorithm == "ps256":
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return lambda data: key.sign(data, salted, hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey) and algorithm == "ed25519":
        return key.sign
    raise SigningError(f"the key in {path} is not that of the chain", remedy="Name the leaf's own key.")


def _program_sign(program: Path) -> Sign:
    """Return what has the studio's program sign. docs/provenance.md states what is asked of it.

    What it says on its standard error is not passed on: it may speak of its key.
    """

    def sign(data: bytes) -> bytes:
        try:
            done = subprocess.run([str(program)], input=data, capture_output=True, check=False, timeout=PROGRAM_SECONDS)
        except OSError as problem:
            raise SigningError(f"{program} does not start: {problem.strerror}", remedy=_PROGRAM_REMEDY) from None
        except subprocess.TimeoutExpired:
            raise SigningError(f"{program} did not sign in {PROGRAM_SECONDS:g} s", remedy=_PROGRAM_REMEDY) from None
        if done.returncode != 0 or not 0 < len(done.stdout) <= SIGNATURE_LIMIT_BYTES:
            raise SigningError(
                f"{program} did not sign: it ended with {done.returncode} and {len(done.stdout)} bytes",
                remedy=_PROGRAM_REMEDY,
            )
        return done.stdout

    return sign


_PROGRAM_REMEDY = "Run it by hand on any bytes: it reads them from stdin and writes the signature to stdout."


def _algorithm(chain: bytes, name: str) -> str:
    """Return the C2PA name of what the leaf's key signs with. Raises SigningError for a chain that is none."""
    try:
        key = x509.load_pem_x509_certificates(chain)[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError(f"{name} holds no certificates", remedy="Give PEM, the leaf first.") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    raise SigningError(f"the key of the leaf in {name} is of a kind that C2PA does not know", remedy="Use P-256.")
