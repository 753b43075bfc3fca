"""Measures that need a GPU: `python -m benchmarks.gpu.one` and `torchrun ... -m benchmarks.gpu.several`.

The model has its real size and random weights: seconds and bytes are those of the real one, pictures are not. Every row
is a ratio to stock diffusers in the same run; the file of rows is written anew after each, so a run that is cut off
keeps what it has.
"""

import os

from understudy.inference.daemon.surroundings import WORK_SETTINGS

for _name, _value in WORK_SETTINGS.items():
    os.environ.setdefault(_name, _value)  # as a worker has it, and before PyTorch is loaded
