"""The last blocks of the visual tower in PyTorch, to be tuned. Needs torch, unlike everything else here."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .efficientnet import GRID, TUNED_FROM, Block, Weights, blocks, padding


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

    def __init__(self, weights: Weights, name: str, relu: bool = True):
        super().__init__()
        self.name, self.relu = name, relu
        self.weight = nn.Parameter(torch.tensor(weights[f"{name}.weight"]))
        self.bias = nn.Parameter(torch.tensor(weights[f"{name}.bias"]))
        self.depthwise = "depthwise" in name
        if self.depthwise:
            # Their gradients take longer than all others together, and they have few weights.
            self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of the same width and height."""
        before, after = padding(GRID, self.weight.shape[2], 1)
        assert before == after
        groups = len(self.weight) if self.depthwise else 1
        y = functional.conv2d(x, self.weight, self.bias, padding=before, groups=groups)
        return Relu6.apply(y) if self.relu else y


class Residual(nn.Module):
    """An inverted residual block."""

    def __init__(self, weights: Weights, block: Block):
        super().__init__()
        self.adds = block.adds
        self.body = nn.Sequential(
            Convolution(weights, f"{block.name}._expand_conv"),
            Convolution(weights, f"{block.name}._depthwise_conv"),
            Convolution(weights, f"{block.name}._project_conv", relu=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of the same width and height."""
        y = self.body(x)
        return x + y if self.adds else y


class Tail(nn.Module):
    """What `efficientnet.build` has twice when it is tuned: maps [N, 208, 9, 9] to features [N, 1280]."""

    def __init__(self, weights: Weights):
        super().__init__()
        residuals = [Residual(weights, block) for block in blocks()[TUNED_FROM:]]
        self.body = nn.Sequential(*residuals, Convolution(weights, "_conv_head"))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """In bfloat16 inside: on processors that know it, three times as fast."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = x.to(torch.bfloat16).to(memory_format=torch.channels_last)
            return self.body(x).mean((2, 3)).float()

    def weights(self) -> Weights:
        """By name, as `efficientnet.folded` has them."""
        found: dict[str, np.ndarray] = {}
        for module in self.modules():
            if isinstance(module, Convolution):
                found[f"{module.name}.weight"] = module.weight.detach().numpy()
                found[f"{module.name}.bias"] = module.bias.detach().numpy()
        return found
