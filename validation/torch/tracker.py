"""Watches every storage that fake CUDA tensors allocate and free, as the CUDA caching allocator would.

A dispatch mode above FakeTensorMode sees each operation after autograd and autocast, as the device
would. A weak reference on each new storage tells when the last tensor that uses it dies: frees follow
Python's and autograd's real reference counts. The tracker itself keeps no tensor alive.
"""

import bisect
import collections
import dataclasses
import math
import sys
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

ALLOCATION_UNIT = 512  # bytes: kMinBlockSize of the CUDA caching allocator

WEIGHTS = "weights"
CONSTANTS = "quantization_constants"
ADAPTERS = "adapters"
GRADIENTS = "gradients"
OPTIMIZER = "optimizer_states"
ACTIVATIONS = "activations"
LOGITS = "logits_and_loss"
INPUTS = "inputs"
WORKSPACE = "workspace"

_STATE_MAKERS = {torch.ops.aten.zeros_like.default, torch.ops.aten.zeros.default}


# Operation -> its in-place form, and how many holders of its target there are beside an engine's one:
# the backward formulas of minimum and maximum name the tensor that they fill.
_IN_PLACE = {
    torch.ops.aten.add.Tensor: (torch.ops.aten.add_.Tensor, 0),
    torch.ops.aten.masked_fill.Scalar: (torch.ops.aten.masked_fill_.Scalar, 1),
}


def _is_like(value, tensor):
    return isinstance(value, torch.Tensor) and value.shape == tensor.shape and value.dtype == tensor.dtype


def rounded(size):
    return math.ceil(size / ALLOCATION_UNIT) * ALLOCATION_UNIT


def _unread_value(tensor):
    """What a program is told that reads a fake value: masks are all true (no padding, one sequence
    per row), Adam's step count on the host is 1, and the rest (found_inf) is 0."""
    if tensor.dtype == torch.bool:
        return True
    return 1 if tensor.device.type == "cpu" else 0


@dataclasses.dataclass
class Block:
    number: int
    size: int
    category: str
    module: str


class _Reference(weakref.ref):
    __slots__ = ("handle",)


@dataclasses.dataclass
class Peak:
    bytes: int = 0
    phase: str = ""
    module: str = ""
    op: str = ""
    breakdown: dict = dataclasses.field(default_factory=dict)


class Tracker(TorchDispatchMode):
    """Counts live bytes; `peak` is the highest count since `reset_peak`."""

    def __init__(self, trace=None):
        super().__init__()
        self.phase, self.op, self.module = "load", "", ""
        self.step = 0
        self.live, self.flops, self.launches = 0, 0, 0
        self.by_category = collections.Counter()
        self.peak = Peak()
        self.loss_modules = set()
        self._trace = trace
        self._blocks, self._references = {}, {}
        self._number = 0
        self._scopes = []
        self._marks = _ModuleMarks()
        self._sole_uses = None

    # -- what the training program tells

    def calibrate(self, device):
        """Learns the reference counts that an operation's argument shows when only the autograd engine
        holds it: they depend on the dispatch modes in between."""
        self.phase = "backward"
        leaf = torch.ones(2, device=device, requires_grad=True)
        shared = leaf.sin()
        (shared.cos() + shared.tanh()).sum().backward()
        self.phase = "load"

    def reset_peak(self):
        self.peak = Peak(self.live, self.phase, self.module, self.op, dict(self.by_category))

    def tag(self, tensor, category):
        """Puts the storage of a tensor in a category."""
        block = self._blocks.get(tensor.untyped_storage()._cdata)
        if block and block.category != category:
            self.by_category[block.category] -= block.size
            self.by_category[category] += block.size
            block.category = category

    def kept(self):
        """Live bytes of activations, by the module that allocated them."""
        bytes_of = collections.Counter()
        for block in self._blocks.values():
            if block.category in (ACTIVATIONS, LOGITS):
                bytes_of[block.module] += block.size
        return bytes_of

    def enter_module(self, path):
        self._scopes.append(path)
        self.module = path
        self._marks.add(torch.autograd._get_sequence_nr(), path)

    def leave_module(self):
        self._scopes.pop()
        self.module = self._scopes[-1] if self._scopes else ""
        self._marks.add(torch.autograd._get_sequence_nr(), self.module)

    # -- what torch tells

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.phase == "backward":
            # FakeTensorMode says so on its own thread only; constants on autograd's would become real tensors.
            torch._C._set_only_lift_cpu_tensors(True)
        if func is torch.ops.prim.device.default:
            return func(*args, **kwargs)
        if func is torch.ops.aten._local_scalar_dense.default:
            return _unread_value(args[0])
        if func in _IN_PLACE and self._is_in_place_on_real_tensors(func, args, kwargs):
            func = _IN_PLACE[func][0]
        self.op = func.name()
        out = func(*args, **kwargs)
        self._count_work(func, args, kwargs, out)
        category = None
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                category = category or self._category(func, args)
                self._see(tensor, category)
        return out

    def _is_in_place_on_real_tensors(self, func, args, kwargs):
        """The autograd engine adds gradients in place, and some backward formulas write in place, when they
        hold the only reference, but never on tensor subclasses such as fake tensors."""
        if self.phase != "backward" or torch.is_grad_enabled() or kwargs:
            return False
        target = args[0]
        if func is torch.ops.aten.add.Tensor and not _is_like(args[1], target):
            return False
        uses = (
            sys.getrefcount(target),
            target._use_count(),
            torch._C._storage_Use_Count(target.untyped_storage()._cdata),
        )
        if self._sole_uses is None:
            self._sole_uses = uses
        allowed = (self._sole_uses[0], self._sole_uses[1] + _IN_PLACE[func][1], self._sole_uses[2])
        return all(now <= most for now, most in zip(uses, allowed))

    def _count_work(self, func, args, kwargs, out):
        count = flop_registry.get(func._overloadpacket)
        if count:
            self.flops += count(*args, **kwargs, out_val=out)

    def _category(self, func, args):
        if self.phase == "load":
            return WEIGHTS
        if self.phase == "optimizer":
            return OPTIMIZER if func in _STATE_MAKERS else WORKSPACE
        if self.phase == "inputs":
            return INPUTS
        return LOGITS if self._where() in self.loss_modules else ACTIVATIONS

    def _where(self):
        """The module that runs or, in a backward pass, the one whose forward made the running node."""
        if self.phase != "backward" or self._scopes:
            return self.module
        node = torch._C._current_autograd_node()
        return self._marks.find(node._sequence_nr()) if node is not None else ""

    def _see(self, tensor, category):
        storage = tensor.untyped_storage()
        if storage._cdata in self._blocks or tensor.device.type == "cpu":
            return
        size = rounded(storage.nbytes())
        if size == 0:
            return
        self._number += 1
        block = Block(self._number, size, category, self._where())
        reference = _Reference(storage, self._free)
        reference.handle = storage._cdata
        self._blocks[storage._cdata] = block
        self._references[storage._cdata] = reference
        self._change(block, size)
        if self._trace:
            self._write("+", block, f"{str(tensor.dtype)[6:]}{list(tensor.shape)}")
        if self.live > self.peak.bytes:
            self.peak = Peak(self.live, self.phase, self._where(), self.op, dict(self.by_category))

    def _free(self, reference):
        block = self._blocks.pop(reference.handle)
        del self._references[reference.handle]
        self._change(block, -block.size)
        if self._trace:
            self._write("-", block, "")

    def _change(self, block, size):
        self.live += size
        self.by_category[block.category] += size

    def _write(self, sign, block, shape):
        fields = (self.step, self.phase, self._where(), self._node(), self.op, f"{sign}{block.size}",
                  f"#{block.number}", shape, block.category, self.live)
        print(*fields, sep="\t", file=self._trace)

    def _node(self):
        node = torch._C._current_autograd_node() if self.phase == "backward" else None
        return node.name() if node is not None else ""


class _ModuleMarks:
    """Which module was running when autograd handed out a sequence number."""

    def __init__(self):
        self._numbers, self._paths = [], []

    def add(self, number, path):
        if self._numbers and self._numbers[-1] == number:
            self._paths[-1] = path
            return
        self._numbers.append(number)
        self._paths.append(path)

    def find(self, number):
        index = bisect.bisect_right(self._numbers, number) - 1
        return self._paths[index] if index >= 0 else ""
