from __future__ import annotations

from typing import Any, ClassVar

import pyblish.api

from understudy.host_plugins.pyblish.doors import papers_for, published_names, upstream_for
from understudy.host_plugins.pyblish.found import find_layers
from understudy.host_plugins.pyblish.rule import COLLECT_ORDER, EVERY_TARGET, FOUND, MATCH, some


class CollectUnderstudyLayers(pyblish.api.ContextPlugin):  # type: ignore[misc]
    """Walks upstream of everything that is published and lists every Understudy layer that goes into it."""

    label = "Understudy: find layers"
    order = COLLECT_ORDER
    targets: ClassVar[list[str]] = EVERY_TARGET
    match = MATCH

    def process(self, context: Any) -> None:
        upstream = upstream_for(context)
        uses = [use for name in published_names(context) for use in upstream.uses(name)]
        found = find_layers(uses, papers_for(context))
        context.data[FOUND] = found
        for layer in found.layers:
            self.log.info("uses %s: %d files", layer.words, len(layer.files))
        if found.unasked:
            self.log.warning("no daemon answers: it could not be asked about %s", some(list(found.unasked)))
        self.log.info("looked at %d files, found %d Understudy layers", found.looked_at, len(found.layers))
