"""The JSON that GB 45438-2025 (China) wants in a file's metadata under the key `AIGC`. Pure.

Names and meanings of the fields as the standard is quoted (it was read at second hand): `Label` 1 = is generated, 2 =
may be, 3 = is suspected to be; the producer and its number of the content; whoever spreads it adds the same two; the
reserved fields may stay empty.
"""

from __future__ import annotations

import json

AIGC = "AIGC"
IS_GENERATED = "1"


def aigc_json(producer: str, content: str) -> str:
    """Return the JSON of content that is generated, on one line, the same bytes for the same words.

    producer: the code that the producer was given; content: the producer's own number of it.
    """
    fields = {
        "Label": IS_GENERATED,
        "ContentProducer": producer,
        "ProduceID": content,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def producer_in(text: str) -> str:
    """Return the producer's code in such a JSON; empty where there is none."""
    return str(json.loads(text)["ContentProducer"]) if text else ""
