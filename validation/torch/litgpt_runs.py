"""References of LitGPT: its own GPT and LoRA classes, with the order and the lifetimes of its finetune scripts.

    pip install --no-deps litgpt==0.2.0 lightning-utilities==0.15.3
    python litgpt_runs.py                                                  # references/litgpt.jsonl
    python litgpt_runs.py '{"model": "phi-1.5", "method": "lora"}' [TRACE]  # one row on stdout

The loops are those of finetune/lora.py and finetune/full.py: variables of `fit` hold logits and loss until the next
micro-batch assigns new ones. `litgpt@0.1` stands for lit-gpt of 2023, whose first micro-batch has the longest sample:
what it leaves is dropped here, as if the next were empty. Fabric's part is short and written out (`_Fabric`), so
lightning, which litgpt imports, gets a stand-in. bitsandbytes 0.41, whose layers hold their input, needs a GPU: its
layers are repeated as far as memory goes.
"""

import dataclasses
import gc
import importlib.metadata
import json
import pathlib
import sys
from unittest import mock

import bitsandbytes as bnb
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import attention
import custom_kernels
import driverless
import tracker as tracking

for _name in ("", ".fabric", ".fabric.strategies", ".fabric.utilities", ".fabric.utilities.load", ".fabric.loggers",
              ".fabric.accelerators", ".fabric.plugins", ".pytorch", ".pytorch.loggers", ".pytorch.cli"):
    sys.modules["lightning" + _name] = mock.MagicMock()

import litgpt.lora  # noqa: E402
import litgpt.model  # noqa: E402
from litgpt.utils import chunked_cross_entropy  # noqa: E402

DEVICE = "cuda:0"
PACKAGES = ("torch", "litgpt", "bitsandbytes")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CONFIGS = {  # vramcalc's names and litgpt's
    "falcon-7b": "falcon-7b", "falcon-40b": "falcon-40b", "phi-1.5": "phi-1_5", "pythia-1.4b": "pythia-1.4b",
    "stablelm-base-alpha-3b": "stablelm-base-alpha-3b", "stablelm-3b-4e1t": "stablelm-3b-4e1t",
    "tinyllama-1.1b": "tiny-llama-1.1b", "llama-2-7b": "Llama-2-7b-hf", "mistral-7b-v0.1": "Mistral-7B-v0.1",
}
DEFAULTS = {
    "layers": 3, "method": "lora", "precision": "bf16", "weights_dtype": "bf16", "micro_batch": 1, "seq_len": 300,
    "grad_accum": 1, "optimizer": "adamw", "checkpointing": "none", "attention": "sdpa", "loss": "chunked",
    "kernels": "eager", "trainer": "litgpt@0.2",
}
LORA = {"adapter_dtype": "bf16", "lora_rank": 8, "lora_targets": ["query", "value"], "lora_dropout": 0.05}
EVERYTHING = ["query", "key", "value", "projection", "mlp", "head"]


class _State:
    """What bitsandbytes 0.41 keeps beside the packed weight (functional.quantize_4bit)."""

    shared_map = None

    def __init__(self, linear, nested):
        self.shape, blocks = linear.weight.shape, linear.weight.numel() // 64
        self.packed = _empty((linear.weight.numel() + 1) // 2, torch.uint8)
        self.code = _empty(16, torch.float32)
        self.nested = None
        if nested:
            if _State.shared_map is None:
                _State.shared_map = _empty(256, torch.float32)
            self.nested = _empty((blocks + 255) // 256, torch.float32), _empty((), torch.float32)
        self.absmax = _empty(blocks, torch.uint8 if nested else torch.float32)

    def constants(self):
        return [self.code, self.absmax, *(self.nested or ())]

    def dequantize(self):
        """functional.dequantize_4bit: weights were quantized from float16, so they come back in it."""
        if self.nested:
            scales = _empty(self.absmax.numel(), torch.float32)
            scales += self.nested[1]
        return _empty(self.shape, torch.float16)


def _empty(shape, dtype):
    return torch.empty(shape, dtype=dtype, device=DEVICE)


class _Product(torch.autograd.Function):
    """autograd/_functions.py MatMul4Bit: the input becomes an attribute of the node, not a saved tensor."""

    @staticmethod
    def forward(ctx, inputs, packed, bias, state):
        result = torch.nn.functional.linear(inputs, state.dequantize().to(inputs.dtype), bias)
        ctx.state, ctx.tensors = state, (inputs, packed) if ctx.needs_input_grad[0] else None
        return result

    @staticmethod
    def backward(ctx, gradient):
        return torch.matmul(gradient, ctx.state.dequantize().to(gradient.dtype)), None, None, None


class _Linear4bit(torch.nn.Module):
    def __init__(self, linear, nested):
        super().__init__()
        self.state, self.bias, self.out_features = _State(linear, nested), linear.bias, linear.out_features

    def forward(self, x):
        return _Product.apply(x, self.state.packed, self.bias, self.state)


def _quantize(module, nested):
    """BitsandbytesPrecision replaces every linear layer, the head's too."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Linear):
            setattr(module, name, _Linear4bit(child, nested))
        else:
            _quantize(child, nested)


class _Fabric:
    """lightning/fabric/wrappers.py _FabricModule with a precision plugin."""

    def __init__(self, model, request):
        self.model, self.mixed = model, request["precision"].endswith("-mixed")

    def __call__(self, *args, **kwargs):
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.mixed):
            output = self.model(*args, **kwargs)
        output = [o.float() for o in output] if isinstance(output, list) else output.float()
        return output


def _model(request):
    settings = {"n_layer": request["layers"]}
    module = litgpt.model if request["method"] == "full" else litgpt.lora
    if module is litgpt.lora:
        settings |= {"lora_r": request["lora_rank"], "lora_alpha": 16, "lora_dropout": request["lora_dropout"]}
        settings |= {"lora_" + target: target in request["lora_targets"] for target in EVERYTHING}
    config = module.Config.from_name(CONFIGS[request["model"]], **settings)
    dtype = DTYPES[request["weights_dtype"]]
    torch.set_default_dtype(dtype)
    with torch.device(DEVICE):
        model = module.GPT(config)
    torch.set_default_dtype(torch.float32)
    model.to(dtype=dtype)
    if module is litgpt.lora:
        litgpt.lora.mark_only_lora_as_trainable(model)
    total = sum(p.numel() for p in model.parameters())
    if "quant" in request:
        _quantize(model, request["double_quant"])
    model.max_seq_length = request["seq_len"]
    return model, total


def _optimizer(model, name):
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, foreach=True) if name == "adamw" else bnb.optim.PagedAdamW(trained)


class Script:
    """finetune/lora.py and finetune/full.py fit."""

    def __init__(self, request, tracker):
        self.request, self.tracker, self.ends = request, tracker, []
        self.model, self.total = _model(request)
        self.optimizer = _optimizer(self.model, request["optimizer"])
        self.logits = self.loss = None
        self._observe()

    def _observe(self):
        t, model = self.tracker, self.model
        for name, parameter in model.named_parameters():
            t.tag(parameter, tracking.ADAPTERS if "lora_" in name else tracking.WEIGHTS)
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(lambda p: t.tag(p.grad, tracking.GRADIENTS))
        for path, module in model.named_modules():
            module.register_forward_pre_hook(lambda module, args, path=path: t.enter_module(path))
            module.register_forward_hook(lambda module, args, output: t.leave_module(), always_call=True)
            for constant in module.state.constants() if isinstance(module, _Linear4bit) else ():
                t.tag(constant, tracking.CONSTANTS)
        t.loss_modules = {"", "lm_head", "lm_head.linear", "lm_head.lora_dropout"}

    def step(self, number):
        t = self.tracker
        t.step, t.flops, self.ends = number, 0, []
        gc.collect()
        t.reset_peak()
        gc.disable()
        for _ in range(self.request["grad_accum"]):
            self._micro_batch()
        t.phase = "optimizer"
        self.optimizer.step()
        self._end("optimizer")
        self.optimizer.zero_grad()
        self._end("zero_grad")
        gc.enable()
        peak = dataclasses.asdict(t.peak)
        peak["breakdown"] = {key: value for key, value in peak["breakdown"].items() if value}
        return {"peak": peak, "live": self.ends, "flops": t.flops}

    def _micro_batch(self):
        request, t = self.request, self.tracker
        t.phase = "inputs"
        ids = torch.zeros(request["micro_batch"], request["seq_len"], dtype=torch.int64, device=DEVICE)
        targets = torch.zeros_like(ids)
        t.phase = "forward"
        fabric = _Fabric(self.model, request)
        if request["method"] == "full":
            self.logits = fabric(ids)
            self.loss = chunked_cross_entropy(self.logits[..., :-1, :], targets[..., 1:])
        else:
            self.logits = fabric(ids, lm_head_chunk_size=128)
            self.logits[-1] = self.logits[-1][..., :-1, :]
            self.loss = chunked_cross_entropy(self.logits, targets[..., 1:])
        self._end("forward")
        t.phase = "backward"
        (self.loss / request["grad_accum"]).backward()
        if request["trainer"] == "litgpt@0.1":
            self.logits = self.loss = None
        self._end("backward")

    def _end(self, phase):
        self.ends.append({"after": phase, "bytes": self.tracker.live})


def reference(request, trace=None):
    driverless.enable()
    attention.enable()
    custom_kernels.enable()
    _State.shared_map = None
    gc.collect()
    with FakeTensorMode(), tracking.Tracker(trace) as tracker, custom_kernels.CustomKernels():
        tracker.calibrate(DEVICE)
        script = Script(request, tracker)
        steps = [script.step(number) for number in (1, 2)]
        trainable = sum(p.numel() for p in script.model.parameters() if p.requires_grad)
    return {
        "request": request,
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES} | {"bitsandbytes layers": "0.41.1"},
        "parameters": {"total": script.total, "trainable": trainable},
        "peak_bytes": max(step["peak"]["bytes"] for step in steps),
        "steps": steps,
    }


def complete(request):
    request = DEFAULTS | ({} if request.get("method") == "full" else LORA) | request
    if "quant" in request:
        request = {"double_quant": False} | request | {"method": "qlora"}
    return request


QUANT = {"quant": "nf4", "optimizer": "paged-adamw-32bit"}
MIXED = {"precision": "bf16-mixed", "weights_dtype": "fp32", "adapter_dtype": "fp32"}
ROWS = [
    *({"model": model} for model in CONFIGS),
    *({"model": model, "method": "full"} for model in CONFIGS),
    *({"model": model, "micro_batch": 2, "lora_targets": EVERYTHING} for model in ("phi-1.5", "tinyllama-1.1b", "falcon-7b")),
    *({"model": model, **QUANT} for model in ("phi-1.5", "stablelm-base-alpha-3b", "tinyllama-1.1b", "mistral-7b-v0.1")),
    *({"model": model, "micro_batch": 4, "seq_len": 128, **QUANT, "double_quant": True, "lora_targets": EVERYTHING}
      for model in ("phi-1.5", "tinyllama-1.1b", "pythia-1.4b")),
    {"model": "phi-1.5", "trainer": "litgpt@0.1"},
    {"model": "phi-1.5", "trainer": "litgpt@0.1", "micro_batch": 4, "seq_len": 1044},
    {"model": "phi-1.5", "trainer": "litgpt@0.1", "seq_len": 1044, **QUANT},
    {"model": "phi-1.5", "trainer": "litgpt@0.1", "layers": 24, "seq_len": 1044, **QUANT, "double_quant": True},
    {"model": "stablelm-base-alpha-3b", "trainer": "litgpt@0.1", "layers": 16, "seq_len": 1034},
    {"model": "tinyllama-1.1b", "layers": 22, "micro_batch": 8, "seq_len": 512, "lora_rank": 32, **QUANT, "lora_targets": EVERYTHING},
    {"model": "tinyllama-1.1b", "seq_len": 2048},
    {"model": "tinyllama-1.1b", "seq_len": 2048, "method": "full", "micro_batch": 4, "grad_accum": 3},
    {"model": "tinyllama-1.1b", "micro_batch": 3, "grad_accum": 2, "lora_targets": ["query", "mlp"]},
    {"model": "llama-2-7b", "lora_dropout": 0.0, "lora_targets": ["key"], "micro_batch": 2},
    {"model": "pythia-1.4b", **MIXED},
    {"model": "tinyllama-1.1b", **MIXED, "micro_batch": 2, "lora_targets": EVERYTHING},
    {"model": "tinyllama-1.1b", "method": "full", "precision": "bf16-mixed", "weights_dtype": "fp32"},
    {"model": "tinyllama-1.1b", "precision": "fp32", "weights_dtype": "fp32", "adapter_dtype": "fp32"},
]


def main():
    if len(sys.argv) > 1:
        trace = open(sys.argv[2], "w") if len(sys.argv) > 2 else None
        print(json.dumps(reference(complete(json.loads(sys.argv[1])), trace)))
        return
    with open(pathlib.Path(__file__).parent / "references" / "litgpt.jsonl", "w") as file:
        for row in ROWS:
            print(json.dumps(reference(complete(row))), file=file, flush=True)


if __name__ == "__main__":
    main()
