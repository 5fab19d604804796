"""Linear maps and embeddings whose weights are stored in 8 or 4 bits.

Activations keep the model's type; only weights are rounded. "int8" and "fp8" (e4m3) have one scale a row. "int4" has
a scale and an offset for every 32 weights, both in half precision, so five bits a weight in all. Rows are rounded as
they come from the checkpoint's files, one tensor at a time, so the whole model never has to fit unrounded.

Knows: storage, rounding, and products that need no kernel of our own: the weight is widened and given to the library's
product; for fp8 on a GPU, many rows go through the library's fp8 product. (A single row has its own kernels, in
``engine/kernels/one_row.py``.)
Does not know: which parts of a model are stored how (``engine/precision.py``).

Shapes: N tokens, E input size, O output size, G groups of 32 in a row.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from engine.layers import Embedding, Linear, linear
from engine.precision import MOST_WIDENED
from engine.triton_modules import triton_module

GROUP = 32
_INT8_LARGEST = 127.0
_FP8_LARGEST = 448.0  # of e4m3
_INT4_LARGEST = 15.0
_NUM_FP8_ROWS = 16  # from so many rows on, the fp8 product is worth rounding the activations for
_SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8)  # ranges tried for a group of int4: less of it, finer steps
_CODE_TYPES = {"int8": torch.int8, "fp8": torch.float8_e4m3fn, "int4": torch.uint8}


def fits_int4(input_size: int) -> bool:
    """Whether both halves of a row are whole groups; if not, a row is stored as int8."""
    return input_size % (2 * GROUP) == 0


class QuantisedRows(nn.Module):
    """Rows of weights in a small format, one for each output.

    ``format``: "int8", "fp8" or "int4". int4 keeps two codes a byte: column c in the low half of byte c, column c + E
    / 2 in its high half, so that a kernel reads both halves of the input in order.
    """

    def __init__(self, num_rows: int, size: int, *, format: str, dtype: torch.dtype) -> None:
        super().__init__()
        self.format, self.size, self._dtype = format, size, dtype
        width = size // 2 if format == "int4" else size
        self.codes = self._storage(num_rows, width, dtype=_CODE_TYPES[format])
        self.scale = (
            self._storage(num_rows, size // GROUP, dtype=torch.float16)
            if format == "int4"
            else self._storage(num_rows, dtype=torch.float32)
        )
        self.offset = (
            self._storage(num_rows, size // GROUP, dtype=torch.float16) if format == "int4" else None
        )
        self.bias: nn.Parameter | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.codes.shape[0], self.size

    @torch.no_grad()
    def store_rows(self, first_row: int, rows_RE: torch.Tensor) -> None:
        """Round floating-point rows into their place."""
        rows_RE = rows_RE.to(self.codes.device).float()
        place = slice(first_row, first_row + rows_RE.shape[0])
        if self.format == "int4":
            codes, scale, offset = _round_int4(rows_RE)
            assert self.offset is not None, "int4 has offsets"
            self.offset[place] = offset
        elif self.format == "int8":
            scale = (rows_RE.abs().amax(dim=1) / _INT8_LARGEST).clamp_min(1e-12)
            codes = (rows_RE / scale[:, None]).round_().to(torch.int8)
        else:
            scale = (rows_RE.abs().amax(dim=1) / _FP8_LARGEST).clamp_min(1e-12)
            codes = (rows_RE / scale[:, None]).to(torch.float8_e4m3fn)
        self.codes[place] = codes
        self.scale[place] = scale

    def widened(self, rows: torch.Tensor | slice = slice(None)) -> torch.Tensor:
        """Some rows (R, E), by default all, in the model's type."""
        kernels = triton_module("widen", self.codes) if isinstance(rows, slice) else None
        codes, scale = self.codes[rows], self.scale[rows]
        if kernels:
            offset = None if self.offset is None else self.offset[rows]
            return torch.as_tensor(kernels.widen(codes, scale, offset, self.size, self._dtype))
        if self.format != "int4":
            if self.format == "fp8":
                return (codes.float() * scale[..., None]).to(self._dtype)
            wide = torch.empty(codes.shape, dtype=self._dtype, device=codes.device)
            return torch.mul(codes, scale[..., None], out=wide)
        assert self.offset is not None, "int4 has offsets"
        halves = torch.cat([codes & 15, codes >> 4], dim=-1).view(*codes.shape[:-1], -1, GROUP)
        wide = torch.addcmul(self.offset[rows][..., None].float(), halves, scale[..., None].float())
        return wide.flatten(-2).to(self._dtype)

    def project(self, x_NE: torch.Tensor) -> torch.Tensor:
        """The product with every row, (N, O)."""
        many = x_NE.is_cuda and x_NE.shape[0] >= _NUM_FP8_ROWS
        if self.format == "fp8" and many and x_NE.dtype == torch.bfloat16:
            return self._project_fp8(x_NE)
        num_rows = self.shape[0]
        step = max(1, MOST_WIDENED // self.size)
        parts = [
            linear(
                x_NE, self.widened(slice(i, i + step)), None if self.bias is None else self.bias[i : i + step]
            )
            for i in range(0, num_rows, step)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def _project_fp8(self, x_NE: torch.Tensor) -> torch.Tensor:
        codes_NE, scale_N1 = _round_fp8(x_NE)
        out_NO: torch.Tensor = torch._scaled_mm(
            codes_NE,
            self.codes.t(),
            scale_a=scale_N1,
            scale_b=self.scale[None],
            bias=self.bias,
            out_dtype=self._dtype,
            use_fast_accum=True,
        )
        return out_NO

    @staticmethod
    def _storage(*shape: int, dtype: torch.dtype) -> nn.Parameter:
        return nn.Parameter(torch.empty(shape, dtype=dtype), requires_grad=False)


class QuantisedLinear(QuantisedRows):
    """A linear map; its bias is not rounded."""

    def __init__(
        self, input_size: int, output_size: int, *, bias: bool, format: str, dtype: torch.dtype
    ) -> None:
        super().__init__(output_size, input_size, format=format, dtype=dtype)
        if bias:
            self.bias = self._storage(output_size, dtype=dtype)

    def forward(self, x_NE: torch.Tensor) -> torch.Tensor:
        return self.project(x_NE)


class QuantisedEmbedding(QuantisedRows):
    """A row for each id."""

    def forward(self, ids_N: torch.Tensor) -> torch.Tensor:
        # Type float8 has no row look-up of its own: the same bytes as integers have.
        if self.format == "fp8":
            raw = functional.embedding(ids_N, self.codes.view(torch.int8)).view(torch.float8_e4m3fn)
            return (raw.float() * self.scale[ids_N][:, None]).to(self._dtype)
        return self.widened(ids_N)


def make_linear(
    input_size: int, output_size: int, *, bias: bool, dtype: torch.dtype, format: str | None
) -> Linear | QuantisedLinear:
    """A linear map stored as ``format``; None is the model's type. A row that int4 does not fit becomes int8."""
    if format is None:
        return Linear(input_size, output_size, bias=bias, dtype=dtype)
    if format == "int4" and not fits_int4(input_size):
        format = "int8"
    return QuantisedLinear(input_size, output_size, bias=bias, format=format, dtype=dtype)


def make_embedding(
    num_rows: int, size: int, *, dtype: torch.dtype, format: str | None
) -> Embedding | QuantisedEmbedding:
    """An embedding stored as ``format``; None is the model's type."""
    if format is None:
        return Embedding(num_rows, size, dtype=dtype)
    return QuantisedEmbedding(num_rows, size, format=format, dtype=dtype)


def _round_fp8(x_NE: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (N, E) and scales (N, 1)."""
    kernels = triton_module("rounding", x_NE)
    if kernels and kernels.fits(x_NE.shape[1]):
        codes_NE, scale_N1 = kernels.round_rows(x_NE.contiguous(), _FP8_LARGEST)
        return codes_NE, scale_N1
    scale_N1 = (x_NE.abs().amax(dim=1, keepdim=True).float() / _FP8_LARGEST).clamp_min(1e-12)
    return (x_NE / scale_N1).to(torch.float8_e4m3fn), scale_N1


def _round_int4(rows_RE: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Packed codes, scales and offsets; of a few ranges for each group, the one with the least squared error."""
    groups = rows_RE.view(rows_RE.shape[0], -1, GROUP)
    lowest, highest = groups.amin(dim=-1), groups.amax(dim=-1)
    middle, reach = (lowest + highest) / 2, (highest - lowest) / 2
    best_error = torch.full_like(lowest, torch.inf)
    best_scale, best_offset = torch.empty_like(lowest), torch.empty_like(lowest)
    best_codes = torch.empty_like(groups)
    for shrink in _SHRINKS:
        scale = (2 * shrink * reach / _INT4_LARGEST).clamp_min(1e-6).half().float()
        offset = (middle - shrink * reach).half().float()
        codes = ((groups - offset[..., None]) / scale[..., None]).round_().clamp_(0, _INT4_LARGEST)
        error = (codes * scale[..., None] + offset[..., None] - groups).square_().sum(dim=-1)
        better = error < best_error
        best_error = torch.where(better, error, best_error)
        best_scale = torch.where(better, scale, best_scale)
        best_offset = torch.where(better, offset, best_offset)
        best_codes = torch.where(better[..., None], codes, best_codes)
    low, high = best_codes.flatten(-2).to(torch.uint8).chunk(2, dim=-1)
    return low | (high << 4), best_scale.half(), best_offset.half()
