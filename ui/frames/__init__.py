"""Pixels for people: files to pictures, pictures to codes of a display. The only part of the panel with NumPy in it.

`exr` reads a file, `view` makes display codes with OCIO, `reader` does both on its own threads. Nothing here knows Qt.
"""
