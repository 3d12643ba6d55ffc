"""The visual tower in PyTorch: its front, which stays as it is, and its last blocks, to be tuned.

Needs torch, unlike everything else here.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .efficientnet import SIDE, TUNED_FROM, Block, Weights, blocks, padding


class Relu6(torch.autograd.Function):
    """Clipped to 0 to 6. Where 6 clips, the gradient goes through: a single pass over the map instead of four."""

    @staticmethod
    def forward(context, x: torch.Tensor) -> torch.Tensor:
        """`x`, clipped."""
        y = x.clamp(0, 6)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, gradient: torch.Tensor) -> torch.Tensor:
        """Nothing where 0 clips."""
        return torch.ops.aten.threshold_backward(gradient, context.saved_tensors[0], 0)


class Convolution(nn.Module):
    """A convolution of the tower, with its folded weights."""

    def __init__(self, weights: Weights, name: str, stride: int = 1, relu: bool = True):
        super().__init__()
        self.name, self.stride, self.relu = name, stride, relu
        self.weight = nn.Parameter(torch.tensor(weights[f"{name}.weight"], dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(weights[f"{name}.bias"], dtype=torch.float32))
        self.depthwise = "depthwise" in name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A map whose sides are shorter by the stride."""
        before, after = padding(x.shape[2], self.weight.shape[2], self.stride)
        if before != after:
            x, before = functional.pad(x, (before, after, before, after)), 0
        groups = len(self.weight) if self.depthwise else 1
        y = functional.conv2d(x, self.weight, self.bias, stride=self.stride, padding=before, groups=groups)
        return Relu6.apply(y) if self.relu else y


class Residual(nn.Module):
    """An inverted residual block; while it is trained, it is left out for a part of the pictures."""

    def __init__(self, weights: Weights, block: Block, left_out: float = 0.0):
        super().__init__()
        self.adds, self.left_out = block.adds, left_out
        names = ["_expand_conv"] if block.expands else []
        self.body = nn.Sequential(
            *(Convolution(weights, f"{block.name}.{name}") for name in names),
            Convolution(weights, f"{block.name}._depthwise_conv", block.stride),
            Convolution(weights, f"{block.name}._project_conv", relu=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A map whose sides are shorter by the block's stride."""
        y = self.body(x)
        if not self.adds:
            return y
        if self.training and self.left_out:
            kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.left_out
            y = y * kept / (1 - self.left_out)
        return x + y.to(x.dtype)


class Front(nn.Module):
    """What both halves of the tuned graph share: pixels [N, 3, 260, 260] to maps [N, 208, 9, 9]."""

    def __init__(self, weights: Weights):
        super().__init__()
        residuals = [Residual(weights, block) for block in blocks()[:TUNED_FROM]]
        self.body = nn.Sequential(Convolution(weights, "_conv_stem", 2), *residuals)
        self.requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """In half precision on a GPU."""
        assert x.shape[2:] == (SIDE, SIDE)
        half = torch.float16 if x.is_cuda else torch.bfloat16
        with torch.autocast(x.device.type, dtype=half, enabled=x.is_cuda):
            return self.body(x.contiguous(memory_format=torch.channels_last))


class Tail(nn.Module):
    """What `efficientnet.build` has twice when it is tuned: maps [N, 208, 9, 9] to features [N, 1280]."""

    def __init__(self, weights: Weights, left_out: float = 0.0):
        super().__init__()
        residuals = [Residual(weights, block, left_out) for block in blocks()[TUNED_FROM:]]
        self.body = nn.Sequential(*residuals, Convolution(weights, "_conv_head"))
        for module in self.convolutions():
            # Their gradients take longer than all others together, and they have few weights.
            module.requires_grad_(not module.depthwise)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """In bfloat16 inside: where it is known, three times as fast."""
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            x = x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
            return self.body(x).mean((2, 3), dtype=torch.float32)

    def convolutions(self) -> list[Convolution]:
        """All of them, in their order."""
        return [module for module in self.modules() if isinstance(module, Convolution)]

    def weights(self) -> Weights:
        """By name, as `efficientnet.folded` has them, and in half floats, as the graph does."""
        found: dict[str, np.ndarray] = {}
        for module in self.convolutions():
            found[f"{module.name}.weight"] = module.weight.detach().cpu().numpy().astype(np.float16)
            found[f"{module.name}.bias"] = module.bias.detach().cpu().numpy()
        return found
