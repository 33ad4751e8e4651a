"""Quantizes a model's linears as transformers does when it loads a checkpoint with a BitsAndBytesConfig."""

import bitsandbytes as bnb
import torch
import transformers
from peft import prepare_model_for_kbit_training
from transformers.integrations.bitsandbytes import replace_with_bnb_linear
from transformers.quantizers.base import get_keys_to_not_convert

import request as requests


def quantize(model, request, device):
    config = _config(request)
    dtype = requests.DTYPES[request.weights_dtype]
    biases = {name: module.bias for name, module in model.named_modules() if getattr(module, "bias", None) is not None}
    replace_with_bnb_linear(model, get_keys_to_not_convert(model), config)
    for name, module in model.named_modules():
        if isinstance(module, bnb.nn.Linear4bit):
            module.weight = _weight_4bit(module, dtype, device)
        elif isinstance(module, bnb.nn.Linear8bitLt):
            module.weight = _weight_8bit(module, device)
        else:
            continue
        if name in biases:
            module.bias = torch.nn.Parameter(biases[name].detach(), requires_grad=False)
    model.is_quantized = True
    model.is_loaded_in_4bit, model.is_loaded_in_8bit = config.load_in_4bit, config.load_in_8bit
    return model


def _config(request):
    if request.quant == "int8":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=request.quant,
        bnb_4bit_use_double_quant=request.double_quant,
        bnb_4bit_compute_dtype=requests.DTYPES[request.compute],
    )


def _weight_4bit(module, dtype, device):
    loaded = _loaded(module, dtype, device)
    weight = bnb.nn.Params4bit(loaded, requires_grad=False, **_settings(module.weight))
    return weight._quantize(device)


def _loaded(module, dtype, device):
    return torch.empty((module.out_features, module.in_features), dtype=dtype, device=device).normal_(std=0.02)


def _settings(weight):
    return {
        "compress_statistics": weight.compress_statistics,
        "quant_type": weight.quant_type,
        "quant_storage": weight.quant_storage,
        "module": weight.module,
    }


def _weight_8bit(module, device):
    quantized, scales, _ = bnb.functional.int8_vectorwise_quant(_loaded(module, torch.float16, device))
    return bnb.nn.Int8Params(quantized, requires_grad=False, has_fp16_weights=False, CB=quantized, SCB=scales)


def prepare(model, request):
    if not request.kbit_prep:
        return model
    return prepare_model_for_kbit_training(
        model,
        use_gradient_checkpointing=request.checkpointing == "full",
        gradient_checkpointing_kwargs=checkpointing_options(request),
    )


def checkpointing_options(request):
    """Random-number states live on the host: to save them costs no device memory, but needs a device."""
    return {"use_reentrant": request.trainer == requests.REENTRANT, "preserve_rng_state": torch.cuda.is_available()}


def constants(model):
    """The tensors beside the packed weights: scales, code tables, offsets."""
    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            state = module.weight.quant_state
            yield from (state.absmax, state.code)
            if state.nested:
                yield from (state.offset, state.state2.absmax, state.state2.code)
        elif isinstance(module, bnb.nn.Linear8bitLt):
            yield module.weight.SCB


def parameters(model):
    """Counts, tied weights once; a packed weight counts the elements that it stands for."""
    return {
        "total": sum(_elements(p) for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def _elements(parameter):
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else state.shape.numel()
