"""Which frames of a scene a question is asked on."""

from __future__ import annotations


def sample_uniformly(num_frames: int, n: int = 32) -> tuple[int, ...]:
    """``n`` indices spread evenly over ``num_frames`` frames, the first and the last among them.

    Index ``i`` is ``round_half_up(i * (num_frames - 1) / (n - 1))``, in integers so that it is the
    same everywhere; the default is the paper's N (arXiv 2606.11719). All frames when there are no
    more than ``n``; the middle one for ``n = 1``. Raises ValueError for negative counts and n < 1.
    """
    if num_frames < 0 or n < 1:
        raise ValueError(f"cannot choose {n} of {num_frames} frames; ask for at least one")
    if num_frames <= n:
        return tuple(range(num_frames))
    if n == 1:
        return ((num_frames - 1) // 2,)
    span, steps = num_frames - 1, n - 1
    return tuple((2 * i * span + steps) // (2 * steps) for i in range(n))
