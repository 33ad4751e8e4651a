"""Builds the model, its adapters and its optimizer as a user of transformers and PEFT would."""

import copy

import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers.initialization import no_init_weights

import request as requests

LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")


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
    key = next(key for key in LAYER_KEYS if key in config.to_dict())
    setattr(config, key, layers)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]


def model_of(request, device):
    with torch.device(device), no_init_weights():
        model = transformers.AutoModelForCausalLM.from_config(
            config_of(request), dtype=requests.DTYPES[request.weights_dtype], attn_implementation=request.attention
        )
    model.tie_weights()
    if request.adapts:
        model = _with_adapters(model, request, device)
    if request.checkpointing == "full":
        _checkpoint(model, request)
    model.train()
    return model


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
        return get_peft_model(model, config, autocast_adapter_dtype=request.adapter_dtype == "fp32")


def _checkpoint(model, request):
    # Random-number states live on the host: saving them costs no device memory, and needs a device.
    model.gradient_checkpointing_enable({"use_reentrant": False, "preserve_rng_state": False})


def optimizer_of(model, request):
    parameters = [p for p in model.parameters() if p.requires_grad]
    makers = {
        "adamw": lambda: torch.optim.AdamW(parameters, lr=1e-4, foreach=True),
        "adamw-fused": lambda: torch.optim.AdamW(parameters, lr=1e-4, fused=True),
        "sgd": lambda: torch.optim.SGD(parameters, lr=1e-4, foreach=True),
        "sgd-momentum": lambda: torch.optim.SGD(parameters, lr=1e-4, momentum=0.9, foreach=True),
    }
    return makers[request.optimizer]()
