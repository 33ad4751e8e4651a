"""Makes the references: python matrix.py [--only FAMILY] [--list]. Rows that exist are kept.

One file per family in references/, one row per line. A row is keyed by its request.
"""

import argparse
import itertools
import json
import logging
import pathlib
import subprocess
import sys
import traceback

from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN

import build
import request as requests
import run

REFERENCES = pathlib.Path(__file__).parent / "references"

# Models of each family: the ones cut to few layers, and those small enough to run in full depth.
CUT = (
    "llama-2-7b", "llama-3.1-8b", "mistral-7b-v0.1", "mistral-7b-v0.3", "qwen2.5-7b", "qwen3-8b", "gemma-7b",
    "gemma-2-9b", "gemma-3-1b", "phi-2", "phi-3-mini", "phi-4-mini", "gpt2-xl", "gpt-j-6b", "gpt-neo-1.3b",
    "pythia-6.9b", "opt-6.7b", "bloom-7b1", "falcon-7b", "falcon-40b", "falcon-rw-1b", "mpt-7b", "stablelm-2-1.6b",
    "stablelm-2-12b", "olmo-1b", "olmo-2-7b", "olmo-3-7b", "aya-23-8b", "glm-4-9b", "glm-4-32b-0414",
    "starcoder2-3b", "starcoderbase-1b", "granite-3.1-2b", "granite-4.0-micro", "minitron-4b", "smollm3-3b",
    "persimmon-8b", "apertus-8b",
)
DEEP = ("llama-3.2-1b", "tinyllama-1.1b", "smollm2-135m", "qwen2.5-0.5b", "qwen3-0.6b", "gemma-2b", "gemma-2-2b",
        "gemma-3-270m", "phi-1.5", "gpt2", "gpt-neo-125m", "pythia-160m", "opt-125m", "bloom-560m", "olmo-2-1b")
DEEP_LARGE = ("llama-2-7b", "llama-3.1-8b", "mistral-7b-v0.3", "qwen2.5-7b", "qwen3-8b")

# What PEFT adapts by default (peft/utils/constants.py), and what one would name where it has no default.
ATTENTION_TARGETS = {
    "gpt2": "c_attn", "gpt_bigcode": "c_attn", "gpt_neox": "query_key_value", "bloom": "query_key_value",
    "falcon": "query_key_value", "persimmon": "query_key_value", "mpt": "Wqkv", "phi3": "qkv_proj",
}
WITH_LIGER_LOSS = MODEL_TYPE_TO_APPLY_LIGER_FN.keys() - build.LIGER_WITHOUT_FUSED_LOSS
WITH_LIGER_KERNELS = MODEL_TYPE_TO_APPLY_LIGER_FN.keys() - {"nemotron"}  # there an activation only
REENTRANT = ("llama-2-7b", "mistral-7b-v0.3", "gemma-2-9b", "olmo-2-7b", "falcon-7b", "gpt2-xl", "pythia-6.9b")
HEADS = ("llama-3.1-8b", "smollm3-3b", "gemma-2-9b")  # of its own, the embedding's, the embedding's and softcapped
EAGER_ONLY = ("gemma2", "gpt_neo", "bloom", "mpt")
ODD = (  # lengths that no kernel's alignment divides; the last layers of a pattern; a frozen head in float32
    ("gemma-3-270m", dict(method="freeze", precision="bf16", micro_batch=2, seq_len=1024, trainable_layers=2)),
    ("gemma-3-270m", dict(method="freeze", precision="fp16-mixed", micro_batch=2, seq_len=1500, trainable_layers=3, grad_accum=2,
                          loss="chunked", trainer="trl")),
    ("gemma-3-1b", dict(layers=7, precision="bf16", micro_batch=2, seq_len=1001, optimizer="sgd")),
    ("smollm3-3b", dict(layers=8, method="freeze", precision="bf16-mixed", micro_batch=2, seq_len=777, trainable_layers=3)),
    ("falcon-rw-1b", dict(layers=2, method="lora", precision="bf16", micro_batch=3, seq_len=301, lora_targets="query_key_value")),
)
POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len")
MAX_SEQ_LEN = 16384


def plan():
    """In turn over the models, so that a run cut short has something of each."""
    sources = [_deep_large_rows(model) for model in DEEP_LARGE]
    sources += [_deep_rows(model) for model in DEEP]
    sources += [_cut_rows(model) for model in CUT]
    sources += [[_request(model, **row) for model, row in ODD]]
    for rows in itertools.zip_longest(*sources):
        yield from (row for row in rows if row is not None)


def _cut_rows(model):
    """The whole span of settings on two to four layers."""
    kind = _type(model)
    attention = ATTENTION_TARGETS.get(kind, "q_proj,v_proj")
    rows = [
        dict(precision="bf16"),
        dict(precision="bf16", micro_batch=2, seq_len=1024, optimizer="adamw-fused"),
        dict(precision="bf16", micro_batch=4, seq_len=512, attention="eager", optimizer="sgd"),
        dict(precision="bf16-mixed", micro_batch=2, seq_len=1024, checkpointing="full", optimizer="adamw-fused"),
        dict(precision="bf16-mixed", micro_batch=4, seq_len=512, attention="eager"),
        dict(precision="fp16-mixed", micro_batch=4, seq_len=256, grad_accum=2, optimizer="adamw-fused"),
        dict(precision="fp16", micro_batch=1, seq_len=2048, checkpointing="full", optimizer="sgd-momentum"),
        dict(precision="fp32", micro_batch=2, seq_len=512),
        dict(precision="fp32", micro_batch=8, seq_len=128, optimizer="adamw-8bit", grad_accum=2),
        dict(precision="bf16", micro_batch=16, seq_len=256, optimizer="paged-adamw-8bit", layers=3),
        dict(precision="bf16-mixed", micro_batch=2, seq_len=2048, loss="chunked", trainer="trl", checkpointing="full"),
        dict(precision="bf16", micro_batch=8, seq_len=512, loss="chunked", trainer="trl", optimizer="adamw-fused"),
        dict(method="freeze", precision="bf16-mixed", micro_batch=4, seq_len=512, trainable_layers=1, layers=3),
        dict(method="freeze", precision="bf16", micro_batch=2, seq_len=1024, trainable_layers=2, layers=4,
             checkpointing="full"),
        dict(method="lora", precision="bf16", micro_batch=2, seq_len=1024, lora_rank=8, lora_targets=attention),
        dict(method="lora", precision="bf16-mixed", micro_batch=4, seq_len=1024, lora_rank=64,
             lora_targets="all-linear", checkpointing="full"),
        dict(method="lora", precision="bf16-mixed", weights_dtype="fp32", micro_batch=2, seq_len=512, lora_rank=16,
             lora_targets="all-linear", trainer="trl"),
        dict(method="lora", precision="bf16", adapter_dtype="bf16", micro_batch=8, seq_len=512, lora_rank=16,
             lora_targets=attention, modules_to_save="lm_head"),
        dict(method="lora", precision="fp16-mixed", micro_batch=1, seq_len=2048, lora_rank=32,
             lora_targets="all-linear", attention="eager", checkpointing="full", grad_accum=2),
        dict(method="lora", precision="fp32", micro_batch=4, seq_len=256, lora_rank=8, lora_targets=attention),
        dict(method="lora", precision="bf16", micro_batch=1, seq_len=MAX_SEQ_LEN, lora_rank=16,
             lora_targets="all-linear", checkpointing="full"),
        dict(method="dora", precision="bf16", micro_batch=2, seq_len=512, lora_rank=16, lora_targets="all-linear"),
        dict(method="dora", precision="bf16-mixed", micro_batch=4, seq_len=512, lora_rank=8,
             lora_targets=attention, checkpointing="full"),
        dict(method="qlora", quant="nf4", precision="bf16", micro_batch=4, seq_len=512, lora_rank=16,
             lora_targets="all-linear"),
        dict(method="qlora", quant="nf4", double_quant=True, precision="bf16-mixed", micro_batch=4, seq_len=1024,
             lora_rank=16, lora_targets="all-linear", checkpointing="full", optimizer="paged-adamw-8bit"),
        dict(method="qlora", quant="nf4", double_quant=True, precision="bf16-mixed", micro_batch=2, seq_len=512,
             lora_rank=64, lora_targets="all-linear", trainer="trl", loss="chunked", optimizer="paged-adamw-32bit"),
        dict(method="qlora", quant="fp4", precision="fp16-mixed", micro_batch=1, seq_len=1024, lora_rank=8,
             lora_targets=attention, kbit_prep=False),
        dict(method="qlora", quant="int8", precision="bf16-mixed", micro_batch=2, seq_len=1024, lora_rank=16,
             lora_targets="all-linear", checkpointing="full"),
        dict(method="qlora", quant="int8", precision="fp16", micro_batch=4, seq_len=256, lora_rank=8,
             lora_targets=attention, kbit_prep=False),
    ]
    if kind in WITH_LIGER_LOSS:
        rows += [
            dict(precision="bf16", micro_batch=4, seq_len=1024, loss="fused", optimizer="adamw-fused"),
            dict(precision="bf16-mixed", micro_batch=2, seq_len=2048, loss="fused", checkpointing="full"),
            dict(method="lora", precision="bf16", micro_batch=8, seq_len=1024, loss="fused", lora_rank=16,
                 lora_targets="all-linear", checkpointing="full"),
        ]
    if model in REENTRANT:
        rows += _reentrant_rows(attention)
    if kind in WITH_LIGER_KERNELS:
        rows += _liger_rows(kind, attention)
    if model in HEADS:
        rows += _head_rows(attention)
    for row in rows:
        yield _request(model, **{"layers": 2, **row})


def _head_rows(attention):
    """A head that trains: as a copy under every loss, in types that differ from the adapters', and by an adapter."""
    copy = dict(method="lora", modules_to_save="lm_head", micro_batch=3, seq_len=700, lora_targets=attention)
    return [
        dict(copy, precision="bf16-mixed", grad_accum=2),
        dict(copy, precision="bf16", loss="fused"),
        dict(copy, precision="bf16-mixed", loss="chunked", trainer="trl", grad_accum=2),
        dict(copy, method="qlora", precision="bf16", loss="chunked", trainer="trl", checkpointing="full"),
        dict(method="lora", precision="bf16", micro_batch=3, seq_len=700, lora_targets=attention + ",lm_head"),
    ]


def _reentrant_rows(attention):
    for row in (
        dict(precision="bf16", micro_batch=4, seq_len=1024, optimizer="sgd"),
        dict(precision="bf16-mixed", micro_batch=2, seq_len=1024, optimizer="sgd", grad_accum=2),
        dict(method="lora", precision="bf16", micro_batch=4, seq_len=1024, lora_rank=16, lora_targets="all-linear"),
        dict(method="lora", precision="bf16-mixed", micro_batch=2, seq_len=2048, lora_rank=16, lora_targets=attention),
        dict(method="qlora", precision="bf16-mixed", micro_batch=4, seq_len=1024, lora_rank=16, lora_targets="all-linear",
             kbit_prep=False),
    ):
        yield {"trainer": requests.REENTRANT, "checkpointing": "full", **row}


def _liger_rows(kind, attention):
    """All of Liger's kernels. Without optimizer states, so that the peak falls among the activations."""
    loss = "fused" if kind in WITH_LIGER_LOSS else "standard"
    for row in (
        dict(precision="bf16", micro_batch=2, seq_len=1024, optimizer="sgd", loss="standard"),
        dict(precision="bf16-mixed", micro_batch=4, seq_len=512, optimizer="sgd", loss=loss),
        dict(precision="bf16-mixed", micro_batch=2, seq_len=512, optimizer="sgd", attention="eager", loss="standard"),
        dict(precision="fp32", micro_batch=2, seq_len=512, optimizer="sgd", loss="standard"),
        dict(precision="bf16", micro_batch=4, seq_len=1024, loss=loss, checkpointing="full", optimizer="sgd"),
        dict(method="lora", precision="bf16", micro_batch=4, seq_len=1024, loss=loss, lora_rank=16,
             lora_targets="all-linear"),
        dict(method="lora", precision="bf16-mixed", micro_batch=2, seq_len=2048, loss="standard", lora_rank=16,
             lora_targets=attention, checkpointing="full"),
        dict(method="qlora", precision="bf16", micro_batch=2, seq_len=2048, loss=loss, lora_rank=16, lora_targets="all-linear",
             checkpointing="full"),
        dict(method="qlora", double_quant=True, precision="bf16-mixed", micro_batch=4, seq_len=512, lora_rank=16,
             lora_targets="all-linear", trainer="trl", loss="chunked"),
    ):
        yield {"kernels": "liger", **row}


def _deep_rows(model):
    attention = ATTENTION_TARGETS.get(_type(model), "q_proj,v_proj")
    yield _request(model, precision="bf16", micro_batch=4, seq_len=512)
    yield _request(model, precision="bf16-mixed", micro_batch=8, seq_len=1024, checkpointing="full",
                   optimizer="adamw-fused")
    yield _request(model, precision="fp32", micro_batch=1, seq_len=256, optimizer="sgd-momentum")
    yield _request(model, method="lora", precision="bf16-mixed", micro_batch=2, seq_len=1024, lora_rank=16,
                   lora_targets=attention)
    yield _request(model, method="qlora", double_quant=True, precision="bf16", micro_batch=4, seq_len=1024,
                   lora_rank=32, lora_targets="all-linear", checkpointing="full")


def _deep_large_rows(model):
    yield _request(model, precision="bf16", micro_batch=1, seq_len=2048, checkpointing="full")
    yield _request(model, method="lora", precision="bf16", micro_batch=4, seq_len=512, lora_rank=8,
                   lora_targets="q_proj,v_proj")
    yield _request(model, method="lora", precision="bf16-mixed", micro_batch=2, seq_len=4096, lora_rank=16,
                   lora_targets="all-linear", checkpointing="full", trainer="trl", loss="chunked")
    yield _request(model, method="qlora", double_quant=True, precision="bf16", micro_batch=1, seq_len=2048,
                   lora_rank=64, lora_targets="all-linear", checkpointing="full", optimizer="paged-adamw-32bit")


def _request(model, **keys):
    config = requests.models()[model]
    longest = next((config[key] for key in POSITIONS if key in config), MAX_SEQ_LEN)
    keys["seq_len"] = min(keys.get("seq_len", 512), longest)
    if _type(model) in EAGER_ONLY:
        keys["attention"] = "eager"
    return requests.Request(model=model, **keys)


def _type(model):
    return requests.models()[model]["type"]


def _key(request):
    return json.dumps(request, sort_keys=True)


def _done():
    rows = (json.loads(line) for path in REFERENCES.glob("*.jsonl") for line in path.open())
    return {_key(row["request"]) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one model_type")
    parser.add_argument("--list", action="store_true", help="print the requests and stop")
    options = parser.parse_args()
    wanted = [r for r in plan() if options.only in (None, _type(r.model))]
    if options.list:
        print("\n".join(_key(request.as_dict()) for request in wanted))
        return
    logging.disable(logging.WARNING)
    REFERENCES.mkdir(exist_ok=True)
    done = _done()
    for request in wanted:
        key = _key(request.as_dict())
        if key not in done:
            done.add(key)
            _make(request)


def _make(request):
    try:
        row = _in_a_process_of_its_own(request) if request.kernels == "liger" else run.reference(request)
    except Exception:  # one request that a library refuses must not stop the others
        print("failed:", _key(request.as_dict()), traceback.format_exc(limit=-2), file=sys.stderr, flush=True)
        return
    path = REFERENCES / f"{_type(request.model)}.jsonl"
    with path.open("a") as file:
        print(json.dumps(row, separators=(",", ":")), file=file)


def _in_a_process_of_its_own(request):
    """Liger patches the modules of transformers for good."""
    flags = [sys.executable, str(pathlib.Path(run.__file__))]
    for key, value in request.as_dict().items():
        flags += ["--" + key.replace("_", "-"), _flag(value)]
    return json.loads(subprocess.run(flags, check=True, capture_output=True, text=True).stdout)


def _flag(value):
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
