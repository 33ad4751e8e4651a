"""The same training steps on a real GPU: what PyTorch allocates and reserves, what the driver reports for
the process, and how long a step takes. Also the card's own rates, to which times are related.
"""

import os
import statistics
import subprocess

import torch

import build
import optimizers
import quantize
import request as requests
import step

DEVICE = "cuda:0"
WARM_UP_STEPS, TIMED_STEPS = 3, 10
MATMUL_SIZE = 8192
COPY_BYTES = 1 << 30
MIB = 1 << 20


class _Watch:
    """What run.Watch tells of fake tensors, from the allocator's own count."""

    def __init__(self):
        self.phase, self.ends = "", []

    def end_of(self, phase):
        self.ends.append({"after": phase, "bytes": torch.cuda.memory_allocated()})


def measure(request):
    context = _process_bytes()
    card = _card()
    model = build.model_of(request, DEVICE)
    optimizer = optimizers.make(model, request.optimizer)
    training = step.Training(model, optimizer, request, requests.DTYPES[request.compute], DEVICE)
    loaded = torch.cuda.memory_allocated()
    steps = [_memory_of_step(training) for _ in range(2)]
    return {
        "request": request.as_dict(),
        "versions": requests.versions(),
        "card": {**card, "context_bytes": context},
        "parameters": quantize.parameters(model),
        "loaded_bytes": loaded,
        "steps": steps,
        "peak_bytes": max(s["peak_bytes"] for s in steps),
        "reserved_bytes": torch.cuda.max_memory_reserved(),
        "process_bytes": _process_bytes(),
        "step_seconds": _step_seconds(training),
    }


def _memory_of_step(training):
    watch = _Watch()
    torch.cuda.reset_peak_memory_stats()
    training.run_step(watch)
    torch.cuda.synchronize()
    return {"peak_bytes": torch.cuda.max_memory_allocated(), "live": watch.ends}


def _step_seconds(training):
    for _ in range(WARM_UP_STEPS):
        training.run_step(_Watch())
    return statistics.median(_seconds(lambda: training.run_step(_Watch())) for _ in range(TIMED_STEPS))


def _seconds(work):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def _card():
    properties = torch.cuda.get_device_properties(0)
    rates = {
        "name": properties.name,
        "capacity_bytes": properties.total_memory,
        "bf16_matmul_flops": _matmul_flops(torch.bfloat16),
        "fp32_matmul_flops": _matmul_flops(torch.float32),
        "copy_bytes_per_second": _copy_rate(),
    }
    torch.cuda.empty_cache()
    return rates


def _matmul_flops(dtype):
    a, b = (torch.randn(MATMUL_SIZE, MATMUL_SIZE, dtype=dtype, device=DEVICE) for _ in range(2))
    return 2 * MATMUL_SIZE**3 / _best_of(lambda: a @ b)


def _copy_rate():
    source = torch.empty(COPY_BYTES, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    return 2 * COPY_BYTES / _best_of(lambda: target.copy_(source))


def _best_of(work, times=10):
    work()
    return min(_seconds(work) for _ in range(times))


def _process_bytes():
    """What the driver counts for this process: the context, what torch reserves, and libraries' own."""
    torch.zeros(1, device=DEVICE)
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    used = dict(line.split(", ") for line in lines)
    if str(os.getpid()) in used:
        return int(used[str(os.getpid())]) * MIB
    free, total = torch.cuda.mem_get_info()
    return total - free  # inside a container the driver knows other process ids: the whole card's use then
