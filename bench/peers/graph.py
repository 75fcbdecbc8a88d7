"""Graphs as the benchmark's own side wrote them: both sides read the same arrays."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


@dataclass
class Csr:
    """A sparse matrix by rows, with int64 index arrays and float32 values."""

    rows: int
    columns: int
    indptr: Tensor
    indices: Tensor
    values: Tensor

    def row_of(self) -> Tensor:
        """The row of each entry."""
        return torch.repeat_interleave(torch.arange(self.rows), self.indptr.diff())

    def csr(self) -> Tensor:
        return torch.sparse_csr_tensor(
            self.indptr, self.indices, self.values, (self.rows, self.columns)
        )

    def coo(self) -> Tensor:
        index = torch.stack([self.row_of(), self.indices])
        shape = (self.rows, self.columns)
        return torch.sparse_coo_tensor(index, self.values, shape, is_coalesced=True)

    def transposed(self) -> tuple["Csr", Tensor]:
        """Returns the transpose, and the place of each of its entries in this matrix."""
        order = torch.argsort(self.indices, stable=True)
        counts = torch.bincount(self.indices, minlength=self.columns)
        indptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        matrix = Csr(self.columns, self.rows, indptr, self.row_of()[order], self.values[order])
        return matrix, order


@dataclass
class Graph:
    nodes: int
    classes: int
    #: P, normalised, with self-loops.
    adjacency: Csr
    #: Each row divided by its sum; None where a case needs none.
    features: Csr | None
    labels: Tensor
    train: Tensor
    val: Tensor
    test: Tensor


def read_graph(folder: str) -> Graph:
    """Reads raw little-endian arrays from a folder, with their sizes from graph.json."""
    base = Path(folder)
    meta = json.loads((base / "graph.json").read_text())

    def integers(name: str) -> Tensor:
        return torch.from_numpy(np.fromfile(base / f"{name}.i32", dtype="<i4").astype(np.int64))

    def matrix(name: str) -> Csr:
        values = torch.from_numpy(np.fromfile(base / f"{name}.values.f32", dtype="<f4"))
        rows, columns = meta[name]
        return Csr(rows, columns, integers(f"{name}.indptr"), integers(f"{name}.indices"), values)

    return Graph(
        nodes=meta["adjacency"][0],
        classes=meta["classes"],
        adjacency=matrix("adjacency"),
        features=matrix("features") if "features" in meta else None,
        labels=integers("labels"),
        train=integers("train"),
        val=integers("val"),
        test=integers("test"),
    )
