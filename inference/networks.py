"""Networks as ONNX files, run by onnxruntime. Opening one runs no code of its author's: a graph of known operators and
numbers, unlike a pickled checkpoint or TorchScript. onnxruntime is imported when a file is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, RequestError

Floats = NDArray[np.float32]

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet's pictures, RGB, codes from 0 to 1: most networks that look at pictures were trained with them."""
_ERRORS_ALONE = 3  # onnxruntime's severity ERROR: its warnings are about graphs that nobody here can change


@dataclass(frozen=True, slots=True)
class Network:
    """One file. Several threads may run it."""

    path: Path
    remedy: str
    """What to do about a file that is damaged or is another network."""
    session: Any
    """An onnxruntime.InferenceSession, which has no types."""

    @classmethod
    def open(cls, path: Path, remedy: str, *, on_gpu: bool = False) -> Network:
        """Raises RequestError where onnxruntime or the file is missing, EngineError for a file that is no network.

        on_gpu: on the GPU where this build of onnxruntime has CUDA; elsewhere always on the processor, the same bits.
        """
        try:
            import onnxruntime
        except ImportError:
            raise RequestError(
                f"{path}: networks are run by onnxruntime, which is not installed", remedy="pip install onnxruntime"
            ) from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ALONE
        options.use_deterministic_compute = not on_gpu
        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider") if on_gpu else ("CPUExecutionProvider",)
        providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except _problems() as problem:
            raise _unfit(path, remedy, str(problem)[:300]) from None
        return cls(path, remedy, session)

    def takes(self) -> tuple[tuple[int | str | None, ...], ...]:
        """Return the shape of each input; a name or None where any size will do."""
        return tuple(tuple(entry.shape) for entry in self.session.get_inputs())

    def run(self, inputs: Sequence[Floats]) -> Floats:
        """Return the first output. Raises EngineError."""
        named = {entry.name: values for entry, values in zip(self.session.get_inputs(), inputs, strict=True)}
        try:
            return np.asarray(self.session.run(None, named)[0], np.float32)
        except _problems() as problem:
            raise self.unfit(str(problem)[:300]) from None

    def unfit(self, why: str) -> EngineError:
        """Return the error of a file that is not the network it should be."""
        return _unfit(self.path, self.remedy, why)


def _unfit(path: Path, remedy: str, why: str) -> EngineError:
    return EngineError(f"{path} cannot be used as this network: {why}", remedy=remedy, facts={"file": str(path)})


def _problems() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises about a file or a run; it has no class above them all but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotImplemented",
             "RuntimeException", "ModelLoaded", "EPFail")  # fmt: skip
    return tuple(getattr(state, name) for name in names if hasattr(state, name))
