"""Imports form layers: this file parses them and holds the line drawn in DESIGN section 3."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Lower layers first; a module may import its own layer's package and everything below it.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"scene_adapters"}),
    frozenset({"engine", "engine.errors", "engine.folders", "engine.resources", "engine.seeds"}),
    frozenset(
        {
            "engine.records",
            "engine.settings",
            "engine.config",
            "engine.difficulty",
            "engine.licences",
        }
    ),
    frozenset({"engine.workspace", "engine.table_schemas", "engine.tables"}),
    frozenset({"engine.progress"}),
    frozenset({"engine.scenes"}),
    frozenset({"engine.programs"}),
    frozenset({"engine.chat"}),
    frozenset(
        {
            "engine.proposing",
            "engine.judging",
            "engine.curriculum",
            "engine.solving",
            "engine.publishing",
            "engine.reporting",
        }
    ),
    frozenset(
        {
            "engine.asking",
            "engine.evaluation",
            "engine.round_ledger",
            "engine.round_plan",
            "engine.round_work",
            "engine.stage_judge",
            "engine.stage_propose",
            "engine.stage_train",
            "engine.stages",
            "engine.rounds",
        }
    ),
    frozenset({"engine.terminal", "engine.doctor", "engine.execute", "engine.demo"}),
    frozenset({"engine.commands"}),
    frozenset({"engine.cli", "engine.__main__"}),
)
STAGE_PACKAGES = LAYERS[8]

# One owner each: the only modules that may import these at all.
HEAVY: dict[str, tuple[str, ...]] = {
    "torch": ("engine.solving",),
    "transformers": ("engine.solving", "engine.chat.vllm_child"),
    "tokenizers": ("engine.solving",),
    "httpx2": ("engine.chat",),
    "tenacity": ("engine.chat",),
    "open3d": ("engine.scenes.raycast",),
    "RestrictedPython": ("engine.programs",),
    "datasets": (),
    "huggingface_hub": ("engine.publishing",),
    "mlcroissant": (),
    "webdataset": (),
    "trl": (),
    "plotly": ("engine.reporting.report_figures",),
    "playwright": (),
    # Run by path under the interpreter that has vLLM, never imported here.
    "vllm": ("engine.chat.vllm_child",),
    "ray": (),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("engine", "scene_adapters"):
        for path in sorted((ROOT / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield dotted.removesuffix(".__init__"), path


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it in full"
            module = node.module or ""
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def group(module: str) -> str:
    """The entry of LAYERS a module belongs to."""
    if module.startswith("scene_adapters"):
        return "scene_adapters"
    parts = module.split(".")
    return ".".join(parts[:2])


def layer(name: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if name in layer), None)


ALL_MODULES = dict(modules())


@pytest.mark.parametrize("module", ALL_MODULES)
def test_module_belongs_to_a_layer(module: str) -> None:
    assert layer(group(module)) is not None, f"{module} has no layer: add it to LAYERS"


@pytest.mark.parametrize("module", ALL_MODULES)
def test_imports_run_downward_and_stages_do_not_meet(module: str) -> None:
    mine = group(module)
    for name in imported(ALL_MODULES[module]):
        if not name.startswith(("engine", "scene_adapters")):
            continue
        other = group(name)
        if layer(other) is None:  # a name imported from engine/__init__, such as __version__
            continue
        if other == mine:
            continue
        own_layer, other_layer = layer(mine), layer(other)
        assert own_layer is not None
        assert other_layer is not None
        assert other_layer <= own_layer, f"{module} imports {name}, which is above it"
        assert not (mine in STAGE_PACKAGES and other in STAGE_PACKAGES), (
            f"{module} imports {name}: stages never import each other"
        )


@pytest.mark.parametrize("module", ALL_MODULES)
def test_each_heavy_library_has_one_owner(module: str) -> None:
    for name in imported(ALL_MODULES[module]):
        owners = HEAVY.get(name.split(".")[0])
        if owners is not None:
            assert module.startswith(owners) if owners else False, f"{module} imports {name}"


def test_no_import_cycle_between_modules() -> None:
    graph = {
        module: {name for name in imported(path) if name in ALL_MODULES and name != module}
        for module, path in ALL_MODULES.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for name in sorted(graph[module]):
                visit(name, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    words = {"utils", "helpers", "common", "misc"}
    assert not [m for m in ALL_MODULES if words & set(m.split("."))]


def test_packages_import_nothing_heavy_by_themselves() -> None:
    heavy = [
        "torch", "transformers", "open3d", "polars", "duckdb", "pyarrow", "PIL", "numpy", "rich",
    ]  # fmt: skip
    packages = [m for m, path in ALL_MODULES.items() if path.name == "__init__.py"]
    code = (
        f"import sys\nfor name in {[*packages, 'engine.cli']!r}: __import__(name)\n"
        f"print([n for n in {heavy!r} if n in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


def test_every_entry_of_the_tables_names_something_that_exists() -> None:
    """Tables of ``name -> "module:Class"`` point at things that exist."""
    import importlib

    tables = {
        "scene_adapters.table": "ADAPTERS",
        "engine.chat.table": "ENGINES",
        "engine.proposing.table": "PROPOSERS",
        "engine.solving.table": "SOLVERS",
        "engine.publishing.layouts": "LAYOUTS",
    }
    for module, name in tables.items():
        table: dict[str, str] = getattr(importlib.import_module(module), name)
        assert table
        for target in table.values():
            where, _, what = target.partition(":")
            assert hasattr(importlib.import_module(where), what), target
