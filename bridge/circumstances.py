"""What a person says of a job before it runs: its use, its content, who is in it, what is disclosed, who approved.

Every field is optional. Its default means *not stated*, never *no*: what hangs on it cannot be told, and the rules that
read it say so (docs/packs.md).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from understudy.bridge.field_kinds import LongText

Likeness = Literal["digital_replica", "synthetic_performer", "altered_performance", "non_human", "no_person"]
USUAL_DISCLOSURE = "Contains AI-generated or AI-altered imagery."


class CastMember(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of a person when the record was written. `talent` is the name that the record uses elsewhere."""

    talent: str
    living: Literal["yes", "no", "unknown"] | None = None
    deceased_on: str | None = None
    minor: bool | None = None
    union: str = ""
    """`sag-aftra`, another union's name, or `none`."""
    contract_type: str = ""
    """Under which terms they work: `tv_theatrical`, `commercial`, ..."""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """Where and for what the pictures will be seen."""

    is_advertising: bool | None = None
    promotes_expressive_work: bool | None = None
    """Advertising for a film, a series, a game: consistent with the work that it promotes."""
    endorsement: bool | None = None
    """A person, real or made, recommends a product."""
    media: tuple[str, ...] = ()
    """`theatrical`, `streaming`, `broadcast`, `online`, ...: your words, compared letter by letter."""
    territories: tuple[str, ...] = ()
    """ISO 3166 codes (DE, US-NY), EU, or `worldwide`."""
    first_use_on: str | None = None
    training: bool | None = None
    """Whether a model will be trained on these pictures."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown."""

    intimate: bool | None = None
    violence: bool | None = None
    political: bool | None = None
    minor_depicted: bool | None = None


class Europe(msgspec.Struct, frozen=True, kw_only=True):
    """Article 50 of Regulation (EU) 2024/1689: the part that a person has to judge."""

    role: Literal["provider", "deployer", "both"] | None = None
    deepfake: Literal["yes", "no", "undetermined"] | None = None
    work_class: Literal["evidently_artistic", "other"] | None = None
    reason: LongText = ""


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """How a digital replica came about, in the guild agreements' words."""

    type: Literal["employment_based", "independently_created", "background", "none"] | None = None
    source: Literal["scan", "existing_footage", "reference_image", "none"] | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The shot in words, for whoever searches for it."""

    camera_move: str = ""
    lighting: str = ""
    time_of_day: str = ""
    lens: str = ""
    notes: LongText = ""


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """What viewers are told. `text` stands in every file; the rest says where else they meet it."""

    text: LongText = USUAL_DISCLOSURE
    form: Literal["on_screen", "icon", "caption", "credits", "spoken", "metadata_only"] | None = None
    languages: tuple[str, ...] = ()
    placement: str = ""
    proof_frame: int | None = None
    """A frame that shows it."""
    owner: Literal["us", "client"] | None = None
    """Who puts it on screen."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A yes in writing. `shots` empty = all."""

    kind: Literal["legal", "brand", "client", "talent"]
    reference: str
    by: str = ""
    approved_on: str | None = None
    shots: tuple[str, ...] = ()
    expires_on: str | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    prompt_writer: str = ""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The script that an alteration relies on."""

    reference: str = ""
    dated_on: str | None = None
    performed_on: str | None = None
    """The day of the performance that is altered."""


class Synthetic(msgspec.Struct, frozen=True, kw_only=True):
    """What a guild asks for a performer who is nobody."""

    value_statement: LongText = ""
    union_notice: LongText = ""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    policy_id: str = ""
    deliverable_class: Literal["temp", "final"] | None = None
    network: Literal["offline", "onprem", "cloud"] | None = None
    """Where the production's material is computed on."""


class China(msgspec.Struct, frozen=True, kw_only=True):
    """What the labelling measures and GB 45438-2025 ask for."""

    producer_code: str = ""
    produce_id: str = ""
    label: Literal[1, 2, 3] | None = None
    """1 is, 2 may be, 3 is suspected to be generated."""
    explicit: Literal["burned_in", "waived_article_9"] | None = None
    recipient: str = ""
    log_keep_until: str | None = None
