"""An XMP packet with IPTC's words on AI, and the box that carries it in a movie. Pure.

IPTC Photo Metadata 2025.1 and Video Metadata Hub 1.7 have the same five properties. MP4 carries XMP in a box `uuid` of
its own at the top level (XMP Specification Part 3, on MPEG-4); MOV readers take that one too.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from understudy.inference.provenance.claims import IPTC_FIELDS

XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_SHELL = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt={space}>{fields}</rdf:Description>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
"""The id is the one that the XMP Specification Part 1 fixes for every packet."""


def xmp_packet(fields: Mapping[str, str]) -> bytes:
    """Return the packet. `fields`: IPTC's names without their prefix, such as AISystemUsed."""
    said = "".join(
        f"<Iptc4xmpExt:{name}>{escape(_plain(value))}</Iptc4xmpExt:{name}>" for name, value in fields.items()
    )
    return _SHELL.format(space=quoteattr(IPTC_FIELDS), fields=said).encode()


def xmp_box(packet: bytes) -> bytes:
    """Return the packet as a movie's box: it may follow the last one, so that no offset in the file changes."""
    return struct.pack(">I4s16s", 24 + len(packet), b"uuid", XMP_BOX) + packet


def _plain(value: str) -> str:
    """Return text that XML 1.0 can hold: other control characters have no form in it."""
    return "".join(
        letter
        if letter in "\t\n\r"
        or (ord(letter) >= 32 and ord(letter) not in (0xFFFE, 0xFFFF) and not 0xD800 <= ord(letter) <= 0xDFFF)
        else " "
        for letter in value
    )
