"""What custom GPU kernels allocate, for libraries whose kernels cannot run on fake tensors.

* Triton kernels (TRL, Liger) write into tensors that their Python callers allocate: launching nothing
  leaves the allocations exact.
* bitsandbytes registers fake kernels that return the outputs only. Here its operations do what its CUDA
  backend's Python does: dequantized weights, int32 products and the like are allocated and freed.
* Indexing by a boolean mask takes every element: there is no padding and no ignored label.
"""

import bitsandbytes
import bitsandbytes.backends.cuda.ops as bnb_cuda
import torch
import triton
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

_bnb = torch.ops.bitsandbytes
_FUSED_GEMM_MAX_TOKENS = 1536  # bitsandbytes/backends/cuda/ops.py: _gemm_4bit_custom_max_m


def enable():
    triton.runtime.jit.JITFunction.run = lambda self, *args, **kwargs: None
    bnb_cuda._dequantize_4bit_impl = bnb_cuda._dequantize_blockwise_impl = lambda *args, out, **kwargs: None
    flop_registry[torch.ops.aten.linear] = _linear_flops
    bnb_cuda._gpu_dispatch_props = lambda index: (132, 9, 0)  # an H100
    bitsandbytes.functional.get_paged = _managed
    bitsandbytes.functional.fill = lambda *args, **kwargs: None
    bitsandbytes.functional.name2qmap.clear()  # a cache of tensors: of an earlier run here, of none in a new process
    bitsandbytes.functional.prefetch_tensor = lambda *args, **kwargs: None


def _linear_flops(inputs, weight, bias=None, *, out_val=None):
    return 2 * inputs.numel() * weight.shape[0]


def _managed(*shape, dtype=torch.float32, device=None):
    """Paged optimizer states are CUDA managed memory, which torch's allocator never sees."""
    tensor = torch.zeros(*shape, dtype=dtype, device="cpu")
    tensor.is_paged = True
    return tensor


class CustomKernels(TorchDispatchMode):
    """Replaces one operation by what its CUDA implementation allocates; `flops` counts the products."""

    def __init__(self):
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.namespace == "bitsandbytes":
            self.flops += _flops(func, args)
            return _BITSANDBYTES.get(func, func)(*args, **kwargs)
        if func is torch.ops.aten.index.Tensor and _is_mask(args[1]):
            return _select_all(args[0], args[1][0])
        if func in _INDEX_PUTS and _is_mask(args[1]):
            return args[0]
        if func is torch.ops.aten.masked_select.default:
            return _select_all(args[0], args[1])
        if func is torch.ops.aten.equal.default:
            return False  # the loss's incoming gradient is not 1
        return func(*args, **kwargs)


# The backward of a selection writes into fresh zeros: in place on real tensors (index_backward).
_INDEX_PUTS = {
    torch.ops.aten.index_put_.default,
    torch.ops.aten._index_put_impl_.default,
    torch.ops.aten.index_put.default,
}


def _is_mask(indices):
    return len(indices) == 1 and indices[0] is not None and indices[0].dtype == torch.bool


def _select_all(tensor, mask):
    positions = torch.empty((mask.numel(), mask.dim()), dtype=torch.int64, device=mask.device)
    selected = tensor.flatten(0, mask.dim() - 1).clone()
    del positions
    return selected


def _gemm_4bit(inputs, weight, shape, *args, **kwargs):
    if _is_fused(inputs, shape):
        return inputs.new_empty((*inputs.shape[:-1], shape[0]))
    return bnb_cuda._dequant_linear_fallback(inputs, weight, shape, *args, **kwargs)


def _is_fused(inputs, shape):
    tokens = inputs.numel() // inputs.shape[-1]
    if tokens > _FUSED_GEMM_MAX_TOKENS:
        return False
    return bnb_cuda._gemm_4bit_use_custom_cuda(0, inputs.dtype, tokens, shape[0], shape[1])


def _flops(func, args):
    """Of the products that no torch operation stands for."""
    if func is _bnb.gemm_4bit.default and _is_fused(args[0], args[2]):
        return 2 * args[0].numel() * args[2][0]
    if func is _bnb.int8_scaled_mm.default:
        return 2 * args[0].numel() * args[1].shape[0]
    if func is _bnb.int8_mixed_scaled_mm.default:
        return 2 * args[1].numel() * args[2].shape[0]
    return 0


def _int8_vectorwise_quant(inputs, threshold=0.0):
    rows = inputs.new_empty(inputs.numel() // inputs.shape[-1], dtype=torch.float32)
    quantized = inputs.new_empty(inputs.shape, dtype=torch.int8)
    if threshold == 0.0:
        return quantized, rows, None
    outliers = inputs.abs() >= threshold
    del outliers
    return quantized, rows, inputs.new_empty(0, dtype=torch.int64)  # which columns are outliers is not known


def _int8_scaled_mm(inputs, weight, row_stats, column_stats, bias=None, dtype=None):
    product = inputs.new_empty((*inputs.shape[:-1], weight.shape[0]), dtype=torch.int32)
    out = torch.empty_like(product, dtype=torch.float16)
    if bias is not None and bias.dtype != torch.float16:
        out.add_(bias)
    return out.to(dtype or torch.float16)


def _int8_mixed_scaled_mm(inputs, quantized, weight, row_stats, column_stats, outlier_columns=None, bias=None):
    outliers = inputs.new_empty(0)
    return _int8_scaled_mm(quantized, weight, row_stats, column_stats, bias, inputs.dtype), outliers


_BITSANDBYTES = {
    _bnb.gemm_4bit.default: _gemm_4bit,
    _bnb.int8_vectorwise_quant.default: _int8_vectorwise_quant,
    _bnb.int8_scaled_mm.default: _int8_scaled_mm,
    _bnb.int8_mixed_scaled_mm.default: _int8_mixed_scaled_mm,
}
