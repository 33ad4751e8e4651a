"""The attention kernel a real A100 or H100 would get, chosen for fake CUDA tensors.

`scaled_dot_product_attention` picks its kernel from the device's properties, which fake tensors do not
have: it would fall back to plain matrix products. This repeats the choice that
aten/src/ATen/native/transformers/{attention.cpp,cuda/sdp_utils.cpp} make on compute capability 8.0 and
newer with flash attention first: flash for 16-bit without a mask, memory-efficient with a mask or in
32-bit, plain products otherwise. (On Hopper recent builds prefer cuDNN's kernel to flash: the tensors
that it makes and keeps are the same.)
"""

import torch
import torch.nn.functional as F

_plain = F.scaled_dot_product_attention
_FLASH_DTYPES = (torch.float16, torch.bfloat16)
_MAX_FLASH_HEAD_DIM = 256
_MASK_ALIGNMENT = 16


def enable():
    F.scaled_dot_product_attention = _attention


def _attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    query, key, value, attn_mask = _as_autocast_does(query, key, value, attn_mask)
    with torch.autocast("cuda", enabled=False):
        if _flash_takes(query, key, value, attn_mask):
            return _flash(query, key, value, dropout_p, is_causal, scale)
        if _efficient_takes(query, key, value):
            return _efficient(query, key, value, attn_mask, dropout_p, is_causal, scale)
        return _plain(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)


def _as_autocast_does(*tensors):
    if not torch.is_autocast_enabled("cuda"):
        return tensors
    dtype = torch.get_autocast_dtype("cuda")
    return [t.to(dtype) if t is not None and t.is_floating_point() else t for t in tensors]


def _flash_takes(query, key, value, mask):
    return (
        mask is None
        and query.dtype in _FLASH_DTYPES
        and query.shape[-1] == key.shape[-1] == value.shape[-1] <= _MAX_FLASH_HEAD_DIM
    )


def _efficient_takes(query, key, value):
    aligned = 8 if query.dtype in _FLASH_DTYPES else 4
    return query.shape[-1] == key.shape[-1] and query.shape[-1] % aligned == 0 and value.shape[-1] % aligned == 0


def _flash(query, key, value, dropout_p, is_causal, scale):
    head_dim = query.shape[-1]
    scale = scale if scale is not None else head_dim**-0.5
    padding = -head_dim % 8
    if padding:
        query, key, value = (F.pad(t, (0, padding)) for t in (query, key, value))
    out = torch.ops.aten._scaled_dot_product_flash_attention(
        query, key, value, dropout_p, is_causal, False, scale=scale
    )[0]
    return out[..., :head_dim] if padding else out


def _efficient(query, key, value, mask, dropout_p, is_causal, scale):
    if mask is not None:
        mask = _bias(mask, query, key)
    keeps_logsumexp = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
    return torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, mask, keeps_logsumexp, dropout_p, is_causal, scale=scale
    )[0]


def _bias(mask, query, key):
    """A boolean mask becomes a bias in the query's dtype; the kernel wants its rows aligned."""
    if mask.dtype == torch.bool:
        zero = torch.zeros((), dtype=query.dtype, device=query.device)
        mask = torch.where(mask, zero, float("-inf"))
    mask = mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])
    padding = -mask.shape[-1] % _MASK_ALIGNMENT
    if padding:
        return F.pad(mask, (0, padding))[..., : mask.shape[-1]]
    if any(stride % _MASK_ALIGNMENT for stride in mask.stride()[:3]):
        return mask.contiguous()
    return mask
