"""Lets torch's CUDA build train on fake CUDA tensors on a machine that has no NVIDIA driver.

Fake tensors need no device, but some places ask the driver, or for a value, anyway:

* the autograd engine asks the CUDA hooks whether a device has a context. Without a driver that
  raises, so the answer of that one virtual function is replaced by "no";
* autocast and GradScaler switch themselves off when CUDA is not available;
* Module.to() swaps fake parameters, which PEFT's references to them forbid: real ones get new data;
* bitsandbytes makes its parameters a subclass of the tensor, which a fake tensor already is;
* transformers treats fake tensors as a graph being traced and then builds masks that it would skip;
* Liger's kernels enter the device and ask for its number of multiprocessors: an H100's;
* PyTorch picks the attention kernel from the device's properties (see attention.py).
"""

import ctypes
import mmap
import pathlib
import types

import torch
import transformers.masking_utils
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

# AcceleratorHooksInterface's vtable: two destructors, isBuilt, isAvailable, hasPrimaryContext.
_HAS_PRIMARY_CONTEXT_SLOT = 4
_H100 = types.SimpleNamespace(multi_processor_count=132, major=9, minor=0, name="H100", warp_size=32)
_kept_alive = []
_make_subclass = torch.Tensor._make_subclass
_fake_classes = {}


def enable():
    """Makes backward passes and autocast work on fake CUDA tensors."""
    transformers.masking_utils.is_tracing = lambda tensor=None: False
    torch.utils.swap_tensors = _set_data
    torch.Tensor._make_subclass = staticmethod(_make_fake_subclass)
    FakeTensorMode.__deepcopy__ = lambda mode, memo: mode
    if torch.cuda.is_available():
        return
    if torch.version.cuda:
        _answer_no_context()
    torch.cuda.get_device_capability = lambda device=None: (9, 0)
    torch.cuda.get_device_properties = lambda device=None: _H100
    torch.cuda._exchange_device = torch.cuda._maybe_exchange_device = lambda index: 0
    torch.cuda.synchronize = lambda device=None: None
    torch.cuda.amp.common.amp_definitely_not_available = lambda: False
    torch.cuda.is_bf16_supported = lambda including_emulation=True: True


def _set_data(parameter, new):
    parameter.data = new.data


def _make_fake_subclass(cls, data, require_grad=False, **kwargs):
    if not isinstance(data, FakeTensor) or issubclass(cls, FakeTensor):
        return _make_subclass(cls, data, require_grad, **kwargs)
    if cls not in _fake_classes:
        _fake_classes[cls] = type(cls.__name__, (cls, FakeTensor), {})
    parameter = data.detach().requires_grad_(require_grad)
    parameter.__class__ = _fake_classes[cls]
    parameter._is_param = True
    return parameter


def _answer_no_context():
    library = ctypes.CDLL(str(pathlib.Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    get_hooks = library._ZN2at6detail12getCUDAHooksEv
    get_hooks.restype = ctypes.c_void_p
    vtable = ctypes.cast(get_hooks(), ctypes.POINTER(ctypes.c_void_p))[0]
    slot = vtable + _HAS_PRIMARY_CONTEXT_SLOT * ctypes.sizeof(ctypes.c_void_p)
    answer = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_int8)(lambda hooks, index: False)
    _kept_alive.append(answer)
    page = slot & ~(mmap.PAGESIZE - 1)
    ctypes.CDLL(None).mprotect(ctypes.c_void_p(page), 2 * mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)
    ctypes.cast(slot, ctypes.POINTER(ctypes.c_void_p))[0] = ctypes.cast(answer, ctypes.c_void_p).value
