"""Rotary embeddings: turning queries and keys by their positions.

Knows: the three-axis rotation of the language model (M-RoPE, arXiv 2409.12191) and the two-axis one of the
vision tower, both as tables of cosines and signed sines.
Does not know: which positions a token has (``engine/rope.py``) or where keys are kept.

Shapes: N tokens, H heads, D head size.
"""

from __future__ import annotations

import dataclasses

import torch

from engine.config import TextConfig


@dataclasses.dataclass(frozen=True)
class RotaryTable:
    """Cosines and signed sines of N tokens, float32 (N, D)."""

    cos: torch.Tensor
    sin: torch.Tensor
    """The first half is negated: then rotating is ``x * cos + roll(x, D / 2) * sin``."""

    @classmethod
    def from_angles(cls, angles_NF: torch.Tensor) -> RotaryTable:
        """Table for the angles of the F = D / 2 frequencies."""
        cos_NF, sin_NF = angles_NF.cos(), angles_NF.sin()
        return cls(torch.cat([cos_NF, cos_NF], dim=-1), torch.cat([-sin_NF, sin_NF], dim=-1))

    def __getitem__(self, tokens: slice) -> RotaryTable:
        return RotaryTable(self.cos[tokens], self.sin[tokens])

    def copy(self) -> RotaryTable:
        """The same in memory of its own."""
        return RotaryTable(self.cos.clone(), self.sin.clone())


def rotate(x_NHD: torch.Tensor, table: RotaryTable) -> torch.Tensor:
    """Rotate every head of (N, H, D) by its token's entry; computed in float32, returned in x's dtype."""
    x = x_NHD.float()
    cos_N1D, sin_N1D = table.cos.unsqueeze(-2), table.sin.unsqueeze(-2)
    return torch.addcmul(x * cos_N1D, x.roll(x.shape[-1] // 2, dims=-1), sin_N1D).to(x_NHD.dtype)


def rotate_into(out_ND: torch.Tensor, x_ND: torch.Tensor, table: RotaryTable) -> None:
    """Rotate (..., N, D) into ``out_ND`` without a copy of either; half types pass through float32."""
    half = x_ND.shape[-1] // 2
    if x_ND.dtype != torch.float32:
        x = x_ND.float()
        out_ND.copy_(torch.addcmul(x * table.cos, x.roll(half, dims=-1), table.sin))
        return
    torch.mul(x_ND, table.cos, out=out_ND)
    out_ND[..., :half].addcmul_(x_ND[..., half:], table.sin[..., :half])
    out_ND[..., half:].addcmul_(x_ND[..., :half], table.sin[..., half:])


class TextRotary:
    """M-RoPE of the language model: each frequency follows the temporal, the height or the width position."""

    def __init__(self, config: TextConfig, device: torch.device) -> None:
        num_frequencies = config.head_dim // 2
        exponent_F = torch.arange(num_frequencies, dtype=torch.float32, device=device) / num_frequencies
        self._frequency_F = 1.0 / (config.rope_theta**exponent_F)
        self._axis_F = torch.repeat_interleave(
            torch.arange(3, device=device), torch.tensor(config.mrope_section, device=device)
        )

    def table(self, positions_3N: torch.Tensor) -> RotaryTable:
        """Table for float32 positions of shape (3, N)."""
        return RotaryTable.from_angles(positions_3N[self._axis_F].T * self._frequency_F)


def vision_rotary(rows_N: torch.Tensor, columns_N: torch.Tensor, head_dim: int, theta: float) -> RotaryTable:
    """Table of the vision tower for patches at integer rows and columns: half the frequencies follow each."""
    num_frequencies = head_dim // 4
    exponent_F = torch.arange(num_frequencies, dtype=torch.float32, device=rows_N.device) / num_frequencies
    frequency_F = 1.0 / (theta**exponent_F)
    places_N2 = torch.stack([rows_N, columns_N], dim=-1).float()
    return RotaryTable.from_angles((places_N2[..., None] * frequency_F).flatten(1))
