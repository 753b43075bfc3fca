"""Ed25519 keys of the ledger: made once, kept owner-only, by `cryptography`.

It is imported where a key is used: every command of the terminal finds this module, and few sign.
"""

from __future__ import annotations

from pathlib import Path

from understudy.bridge.errors import KeyRefused
from understudy.bridge.private_files import read_private, write_private

KEY_BYTES = 32  # RFC 8032: seed and public key alike


class PublicKey:
    """Tells whether a signature is by this key. `text`: 64 hex digits."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is no key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
        except ValueError:
            raise ValueError("it names no Ed25519 key") from None
        self.text = text

    def signed(self, signature: str, content: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """Signs with a secret that stands in no repr."""

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        return self._key.sign(content).hex()


def new_secret() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def kept_secret(path: Path, make: bool = True) -> bytes:
    """Return the 32 secret bytes in an owner-only file; make them where there is none.

    Raises KeyRefused when others could have read them, or what is there is no such secret.
    """
    if make and not path.exists():
        write_private(path, new_secret().hex().encode())
    try:
        secret = bytes.fromhex(read_private(path, limit=4096).decode("ascii"))
    except (ValueError, FileNotFoundError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyRefused(f"{path} holds no key of the ledger", remedy="Put the file back from a copy of this folder.")
    return secret
