"""Pixels in and out: files, movies, colour, the steady crop and the layers."""
