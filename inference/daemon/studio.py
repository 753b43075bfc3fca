"""What a daemon answers to those that follow it: signed snapshots, and receipts for their entries and waivers.

In the event loop; everything that reads, signs or writes is on the house's threads.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.follower_messages import AskSnapshot, Posted, PostEntries, PostWaiver, SignedSnapshot
from understudy.bridge.keys import User
from understudy.bridge.messages import Done
from understudy.inference.authority.acting import check_may
from understudy.inference.authority.chains import Chains
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.papers import Waiver
from understudy.inference.authority.registry import Change
from understudy.inference.authority.studio import (
    StudioContents,
    contents_digest,
    contents_for,
    issue,
    rotations_after,
    signed_bytes,
)
from understudy.inference.compliance.policy.library import own_packs
from understudy.inference.daemon.house import House

ISSUED = "snapshot.issued"


class Studio:
    """This daemon as the authority of others."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._chains = Chains(house.home, house.ledger)
        self._salt = house.ledger.digest_of(b"withdrawn")
        self._made: dict[tuple[str, ...], tuple[object, StudioContents, str]] = {}
        """The newest contents of each set of projects, with what they were made of."""

    async def snapshot(self, user: User, request: AskSnapshot) -> SignedSnapshot:
        """Return what `user` may know of the registry, signed; nothing where the asker holds the same."""
        self._check(user)
        contents, digest = await self._house.looked(self._contents, user.projects)
        if request.contents == digest and request.key == self._house.ledger.public_key:
            return SignedSnapshot(key=request.key)
        return await self._house.recorded(self._sign, user, contents, digest, request.key)

    async def entries(self, user: User, request: PostEntries) -> Posted:
        """Take lines of a follower's ledger; what is answered is on the disk."""
        self._check(user)
        kept = await self._house.recorded(self._chains.take, user.name, request.after, request.lines)
        if kept.head is None or kept.anchored is None:
            return Posted(seq=0, digest="", head_seq=0, head_digest="")
        anchor = kept.anchored
        return Posted(seq=kept.head.seq, digest=kept.head.digest, head_seq=anchor.seq, head_digest=anchor.digest)

    async def waiver(self, user: User, request: PostWaiver) -> Done:
        """Put a waiver that was asked for at a follower into the registry, undecided."""
        self._check(user)
        try:
            waiver = msgspec.json.decode(request.waiver, type=Waiver)
        except msgspec.MsgspecError as problem:
            raise RequestError(f"this is no waiver: {problem}", remedy="Use `understudy waiver request`.") from None
        await self._house.recorded(self._take_waiver, user, waiver)
        return Done()

    def _check(self, user: User) -> None:
        check_may(user, "follow")
        if self._house.settings.authority:
            raise RequestError(
                "this daemon follows an authority itself and vouches for nobody",
                remedy="Have the setting `authority` name that one's connection file.",
            )

    def _contents(self, projects: tuple[str, ...]) -> tuple[StudioContents, str]:
        packs = own_packs(self._house.settings.packs_folder)
        of = (self._house.registry.stamp(), packs)
        made = self._made.get(projects)
        if made is None or made[0] != of:
            contents = contents_for(projects, self._house.registry, packs, self._salt)
            made = self._made[projects] = (of, contents, contents_digest(contents))
        return made[1], made[2]

    def _sign(self, user: User, contents: StudioContents, digest: str, trusted: str) -> SignedSnapshot:
        ledger = self._house.ledger
        subjects = {"follower": ledger.hashed(user.name), "contents": digest}
        head = ledger.append(NewEntry(event=ISSUED, actor=user.name, subjects=subjects))
        snapshot = issue(
            contents,
            follower=user.name,
            head=head,
            issued_at=datetime.now(timezone.utc),
            holds=timedelta(hours=self._house.settings.snapshot_hours),
        )
        body = msgspec.json.encode(snapshot, order="deterministic").decode()
        key, signature = ledger.sign(signed_bytes(body))
        rotations: tuple[str, ...] = ()
        if trusted not in ("", key):
            with ledger.path.open("rb") as lines:
                rotations = rotations_after(trusted, lines)
        return SignedSnapshot(body=body, signature=signature, key=key, rotations=rotations)

    def _take_waiver(self, user: User, waiver: Waiver) -> None:
        if waiver.state != "requested" or waiver.decided_by:
            raise RequestError(
                f"waiver {waiver.id} comes decided", remedy="Whoever may decides at the authority, not before."
            )
        known = self._house.registry.find(Waiver, waiver.id)
        if known == waiver:
            return  # posted again by somebody who did not hear the answer
        if known is not None:
            raise RequestError(f"there is a waiver '{waiver.id}' already", remedy="Take another id.")
        self._house.registry.write(user.name, [Change("waiver", waiver, "requested")])
