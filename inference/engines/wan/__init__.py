"""Wan2.2-Animate, driven segment by segment from our own loop on the public parts of diffusers.

Reading order: `loop.py` (a segment, from controls to pictures), `model.py` (one step of the transformer), `spans.py`
(which frames condition which segment), `noise.py`. What comes back is opaque: `coverage.py` tells the character from
the background (docs/wan-coverage.md), `colour_hold.py` and `matching.py` bring it to the plate; those need no torch.
`engines/wan_animate.py` is the door; nothing here knows it or opens a file. docs/wan-animate.md tells the whole story.
"""

import os

os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")
"""Intel's library adds up in an order that depends on where numbers lie in memory, so that a resumed job may differ in
the last bit. This makes it one order on every processor; it is read at the library's first use, and GPUs know none of
it.
"""
