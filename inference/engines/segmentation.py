"""Finding the figure in a picture that has no alpha: by what stands out from its rim in colour and in focus.

Everything here sees one still and runs once a shot.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.engines.smooth import (
    blur,
    clusters,
    disc,
    fitted,
    grown,
    resized,
    shrink,
    spread,
    worn,
)

Array = NDArray[np.float32]
Mask = NDArray[np.uint8]

SEARCH_SIDE = 256
"""Longest side in pixels at which a figure is looked for: GrabCut takes 45 ms there and 900 ms at 720p."""
REFINE_SIDE = 640
RIM_COLOURS = 8
PLAIN_DISTANCE = 12.0
"""Difference in CIE Lab under which a pixel may still be the background beside a soft edge."""
TELLING = 0.3
"""Compactness from which colour alone may say that a pixel is background."""


def segment(colour: Array) -> tuple[Array, tuple[Finding, ...]]:
    """Find the figure, then its edge, then how much of each edge pixel it covers."""
    height, width = colour.shape[:2]
    small = fitted(colour, SEARCH_SIDE)
    saliency, plain = _saliency(colour, small)
    labels = _first_labels(saliency, plain)
    figure = _grab(_without_far_colours(small, labels), labels, rounds=4)
    figure = _one_body(figure, saliency)
    share = float(figure.mean())
    if not 0.01 <= share <= 0.85:
        return _upright_ellipse(height, width), (_no_figure(share),)
    middle = fitted(colour, REFINE_SIDE)
    figure = _refine(middle, figure)
    return _soft_edge(colour, figure), (_segmented(share),)


def _rim(height: int, width: int) -> NDArray[np.bool_]:
    """Return the border that is background as a rule: left, right and top; a figure is often cut at the bottom."""
    rim = np.zeros((height, width), bool)
    band = max(3, height // 24)
    rim[:band] = rim[:, :band] = rim[:, -band:] = True
    return rim


def _saliency(colour: Array, small: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return how much each pixel stands out from the rim in colour and in focus, and which surely have a rim's colour.

    A cue that is gathered in one place counts; colour that is scattered over the picture tells nothing.
    """
    height, width = small.shape[:2]
    rim = _rim(height, width)
    lab = blur(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.float32), 1.0)
    _, palette = clusters(lab[rim], RIM_COLOURS)
    by_colour = np.min(np.linalg.norm(lab[..., None, :] - palette, axis=-1), axis=-1).astype(np.float32)
    grey = np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), np.float32)
    detail = shrink(np.abs(grey - blur(grey, 1.5)), (height, width))
    by_focus = blur(detail, height / 50)
    centre = np.exp(-0.5 * (np.linspace(-1.0, 1.0, width, dtype=np.float32) / 0.55) ** 2)[None]
    total, plain = np.zeros((height, width), np.float32), np.zeros((height, width), bool)
    for cue in (by_colour, by_focus):
        rim_level = np.float32(np.percentile(cue[rim], 90) + 1e-4)
        excess = np.clip(cue / rim_level - 1.0, 0.0, 4.0)
        trust = _compactness(excess)
        total += (excess / 4.0) * trust
        if cue is by_colour and trust > TELLING:
            plain = cue <= 1.5 * rim_level + PLAIN_DISTANCE
    return np.asarray(total * centre, np.float32), plain


def _without_far_colours(small: Array, labels: Mask) -> Array:
    """Return the picture with all sure background replaced by the nearest pixel beside the figure.

    Otherwise a dark wall at the far end of the picture teaches GrabCut that dark cloth is background.
    """
    far = (labels == cv2.GC_BGD).astype(np.uint8)
    if not far.any() or far.all():
        return small
    _, nearest = cv2.distanceTransformWithLabels(far, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    colours[nearest[far == 0]] = small[far == 0]
    return np.asarray(colours[nearest], np.float32)


def _compactness(excess: Array) -> float:
    """Return 1 for a cue gathered in one column of the picture, near 0 for one scattered over its width."""
    mass = float(excess.sum())
    if mass <= 0.0:
        return 0.0
    columns = excess.sum(axis=0) / mass
    places = np.linspace(0.0, 1.0, excess.shape[1])
    middle = float((columns * places).sum())
    deviation = float(np.sqrt((columns * (places - middle) ** 2).sum()))
    return float(np.exp(-((deviation / 0.15) ** 2)))


def _first_labels(saliency: Array, plain: NDArray[np.bool_]) -> Mask:
    """Return GrabCut's labels: what surely is the figure, may be, may not be, surely is not."""
    height, width = saliency.shape
    scaled = (saliency / max(float(saliency.max()), 1e-6) * 255).astype(np.uint8)
    level, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)
    # Half of Otsu's level still shows the outline of cloth that has no detail of its own.
    found = np.where(scaled > 0.5 * level, 255, 0).astype(np.uint8)
    body = _one_body((_closed(found, height / 10) > 0).astype(np.uint8), saliency)
    # Cloth without detail inside the outline has no cue of its own: a wide closing takes it in.
    wide = _closed(body * 255, height / 2.5) > 0
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    labels[grown(wide.astype(np.uint8), height / 5) > 0] = cv2.GC_PR_BGD
    labels[wide & ~plain] = cv2.GC_PR_FGD
    # Only what stands out itself is sure; what a closing took in may be a gap between arm and body.
    labels[(worn((found > 0).astype(np.uint8), height / 16) > 0) & (body > 0) & ~plain] = cv2.GC_FGD
    labels[_rim(height, width) & (body == 0)] = cv2.GC_BGD
    return labels


def _closed(mask: Mask, diameter: float) -> Mask:
    """Close gaps; past the picture the mask is taken to go on, so that a figure cut at the bottom stays whole there."""
    height, width = mask.shape
    pad = int(diameter) + 2
    wide = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc(diameter))
    return np.asarray(closed[pad : pad + height, pad : pad + width], np.uint8)


def _one_body(mask: Mask, saliency: Array) -> Mask:
    """Keep the piece that holds the most saliency, without holes smaller than 1 % of it."""
    count, pieces, _, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 1:
        return mask
    best = 1 + int(np.argmax([float(saliency[pieces == index].sum()) for index in range(1, count)]))
    body = (pieces == best).astype(np.uint8)
    holes, inner, stats, _ = cv2.connectedComponentsWithStats(1 - body)
    for index in range(1, holes):
        if stats[index, cv2.CC_STAT_AREA] < 0.01 * float(body.sum()):
            body[inner == index] = 1
    return np.asarray(body, np.uint8)


def _grab(picture: Array, labels: Mask, *, rounds: int) -> Mask:
    if not np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any() or not np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        return np.zeros(labels.shape, np.uint8)
    cv2.setRNGSeed(1)
    work = labels.copy()
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut((picture * 255).astype(np.uint8), work, (0, 0, 1, 1), *models, rounds, cv2.GC_INIT_WITH_MASK)
    return np.isin(work, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def _refine(picture: Array, figure: Mask) -> Mask:
    """Run GrabCut again at a larger size, free only in a band along the outline found at the small one."""
    height, width = picture.shape[:2]
    coarse = resized(figure.astype(np.float32), height, width)
    band = disc(2.5 * width / figure.shape[1] + 20)
    coarse_mask = (coarse > 0.5).astype(np.uint8)
    labels = np.where(coarse_mask > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[cv2.erode(coarse_mask, band) > 0] = cv2.GC_FGD
    labels[cv2.dilate(coarse_mask, band) == 0] = cv2.GC_BGD
    fine = _grab(picture, labels, rounds=2)
    return np.asarray(cv2.medianBlur(_one_body(fine, fine.astype(np.float32)), 5), np.uint8)


def _soft_edge(colour: Array, figure: Mask) -> Array:
    """Return coverage: in a band along the edge each pixel is placed on the line from inside to outside colour."""
    height, width = colour.shape[:2]
    soft = blur(resized(figure.astype(np.float32), height, width), 0.6 * width / figure.shape[1])
    band = max(3.0, 3.0 * width / figure.shape[1])
    hard = (soft > 0.5).astype(np.uint8)
    inside, outside = worn(hard, 2 * band), 1 - grown(hard, 2 * band)
    front, back = spread(colour, inside.astype(np.float32)), spread(colour, outside.astype(np.float32))
    line = front - back
    length = np.sum(line * line, axis=-1)
    along = np.sum((colour - back) * line, axis=-1) / np.maximum(length, 1e-4)
    measured = np.clip((along - 0.1) / 0.8, 0.0, 1.0)
    # Where both sides look alike the colours say nothing and the outline decides.
    trust = np.clip(length / 0.05, 0.0, 1.0) * 0.7
    nearby = np.clip(1.5 - np.abs(soft - 0.5) * 2.0, 0.0, 1.0)
    mixed = soft + (measured - soft) * trust * nearby
    mixed = np.where(inside > 0, 1.0, np.where(outside > 0, 0.0, mixed))
    return np.asarray(np.clip(mixed, 0.0, 1.0), np.float32)


def _upright_ellipse(height: int, width: int) -> Array:
    """Return where a figure stands as a rule: the middle of the picture, cut by its bottom."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    across = (columns - width / 2) / (0.22 * height)
    down = (rows - 0.6 * height) / (0.5 * height)
    return np.asarray(np.clip((1.0 - np.hypot(across, down)) * 0.25 * height / 4.0 + 0.5, 0.0, 1.0), np.float32)


def _segmented(share: float) -> Finding:
    return Finding(
        rule="reference_cut_out",
        outcome="note",
        message=f"the reference has no alpha: the character was cut out by colour and focus ({share:.0%} of the image)",
        remedy="Give the reference an alpha channel for an exact edge.",
    )


def _no_figure(share: float) -> Finding:
    return Finding(
        rule="reference_cut_out",
        outcome="warn",
        message=f"no figure stands out from the reference's background (found {share:.0%} of the image); "
        "an upright oval in its middle is used",
        remedy="Give the reference an alpha channel, or an image of the character on a plain background.",
    )
