"""The two networks of the official checkpoint, a few kilobytes each: same inputs, outputs and shapes, known functions.

The detector sees a person wherever red is flat: full red is one, 0.7 another, 0.4 a third; their boxes are what of
the red they fill. The pose network puts every point with an even number on the centre of what is green, every other on
the centre of what is blue, each as sure as there is much of it. So where points must come out is known to a fraction of
a pixel, whatever was done to the picture on the way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LEVELS = (1.0, 0.7, 0.4)
SCORES = (0.9, 0.8, 0.7)
SIDE = 640
HEIGHT, WIDTH, ROWS, COLUMNS, POINTS = 256, 192, 64, 48, 133
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
ENOUGH = 4.0
"""Light (over the network's 256 x 192 pixels) from which a point is quite sure."""


class _Graph:
    """Collects nodes; every method returns the name of what it makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: object, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def axes(self, *axes: int) -> str:
        return self.constant(axes, np.int64)

    def write(self, path: Path, takes: tuple[int | str, ...], result: str, gives: tuple[int | str, ...]) -> None:
        graph = helper.make_graph(
            self.nodes,
            "tiny",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, takes)],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, gives)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9  # what every onnxruntime since 1.16 reads
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())


def write_networks(weights: Path) -> Path:
    """Write both under `weights` as the checkpoint lays them out, and return `weights`."""
    write_detector(weights / "process_checkpoint" / "det" / "yolov10m.onnx")
    write_pose(weights / "process_checkpoint" / "pose2d" / "vitpose_h_wholebody.onnx")
    return weights


def write_detector(path: Path, *, side: int = SIDE) -> None:
    """Input (1, 3, side, side); output (1, 3, 6): left, top, right, bottom, score, class 0, a row a level."""
    graph = _Graph()
    red = graph.add("Slice", "input", graph.axes(0), graph.axes(1), graph.axes(1))
    rows = [_person(graph, red, level, score) for level, score in zip(LEVELS, SCORES, strict=True)]
    result = graph.add("Concat", *rows, axis=1)
    graph.write(path, (1, 3, side, side), result, (1, len(LEVELS), 6))


def _person(graph: _Graph, red: str, level: float, score: float) -> str:
    near = graph.add("Less", graph.add("Abs", graph.add("Sub", red, graph.constant(level))), graph.constant(0.1))
    here = graph.add("Cast", near, to=TensorProto.FLOAT)
    parts = []
    for other in (2, 3):  # over the rows for left and right, over the columns for top and bottom
        line = graph.add("ReduceMax", here, axes=[other], keepdims=0)
        first = graph.add("ArgMax", line, axis=2, keepdims=0)
        last = graph.add("ArgMax", line, axis=2, keepdims=0, select_last_index=1)
        edges = (graph.add("Cast", each, to=TensorProto.FLOAT) for each in (first, last))
        left, right = edges
        parts.append((left, graph.add("Add", right, graph.constant([[1.0]]))))
    there = graph.add("Mul", graph.add("ReduceMax", here, axes=[2, 3], keepdims=0), graph.constant(score))
    (left, right), (top, bottom) = parts
    row = graph.add("Concat", left, top, right, bottom, there, graph.constant([[0.0]]), axis=1)
    return graph.add("Unsqueeze", row, graph.axes(1))


def write_pose(path: Path, *, height: int = HEIGHT, width: int = WIDTH) -> None:
    """Input (1, 3, 256, 192), normalised; output (1, 133, 64, 48): Gaussians of sigma 2 around the centres."""
    graph = _Graph()
    light = graph.add(
        "Add", graph.add("Mul", "input", graph.constant(_planes(DEVIATION))), graph.constant(_planes(MEAN))
    )
    light = graph.add("Max", light, graph.constant(0.0))
    green, blue = (graph.add("Slice", light, graph.axes(n), graph.axes(n + 1), graph.axes(1)) for n in (1, 2))
    maps = [_gaussian(graph, colour, height, width) for colour in (green, blue)]
    result = graph.add("Concat", *(maps[index % 2] for index in range(POINTS)), axis=1)
    graph.write(path, (1, 3, height, width), result, (1, POINTS, ROWS, COLUMNS))


def _gaussian(graph: _Graph, colour: str, height: int, width: int) -> str:
    """A network's pixel u is the heatmap's u / 4, as ViTPose was trained."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    mass = graph.add("ReduceSum", colour, graph.axes(2, 3), keepdims=1)
    safe = graph.add("Max", mass, graph.constant(1e-6))
    squares = []
    for grid, places in ((x, columns), (y, rows)):
        moment = graph.add("ReduceSum", graph.add("Mul", colour, graph.constant(grid)), graph.axes(2, 3), keepdims=1)
        centre = graph.add("Mul", graph.add("Div", moment, safe), graph.constant(0.25))
        distance = graph.add("Sub", graph.constant(places[None, None]), centre)
        squares.append(graph.add("Mul", distance, distance))
    exponent = graph.add("Mul", graph.add("Add", *squares), graph.constant(-1 / (2 * 2.0**2)))
    sure = graph.add("Min", graph.add("Mul", mass, graph.constant(1 / ENOUGH)), graph.constant(1.0))
    return graph.add("Mul", graph.add("Exp", exponent), sure)


def write_segmenter(path: Path, *, side: int | None = None, log_odds: bool = False, planes: int = 1) -> Path:
    """Write a network that takes for a person what is redder than green, and return its path.

    Input (1, 3, y, x), normalised, of any size or (1, 3, side, side); output (1, planes, y, x), 0 to 1 or log odds.
    """
    graph = _Graph()
    light = graph.add(
        "Add", graph.add("Mul", "input", graph.constant(_planes(DEVIATION))), graph.constant(_planes(MEAN))
    )
    red, green = (graph.add("Slice", light, graph.axes(n), graph.axes(n + 1), graph.axes(1)) for n in (0, 1))
    over = graph.add("Sub", graph.add("Sub", red, green), graph.constant(0.2))
    result = graph.add("Mul", over, graph.constant(40.0))
    if not log_odds:
        result = graph.add("Sigmoid", result)
    if planes > 1:
        result = graph.add("Concat", *[result] * planes, axis=1)
    rows, columns = (side, side) if side else ("rows", "columns")
    graph.write(path, (1, 3, rows, columns), result, (1, planes, rows, columns))
    return path


def _planes(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(1, 3, 1, 1)


def paint_person(
    picture: NDArray[np.uint8], box: tuple[int, int, int, int], green: tuple[float, float],
    blue: tuple[float, float], level: float = 1.0, spread: float = 6.0,
) -> None:  # fmt: skip
    """Draw a person: left, top, right, bottom of the red, and the centres of the green and the blue blob."""
    left, top, right, bottom = box
    picture[max(0, top) : bottom, max(0, left) : right, 0] = round(level * 255)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    for channel, (across, down) in ((1, green), (2, blue)):
        blob = 255 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * spread**2))
        np.maximum(picture[:, :, channel], np.rint(blob).astype(np.uint8), out=picture[:, :, channel])
