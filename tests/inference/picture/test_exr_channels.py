"""Which channels a layer and a view mean, for the ways studios name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import PlateError
from understudy.inference.picture.exr_channels import ExrChannel, ExrPart, choose_group, group_channels


def chosen(
    names: list[str],
    *,
    layer: str | None = None,
    view: str | None = None,
    views: tuple[str, ...] = (),
) -> dict[str, str]:
    """Return component -> channel name for a single-part file that holds `names`."""
    channels = [ExrChannel(0, name, "half") for name in names]
    group = choose_group(group_channels(channels, [ExrPart()], views), "plate.exr", layer, view)
    return {component: channel.name for component, channel in group.components.items()}


def coloured(prefix: str, letters: str = "RGB") -> list[str]:
    return [f"{prefix}{letter}" for letter in letters]


@pytest.mark.parametrize(
    "names",
    [
        ["R", "G", "B"],
        ["r", "g", "b"],
        ["red", "green", "blue"],
        ["rgba.R", "rgba.G", "rgba.B"],
        ["rgba.red", "rgba.green", "rgba.blue"],
        ["beauty.R", "beauty.G", "beauty.B"],
        ["ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B"],
        ["left.R", "left.G", "left.B"],
    ],
)
def test_when_a_file_has_one_colour_layer_then_any_naming_is_read(names: list[str]) -> None:
    found = chosen([*names, "Z", "motion.x", "motion.y"])
    assert [found[component] for component in "RGB"] == names


def test_when_plain_channels_stand_beside_layers_then_the_plain_ones_are_the_picture() -> None:
    assert chosen(coloured("diffuse.") + coloured("", "ABGR"))["R"] == "R"


def test_when_a_beauty_stands_beside_other_layers_then_it_is_the_picture() -> None:
    assert chosen(coloured("diffuse.") + coloured("beauty.") + coloured("zebra."))["G"] == "beauty.G"


def test_when_several_layers_could_be_the_picture_then_they_are_named_and_none_is_guessed() -> None:
    with pytest.raises(PlateError, match=r"several layers.*diffuse, specular") as caught:
        chosen(coloured("diffuse.") + coloured("specular."))
    assert "--layer" in caught.value.remedy


def test_when_a_layer_is_named_then_it_is_read_and_a_wrong_name_lists_what_exists() -> None:
    names = coloured("") + coloured("diffuse.") + coloured("ViewLayer.Emit.")
    assert chosen(names, layer="diffuse")["B"] == "diffuse.B"
    assert chosen(names, layer="Emit")["B"] == "ViewLayer.Emit.B"
    assert chosen(names, layer="rgba")["B"] == "B"
    with pytest.raises(PlateError, match=r"no layer 'specular'; .*rgba, diffuse, ViewLayer\.Emit"):
        chosen(names, layer="specular")


def test_when_the_last_word_of_a_layer_is_shared_then_it_is_not_taken_for_a_name() -> None:
    names = coloured("Near.Combined.") + coloured("Far.Combined.")
    with pytest.raises(PlateError, match="no layer 'Combined'"):
        chosen(names, layer="Combined")
    assert chosen(names, layer="Far.Combined")["R"] == "Far.Combined.R"


@pytest.mark.parametrize("left", ["left.R", "left.beauty.R", "beauty.left.R"])
def test_when_a_view_is_chosen_then_its_channels_are_read_wherever_the_view_stands_in_the_name(left: str) -> None:
    names = coloured("") + [left[:-1] + letter for letter in "RGB"]
    assert chosen(names, views=("right", "left"))["R"] == "R"
    assert chosen(names, views=("right", "left"), view="right")["R"] == "R"
    assert chosen(names, views=("right", "left"), view="left")["R"] == left


def test_when_a_file_lists_no_views_then_a_layer_named_as_the_view_is_it() -> None:
    assert chosen(coloured("left.") + coloured("right."), view="right")["R"] == "right.R"


def test_when_a_view_does_not_exist_then_the_views_are_named() -> None:
    with pytest.raises(PlateError, match="no view 'middle'; the views in it: right, left"):
        chosen(coloured("") + coloured("left."), views=("right", "left"), view="middle")


def test_when_a_vector_layer_has_x_and_y_then_it_is_no_luminance() -> None:
    with pytest.raises(PlateError, match="no R, G, B or Y"):
        chosen(["disparity.x", "disparity.y"])


def test_when_parts_have_names_and_views_then_both_choose_a_part() -> None:
    parts = [ExrPart("rgba.right", "right"), ExrPart("rgba.left", "left"), ExrPart("diffuse.left", "left")]
    channels = [ExrChannel(part, name, "half") for part in range(3) for name in "RGB"]
    groups = group_channels(channels, parts, ("right", "left"))
    assert choose_group(groups, "plate.exr", None, None).part == 0
    assert choose_group(groups, "plate.exr", None, "left").part == 1
    assert choose_group(groups, "plate.exr", "diffuse", "left").part == 2


def test_when_no_part_is_called_the_picture_then_they_are_named_and_none_is_guessed() -> None:
    parts = [ExrPart("diffuse"), ExrPart("specular")]
    groups = group_channels([ExrChannel(part, name, "half") for part in range(2) for name in "RGB"], parts, ())
    with pytest.raises(PlateError, match="diffuse, specular"):
        choose_group(groups, "plate.exr", None, None)


@given(
    st.lists(
        st.lists(st.sampled_from(["R", "G", "B", "Y", "x", "left", "rgba", "a", ""]), min_size=1, max_size=4),
        min_size=1,
        max_size=12,
        unique_by=tuple,
    ),
    st.sampled_from([(), ("right", "left")]),
    st.sampled_from([None, "left", "a", "rgba"]),
    st.sampled_from([None, "left"]),
)
def test_when_names_are_anything_at_all_then_a_choice_is_whole_or_a_plate_error(
    words: list[list[str]], views: tuple[str, ...], layer: str | None, view: str | None
) -> None:
    names = [".".join(each) for each in words]
    try:
        found = chosen(names, layer=layer, view=view, views=views)
    except PlateError:
        return
    assert {"R", "G", "B"} <= found.keys() or "Y" in found
    assert set(found.values()) <= set(names)
