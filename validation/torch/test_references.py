"""python -m unittest: hand arithmetic on a small model, and the engine's decisions on real tensors."""

import logging
import unittest

import torch
import yaml
from torch.profiler import ProfilerActivity, profile

import build
import gpu_runs
import request as requests
import run
import tracker as tracking
from tracker import rounded

logging.disable(logging.WARNING)

VOCAB, HIDDEN, MLP, LAYERS, HEADS, KV_HEADS, HEAD = 1000, 64, 176, 2, 4, 2, 16  # tiny-llama
BATCH, SEQ = 2, 128
TOKENS = BATCH * SEQ


def tiny(**keys):
    keys = {"model": "tiny-llama", "micro_batch": BATCH, "seq_len": SEQ, **keys}
    return run.reference(requests.Request(**keys))


def shapes():
    """Of every parameter, in elements."""
    layer = [HIDDEN, HIDDEN, HIDDEN * HIDDEN, HIDDEN * HIDDEN, HIDDEN * KV_HEADS * HEAD, HIDDEN * KV_HEADS * HEAD]
    layer += [HIDDEN * MLP] * 3
    return [VOCAB * HIDDEN] * 2 + [HIDDEN] + layer * LAYERS


def parameters(bytes_each):
    return sum(rounded(elements * bytes_each) for elements in shapes())


class HandArithmetic(unittest.TestCase):
    def test_states_of_full_training(self):
        row = tiny(precision="bf16")
        self.assertEqual(row["parameters"]["total"], sum(shapes()))
        frequencies = 2 * tracking.ALLOCATION_UNIT  # the rotary embedding's two buffers share one storage or not
        self.assertLessEqual(row["loaded_bytes"]["weights"] - parameters(2), frequencies)
        live = {end["after"]: end["bytes"] for end in row["steps"][1]["live"]}
        self.assertEqual(live["optimizer"] - live["zero_grad"], parameters(2))

    def test_adam_keeps_two_states_of_each_parameter(self):
        first, second = tiny(precision="fp32")["steps"]
        before = {end["after"]: end["bytes"] for end in first["live"]}
        after = {end["after"]: end["bytes"] for end in second["live"]}
        self.assertEqual(after["forward"] - before["forward"], 2 * parameters(4))

    def test_what_a_bf16_layer_keeps(self):
        kept = tiny(precision="bf16")["kept_after_forward"]["layer"]
        hidden, mlp, kv = TOKENS * HIDDEN, TOKENS * MLP, TOKENS * KV_HEADS * HEAD
        norm = 4 * hidden + 2 * hidden + 2 * hidden + rounded(4 * TOKENS)  # fp32 copy, normalized, scaled, rsqrt
        attention = 2 * hidden + 2 * kv + 2 * hidden  # rotated q and k, output
        attention += rounded(4 * BATCH * HEADS * SEQ) + 2 * tracking.ALLOCATION_UNIT  # log-sum-exp, random state
        self.assertEqual(kept["input_layernorm"], norm)
        self.assertEqual(kept["post_attention_layernorm"], norm)
        self.assertEqual(kept["self_attn.v_proj"], 2 * kv)
        self.assertEqual(kept["self_attn"], attention)
        self.assertEqual(kept["mlp.gate_proj"] + kept["mlp.act_fn"] + kept["mlp.up_proj"] + kept["mlp"], 8 * mlp)

    def test_logits_at_the_peak_of_the_loss(self):
        """log-softmax, its gradient and the logits' gradient in fp32; the 16-bit logits are gone."""
        peak = tiny(precision="bf16")["steps"][0]["peak"]
        self.assertEqual(peak["op"], "aten::_log_softmax_backward_data")
        logits = peak["breakdown"][tracking.LOGITS]
        self.assertAlmostEqual(logits, 3 * 4 * TOKENS * VOCAB, delta=8 * tracking.ALLOCATION_UNIT)

    def test_checkpointing_keeps_the_layers_inputs(self):
        kept = tiny(precision="bf16", checkpointing="full")["kept_after_forward"]
        self.assertEqual(sum(kept["layer"].values()), 0)
        self.assertEqual(kept["other_layers"], 2 * TOKENS * HIDDEN)  # the first layer's output: the second's input

    def test_forward_flops(self):
        row = tiny(precision="bf16", attention="eager")
        matrices = sum(elements for elements in shapes() if elements > HIDDEN) - VOCAB * HIDDEN  # no embedding
        scores = 2 * LAYERS * HEADS * HEAD * SEQ * TOKENS
        products = 2 * TOKENS * matrices + 2 * scores
        self.assertEqual(row["steps"][0]["flops"], 3 * products)


class LikeRealTensors(unittest.TestCase):
    def test_gradients_are_added_in_place_where_the_engine_does(self):
        for keys in (
            {},
            {"checkpointing": "full"},
            {"config": {"tie_word_embeddings": True}},
            {"method": "lora", "lora_targets": "all-linear"},
        ):
            request = requests.Request(
                model="tiny-llama", precision="fp32", attention="eager", seq_len=32, **keys
            )
            with self.subTest(**keys):
                self.assertEqual(_additions_on_fake(request), _additions_on_real(request))


def _additions_on_fake(request):
    names, count = [], tracking.Tracker._count_work

    def note(tracker, func, args, kwargs, out):
        if tracker.phase == "backward" and tracker.step == 1:
            names.append(func._schema.name)
        return count(tracker, func, args, kwargs, out)

    tracking.Tracker._count_work = note
    try:
        run.reference(request)
    finally:
        tracking.Tracker._count_work = count
    return _additions(names[:-1])  # the last one adds to the Trainer's running loss


def _additions_on_real(request):
    model = build.model_of(request, "cpu")
    ids = torch.randint(0, 10, (request.micro_batch, request.seq_len))
    loss = model(input_ids=ids, labels=ids)["loss"]
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        loss.backward()
    return _additions(event.name for event in profiled.events())


def _additions(names):
    return [name for name in names if name in ("aten::add", "aten::add_")]


class RunsOnAGpu(unittest.TestCase):
    def test_the_list_is_of_requests_that_differ(self):
        listed = yaml.safe_load((gpu_runs.HERE / "gpu_runs.yaml").read_text())
        keys = {gpu_runs._key(requests.Request(**keys).as_dict()) for keys in listed}
        self.assertGreaterEqual(len(keys), 60)
        self.assertEqual(len(keys), len(listed))
        self.assertLessEqual({keys["model"] for keys in listed}, requests.models().keys())

    def test_each_runs_without_one_in_a_process_of_its_own(self):
        row = gpu_runs._run({"model": "tiny-llama", "precision": "bf16", "micro_batch": BATCH, "seq_len": SEQ}, "fake")
        self.assertEqual(row["peak_bytes"], tiny(precision="bf16")["peak_bytes"])


if __name__ == "__main__":
    unittest.main()
