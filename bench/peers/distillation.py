"""ABKD and SoftKD as defined in src/distillation, with ABKD both collapsed by algebra and naive."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: The attention's weights, which both forms have.
_ATTENTION = [f"abkd.attention.{side}.{part}" for side in ("teacher", "student") for part in ("weight", "bias")]


class SoftKd:
    """hardWeight CE + alpha T^2 KL(softmax(t / T), softmax(s / T)), the mean over all nodes."""

    def __init__(self, teacher: dict[str, Tensor], options: dict):
        self.options = options
        self.target = F.softmax(teacher["logits"] / options["temperature"], dim=1)

    needs_maps = False
    parameters: list[nn.Parameter] = []

    def loss(self, logits: Tensor, _maps: list[Tensor], cross_entropy: Tensor) -> Tensor:
        temperature = self.options["temperature"]
        scaled = F.log_softmax(logits / temperature, dim=1)
        kl = F.kl_div(scaled, self.target, reduction="batchmean") * temperature**2
        return self.options["hardWeight"] * cross_entropy + self.options["alpha"] * kl


class Abkd:
    """Equations 3 to 6; `form` is "collapsed" or "naive", `options["form"]` "mse" or "literal"."""

    needs_maps = True

    def __init__(self, teacher: dict[str, Tensor], weights: dict[str, Tensor], options: dict, form: str):
        fixed = options["form"] == "mse" and options["projections"] == "fixed-teacher"
        maps = {"mse": "scaled-centred", "literal": "raw"}[options["form"]]
        student = {"mse": "centred", "literal": "raw"}[options["form"]]
        plain = options["attention"] == "learned" and options["softmax"] == "student-layers"
        known = fixed or (options["form"] == "literal" and options["subspace"])
        if not (known and plain and (options["teacherMaps"], options["studentMaps"]) == (maps, student)):
            raise ValueError(f"the peer has no such ABKD: {options}")
        self.options, self.form, self.fixed = options, form, fixed
        names = [*_ATTENTION, "abkd.projection.student"]
        if not fixed:
            names += ["abkd.projection.teacher", "abkd.projection.subspace"]
        self.weights = {name: nn.Parameter(weights[name].clone()) for name in names}
        self.parameters = list(self.weights.values())
        maps = teacher["maps"]  # layers x nodes x width
        if fixed:
            maps = maps / maps.square().mean(dim=(1, 2), keepdim=True).sqrt()
        self.teacher_means = maps.mean(dim=1)
        self.teacher = maps - self.teacher_means[:, None] if fixed else maps
        self.teacher_flat = self.teacher.reshape(len(maps), -1)
        self.teacher_squares = self.teacher_flat.square().sum(dim=1)

    def loss(self, _logits: Tensor, maps: list[Tensor], cross_entropy: Tensor) -> Tensor:
        student = torch.stack(maps)
        means = student.mean(dim=1)
        attention = self._attention(means)
        if self.fixed:
            student = student - means[:, None]
        collapsed = self.form == "collapsed"
        if self.fixed:
            distances = self._mean_squares(student) if collapsed else self._naive_mean_squares(student)
        else:
            distances = self._literal(student) if collapsed else self._naive_literal(student)
        abkd = (attention * distances).sum() / len(maps)
        return self.options["hardWeight"] * cross_entropy + self.options["beta"] * abkd

    def _attention(self, student_means: Tensor) -> Tensor:
        """Equation 3, with one linear map per layer."""

        def project(side: str, means: Tensor) -> Tensor:
            weight, bias = (self.weights[f"abkd.attention.{side}.{part}"] for part in ("weight", "bias"))
            return torch.bmm(means[:, None], weight)[:, 0] + bias

        scores = project("teacher", self.teacher_means) @ project("student", student_means).T
        return F.softmax(scores / math.sqrt(self.options["embedding"]), dim=1)

    def _mean_squares(self, student: Tensor) -> Tensor:
        """|T_i - R_j|^2 / (n d_t) as |T|^2 + |R|^2 - 2 <T, R>, so that one product reads the maps once."""
        projected = torch.bmm(student, self.weights["abkd.projection.student"])
        flat = projected.reshape(len(student), -1)
        squares = self.teacher_squares[:, None] + flat.square().sum(dim=1)
        return (squares - 2 * self.teacher_flat @ flat.T) / self.teacher[0].numel()

    def _naive_mean_squares(self, student: Tensor) -> Tensor:
        projected = torch.bmm(student, self.weights["abkd.projection.student"])
        rows = [torch.stack([(t - r).square().mean() for r in projected]) for t in self.teacher]
        return torch.stack(rows)

    def _literal(self, student: Tensor) -> Tensor:
        """Equation 4 with P 1/d_a multiplied first: two matrix-vector products per layer."""
        mean = self.weights["abkd.projection.subspace"][0].mean(dim=1)
        t = torch.bmm(self.teacher, (self.weights["abkd.projection.teacher"] @ mean)[..., None])[..., 0]
        s = torch.bmm(student, (self.weights["abkd.projection.student"] @ mean)[..., None])[..., 0]
        return (t[:, None] - s).square().sum(dim=2)

    def _naive_literal(self, student: Tensor) -> Tensor:
        """Equation 4 as written: an n x d_a difference through P for each pair of layers."""
        subspace = self.weights["abkd.projection.subspace"][0]
        ts = [t @ p for t, p in zip(self.teacher, self.weights["abkd.projection.teacher"])]
        ss = [s @ p for s, p in zip(student, self.weights["abkd.projection.student"])]
        rows = []
        for t in ts:
            rows.append(torch.stack([((t - s) @ subspace).mean(dim=1).square().sum() for s in ss]))
        return torch.stack(rows)
