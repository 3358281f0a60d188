"""What `sekisho.export.mark_dynamic` saves under torch.compile, on a small transformer.

python benchmarks/compiling.py
"""

import time

import torch
from jaxtyping import Float32, Int64
from torch._dynamo.testing import CompileCounterWithBackend

import sekisho as sk
from sekisho.export import mark_dynamic

T = torch.Tensor

BATCHES = ((8, 32), (8, 48), (5, 40), (16, 64))
"""Batch size and length: a loader's bucketed batches."""


class Block(torch.nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(width) for _ in range(2)])
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)
        self.mlp = torch.nn.Sequential(
            torch.nn.Linear(width, 4 * width), torch.nn.GELU(), torch.nn.Linear(4 * width, width)
        )

    @sk.torch_world
    def forward(self, x: Float32[T, "b n d"], mask: Float32[T, "b n"]) -> Float32[T, "b n d"]:
        q, k, v = (
            each.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in self.qkv(self.norms[0](x)).chunk(3, dim=-1)
        )
        bias = (1 - mask)[:, None, None] * -1e9
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norms[1](x))


class Transformer(torch.nn.Module):
    def __init__(self, words: int = 500, width: int = 64, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(words, width)
        self.blocks = torch.nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.head = torch.nn.Linear(width, words)

    @sk.torch_world
    def forward(self, tokens: Int64[T, "b n"], mask: Float32[T, "b n"]) -> Float32[T, "b n words"]:
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(x)


def batches():
    torch.manual_seed(0)
    for size, length in BATCHES:
        yield torch.randint(0, 500, (size, length)), torch.ones(size, length)


def measure(*, marks):
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = Transformer().eval()
    counter = CompileCounterWithBackend("inductor")
    compiled = torch.compile(model, backend=counter)
    seconds = []
    with torch.no_grad():
        for number, batch in enumerate(batches()):
            start = time.perf_counter()
            if marks and number == 0:
                mark_dynamic(model, *batch)
            result = compiled(*batch)
            seconds.append(time.perf_counter() - start)
            torch.testing.assert_close(result, model(*batch), rtol=1e-4, atol=1e-4)
    return counter.frame_count, seconds


def main():
    print(f"torch {torch.__version__}, {len(BATCHES)} batches of {BATCHES}")
    torch.compiler.config.force_disable_caches = True  # or the second run would find the first's
    for marks in (False, True):
        count, seconds = measure(marks=marks)
        each = ", ".join(f"{taken:.2f}" for taken in seconds)
        words = "marked" if marks else "as it is"
        print(f"{words}: {count} compilations, {sum(seconds):.2f} s in all ({each})")


if __name__ == "__main__":
    main()
