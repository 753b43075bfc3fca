"""The 64 bits of the mark: a content id of 32 bits, a CRC of 7 and a code that corrects. Pure.

CRC-7 is that of SD cards (x^7 + x^3 + 1). The 39 bits of both go through BCH(63, 39), which corrects any four wrong
bits, and a bit of parity makes it (64, 39) with a distance of 10 between words. Reading is by how sure each bit is, not
by its sign alone: ordered statistics of order 2 (Fossorier and Lin, IEEE Transactions on Information Theory 41, 1995).
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CODE_BITS = 64
ID_BITS = 32
CRC_BITS = 7
MESSAGE_BITS = ID_BITS + CRC_BITS
_CRC_POLYNOMIAL = 0b10001001
_GENERATOR = 0o166623567
"""BCH(63, 39): the product of the minimal polynomials of a, a^3, a^5 and a^7 over GF(64) by x^6 + x + 1 (Lin and
Costello, Error Control Coding, appendix C). A test multiplies them out."""

Bits = NDArray[np.uint8]
Soft = NDArray[np.float64]


class Word(NamedTuple):
    """A word of the code that was read."""

    content_id: int
    signs: NDArray[np.float64]
    """(64,) of -1 and 1."""


def encode(content_id: int) -> NDArray[np.float64]:
    """Return the 64 bits of a content id as -1 and 1. Raises ValueError for an id of more than 32 bits."""
    if not 0 <= content_id < 1 << ID_BITS:
        raise ValueError(f"a content id has {ID_BITS} bits, not {content_id:#x}")
    message = _bits((content_id << CRC_BITS) | _crc7(content_id), MESSAGE_BITS)
    return _signs(message @ _generator_matrix() % 2)


def decode(soft: Soft) -> Word | None:
    """Return the word that fits best what was read, None where no likely word has a right CRC.

    soft: (64,) numbers, each positive for a 1, and the larger the surer.
    """
    candidates = _likely_words(np.asarray(soft, np.float64))
    best = candidates[np.argsort(-(_signs(candidates) @ soft), kind="stable")]
    for word in best:
        message = int("".join(map(str, word[:MESSAGE_BITS])), 2)
        content_id, crc = message >> CRC_BITS, message & ((1 << CRC_BITS) - 1)
        if _crc7(content_id) == crc:
            return Word(content_id, _signs(word))
    return None


def _likely_words(soft: Soft) -> Bits:
    """Return (782 or so, 64) words: the one that the surest independent bits make, and those with up to two of them
    turned."""
    order = np.argsort(-np.abs(soft), kind="stable")
    rows, pivots = _reduced(_generator_matrix()[:, order])
    sure = (soft[order][pivots] > 0).astype(np.uint8)
    turned = sure ^ _turns()
    words = np.empty((len(turned), CODE_BITS), np.uint8)
    words[:, order] = turned @ rows % 2
    return words


def _reduced(matrix: Bits) -> tuple[Bits, list[int]]:
    """Return the matrix in reduced row echelon form over GF(2), and the columns of its leading ones."""
    rows, pivots = matrix.copy(), list[int]()
    for column in range(CODE_BITS):
        top = len(pivots)
        if top == MESSAGE_BITS:
            break
        found = np.flatnonzero(rows[top:, column])
        if not found.size:
            continue
        rows[[top, top + found[0]]] = rows[[top + found[0], top]]
        others = np.flatnonzero(rows[:, column])
        rows[others[others != top]] ^= rows[top]
        pivots.append(column)
    return rows, pivots


@cache
def _turns() -> Bits:
    """Return every pattern of at most two turned bits among MESSAGE_BITS."""
    places = [places for count in range(3) for places in combinations(range(MESSAGE_BITS), count)]
    turns = np.zeros((len(places), MESSAGE_BITS), np.uint8)
    for row, which in zip(turns, places, strict=True):
        row[list(which)] = 1
    return turns


@cache
def _generator_matrix() -> Bits:
    """Return (39, 64): the message as it is, 24 bits of BCH, one of parity."""
    checks = CODE_BITS - 1 - MESSAGE_BITS
    rows = []
    for place in range(MESSAGE_BITS):
        shifted = 1 << (MESSAGE_BITS - 1 - place + checks)
        word = _bits(shifted | _remainder(shifted, _GENERATOR), CODE_BITS - 1)
        rows.append(np.append(word, word.sum() % 2))
    return np.array(rows, np.uint8)


def _crc7(content_id: int) -> int:
    return _remainder(content_id << CRC_BITS, _CRC_POLYNOMIAL)


def _remainder(value: int, polynomial: int) -> int:
    """Return the rest of a division of polynomials over GF(2)."""
    degree = polynomial.bit_length()
    while value.bit_length() >= degree:
        value ^= polynomial << (value.bit_length() - degree)
    return value


def _bits(value: int, count: int) -> Bits:
    """Return the bits of a number, the highest first."""
    return np.array([value >> (count - 1 - place) & 1 for place in range(count)], np.uint8)


def _signs(bits: Bits) -> NDArray[np.float64]:
    return bits.astype(np.float64) * 2 - 1
