"""Wan-Animate-2, driven segment by segment from our own loop on the public parts of diffusers.

Reading order: `loop.py` (a segment, from the driver's pictures to the character's), `model.py` (the reference pass and
one step of the transformer), `attention.py` (what a token looks at). Spans, noise and carried pictures are those of
`engines/wan`. `engines/wan_animate_2.py` is the door; nothing here opens a file or knows a colour space.
docs/wan-animate-2.md tells the whole story.
"""

import understudy.inference.engines.wan  # noqa: F401  sets one order of sums for every processor; it says why
