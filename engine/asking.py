"""What a stage needs to speak with the proposer's model: the engine, kept answers, pictures, rows.

Proposing and reviewing both open one :class:`Asking` and close it when they are done, so that no
process of the model and none of an accelerator's memory outlives the stage.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.chat.cache import AnswerCache
from engine.chat.table import ENGINES, load_model
from engine.chat.values import Ask, ChatModel, Finish, Image, Said
from engine.config import Config, ProposerSettings
from engine.records import SceneFacts
from engine.scenes.catalog import Catalog
from engine.tables import RequestRow
from engine.workspace import Workspace


def asks_a_model(settings: ProposerSettings) -> bool:
    """Whether this proposer has a model behind it, which then reviews as well."""
    return settings.name in ENGINES


def reviews(config: Config) -> bool:
    """Whether the model judges as well."""
    if not asks_a_model(config.proposer) or config.reviewer.use == "off":
        return False
    return config.reviewer.use == "on" or config.proposer.mode == "free"


def writes_own_programs(config: Config) -> bool:
    """Whether the model writes its own program for each question, as a judge."""
    if not asks_a_model(config.proposer) or config.judge.own_program == "off":
        return False
    return config.judge.own_program == "on" or config.proposer.mode == "free"


class Asking:
    """The model with everything around it, for one stage of one round."""

    def __init__(
        self,
        workspace: Workspace,
        settings: ProposerSettings,
        *,
        round_: int,
        note: Callable[[str], None],
    ) -> None:
        self._workspace = workspace
        self._settings = settings
        self._round = round_
        self.model: ChatModel = load_model(
            settings, log=_log(workspace, settings, round_), note=note
        )
        self.cache = AnswerCache(workspace.answers)
        self.requests: list[RequestRow] = []

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.model.close()
        finally:
            self.cache.close()

    def heard(self, scene_id: str, conversation: str, ask: Ask, said: Said) -> None:
        """Note one answer and its cost."""
        self.requests.append(
            RequestRow(
                request_key=ask.key(self.model.name, self.model.revision),
                round=self._round,
                scene_id=scene_id,
                conversation=conversation,
                purpose=ask.purpose,
                model=self.model.name,
                asked=ask.messages[-1].text,
                answer=said.text,
                finish=said.finish.value,
                detail=said.detail,
                prompt_tokens=said.prompt_tokens,
                completion_tokens=said.completion_tokens,
                seconds=said.seconds,
            )
        )

    def images(self, scene: SceneFacts) -> tuple[Image, ...]:
        """The pictures a scene is shown by: its frames, or a drawing that says it is one."""
        from engine.scenes.frame_images import frame_images, rendered_images

        if not self._settings.frames:
            return ()
        with Catalog.open(self._workspace.catalog, read_only=True) as catalog:
            found = frame_images(
                catalog,
                scene.scene_id,
                count=self._settings.frames,
                longest_px=self._settings.frame_px,
            )
        found = found or rendered_images(scene, longest_px=self._settings.frame_px)
        return tuple(Image(jpeg=each.jpeg, caption=each.caption) for each in found)

    def cost(self) -> dict[str, int | float]:
        """Requests, tokens and the engine's seconds so far, and tokens a second."""
        served = [row for row in self.requests if row.finish in (Finish.STOP, Finish.LENGTH)]
        seconds = sum(row.seconds for row in self.requests)
        tokens = sum(row.prompt_tokens + row.completion_tokens for row in served)
        written = sum(row.completion_tokens for row in served)
        return {
            "requests": len(self.requests),
            "tokens": tokens,
            "tokens_written": written,
            "model_seconds": round(seconds, 3),
            "tokens_per_second": round(tokens / seconds, 1) if seconds else 0.0,
        }


def _log(workspace: Workspace, settings: ProposerSettings, round_: int) -> Path:
    """Where the engine's own output of a round goes."""
    return workspace.round_dir(round_) / f"{settings.name}.log"
