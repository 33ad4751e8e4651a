"""The request: vramcalc's own keys, in snake_case, with the defaults of the Hugging Face Trainer."""

import dataclasses
import functools
import importlib.metadata
import pathlib

import torch
import yaml

PACKAGES = ("torch", "transformers", "peft", "accelerate", "trl", "bitsandbytes", "liger-kernel")
DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp16-mixed", "bf16-mixed")
QUANTIZATIONS = ("none", "nf4", "fp4", "int8")
REENTRANT = "hf@4.57"  # the last Trainer whose checkpoints are reentrant ones; the model's code stays today's
ADAPTER_METHODS = ("lora", "qlora", "dora")


@dataclasses.dataclass
class Request:
    model: str = "llama-2-7b"
    layers: int | None = None  # fewer layers than the model has, to keep a reference quick
    config: dict | None = None  # overrides of single keys of the Hugging Face config
    method: str = "full"
    precision: str = "bf16"
    weights_dtype: str | None = None
    adapter_dtype: str | None = None
    micro_batch: int = 1
    seq_len: int = 512
    grad_accum: int = 1
    optimizer: str = "adamw"
    checkpointing: str = "none"
    attention: str = "sdpa"
    loss: str = "standard"
    kernels: str = "eager"
    trainer: str = "hf"
    quant: str | None = None
    double_quant: bool = False
    kbit_prep: bool | None = None
    lora_rank: int = 8
    lora_alpha: int | None = None
    lora_targets: list | str | None = None
    modules_to_save: list | None = None
    trainable_layers: int = 2
    steps: int = 2

    def __post_init__(self):
        self._check("precision", PRECISIONS)
        self._check("method", ("full", "freeze") + ADAPTER_METHODS)
        self._check("checkpointing", ("none", "full"))
        self._check("attention", ("eager", "sdpa"))
        self._check("loss", ("standard", "chunked", "fused"))
        self._check("kernels", ("eager", "liger"))
        self._check("trainer", ("hf", "trl", REENTRANT))
        self.quant = self.quant or ("nf4" if self.method == "qlora" else "none")
        self._check("quant", QUANTIZATIONS)
        if self.lora_alpha is None:
            self.lora_alpha = 2 * self.lora_rank
        if isinstance(self.lora_targets, str) and self.lora_targets != "all-linear":
            self.lora_targets = self.lora_targets.split(",")
        if isinstance(self.modules_to_save, str):
            self.modules_to_save = self.modules_to_save.split(",")
        if self.weights_dtype is None:
            self.weights_dtype = self._implied_weights_dtype()
        if self.adapter_dtype is None and self.adapts:
            # PEFT's autocast_adapter_dtype; TRL follows the QLoRA paper on a quantized base.
            self.adapter_dtype = "bf16" if self.trainer == "trl" and self.quant != "none" else "fp32"
        if self.kbit_prep is None:
            self.kbit_prep = self.quant != "none" and self.trainer != "trl"

    def _check(self, key, allowed):
        if getattr(self, key) not in allowed:
            raise ValueError(f"{key}: {getattr(self, key)!r} is not one of {', '.join(allowed)}")

    def _implied_weights_dtype(self):
        if not self.mixed:
            return self.precision
        return self.compute if self.adapts else "fp32"

    @property
    def mixed(self):
        return self.precision.endswith("-mixed")

    @property
    def compute(self):
        return self.precision.removesuffix("-mixed")

    @property
    def adapts(self):
        return self.method in ADAPTER_METHODS

    def as_dict(self):
        """The request as one would write it for vramcalc: no key that has no meaning beside the others."""
        keys = {key: value for key, value in dataclasses.asdict(self).items() if value is not None}
        del keys["steps"]
        if self.kernels == "eager":
            del keys["kernels"]
        if not self.adapts:
            keys = {key: value for key, value in keys.items() if not key.startswith("lora_")}
        if self.method != "freeze":
            del keys["trainable_layers"]
        if self.quant == "none":
            del keys["quant"], keys["kbit_prep"]
        if self.quant not in ("nf4", "fp4"):
            del keys["double_quant"]
        return keys


@functools.cache
def models():
    """Model ids that vramcalc's presets know, with the Hugging Face config of each."""
    return yaml.safe_load((pathlib.Path(__file__).parent / "models.yaml").read_text())


def versions():
    return {name: importlib.metadata.version(name) for name in PACKAGES}
