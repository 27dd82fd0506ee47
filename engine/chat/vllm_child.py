"""The process that holds vLLM: asks come in on stdin, answers go out on stdout as they finish.

Run by its path, under the interpreter named in ``proposer.python``, by :mod:`engine.chat.vllm`.
That environment has vLLM and not this project, so nothing of ``engine`` is imported here.

Both ways a message is one line of JSON. In: first the set-up, then asks. Out: ``{"ready": ...}``
or ``{"fatal": ...}``, then one answer an ask, in the order they finish. Whatever vLLM prints goes
to stderr, which the parent has made the log. When stdin closes, everything here ends.
"""

from __future__ import annotations

import base64
import binascii
import importlib.metadata
import io
import json
import os
import queue
import re
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

# A script's own folder is searched first, where `import vllm`, and vLLM's `import openai`, would
# find this project's modules of these names.
sys.path[:] = [
    entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent
]

# How long the engine gets to end by itself when the parent is done with it, or gone (s).
GRACE_SECONDS = 5.0
# Asks decoded side by side. On a CPU more brings nothing, and each one would finish later.
BATCH_ACCELERATOR = 256
BATCH_CPU = 64
CPU_CACHE_GIB = "2"


class Fatal(Exception):
    """The engine cannot be used at all: ``kind`` tells the parent what to advise."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Refusal(Exception):
    """This ask cannot be served; the others can."""

    def __init__(self, finish: str, detail: str, prompt_tokens: int = 0) -> None:
        super().__init__(" ".join(detail.split()))  # one line, whatever vLLM makes of it
        self.finish = finish
        self.prompt_tokens = prompt_tokens


def main() -> None:
    """Load the model, then answer until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _guard()
    replies = _Replies()
    setup = json.loads(sys.stdin.buffer.readline() or "null")
    if setup is None:
        return
    asks = _Asks()
    try:
        started = time.perf_counter()
        engine = Engine(setup)
        asks.serving = True
        replies.send({"ready": {**engine.facts(), "seconds": time.perf_counter() - started}})
        engine.serve(asks, replies)
    except Fatal as fault:
        replies.send({"fatal": " ".join(str(fault).split()), "kind": fault.kind})
    except Exception:  # noqa: BLE001 - the boundary: the parent reads the log's last error
        traceback.print_exc()
        _end(1)
    replies.close()
    _end(0)


def _end(status: int) -> None:
    """Not sys.exit: vLLM's clean-up takes seconds, and the guard ends what is left."""
    sys.stderr.flush()
    os._exit(status)


def _guard() -> None:
    """Leave a small process behind that kills this group once the parent or this process is gone.

    vLLM starts processes of its own, which outlive this one when it is killed.
    """
    watched = os.getpid()
    if os.fork():
        return
    os.closerange(1, 256)
    parent = select.poll()
    parent.register(0, 0)  # nothing but the hang-up: what is sent is for the engine to read
    while os.getppid() == watched and not parent.poll(200):
        pass
    deadline = time.monotonic() + GRACE_SECONDS
    while os.getppid() == watched and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


class _Replies:
    """The way out. A thread writes, so that a parent busy with other things never stops vLLM."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # from here on, what anything prints goes to the log
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def send(self, message: dict[str, Any]) -> None:
        self._lines.put(json.dumps(message).encode("ascii") + b"\n")

    def close(self) -> None:
        self._lines.put(None)
        self._thread.join(GRACE_SECONDS)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._file.write(line)
                self._file.flush()
            except OSError:
                return  # the parent is gone; the guard sees to the rest


class _Asks:
    """The way in. A thread reads, so that the parent can always write."""

    def __init__(self) -> None:
        self.serving = False
        self._waiting: queue.SimpleQueue[tuple[float, dict[str, Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def take(self, *, wait: bool) -> tuple[float, dict[str, Any]] | None:
        """The next ask and when it came. Raises queue.Empty; None when there will be no more."""
        return self._waiting.get(block=wait)

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            self._waiting.put((time.perf_counter(), json.loads(line)))
        if not self.serving:
            os.killpg(0, signal.SIGKILL)  # loading a model cannot be interrupted otherwise
        self._waiting.put(None)


class Engine:
    """vLLM's engine with one model loaded."""

    def __init__(self, setup: dict[str, Any]) -> None:
        cpu = _is_cpu_build()
        _take_share(int(setup["slot"]), int(setup["of"]), int(setup["tensor_parallel"]), cpu=cpu)
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        if cpu:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", CPU_CACHE_GIB)
            # A second process would take one of the cores for itself: 452 against 320 tokens/s on
            # two. On accelerators it keeps them busy while prompts are prepared.
            os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
            # Threads that wait by spinning starve each other where the cores are shared: 46 against
            # 169 tokens/s on two busy ones.
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import vllm  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == "vllm"
            raise Fatal("missing" if missing else "import", str(error)) from error
        try:
            llm = vllm.LLM(**_engine_arguments(setup, cpu=cpu))
        except Exception as error:
            if "root cause" in str(error):
                raise  # the error itself is in the log, from another process
            traceback.print_exc()
            raise Fatal("load", f"vLLM cannot load it ({error})") from error
        self._engine = llm.llm_engine
        self._tokenizer = llm.get_tokenizer()
        config = self._engine.model_config
        self._context = int(config.max_model_len)
        self._images = bool(config.is_multimodal_model)
        self._template = _chat_template(self._tokenizer, setup, images=self._images)
        self._under_way: dict[str, tuple[str, float]] = {}
        self._count = 0

    def facts(self) -> dict[str, Any]:
        return {"context": self._context, "images": self._images}

    def serve(self, asks: _Asks, replies: _Replies) -> None:
        """Answer until there is nobody left to answer."""
        while True:
            try:
                # New asks join those that run; one that waits for nothing else is waited for.
                taken = asks.take(wait=not self._under_way)
                if taken is None:
                    return
                self._begin(*taken, replies)
            except queue.Empty:
                for output in self._engine.step():
                    if output.finished:
                        self._answer(output, replies)

    def _begin(self, arrived: float, ask: dict[str, Any], replies: _Replies) -> None:
        try:
            prompt = self._prompt(ask["messages"])
            self._count += 1
            request = str(self._count)
            self._add(request, prompt, _parameters(ask))
            self._under_way[request] = (ask["key"], arrived)
        except Refusal as refusal:
            replies.send(
                _said(
                    ask["key"],
                    finish=refusal.finish,
                    detail=str(refusal),
                    prompt_tokens=refusal.prompt_tokens,
                    seconds=time.perf_counter() - arrived,
                )
            )

    def _prompt(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The conversation in the model's own form: token ids, and pictures where it sees them."""
        pictures = [_picture(image) for message in messages for image in message["images"]]
        try:
            text = self._tokenizer.apply_chat_template(
                [_turn(message, parts=self._images) for message in messages],
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # for models that have the choice; others do not look at it
            )
        except Exception as error:  # templates raise what they like, jinja2's errors among it
            raise Refusal("refused", f"the model's chat template refuses this: {error}") from error
        # The template writes the special tokens itself.
        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) >= self._context:
            raise self._overflow(len(ids))
        prompt: dict[str, Any] = {"prompt_token_ids": ids}
        if pictures:
            prompt["multi_modal_data"] = {"image": pictures}
        return prompt

    def _add(self, request: str, prompt: dict[str, Any], parameters: Any) -> None:
        try:
            self._engine.add_request(request, prompt, parameters)
        except Exception as error:  # vLLM's errors differ by version; the engine itself lives on
            # With pictures, only vLLM knows how many tokens a prompt has.
            too_long = re.search(r"length (\d+)\).*maximum model length", str(error), re.DOTALL)
            if too_long:
                raise self._overflow(int(too_long[1])) from error
            raise Refusal("refused", f"{type(error).__name__}: {error}") from error

    def _overflow(self, tokens: int) -> Refusal:
        detail = f"prompt of {tokens} tokens, the context holds {self._context}"
        return Refusal("overflow", detail, tokens)

    def _answer(self, output: Any, replies: _Replies) -> None:
        key, arrived = self._under_way.pop(output.request_id)
        completion = output.outputs[0]
        served = completion.finish_reason in ("stop", "length")
        replies.send(
            _said(
                key,
                text=completion.text if served else "",
                finish=completion.finish_reason if served else "refused",
                detail=""
                if served
                else f"vLLM gave it up ({completion.finish_reason}); see its log",
                prompt_tokens=len(output.prompt_token_ids or ()),
                completion_tokens=len(completion.token_ids),
                seconds=time.perf_counter() - arrived,
            )
        )


def _said(key: str, **said: Any) -> dict[str, Any]:
    return {"key": key, "text": "", "detail": "", "completion_tokens": 0, **said}


def _is_cpu_build() -> bool:
    """Whether this vLLM is built for CPUs, without importing it: cores are bound before that."""
    for name in ("vllm", "vllm-cpu"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return "cpu" in f"{name} {version}"
    return False


def _take_share(slot: int, of: int, devices: int, *, cpu: bool) -> None:
    """Narrow this process to its part of the machine: ``devices`` accelerators, or 1/of the cores.

    Must come before torch is imported.
    """
    if of == 1:
        return
    if cpu:
        cores = sorted(os.sched_getaffinity(0))
        mine = cores[slot * len(cores) // of : (slot + 1) * len(cores) // of]
        mine = mine or [cores[slot % len(cores)]]
        os.sched_setaffinity(0, mine)
        os.environ.setdefault("OMP_NUM_THREADS", str(len(mine)))
        return
    listed = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    listed = listed or [str(index) for index in range(of * devices)]
    if len(listed) < of * devices:
        raise Fatal(
            "devices",
            f"{of} copies on {devices} accelerators each need {of * devices}, and "
            f"CUDA_VISIBLE_DEVICES names {len(listed)}; lower proposer.data_parallel or "
            "proposer.tensor_parallel",
        )
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(listed[slot * devices : (slot + 1) * devices])


def _engine_arguments(setup: dict[str, Any], *, cpu: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": setup["model"],
        "tensor_parallel_size": setup["tensor_parallel"],
        "gpu_memory_utilization": setup["gpu_memory"],
        "max_num_seqs": BATCH_CPU if cpu else BATCH_ACCELERATOR,
        "enable_prefix_caching": True,
        "limit_mm_per_prompt": {"image": setup["frames"], "video": 0},
        # One backend, so that a grammar means the same in every ask. White space between JSON
        # tokens is unlimited otherwise, and small models write nothing else to the end.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "seed": 0,
    }
    if setup["revision"]:
        arguments["revision"] = setup["revision"]
    if setup["context_tokens"]:
        arguments["max_model_len"] = setup["context_tokens"]
    if cpu:
        arguments["enforce_eager"] = True
        # vLLM 0.32 dies on a CPU when a prompt with a seed of its own is read in two pieces:
        # "CPU Generator does not use offset" (gpu_model_runner._bookkeeping_sync).
        arguments["enable_chunked_prefill"] = False
    return arguments


def _chat_template(tokenizer: Any, setup: dict[str, Any], *, images: bool) -> Any:
    """The model's template, which models that see keep with their processor."""
    template = tokenizer.chat_template
    if not template and images:
        import transformers

        load: Any = transformers.AutoProcessor.from_pretrained
        template = load(setup["model"], revision=setup["revision"] or None).chat_template
    if not template:
        raise Fatal("template", "the model has no chat template; choose an instruction-tuned one")
    return template


def _turn(message: dict[str, Any], *, parts: bool) -> dict[str, Any]:
    """One message as templates want it: plain text, or parts where the model sees pictures."""
    if not parts:
        return {"role": message["role"], "content": message["text"]}
    pictures = [{"type": "image"} for _ in message["images"]]
    return {
        "role": message["role"],
        "content": [*pictures, {"type": "text", "text": message["text"]}],
    }


def _picture(encoded: str) -> Any:
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)))
        return picture.convert("RGB")
    except (binascii.Error, OSError) as error:
        raise Refusal("refused", f"an image cannot be read: {error}") from error


def _parameters(ask: dict[str, Any]) -> Any:
    from vllm.sampling_params import (  # type: ignore[import-not-found, unused-ignore]
        RequestOutputKind,
        SamplingParams,
        StructuredOutputsParams,
    )

    sampling, constraint = ask["sampling"], ask["constraint"]
    try:
        return SamplingParams(
            temperature=sampling["temperature"],
            top_p=sampling["top_p"],
            max_tokens=sampling["max_tokens"],
            seed=sampling["seed"] & (2**63 - 1),
            structured_outputs=None
            if constraint is None
            else StructuredOutputsParams(**{constraint["kind"]: constraint["text"]}),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
    except Exception as error:  # vLLM's errors differ by version
        raise Refusal("refused", f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
