"""PyTorch on an NVIDIA GPU among the contenders: cuBLAS's products, and its attention.

In f32, without the 19-bit products that the hardware has for it, or in f16 or bf16 with flash attention. Times are the
GPU's."""

import torch
import torch.nn.functional as F

import torch_models

KINDS = {}


def kind(function):
    KINDS[function.__name__] = function
    return function


class Cuda:
    def __init__(self, work):
        if not torch.cuda.is_available():
            raise RuntimeError("this PyTorch sees no CUDA device")
        torch.backends.cuda.matmul.allow_tf32 = False
        if work["kind"] not in KINDS:
            raise RuntimeError(f"it has no '{work['kind']}' on CUDA")
        self.type = {"f16": torch.float16, "bf16": torch.bfloat16}.get(work["variant"].partition("-")[2], torch.float32)
        self.before, self.after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.function = KINDS[work["kind"]](work, self.there)

    def there(self, tensor):
        return tensor.to("cuda", self.type).contiguous()

    def call(self):
        self.before.record()
        given = self.function()
        self.after.record()
        torch.cuda.synchronize()
        return given

    def seconds(self):
        return 1e-3 * self.before.elapsed_time(self.after)


@kind
def copy(work, there):
    x = there(torch_models.array(work["inputs"][0]))
    return lambda: 2 * x


@kind
def matmul(work, there):
    weight = there(next(iter(torch_models.weights(work["weights"]["file"]).values())))
    x = there(torch_models.array(work["inputs"][0]))
    return lambda: F.linear(x, weight)


@kind
def attention(work, there):
    q, k, v = (there(torch_models.array(input).transpose(0, 1)[None]) for input in work["inputs"])
    backend = torch.nn.attention.SDPBackend
    best = backend.FLASH_ATTENTION if q.dtype != torch.float32 else backend.EFFICIENT_ATTENTION  # flash has no f32

    def call():
        with torch.nn.attention.sdpa_kernel(best):
            return F.scaled_dot_product_attention(q, k, v, is_causal=work["causal"])
    return call


@kind
def decode(work, there):
    def first(old, new):
        both = torch.cat([torch_models.array(old), torch_models.array(new)], 1)
        return there(both.transpose(1, 2))
    q = there(torch_models.array(work["inputs"][0]).transpose(1, 2))
    k, v = (first(work["past"][i], work["inputs"][i]) for i in (1, 2))
    return lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=work["heads"] != work["keys"])
