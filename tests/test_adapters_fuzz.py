"""All codecs under damaged frames, bounded; `deploy/soak` has the long form. Seeds that found something stay."""

import pytest
from codec_fuzz import fuzz

FOUND: tuple[int, ...] = ()


@pytest.mark.parametrize("first", range(0, 4000, 500))
def test_damaged_frames_break_nothing(first: int) -> None:
    for seed in range(first, first + 500):
        fuzz(seed)


@pytest.mark.parametrize("seed", FOUND)
def test_what_once_broke_it_no_longer_does(seed: int) -> None:
    fuzz(seed)
