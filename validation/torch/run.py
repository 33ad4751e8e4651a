"""Makes one reference: python run.py --model llama-2-7b --method lora --micro-batch 2 [--trace FILE]

Every key of request.py is a flag. The result is one JSON object on stdout. With --device cuda the same
steps run on the real GPU and are measured.
"""

import argparse
import dataclasses
import gc
import json
import logging
import re
import sys
import typing

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import attention
import build
import custom_kernels
import driverless
import measure
import optimizers
import quantize
import request as requests
import step
import tracker as tracking

_LAYER = re.compile(r"^(?:.*?\.)?(?:layers|h|blocks)\.(\d+)(?:\.(.*))?$")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for field in dataclasses.fields(requests.Request):
        parser.add_argument("--" + field.name.replace("_", "-"), type=_reader(field), default=argparse.SUPPRESS)
    parser.add_argument("--trace", help="write every allocation and free to this file (- for stdout)")
    parser.add_argument("--device", choices=("fake", "cuda"), default="fake")
    options = vars(parser.parse_args())
    trace, device = options.pop("trace"), options.pop("device")
    request = requests.Request(**options)
    logging.disable(logging.WARNING)
    if device == "cuda":
        print(json.dumps(measure.measure(request)))
        return
    file = None if trace is None else sys.stdout if trace == "-" else open(trace, "w")
    result = reference(request, file)
    print(json.dumps(result), file=sys.stderr if trace == "-" else sys.stdout)


def _reader(field):
    kinds = typing.get_args(field.type) or (field.type,)
    if bool in kinds:
        return lambda text: {"true": True, "false": False}[text]
    if int in kinds:
        return int
    if dict in kinds:
        return json.loads
    return str


def reference(request, trace=None):
    """Runs the request on fake CUDA tensors and tells what a caching allocator would have counted."""
    driverless.enable()
    attention.enable()
    custom_kernels.enable()
    gc.collect()
    with FakeTensorMode(), tracking.Tracker(trace) as tracker, custom_kernels.CustomKernels() as custom:
        watch = Watch(tracker, custom)
        tracker.calibrate("cuda:0")
        model = build.model_of(request, "cuda:0")
        optimizer = optimizers.make(model, request.optimizer)
        watch.observe(model, request)
        compute = requests.DTYPES[request.compute]
        training = step.Training(model, optimizer, request, compute, "cuda:0")
        gc.collect()
        watch.end_of("load")
        steps = [watch.step(training, number) for number in range(1, request.steps + 1)]
        parameters = quantize.parameters(model)
    return {
        "request": request.as_dict(),
        "versions": requests.versions(),
        "parameters": parameters,
        "loaded_bytes": watch.loaded,
        "peak_bytes": max(s["peak"]["bytes"] for s in steps),
        "steps": steps,
        "kept_after_forward": watch.kept,
    }


class Watch:
    """Tells the tracker where training is, and reads it at the end of each phase."""

    def __init__(self, tracker, custom):
        self.tracker, self.custom = tracker, custom
        self.ends, self.loaded, self.kept = [], {}, {}

    @property
    def phase(self):
        return self.tracker.phase

    @phase.setter
    def phase(self, phase):
        self.tracker.phase = phase

    def end_of(self, phase):
        self.ends.append({"after": phase, "bytes": self.tracker.live})
        if phase == "forward":
            self.kept = _by_place(self.tracker.kept())

    def step(self, training, number):
        gc.collect()
        self.ends = []
        self.tracker.step, self.tracker.flops, self.custom.flops = number, 0, 0
        self.tracker.reset_peak()
        gc.disable()  # only reference counts may free: when a collection runs is chance
        try:
            training.run_step(self)
        finally:
            gc.enable()
        self.retag_states(training.optimizer)
        peak = dataclasses.asdict(self.tracker.peak)
        peak["breakdown"] = {k: v for k, v in peak["breakdown"].items() if v}
        return {"peak": peak, "live": self.ends, "flops": self.tracker.flops + self.custom.flops}

    def observe(self, model, request):
        """Tags parameters, and hooks on modules and gradients. No hook keeps a tensor."""
        for constant in quantize.constants(model):
            self.tracker.tag(constant, tracking.CONSTANTS)
        for name, parameter in model.named_parameters():
            is_adapter = "lora_" in name or "modules_to_save" in name
            self.tracker.tag(parameter, tracking.ADAPTERS if is_adapter else tracking.WEIGHTS)
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(self._tag_gradient)
        for path, module in model.named_modules():
            module.register_forward_pre_hook(_Enter(self.tracker, path))
            module.register_forward_hook(_Leave(self.tracker), always_call=True)
        self.tracker.loss_modules = _loss_modules(model, request)
        self._name_loss(model)
        self.loaded = {k: v for k, v in self.tracker.by_category.items() if v}

    def retag_states(self, optimizer):
        for state in optimizer.state.values():
            for value in state.values():
                if isinstance(value, torch.Tensor):
                    self.tracker.tag(value, tracking.OPTIMIZER)

    def _tag_gradient(self, parameter):
        self.tracker.tag(parameter.grad, tracking.GRADIENTS)

    def _name_loss(self, model):
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        loss_function, tracker = base.loss_function, self.tracker

        def named(*args, **kwargs):
            tracker.enter_module("loss")
            try:
                return loss_function(*args, **kwargs)
            finally:
                tracker.leave_module()

        base.loss_function = named


def _by_place(kept):
    """The second layer in full, the other layers and what lies outside of them in sum."""
    places = {"layer": {}, "other_layers": 0, "outside": 0}
    for path, size in kept.items():
        match = _LAYER.match(path)
        if not match:
            places["outside"] += size
        elif match[1] != "1":
            places["other_layers"] += size
        else:
            name = match[2] or "itself"
            places["layer"][name] = places["layer"].get(name, 0) + size
    return places


class _Enter:
    def __init__(self, tracker, path):
        self.tracker, self.path = tracker, path

    def __call__(self, module, args):
        self.tracker.enter_module(self.path)


class _Leave:
    def __init__(self, tracker):
        self.tracker = tracker

    def __call__(self, module, args, output):
        self.tracker.leave_module()


def _loss_modules(model, request):
    """Where logits and loss are made: the head, the loss function and, when these are one, the model itself."""
    head = model.get_output_embeddings()
    paths = {path for path, module in model.named_modules() if module is head}
    if request.loss != "standard":
        paths |= {"", "base_model", "base_model.model"}
    return paths | {"loss"}


if __name__ == "__main__":
    main()
