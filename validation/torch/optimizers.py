"""The optimizers of TrainingArguments.optim, made over the Trainer's two parameter groups."""

import bitsandbytes as bnb
import torch
from torch import nn
from transformers.trainer_pt_utils import get_parameter_names

_NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]

# foreach is named because torch turns it on by itself for real CUDA tensors only.
MAKERS = {
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=1e-4, foreach=True),
    "adamw-fused": lambda groups: torch.optim.AdamW(groups, lr=1e-4, fused=True),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=1e-4, foreach=True),
    "sgd-momentum": lambda groups: torch.optim.SGD(groups, lr=1e-4, momentum=0.9, foreach=True),
    "adamw-8bit": lambda groups: bnb.optim.AdamW(groups, lr=1e-4, optim_bits=8),
    "paged-adamw-8bit": lambda groups: bnb.optim.AdamW(groups, lr=1e-4, optim_bits=8, is_paged=True),
    "paged-adamw-32bit": lambda groups: bnb.optim.AdamW(groups, lr=1e-4, optim_bits=32, is_paged=True),
    "lion": lambda groups: bnb.optim.Lion(groups, lr=1e-4, optim_bits=32),
    "lion-8bit": lambda groups: bnb.optim.Lion(groups, lr=1e-4, optim_bits=8),
}


def make(model, name):
    optimizer = MAKERS[name](_groups(model))
    if name.endswith("8bit"):
        _keep_embeddings_in_32_bits(model)
    return optimizer


def _groups(model):
    """Trainer.create_optimizer: norms and biases get no weight decay."""
    decayed = set(get_parameter_names(model, [nn.LayerNorm], _NO_DECAY))
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    groups = ([p for name, p in trained if name in decayed], [p for name, p in trained if name not in decayed])
    return [{"params": params, "weight_decay": 0.0} for params in groups if params]


def _keep_embeddings_in_32_bits(model):
    """Trainer.create_optimizer does so for bitsandbytes' 8-bit optimizers."""
    manager = bnb.optim.GlobalOptimManager.get_instance()
    manager.initialize()
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            manager.register_module_override(module, "weight", {"optim_bits": 32})
