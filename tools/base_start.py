"""How the base checkpoint's training starts: first weights, optimizers, rates."""

from __future__ import annotations

import base_tutor
import torch


def know_places(model: torch.nn.Module) -> None:
    """Start the vision tower's positions as sines of the patch's column and row.

    Drawn at random they are faint beside the colours, and "where" stays at chance far longer.
    """
    table = model.model.visual.pos_embed.weight
    side, quarter = int(len(table) ** 0.5), table.shape[1] // 4
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rates = torch.pi / side * 2 ** torch.linspace(0, 3, quarter)
    angles = [places.reshape(-1, 1) * rates for places in (rows, columns)]
    waves = [wave for angle in angles for wave in (angle.sin(), angle.cos())]
    with torch.no_grad():
        table.copy_(0.5 * torch.cat(waves, dim=1))


def match_alike(model: torch.nn.Module) -> None:
    """Start the first decoder layers with keys made as queries are: like attends to like.

    A label's word then looks at the visual tokens that resemble it from the first step on.
    """
    with torch.no_grad():
        for layer in model.model.language_model.layers[: base_tutor.LAYER + 1]:
            layer.self_attn.k_proj.weight.copy_(layer.self_attn.q_proj.weight)


def make_optimizers(model: torch.nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for embeddings, norms and biases."""
    matrices, others = [], []
    for name, value in model.named_parameters():
        plain = value.ndim == 2 and "embed" not in name and "lm_head" not in name
        (matrices if plain else others).append(value)
    return [
        torch.optim.Muon(
            matrices, lr=rate, weight_decay=0.02, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def rate_at(progress: float, steps_done: int) -> float:
    """Share of the full rate: a short warm-up, then linear down to a twentieth."""
    return min(1.0, (steps_done + 1) / 40) * max(0.05, 1.0 - 0.95 * max(0.0, progress - 0.1) / 0.9)
