"""PyTorch among the contenders: its products, its attention, and whole models, eager or compiled."""

import torch
import torch.nn.functional as F

import protocol
import torch_cuda
import torch_models


def prepared_matmul(work):
    """F.linear, for inputs of one shape; its product is a library's that comes with PyTorch."""
    path, offset = work["weights"]["file"], work["weights"]["offset"]
    weight = next(iter(torch_models.weights(path).values()))
    x = torch_models.array(work["inputs"][0])
    return lambda: F.linear(x, weight)


def heads_first(input):
    """[position, head, width] as PyTorch's attention reads it best: [1, head, position, width], contiguous."""
    return torch_models.array(input).transpose(0, 1).contiguous()[None]


def prepared_attention(work):
    q, k, v = map(heads_first, work["inputs"])
    causal, flash = work["causal"], torch.nn.attention.SDPBackend.FLASH_ATTENTION  # its fastest on a CPU

    def call():
        with torch.nn.attention.sdpa_kernel(flash):
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return call


def prepared_flex(work):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    q, k, v = map(heads_first, work["inputs"])
    window, cap, length = work["window"], work["softcap"], q.shape[2]
    mask = create_block_mask(lambda b, h, i, j: (j <= i) & (i - j < window), None, None, length, length, device="cpu")
    compiled = torch.compile(flex_attention)

    def score(s, b, h, i, j):
        return cap * torch.tanh(s / cap)
    return lambda: compiled(q, k, v, score_mod=score, block_mask=mask)


def prepared_decode(work):
    def first(old, new):
        both = torch.cat([torch_models.array(old), torch_models.array(new)], 1)
        return both.transpose(1, 2).contiguous()
    q = torch_models.array(work["inputs"][0]).transpose(1, 2).contiguous()
    k, v = (first(work["past"][i], work["inputs"][i]) for i in (1, 2))
    grouped = work["heads"] != work["keys"]
    return lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)


def prepared_model(work):
    model, inputs = torch_models.built(work)
    if work["type"] == "int8":  # and activations, by what the largest of each call is
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, torch.qint8)
    if work.get("variant") == "compile":
        torch._inductor.config.freezing = True  # weights are constants, in the order that kernels read best
        model = torch.compile(model)
    return lambda: model(*inputs)


KINDS = {"matmul": prepared_matmul, "attention": prepared_attention, "flex": prepared_flex, "decode": prepared_decode,
         "model": prepared_model}


class Torch:
    def prepare(self, work):
        torch.set_num_threads(work["threads"])
        torch._dynamo.reset()
        self.kind, self.function = work["kind"], None
        self.cuda = torch_cuda.Cuda(work) if work.get("variant", "").startswith("cuda") else None
        self.function = self.cuda.call if self.cuda else KINDS[work["kind"]](work)
        return {"version": torch.__version__}

    def call(self):
        with torch.no_grad():
            self.given = self.function()

    def seconds(self):
        return self.cuda.seconds() if self.cuda else None

    def result(self):
        first = self.given[0] if isinstance(self.given, tuple) else self.given
        if self.kind in ("attention", "flex", "decode"):
            first = first.transpose(1, 2)  # positions before heads, as Weft has them
        return first.cpu().float().numpy()


if __name__ == "__main__":
    protocol.serve(Torch())
