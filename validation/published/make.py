"""Turns rows of published measurements into requests that vramcalc can answer.

    python3 make.py FOLDER

FOLDER holds finetuning.jsonl and throughput_1gpu.jsonl (one published run a
line). Writes runs.jsonl, excluded.jsonl and static.jsonl beside this script;
README.md explains their keys. The script decides nothing about vramcalc: it
says what a run was, which figure was read, and what a request can't say.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
MIB, GIB = 1 << 20, 1 << 30

MODELS = {
    "mistralai/Mistral-7B-v0.1": "mistral-7b-v0.1",
    "microsoft/phi-1_5": "phi-1.5",
    "stabilityai/stablelm-base-alpha-3b": "stablelm-base-alpha-3b",
    "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T": "tinyllama-1.1b",
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": "tinyllama-1.1b",
    "unsloth/tinyllama-bnb-4bit": "tinyllama-1.1b",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
    "Qwen/Qwen-7B-Chat": "qwen-7b",
    "Qwen/Qwen-7B": "qwen-7b",
    "meta-llama/Llama-3.2-3B": "llama-3.2-3b",
    "meta-llama/Llama-3.1-8B": "llama-3.1-8b",
    "Qwen/Qwen2.5-0.5B": "qwen2.5-0.5b",
    "Qwen/Qwen2.5-1.5B": "qwen2.5-1.5b",
    "Qwen/Qwen2.5-3B": "qwen2.5-3b",
    "Qwen/Qwen2.5-7B": "qwen2.5-7b",
    "huggyllama/llama-7b": "llama-7b",
    "huggyllama/llama-13b": "llama-13b",
    # Only trainable parameters are known of these runs (static.jsonl).
    "unsloth/codegemma-7b-bnb-4bit": "gemma-7b",
    "unsloth/gemma-2-9b": "gemma-2-9b",
    "unsloth/Llama-3.2-3B-Instruct": "llama-3.2-3b",
    "unsloth/Llama-3.3-70B-Instruct": "llama-3.3-70b",
    "unsloth/llama-3-8b-bnb-4bit": "llama-3-8b",
    "unsloth/mistral-7b-v0.3": "mistral-7b-v0.3",
    "unsloth/Qwen2.5-7B": "qwen2.5-7b",
    "unsloth/Qwen2-7B": "qwen2-7b",
    "unsloth/Qwen2.5-Coder-14B-Instruct": "qwen2.5-14b",
    "unsloth/Qwen3-14B-Base-unsloth-bnb-4bit": "qwen3-14b",
    "unsloth/Qwen3-32B": "qwen3-32b",
    "unsloth/Magistral-Small-2509-unsloth-bnb-4bit": "mistral-small-24b",
}

# PowerLM has no preset. Biases on every linear layer: the end-of-run allocation
# of all 14 runs fits to the byte with them, and misses without.
POWERLM = {
    "model_type": "granite", "architectures": ["GraniteForCausalLM"], "hidden_size": 2304, "intermediate_size": 9216,
    "num_hidden_layers": 40, "num_attention_heads": 36, "num_key_value_heads": 36, "vocab_size": 49152,
    "max_position_embeddings": 4096, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True,
    "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000, "torch_dtype": "bfloat16",
    "attention_multiplier": 0.015625, "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 8.0,
}

GPUS = {
    "A100-80GB": "a100-80gb-sxm", "A100-40GB": "a100-40gb-sxm", "A10G-24GB": "a10g-24gb", "L40S-48GB": "l40s-48gb",
    "T4-16GB": "t4-16gb", "V100-32GB": "v100-32gb-sxm2", "H100-80GB": "h100-80gb-sxm", "RTX-4090": "rtx-4090",
    "RTX-5090-32GB": "rtx-5090", "RTX-5060Ti-16GB": "rtx-5060-ti-16gb", "L4-24GB": "l4-24gb", "RTX-3090": "rtx-3090",
}

DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
ATTENTIONS = {"flash2": "flash", "sdpa": "sdpa", "eager": "eager", "xformers": "sdpa", "cudnn flash": "flash"}
METHODS = {"full", "freeze", "lora", "qlora", "dora"}
ENGINES = ("megatron", "paddlenlp", "optimum-habana", "oneflow", "Megatron", "deepspeed", "Meta internal", "nemo", "mlx", "GaLore", "NVIDIA DeepLearningExamples")
UNSLOTH_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Excluded(Exception):
    """Why a row can't be mapped."""


def source_of(row):
    s = row["source"]
    return {k: s[k] for k in ("title", "repo", "path", "commit", "url", "where") if s.get(k)}


def common(row):
    """What holds for every source. Raises Excluded."""
    method, precision, notes = row["method"], row["precision"], row["notes"]
    parallel = row["parallelism"]
    if parallel["gpus"] != 1:
        count = parallel["gpus"] or "several"
        raise Excluded(f"{count} GPUs: parallelism is not modelled yet")
    if row["task"] not in ("sft", "pretrain"):
        raise Excluded(f"stage {row['task']} is not modelled yet")
    if parallel.get("cpu_offload"):
        raise Excluded("CPU offload is not modelled yet")
    weights = precision.get("weights") or ""
    if "gptq" in weights or "gptq" in (row["method_params"].get("quantization") or "").lower() or "GPTQ" in row["model"] or row["model"].endswith(("Int4", "Int8")):
        raise Excluded("GPTQ base: quantization not modelled yet")
    if any(row["framework"].startswith(e) for e in ENGINES):
        raise Excluded(f"engine not modelled: {row['framework']}")
    if "bert" in row["model"].lower():
        raise Excluded("encoder models are not modelled yet")
    if method not in METHODS:
        raise Excluded(f"method not modelled yet: {method}")
    if row["settings_complete"] == "partial":
        raise Excluded("settings are only partly known")
    if precision.get("compute") == "fp8":
        raise Excluded("fp8 arithmetic is not modelled yet")
    if row["compile"] is True or "compiled" in notes:
        raise Excluded("torch.compile is not modelled yet")
    if row["seq_len"] is None:
        raise Excluded("sequence lengths are unknown")
    if row["gpu"] is not None and row["gpu"] not in GPUS:
        raise Excluded(f"card not named exactly: {row['gpu']}")
    if row["micro_batch"] is None:
        raise Excluded("batch size is unknown")

    compute = precision.get("compute")
    name = {"tf32": "tf32", "fp32": "fp32"}.get(compute, compute)
    if precision.get("autocast") and compute in ("bf16", "fp16"):
        name += "-mixed"
    request = {"method": method, "precision": name}
    if row["model"] == "ibm/PowerLM-3b":
        request["config"] = POWERLM
    else:
        if row["model"] not in MODELS:
            raise Excluded(f"no preset for {row['model']}")
        request["model"] = MODELS[row["model"]]
    if weights in DTYPES:
        request["weights_dtype"] = DTYPES[weights]
    elif weights in ("nf4", "fp4", "int8"):
        request["weights_dtype"] = DTYPES[compute]  # of what is not quantized
        request["quant"] = weights
        if weights != "int8":
            request["double_quant"] = bool(precision.get("double_quant"))
    params = row["method_params"]
    if method in ("lora", "qlora", "dora"):
        request["lora_rank"] = params.get("rank")
        if params.get("alpha") is not None:
            request["lora_alpha"] = params["alpha"]
        if params.get("dropout") is not None:
            request["lora_dropout"] = params["dropout"]
        request["lora_targets"] = params.get("target_modules")
        if params.get("use_rslora"):
            request["rslora"] = True
        if precision.get("adapter_dtype") in DTYPES:
            request["adapter_dtype"] = DTYPES[precision["adapter_dtype"]]
    request |= {
        "micro_batch": row["micro_batch"], "seq_len": row["seq_len"], "grad_accum": row["grad_accum"] or 1,
        "checkpointing": "full" if row["gradient_checkpointing"] else "none",
        "attention": ATTENTIONS.get(row["attention"]), "loss": "standard", "trainer": "hf", "gpu": GPUS.get(row["gpu"]),
    }
    request["optimizer"] = optimizer_of(row)
    loop = {"autocast": bool(precision.get("autocast"))}
    gap = []
    if request["attention"] is None:
        del request["attention"]
        gap.append("attention implementation not stated")
    if row["gradient_checkpointing"] is None:
        gap.append("checkpointing not stated")
    if request["gpu"] is None:
        del request["gpu"]
        gap.append("card not stated")
    return request, loop, gap


def optimizer_of(row):
    name = row["optimizer"] or ""
    for prefix, optimizer in (
        ("paged_adamw_32bit", "paged-adamw-32bit"), ("paged_adamw_8bit", "paged-adamw-8bit"), ("adamw_8bit", "adamw-8bit"),
    ):
        if name.startswith(prefix):
            return optimizer
    if "fused" in name:
        return "adamw-fused"
    if name.startswith(("adamw", "adam")):
        return "adamw"
    raise Excluded(f"optimizer not modelled: {name or 'not stated'}")


def measured_of(row):
    """Figures in bytes and seconds, each under the figure that was read."""
    m, out = row["measured"], {}
    unit = {"GB": 1e9, "GiB": GIB, "MB": 1e6, "MiB": MIB}.get(m.get("peak_memory_unit"))
    key = {"torch_max_allocated": "allocated_bytes", "torch_max_reserved": "reserved_bytes", "nvidia_smi": "device_bytes", "unspecified": "unspecified_bytes"}.get(m.get("peak_memory_kind"))
    if m.get("peak_memory_bytes"):
        out["allocated_bytes"] = m["peak_memory_bytes"]
    elif m.get("peak_memory") and key:
        out[key] = round(m["peak_memory"] * unit)
        digits = len(str(m["peak_memory"]).partition(".")[2].rstrip("0"))
        out["resolution_bytes"] = round(unit / 10**digits)
    if m.get("alloc_end_bytes"):
        out["allocated_end_bytes"] = m["alloc_end_bytes"]
    if m.get("peak_nvidia_smi_mib"):
        out["device_bytes"] = round(m["peak_nvidia_smi_mib"] * MIB)
    for theirs, ours in (("tokens_per_s_per_gpu", "tokens_per_second"), ("step_time_s", "step_seconds")):
        if m.get(theirs):
            out[ours] = m[theirs]
    if m.get("oom"):
        out["oom"] = True
    return out


def fms(row, request, loop, gap, measured):
    """HF Trainer of fms-hf-tuning. The tokenizer gets a pad token, so Mistral's
    vocabulary has 32,001 rows: the end-of-run allocation fits to the byte."""
    if "config" not in request:
        request["vocab_size"] = 32001
    if request["method"] != "full":
        request["lora_targets"] = ["q_proj", "k_proj", "v_proj", "o_proj"]
    loop["inputs_bytes_per_token"] = 24
    if "fast RMSNorm" in row["notes"]:
        request["kernels"] = "foak"
        if "fused linear cross-entropy" in row["notes"]:
            request["loss"] = "fused"
    if "prepare_model_for_kbit_training" in row["notes"]:
        # prepare_model_for_kbit_training makes all that is not quantized float32; TRL then casts embedding and head back
        # (trl/trainer/utils.py peft_module_casting_to_bf16), which the bytes at the end of the run show.
        request["norms_dtype"] = "float32"
    if row["measured"].get("oom"):
        loop["oom_inferred"] = True
    loop["versions"] = re.search(r"versions: (.*)$", row["notes"]).group(1)
    # The figure is memory.used less its idle value, read by polling.
    # The loss of transformers before 4.49 copies the shifted logits (huggingface/transformers #35646): a profile of its own.
    request["trainer"] = "hf@" + re.search(r"transformers (\d+\.\d+)", loop["versions"]).group(1)
    loop["device_reading"] = "peak of polled memory.used minus idle"
    if "device_bytes" in measured and measured.get("allocated_bytes") and measured["device_bytes"] < measured["allocated_bytes"]:
        del measured["device_bytes"]  # polling missed the peak
    if measured.get("device_bytes", 0) > 79 * 1000 * MIB and "tokens_per_second" in measured:
        gap.append("card almost full: the allocator's retries slow the step")


LITGPT_PARTS = {"q": "query", "k": "key", "v": "value", "proj": "projection"}


def litgpt(row, request, loop, gap, measured):
    """Fabric loop with litgpt's own model code. lit-gpt of 2023 puts the longest
    sample into the first micro-batch, so the peak is there; in the config hub's
    runs, for all that is known, two batches as long as the maximum follow each other somewhere."""
    hub = row["id"].startswith(("litgpt-hub", "litgpt-thunder"))
    request["trainer"] = "litgpt@0.3" if hub else "litgpt@0.1"
    request["loss"] = "standard" if row["id"].startswith("litgpt-thunder") else "chunked"
    measured.pop("step_seconds", None)
    if request["method"] in ("lora", "qlora"):
        request["lora_targets"] = [LITGPT_PARTS.get(t, t) for t in request["lora_targets"]]
        request["adapter_dtype"] = request["weights_dtype"]
    if request.get("quant") and request["precision"].endswith("-mixed"):
        raise Excluded("quantized under autocast, which litgpt's scripts refuse since October 2023")
    if row["id"].startswith("litgpt-thunder"):
        measured["tokens_per_second"] = row["measured"]["tokens_per_s_per_gpu"]
    else:
        loop["lengths"] = "peak at the longest sample; mean length not stated, so no speed"
        measured.pop("tokens_per_second", None)
    if hub and request.get("quant"):
        gap.append("not stated whether two batches of the full length follow each other, as is assumed: 8 to 16 % hang on it")
    if "aug23" in row["id"]:
        gap.append("lit-gpt of August 2023: its code is older than the profile's")
    if row["gpu"] is None:
        request["gpu"] = "a100-40gb-sxm"
        gap.remove("card not stated")
        gap.append("card not stated: A100 40 GB likely")


def peft(row, request, loop, gap, measured):
    """PEFT's method comparison: own loop, use_cache left on."""
    m = row["measured"]
    request["seq_len"] = 660
    loop |= {
        "retained": "logits and the KV cache of the last step until the next forward replaces them",
        "lengths": "padded to the longest of 4; the longest batch has 2,620 to 2,650 tokens in all, samples 210 on average",
        "tokens_per_second_counts": "unpadded tokens",
        "allocated_end_of_step_bytes": round(m["allocated_end_of_step_avg_gib"] * GIB),
        "reserved_reading": "whole process, evaluation included",
    }
    per_step = m.get("per_step_empty_cache_run")
    if per_step:
        measured["reserved_bytes"] = round(per_step["p99_gib"] * GIB)
        loop["reserved_reading"] = "99th percentile over steps of the pool, cache emptied after every step: the longest batch"
    measured["resolution_bytes"] = round(GIB / 1e4)
    measured.pop("step_seconds", None)
    loop["tokens_per_step"] = 840
    loop["lengths_vary"] = True
    gap.append("padded length of the longest batch is approximate")
    gap.append("speed over batches of many lengths")


def swift1(row, request, loop, gap, measured):
    if request.get("lora_targets") == ["all linear layers (ALL)"]:
        request["lora_targets"] = "all-linear"
    loop["lengths"] = "samples cut to exactly the maximum, so the longest batch is full; whole wall time only, so no speed"
    loop["versions"] = "torch 2.1.1, CUDA 11.8, ms-swift 1.x (November 2023)"
    if request["seq_len"] >= 4096:
        loop["lengths_vary"] = True
        gap.append("most samples are shorter than the maximum (mean 3,234 tokens), which fragments the pool")
    if request.get("quant"):
        gap.append("whether the rest of the base was cast to float32 is not stated")
    if request["attention"] == "eager":
        gap.append("eager attention of the model's own code")
    measured.pop("tokens_per_second", None)


def swift2(row, request, loop, gap, measured):
    if "packing" in row["id"]:
        raise Excluded("packed rows contradict each other")
    if request.get("lora_targets") == ["all linear layers (ALL)"]:
        request["lora_targets"] = "all-linear"
    raw = row["method_params"].get("raw") or ""
    if "use_rslora=True" in raw:
        request["rslora"] = True
    if "use_dora=True" in raw:
        request["method"] = "dora"
    loop["lengths"] = "of all lengths up to the maximum, mean not stated: no speed, and the pool is fragmented"
    loop["lengths_vary"] = True
    gap.append("variable lengths fragment the pool")


def qwen(row, request, loop, gap, measured):
    """QwenLM/Qwen, finetune.py: its targets end with c_proj at every commit we could read (00dceebb, 204c2c59), which
    names the attention's and the MLP's; attn.c_proj is Qwen-VL's. PEFT before 0.11 left adapters and copied modules in
    the base's type or float32 by version (huggingface/peft #1706), copies always in the base's: the README asks for
    peft<0.8.0."""
    if request["lora_targets"][-1].startswith("also trains"):
        request["modules_to_save"] = ["wte", "lm_head"]
        request["adapter_dtype"] = "bfloat16"  # the copies weigh ten times the adapters
        gap.append("PEFT before 0.11: copied modules in bfloat16, adapters in bfloat16 or float32")
    request["lora_targets"] = ["c_attn", "c_proj", "w1", "w2"]
    loop["versions"] = "torch 2.0, CUDA 11.8"
    gap.append("the model's own code takes flash-attn's fused RMSNorm and rotary kernels where they are installed")
    loop["unit"] = "printed as G: 10^9 or 2^30 bytes not stated; nvidia-smi likely"
    loop["tokens_per_second_counts"] = "all tokens of 8 micro-batches"


def unsloth(row, request, loop, gap, measured):
    m = row["measured"]
    loop["kernels"] = ["rmsnorm", "rope", "swiglu", "lora", "cross_entropy"]
    loop["trainer"] = "unsloth"
    gap.append("unsloth's own kernels")
    measured["tokens_per_second"] = request["micro_batch"] * request["grad_accum"] * request["seq_len"] / m["step_time_s"]


def torchtune(row, request, loop, gap, measured):
    if "optimizer_in_bwd" in row["notes"]:
        raise Excluded("optimizer in backward is not modelled yet")
    if not row["seq_len"]:
        raise Excluded("sequence lengths are unknown")
    loop["trainer"] = "torchtune"
    names = {"output_proj": "o_proj", "w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}
    request["lora_targets"] = [names.get(t, t) for t in request["lora_targets"]]
    request.setdefault("adapter_dtype", "bfloat16")
    gap.append("torchtune's own model code")
    gap.append("packing of the data set is likely, not stated")


def flagperf(row, request, loop, gap, measured):
    if row["id"].endswith("fp32"):
        request["precision"], request["adapter_dtype"] = "tf32", "float32"
    else:
        request["precision"], request["weights_dtype"], request["adapter_dtype"] = "fp16-mixed", "float16", "float16"
        loop["autocast"] = True
    gap.append("attention implementation of that version: eager likely") if "attention" not in request else None
    request["attention"] = "eager"
    if "attention implementation not stated" in gap:
        gap.remove("attention implementation not stated")


def llmq(row, request, loop, gap, measured):
    if str(row["gradient_checkpointing"]).startswith("selective"):
        raise Excluded("selective recomputation is not modelled yet")
    request["loss"] = "fused"
    request["checkpointing"] = "full" if row["gradient_checkpointing"] is True else "none"
    if row["framework"].startswith("llama-factory"):
        request["kernels"] = "liger"
        return
    loop["trainer"] = "llmq"
    loop["cuda_graphs"] = loop["not_pytorch"] = True
    gap.append("LLMQ: its own CUDA kernels and CUDA graphs, no PyTorch")


def blog4bit(row, request, loop, gap, measured):
    measured.setdefault("oom", False)
    request["lora_rank"] = 8
    del request["lora_targets"]
    if request["quant"] == "int8":
        request["method"] = "qlora"
    gap.append("rank and targets not stated: 8 on PEFT's default targets is assumed")


SPECIAL = {
    "fms": fms, "litgpt": litgpt, "peft": peft, "swift1": swift1, "swift2": swift2, "qwen": qwen, "unsloth": unsloth,
    "tt": torchtune, "flagperf": flagperf, "llmq": llmq, "blog4bit": blog4bit,
}


REFUSED = {
    "trlnb": "sequence lengths are unknown", "swift2x": "rounded figure that the authors typed by hand",
    "chatglm3": "which configuration the figure belongs to is uncertain",
}


def run_of(row):
    family = row["id"].split("-")[0]
    if row["parallelism"]["gpus"] == 1:
        if family in REFUSED:
            raise Excluded(REFUSED[family])
        if family == "unsloth" and "packed" not in row["seq_note"]:
            raise Excluded("sequence lengths are unknown")
    request, loop, gap = common(row)
    if family not in SPECIAL:
        raise Excluded("no mapping for this source")
    measured = measured_of(row)
    SPECIAL[family](row, request, loop, gap, measured)
    if not set(measured) & {"allocated_bytes", "reserved_bytes", "device_bytes", "unspecified_bytes", "tokens_per_second", "step_seconds", "oom"}:
        raise Excluded("no figure that an estimate can be held against")
    settled = row["settings_complete"] == "full" or (family == "qwen" and not row["id"].startswith("qwen-oct23"))
    return {
        "id": row["id"], "family": family, "request": request, "measured": measured, "loop": loop, "gap": gap,
        "complete": settled and not loop.get("lengths_vary") and not any("not stated" in g for g in gap), "source": source_of(row),
    }


# ---------------------------------------------------------------- static parts

WORKSPACE = 2 * (4096 * 1024 * 2 + 16 * 1024 * 8)  # cuBLAS, forward and autograd thread


def rounded(n):
    return -(-n // 512) * 512


def linears(shape):
    """Weights of one decoder layer: name, out, in."""
    h, i, kv = shape["hidden"], shape["intermediate"], shape["kv_heads"] * shape["hidden"] // shape["heads"]
    return [("q", h, h), ("k", kv, h), ("v", kv, h), ("o", h, h), ("gate", i, h), ("up", i, h), ("down", h, i)]


def end_of_run(row):
    """The parts of torch.cuda.memory_allocated() after fms' last step, computed
    from the shapes alone, each tensor rounded up to 512 bytes."""
    shape = dict(row["arch"])
    power = row["model"] == "ibm/PowerLM-3b"
    vocab = shape["vocab"] if power else 32001
    layers, h = shape["layers"], shape["hidden"]
    quantized = row["precision"]["weights"] == "nf4"
    weights, constants, trainable_states, adapters = 0, 0, 0, 0
    tensors = []
    for _, o, i in linears(shape):
        tensors += [(o * i, True)] + ([(o, False)] if power else [])
    tensors += [(h, False)] * 2
    everything = tensors * layers + [(h, False), (vocab * h, False)] + ([] if power else [(vocab * h, False)])
    norms = 2 * layers + 1
    baseline = "prepare_model_for_kbit_training" in row["notes"]
    for n, linear in everything:
        if quantized and linear:
            weights += rounded(n // 2)
            scales = n // 64
            constants += rounded(scales) + rounded(scales // 256 * 4) + 512 + 512  # codes, their scales, table, offset
        else:
            weights += rounded(2 * n)
    if quantized:
        constants += 1024  # one table of 256 floats, shared
    if baseline:
        weights += norms * 2 * h
    if row["method"] == "full":
        trainable_states = 2 * weights
        if "fast RMSNorm" in row["notes"]:
            trainable_states -= 2 * norms * 2 * h
    else:
        lora = sum(16 * (o + i) for name, o, i in linears(shape) if name in "qkvo") * layers
        adapters, trainable_states = 4 * lora, 8 * lora
    inputs = 24 * row["micro_batch"] * 4096
    # Loss, norm of the gradients and the like; rotary frequencies, in
    # transformers 4.45's Mistral a buffer of each layer, not of the model.
    per_layer = row["model"].startswith("mistral") and "transformers 4.45" in row["notes"]
    scalars = 3 * 512 + 512 * (layers if per_layer else 1)
    return {
        "weights": weights, "quantization_constants": constants, "adapters": adapters, "optimizer_states": trainable_states,
        "workspace": WORKSPACE, "inputs": inputs, "scalars": scalars,
    }


def static_of(row, runs):
    """Known parts: bytes after a run, or the number of trainable parameters."""
    m, params = row["measured"], row["method_params"]
    run = runs.get(row["id"])
    if row["id"].startswith("fms") and run and m.get("alloc_end_bytes"):
        parts = {k: v for k, v in end_of_run(row).items() if v}
        out = {"id": row["id"], "request": run["request"], "loop": run["loop"], "after": "last step, gradients freed", "allocated_bytes": m["alloc_end_bytes"], "parts": parts}
        out["tolerance_bytes"] = abs(sum(parts.values()) - m["alloc_end_bytes"])
        return out | {"source": source_of(row)}
    if row["id"].startswith("peft-mm") and run and m.get("allocated_end_of_step_avg_gib"):
        total, trainable = 3212749824, params["trainable_params"]
        full = row["method"] == "full"
        parts = {"weights": 2 * total, "retained": round(0.327 * GIB)}
        parts |= {"gradients": 2 * total, "optimizer_states": 4 * total} if full else {"adapters": 4 * trainable, "gradients": 4 * trainable, "optimizer_states": 8 * trainable}
        return {
            "id": row["id"], "request": run["request"], "loop": run["loop"], "after": "each step, gradients kept",
            "allocated_bytes": round(m["allocated_end_of_step_avg_gib"] * GIB), "parts": parts,
            "tolerance_bytes": round(0.012 * GIB), "trainable_parameters": trainable, "source": source_of(row),
        }
    trainable = params.get("trainable_params")
    if not trainable or row["method"] not in ("lora", "qlora", "dora") or row["parallelism"]["gpus"] != 1 or row["model"] not in MODELS:
        return None
    targets, rank = params.get("target_modules"), params.get("rank")
    if row["id"].startswith("swift2"):
        return None  # rounded to hundreds
    if targets == ["all linear layers (ALL)"]:
        targets = "all-linear"
    request = {"model": MODELS[row["model"]], "method": "lora", "lora_rank": rank, "lora_targets": targets}
    if row["id"].startswith("unsloth") and targets != UNSLOTH_LINEAR:
        return None
    if row["id"].startswith("litgpt"):
        request |= {"trainer": "litgpt", "lora_targets": [LITGPT_PARTS.get(t, t) for t in targets or ["q", "v"]]}
    return {"id": row["id"], "request": request, "trainable_parameters": trainable, "tolerance_parameters": 0, "source": source_of(row)}


def write(name, rows):
    with open(HERE / name, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(folder):
    rows = []
    for name in ("finetuning.jsonl", "throughput_1gpu.jsonl"):
        with open(pathlib.Path(folder) / name, encoding="utf-8") as f:
            rows += [json.loads(line) for line in f]
    runs, excluded, static, seen = {}, [], [], set()
    for row in rows:
        try:
            if row["id"] in runs:
                raise Excluded("the same row twice")
            runs[row["id"]] = run_of(row)
        except Excluded as e:
            excluded.append({"id": row["id"], "method": row["method"], "model": row["model"], "reason": str(e), "source": source_of(row)})
    for row in rows:
        known = static_of(row, runs)
        if known is None:
            continue
        key = json.dumps([known["request"], known.get("parts")], sort_keys=True)
        if key not in seen:
            seen.add(key)
            static.append(known)
    write("runs.jsonl", runs.values())
    write("excluded.jsonl", excluded)
    write("static.jsonl", static)
    print(f"{len(runs)} runs, {len(excluded)} excluded, {len(static)} static")
    return runs, excluded, static


if __name__ == "__main__":
    main(sys.argv[1])
