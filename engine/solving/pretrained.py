"""A model of ``transformers`` from a folder or the Hub: configuration, processor, weights.

Whatever is wrong with a checkpoint is said here, in one line, before anything is trained.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from transformers.models.auto import processing_auto
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import hub
from transformers.utils import logging as transformers_logging

from engine.config import SolverSettings
from engine.errors import ConfigError, EnvironmentFault

# What makes a checkpoint's folder one that can be used by itself, beside weights and config.
PROCESSOR_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
    "vocab.json",
)
# What transformers raises for files that are missing, damaged or of another kind.
FAULTS = (OSError, ValueError, KeyError, RuntimeError, ImportError)
PEFT_MISSING = (
    "solver.lora_rank needs the package peft, which is not installed; "
    "pip install 'ouroboros-spatial[train]', or set solver.lora_rank = 0"
)


class Source:
    """Where a checkpoint comes from; ``where`` is what transformers is given."""

    def __init__(self, settings: SolverSettings) -> None:
        """Raises ConfigError for a path that is none and for an empty name."""
        self.where = settings.model
        folder = Path(settings.model).expanduser()
        looks_local = settings.model.startswith(("/", ".", "~")) or settings.model.count("/") > 1
        if not settings.model:
            raise ConfigError(
                "solver.model is empty; name a folder or a Hub id of an image-text-to-text model"
            )
        if folder.is_dir():
            self.where = str(folder)
        elif looks_local or folder.exists():
            raise ConfigError(
                f"solver.model = {settings.model!r}: there is no such folder; correct the path"
            )
        self.local = folder.is_dir()
        self.options: dict[str, Any] = {"local_files_only": self.local}
        if settings.revision and not self.local:
            self.options["revision"] = settings.revision

    @contextlib.contextmanager
    def faults(self, what: str) -> Iterator[None]:
        """Turn what transformers raises into one line that names the checkpoint."""
        try:
            with quiet():
                yield
        except (*FAULTS, SafetensorError) as error:
            if isinstance(error, (ConfigError, torch.OutOfMemoryError)):
                raise
            first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
            raise ConfigError(
                f"solver.model = {self.where!r}: its {what} cannot be loaded ({first.strip()}); "
                "name a folder or Hub id of an image-text-to-text model"
            ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars but our own."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def open_config(source: Source) -> Any:
    """The architecture. Raises ConfigError for one that takes no pictures."""
    with source.faults("config.json"):
        config = AutoConfig.from_pretrained(source.where, **source.options)
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise ConfigError(
            f"solver.model = {source.where!r}: a {config.model_type!r} model takes text only; "
            "name an image-text-to-text model, such as a Qwen3-VL"
        )
    return config


def open_processor(source: Source, config: Any) -> Any:
    """Tokenizer, image processor and chat template.

    Video processors need torchvision, which no picture does: they are left out.
    """
    known = processing_auto.PROCESSOR_MAPPING_NAMES  # type: ignore[attr-defined]
    name = known.get(config.model_type)
    base = getattr(transformers, name) if name else None
    if base is None:
        raise ConfigError(
            f"solver.model = {source.where!r}: transformers {transformers.__version__} knows no "
            f"processor for {config.model_type!r}; name another model, or upgrade transformers"
        )
    with source.faults("processor"):
        processor = _without_video(base).from_pretrained(source.where, **source.options)
    template = processor.chat_template or processor.tokenizer.chat_template
    if template is None:
        raise ConfigError(
            f"solver.model = {source.where!r}: it has no chat template; name a checkpoint that was "
            "trained to follow instructions"
        )
    processor.chat_template = template
    return processor


def _without_video(base: Any) -> Any:
    """The processor's class, made to do without a part for videos."""

    def load(
        cls: Any, where: str, processor_dict: dict[str, Any] | None = None, /, **options: Any
    ) -> list[Any]:
        del processor_dict
        loaders: dict[str, Any] = {
            "image_processor": AutoImageProcessor,
            "tokenizer": AutoTokenizer,
        }
        return [
            loaders[part].from_pretrained(where, **options) if part in loaders else None
            for part in cls.get_attributes()
        ]

    def check(self: Any, name: str, part: Any) -> Any:
        if part is None:
            return type(None)
        return base.check_argument_for_proper_class(self, name, part)

    members = {
        "_get_arguments_from_pretrained": classmethod(load),
        "check_argument_for_proper_class": check,
    }
    return type(base.__name__, (base,), members)


def open_model(source: Source, settings: SolverSettings, checkpoint: Path | None) -> Any:
    """The weights on the CPU: the base's, or those a round left in ``checkpoint``.

    What is trained is float32; under LoRA the base model is kept in the dtype it computes in.
    """
    whole = settings.lora_rank == 0
    place, options = source.where, dict(source.options)
    if checkpoint is not None and whole:
        place, options = str(checkpoint), {"local_files_only": True}
    frozen = torch.float32 if whole else compute_dtype(settings, device_of(settings))
    with source.faults("weights"):
        model = AutoModelForImageTextToText.from_pretrained(place, dtype=frozen, **options)
    return _as_trained(model, settings, checkpoint)


def random_model(source: Source, settings: SolverSettings, device: torch.device) -> Any:
    """The architecture with random weights, made on ``device``: to measure what training costs."""
    frozen = torch.float32 if settings.lora_rank == 0 else compute_dtype(settings, device)
    with device:
        model = AutoModelForImageTextToText.from_config(  # type: ignore[no-untyped-call]
            open_config(source), dtype=frozen
        )
    return _as_trained(model, settings, None)


def _as_trained(model: Any, settings: SolverSettings, checkpoint: Path | None) -> Any:
    """What is not trained is frozen, and what is not needed is not kept."""
    if settings.freeze_vision:
        vision = model.get_encoder(modality="image")
        vision.requires_grad_(requires_grad=False)
        vision.to(compute_dtype(settings, device_of(settings)))
    if settings.lora_rank:
        model = _with_adapters(model, settings, checkpoint)
    if settings.gradient_checkpointing:
        _keep_less(model)
    return model


def _keep_less(model: Any) -> None:
    # Renamed in transformers 5.2x; the earlier name warns from then on.
    enable = getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)
    enable({"use_reentrant": False})


def _with_adapters(model: Any, settings: SolverSettings, checkpoint: Path | None) -> Any:
    peft = require_peft()
    if checkpoint is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return peft.PeftModel.from_pretrained(model, str(checkpoint), is_trainable=True)
    skipped = None
    if settings.freeze_vision:
        vision = model.get_encoder(modality="image")
        within = next(name for name, module in model.named_modules() if module is vision)
        skipped = rf"(.*\.)?{re.escape(within)}\..*"
    wanted = peft.LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        target_modules="all-linear",
        exclude_modules=skipped,
        task_type="CAUSAL_LM",
    )
    # Adapters start from seeded noise; the caller's generator is left as it was.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # names that transformers has renamed
        torch.manual_seed(0)
        return peft.get_peft_model(model, wanted)


def require_peft() -> Any:
    """The package that makes adapters. Raises EnvironmentFault where it is missing."""
    try:
        return importlib.import_module("peft")
    except ModuleNotFoundError as error:
        raise EnvironmentFault(PEFT_MISSING) from error


def device_of(settings: SolverSettings) -> torch.device:
    """The device of the first process. Raises ConfigError for one that is not there."""
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(settings.device)
    except RuntimeError as error:
        raise ConfigError(
            f"solver.device = {settings.device!r} is no device; write auto, cpu, cuda or cuda:N"
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(
            f"solver.device = {settings.device!r} is not supported; write auto, cpu, cuda or cuda:N"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"solver.device = {settings.device!r}: torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} CUDA devices; write auto, or install torch for CUDA"
        )
    return device


def compute_dtype(settings: SolverSettings, device: torch.device) -> torch.dtype:
    """What forward and backward passes compute in."""
    if settings.dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[settings.dtype]


def copy_processor(source: Source, directory: Path) -> None:
    """Put the base checkpoint's tokenizer and processor files beside trained weights."""
    for name in PROCESSOR_FILES:
        found = hub.cached_file(
            source.where,
            name,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            **source.options,
        )
        if found is not None:
            shutil.copyfile(found, directory / name)
