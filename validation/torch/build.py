"""Builds the model and its adapters as a user of transformers and PEFT would."""

import copy

import torch
import transformers
from liger_kernel.transformers.monkey_patch import _apply_liger_kernel_to_instance
from peft import LoraConfig, get_peft_model
from transformers.initialization import no_init_weights
from trl.trainer.utils import add_fused_lm_head

import quantize
import request as requests

LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
LAYER_LISTS = ("layer_types", "no_rope_layers", "attention_layers")
LIGER_WITHOUT_FUSED_LOSS = {"granite"}  # the defaults of liger_kernel/transformers/monkey_patch.py
LIGER_WITHOUT_ROPE = {"glm4"}
_LIGER_KERNELS = ("rope", "rms_norm", "layer_norm", "swiglu", "geglu", "relu_squared")


def model_of(request, device):
    with torch.device(device), no_init_weights():
        model = transformers.AutoModelForCausalLM.from_config(
            config_of(request), dtype=requests.DTYPES[request.weights_dtype], attn_implementation=request.attention
        )
    model.tie_weights()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.02)  # uninitialized memory may hold NaN, which a loss scaler answers by skipping steps
    if request.quant != "none":
        model = quantize.prepare(quantize.quantize(model, request, device), request)
    _patch(model, request)
    if request.adapts:
        model = _with_adapters(model, request, device)
    elif request.method == "freeze":
        _freeze(model, request.trainable_layers)
    if request.checkpointing == "full":
        _checkpoint(model, request)
    model.train()
    return model


def config_of(request):
    keys = copy.deepcopy(requests.models()[request.model])
    config = transformers.CONFIG_MAPPING[keys.pop("type")](**keys)
    if request.layers:
        _cut_layers(config, request.layers)
    for key, value in (request.config or {}).items():
        setattr(config, key, value)
    config.use_cache = False
    return config


def _cut_layers(config, layers):
    known = config.to_dict()
    key = next(key for key in LAYER_KEYS if key in known)
    setattr(config, key, layers)
    for key in LAYER_LISTS:
        if getattr(config, key, None):
            setattr(config, key, getattr(config, key)[:layers])


def _patch(model, request):
    """The loss and the kernels that a trainer puts in place of the model's own."""
    if request.loss == "chunked":
        # TRL's SFTTrainer patches the model before the step; these are the outputs that it asks for.
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    if request.loss == "fused" or request.kernels == "liger":
        kernels = dict.fromkeys(_LIGER_KERNELS, request.kernels == "liger")
        if model.config.model_type in LIGER_WITHOUT_ROPE:
            kernels["rope"] = False
        if model.config.model_type in LIGER_WITHOUT_FUSED_LOSS:
            kernels["cross_entropy"] = request.kernels == "liger"
        else:
            kernels |= {"cross_entropy": False, "fused_linear_cross_entropy": request.loss == "fused"}
        _apply_liger_kernel_to_instance(model=model, **kernels)


def _with_adapters(model, request, device):
    config = LoraConfig(
        r=request.lora_rank,
        lora_alpha=request.lora_alpha,
        lora_dropout=0.0,
        target_modules=request.lora_targets,
        modules_to_save=request.modules_to_save,
        use_dora=request.method == "dora",
        task_type="CAUSAL_LM",
    )
    with torch.device(device):
        model = get_peft_model(model, config, autocast_adapter_dtype=request.adapter_dtype == "fp32")
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and _is_cast(name, request):
            parameter.data = parameter.data.to(requests.DTYPES[request.adapter_dtype])
    return model


def _is_cast(name, request):
    """PEFT casts its own weights only; TRL casts all that is trained beside a quantized base, except
    DoRA's magnitudes (trl/trainer/sft_trainer.py)."""
    if request.trainer == "trl" and request.quant != "none":
        return "lora_magnitude_vector" not in name
    return "lora_" in name


def _freeze(model, trainable_layers):
    """The last layers are trained, as LLaMA-Factory's freeze_trainable_layers."""
    model.requires_grad_(False)
    layers = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList))  # the outermost list
    for layer in layers[-trainable_layers:]:
        layer.requires_grad_(True)


def _checkpoint(model, request):
    model.activation_checkpointing_enable(quantize.checkpointing_options(request))
    if request.trainer == "trl" and request.adapts:
        model.enable_input_require_grads()
