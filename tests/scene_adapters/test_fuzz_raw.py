"""Any bytes in any file of a raw download: a scene or a SceneFormatError, in bounded time.

CI runs CASES cases an adapter; ``OUROBOROS_FUZZ_CASES=10000 pytest tests/scene_adapters/
test_fuzz_raw.py`` runs that many. Each failure prints the command that replays it alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fixture_formats import LAYOUTS
from fuzz_mutations import mutate

CASES = int(os.environ.get("OUROBOROS_FUZZ_CASES", "300"))
SEED = int(os.environ.get("OUROBOROS_FUZZ_SEED", "0"))
SCRIPT = Path(__file__).with_name("fuzz_cases.py")
# Seconds: a start, which imports and writes the scans, and three times what a case takes.
LIMIT = 120 + CASES // 5

bounded = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is bounded as Linux does it"
)


@bounded
@pytest.mark.timeout(LIMIT + 30)
@pytest.mark.parametrize("dataset", sorted({layout.dataset for layout in LAYOUTS}))
def test_any_bytes_in_any_file_give_a_scene_or_a_named_error(dataset):
    # A process of its own: a limit on memory, and a crash or a hang that ends no other test.
    command = [sys.executable, str(SCRIPT), dataset, "--cases", f"0:{CASES}", "--seed", str(SEED)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, env=environment, check=False
        )
    except subprocess.TimeoutExpired as hang:
        begun = (hang.stderr or b"").split()[-1:]
        pytest.fail(f"{dataset}: case {begun} of seed {SEED} did not end")
    *failures, summary = [json.loads(line) for line in ran.stdout.splitlines()] or [None]
    assert "failed" in (summary or {}), (
        f"{dataset}: the process ended with {ran.returncode} in or before case "
        f"{ran.stderr.split()[-1:]}: {ran.stderr[-2000:]}"
    )
    shown = "\n".join(
        f"{json.dumps(failure)}\n  replay: {sys.executable} {SCRIPT} {dataset} "
        f"--seed {SEED} --cases {failure['case']}:{failure['case'] + 1}"
        for failure in failures[:20]
    )
    assert not failures, f"{len(failures)} of {CASES} cases failed\n{shown}"
    # Some damage is harmless and most is not: otherwise these cases test nothing.
    assert 0.05 * CASES < summary["read"] < 0.95 * CASES


FAULTS = {
    "KeyError": "raise KeyError('x')",
    "Hang": "while True:\n  try:\n   while True: pass\n  except Exception: pass",
    "MemoryError": "return len(bytearray(600 << 20))",
    "AssertionError": "raise SceneFormatError('first line\\nsecond', path='x')",
    "UserWarning": "import warnings; warnings.warn('w'); return whole(adapter, source)",
}
HARNESS = """
import fuzz_cases
from fuzz_cases import SceneFormatError
whole = fuzz_cases.use
fuzz_cases.SECONDS, fuzz_cases.LAYOUTS = 0.3, fuzz_cases.LAYOUTS[:1]
"""
FAULTY = """
def use(adapter, source):
 if "whole" in str(source.path): return whole(adapter, source)
 {body}
fuzz_cases.use = use
fuzz_cases.run({dataset!r}, 0, range(0, 3))
print("next")
"""


@bounded
def test_the_harness_sees_an_adapter_that_fails_hangs_takes_memory_or_warns():
    dataset = LAYOUTS[0].dataset
    program = HARNESS + "".join(FAULTY.format(body=x, dataset=dataset) for x in FAULTS.values())
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {"PYTHONPATH": str(SCRIPT.parent), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    seen = [part.splitlines() for part in ran.stdout.split("next\n")[:-1]]
    assert len(seen) == len(FAULTS), ran.stderr
    for expected, lines in zip(FAULTS, seen, strict=True):
        assert {json.loads(line)["error"].split(":")[0] for line in lines} == {expected}


def test_a_case_is_a_function_of_its_number():
    data, others = b'{"a": [1, 2, 3], "b": "text"}' * 5, (b"xyz", b"123")
    for number in range(200):
        first, second = (
            mutate(np.random.default_rng(number), "scan.json", data, others) for _ in range(2)
        )
        assert first == second


def test_almost_every_mutation_changes_the_bytes():
    document = json.dumps({"numbers": [1, 2.5, -3], "name": "x", "more": {"a": [0] * 20}}).encode()
    binary = np.random.default_rng(0).bytes(500)
    for name, data in (("a.json", document), ("b.txt", b"a = 1\nb = 2 3\n"), ("c.bin", binary)):
        changed = sum(
            mutate(np.random.default_rng(n), name, data, (b"other",))[1] != data for n in range(300)
        )
        assert changed > 240
