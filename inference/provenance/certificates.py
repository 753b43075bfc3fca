"""The development chain: a root, an intermediate and a leaf that sign on a machine where a studio has set up nothing.

Pure: certificates and keys are made here and written elsewhere. The keys of root and intermediate are dropped as soon
as the leaf is signed, so nobody can issue another certificate under that root, we ourselves included.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from understudy.inference.provenance.trust import DEVELOPMENT_NAME

VALID_DAYS = 3650
"""Without a time stamp a signature is refused once its leaf has expired; a chain that stands for nobody may last."""
BACK_DATED = timedelta(days=1)  # clocks of a facility differ; a certificate of tomorrow is refused


class DevelopmentChain(NamedTuple):
    """PEM texts."""

    root: bytes
    chain: bytes
    """Leaf first, then the intermediate; no root, as C2PA has it."""
    key: bytes
    """The leaf's, PKCS 8, not encrypted."""


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class Issued(NamedTuple):
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key


def make_development_chain(now: datetime) -> DevelopmentChain:
    """Return a new chain on P-256, valid from the day before `now`."""
    root = issue("root", now, None)
    intermediate = issue("intermediate", now, root)
    leaf = issue("signer", now, intermediate, key=ec.generate_private_key(ec.SECP256R1()))
    return DevelopmentChain(
        root=_pem(root.certificate),
        chain=_pem(leaf.certificate) + _pem(intermediate.certificate),
        key=leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def issue(
    role: str,
    now: datetime,
    issuer: Issued | None,
    *,
    key: Key | None = None,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    whose: str = DEVELOPMENT_NAME,
) -> Issued:
    """Return a certificate and its key; signed by itself where nobody issues it. With a `key` it is a leaf of that key.
    `whose` is the name in it.

    What c2pa-rs 0.91 asks of a leaf was tried: key usage, authority key identifier and emailProtection must be there.
    """
    is_leaf = key is not None
    own = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, whose),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{whose}: {role}"),
        ]
    )
    signing = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK_DATED)
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=not is_leaf, path_length=None), critical=True)
        .add_extension(_key_usage(is_leaf=is_leaf), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    if is_leaf:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    digest = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Issued(builder.sign(signing, digest), own)


def _key_usage(*, is_leaf: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=is_leaf, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=not is_leaf, crl_sign=not is_leaf, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
