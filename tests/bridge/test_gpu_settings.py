"""GPUs and budgets as people write them; what cannot be is refused by name, with how to write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import RequestError
from understudy.bridge.gpu_settings import MemoryBudget, parse_gpu_memory, parse_gpus
from understudy.bridge.settings import load_settings

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("24GiB", MemoryBudget(size=24 * GIB)),
        (" 24 gib ", MemoryBudget(size=24 * GIB)),
        ("24GB", MemoryBudget(size=24 * 10**9)),
        ("1.5TiB", MemoryBudget(size=1536 * GIB)),
        ("80%", MemoryBudget(share=0.8)),
        ("", None),
    ],
)
def test_a_budget_is_a_size_or_a_share(text: str, budget: MemoryBudget | None) -> None:
    assert parse_gpu_memory(text) == budget


@pytest.mark.parametrize("text", ["24", "GiB", "0GiB", "-1GiB", "101%", "0%", "24 gigs", "80 %%", "nan%", "1e3GiB"])
def test_a_budget_that_is_none_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(RequestError, match="gpu_memory") as raised:
        parse_gpu_memory(text)
    assert "24GiB" in raised.value.remedy


@given(st.integers(1, 10**13), st.integers(1, 10**13))
def test_a_budget_never_allows_more_than_the_card_has(size: int, total: int) -> None:
    assert MemoryBudget(size=size).bytes_of(total) == min(size, total)
    assert 0 <= MemoryBudget(share=0.8).bytes_of(total) <= total


@given(st.integers(0, 16), st.sampled_from([1, 2, 4]))
def test_gpus_are_shared_out_in_order_and_each_to_one_slot(slots: int, each: int) -> None:
    names = [str(number) for number in range(slots * each)]
    shared = parse_gpus(",".join(names), each)
    assert [gpu for group in shared for gpu in group] == names
    assert {len(group) for group in shared} <= {each}


@pytest.mark.parametrize(
    ("text", "each", "said"),
    [
        ("0,1,2", 2, "cannot share out"),
        ("0,1", 3, "gpus_per_slot"),
        ("0,0", 1, "twice"),
        ("0,,1", 1, "names no GPU"),
        ("0;rm", 1, "names no GPU"),
    ],
)
def test_gpus_that_cannot_be_are_refused_by_name(text: str, each: int, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        parse_gpus(text, each)


def test_a_gpu_may_be_named_by_its_identity() -> None:
    identity = "GPU-1f0c7bd2-9e3a-4c41-8f0e-3f6f2a1d2b3c"
    assert parse_gpus(f"{identity}, MIG-{identity[4:]}", 2) == ((identity, f"MIG-{identity[4:]}"),)


def test_settings_say_which_place_was_wrong_and_share_out_over_all_places(tmp_path: Path) -> None:
    alone = {"UNDERSTUDY_HOME": str(tmp_path), "UNDERSTUDY_SITE_FILE": str(tmp_path / "none")}
    with pytest.raises(RequestError, match="environment: `gpu_memory` is 'lots'"):
        load_settings(environment={**alone, "UNDERSTUDY_GPU_MEMORY": "lots"})
    with pytest.raises(RequestError, match="cannot share out"):
        load_settings({"gpus": "0,1,2"}, environment={**alone, "UNDERSTUDY_GPUS_PER_SLOT": "2"})
    said = load_settings({"gpus": "0,1"}, environment={**alone, "UNDERSTUDY_GPUS_PER_SLOT": "2"})
    assert (said.gpus, said.gpus_per_slot) == ("0,1", 2)
