"""Proof of what was made: signed frame lists and movies, marks that tools read, watermarks, and their verification."""
