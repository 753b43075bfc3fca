"""DaVinci Resolve: clips and marked ranges go out as source frames or as a render, takes come back on a track above.

Nothing in this package raises because of Resolve itself: its calls answer False, None, '' or [] when they refuse, so
every answer is looked at (`session.granted`) and what matters is read back.
"""
