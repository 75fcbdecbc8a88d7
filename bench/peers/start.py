"""What a program waits for before its first result with PyG."""

import torch
import torch_geometric  # noqa: F401  (importing it is what is timed)

torch.rand(8, 8) @ torch.rand(8, 8)
