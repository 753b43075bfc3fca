"""How good a result is, in numbers: against the plate it was made from, or against the reference it should look like.

Reading order: `measure.py` tells the story; `roles.py` and `opening.py` read; `against_plate.py` and
`against_reference.py` go frame by frame; `likeness.py`, `over_time.py`, `matte_edge.py` and `appearance.py` are the
measures, pure; `summary.py`, `table.py`, `plot.py` and `results_file.py` tell what was found.
docs/evaluate.md says what each number means. Judges nothing: no number here lets a take pass or fail.
"""
