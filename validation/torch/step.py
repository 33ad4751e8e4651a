"""Training steps in the order, and with the lifetimes, of the Hugging Face Trainer on one device.

transformers/trainer.py: `_run_epoch` (micro-batches are prefetched, so all of an optimizer step's inputs
live at once; clip, step, zero_grad), `training_step` and `compute_loss` (outputs die when compute_loss
returns, before the backward pass). accelerate/accelerator.py: `prepare_model` wraps forward in autocast
and then in convert_outputs_to_fp32; GradScaler for fp16.
"""

import inspect
import types

import torch
from accelerate.utils import convert_outputs_to_fp32

MAX_GRAD_NORM = 1.0


class Training:
    def __init__(self, model, optimizer, request, compute_dtype, device):
        self.model, self.optimizer, self.request, self.device = model, optimizer, request, device
        self.scaler = torch.amp.GradScaler("cuda") if request.precision == "fp16-mixed" else None
        self.counts_items = _accepts_loss_kwargs(model)
        if request.mixed:
            _wrap_in_autocast(model, compute_dtype)

    def run_step(self, watch):
        """One optimizer step. `watch.phase` is told where the step is."""
        watch.phase = "inputs"
        batches = [self._batch() for _ in range(self.request.grad_accum)]
        items = sum(batch["labels"][..., 1:].ne(-100).sum() for batch in batches) if self.counts_items else None
        total_loss = torch.tensor(0.0, device=self.device)
        for batch in batches:
            loss = self._training_step(batch, items, watch)
            total_loss += loss
            watch.end_of("backward")
        watch.phase = "optimizer"
        self._update()
        watch.end_of("optimizer")
        self.model.zero_grad()
        watch.end_of("zero_grad")

    def _batch(self):
        shape = (self.request.micro_batch, self.request.seq_len)
        ids = torch.randint(0, 10, shape, device=self.device)
        return {"input_ids": ids, "labels": ids.clone()}

    def _training_step(self, inputs, items, watch):
        watch.phase = "forward"
        loss = self._compute_loss(inputs, items)
        del inputs
        watch.end_of("forward")
        watch.phase = "backward"
        if not self.counts_items:
            loss = loss / self.request.grad_accum
        self._backward(loss)
        return loss.detach()

    def _compute_loss(self, inputs, items):
        if self.request.loss == "chunked":
            return self._fused_head_loss(inputs, items)
        if self.counts_items:
            inputs = {**inputs, "num_items_in_batch": items}
        outputs = self.model(**inputs)
        return outputs["loss"]

    def _fused_head_loss(self, inputs, items):
        """SFTTrainer.compute_loss; its metrics come after and allocate vectors only."""
        outputs = self.model(**inputs, fused_lm_head=True)
        per_token = -outputs.log_probs
        count = outputs.label_mask.sum() if items is None else items
        return per_token.sum() / torch.as_tensor(count).clamp(min=1)

    def _backward(self, loss):
        loss = loss / 1  # accelerate divides by its own gradient_accumulation_steps, which Trainer leaves at 1
        if self.scaler:
            self.scaler.scale(loss).backward()
        else:
            loss.backward()

    def _update(self):
        if self.scaler:
            self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRAD_NORM)
        if self.scaler:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()


def _accepts_loss_kwargs(model):
    """Trainer.__init__: whether the model divides the loss by the number of items itself."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    if hasattr(base, "accepts_loss_kwargs"):
        return base.accepts_loss_kwargs
    parameters = inspect.signature(base.forward).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _wrap_in_autocast(model, dtype):
    autocast = torch.autocast(device_type="cuda", dtype=dtype)
    model.forward = types.MethodType(autocast(model.forward.__func__), model)
    model.forward = types.MethodType(convert_outputs_to_fp32(model.forward.__func__), model)
