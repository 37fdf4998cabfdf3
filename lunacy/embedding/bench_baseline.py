"""What `lunacy bench embed` compares with: sentence-transformers on several backends, and a device's peak."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from lunacy.arrays import Vectors
from lunacy.embedding.engines.openvino import import_openvino
from lunacy.embedding.engines.translated import LastHidden, example_of
from lunacy.embedding.loaded_model import load_model
from lunacy.embedding.locate import model_folder
from lunacy.embedding.quiet import quiet

_SIDE = {"cpu": 1024, "cuda": 8192, "mps": 2048}  # of the matrices whose product is timed
_REPEATS = 10


class Baseline:
    """`SentenceTransformer.encode`, on any backend."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    @property
    def flops_per_token(self) -> float:
        """A multiplication and an addition for each weight; attention is not counted. Of a model on torch only."""
        weights = self._model.named_parameters()
        return 2.0 * sum(one.numel() for name, one in weights if "embeddings" not in name and "pooler" not in name)

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n, dim) float32, unit rows."""
        found = self._model.encode(
            list(texts), batch_size=batch_size, show_progress_bar=False, normalize_embeddings=True
        )
        return np.asarray(found, np.float32)


def torch_baseline(model: str, *, device: str) -> Baseline:
    """`SentenceTransformer(model)`. Raises ModelError."""
    return Baseline(load_model(model, device=device).model)


def openvino_baseline(model: str) -> Baseline:
    """`SentenceTransformer(model, backend="openvino")`. Raises ImportError without optimum-intel."""
    import_openvino()
    import_module("optimum.intel")
    with quiet():
        return Baseline(SentenceTransformer(str(model_folder(model)), backend="openvino", device="cpu"))


def onnx_baseline(model: str) -> Baseline:
    """`SentenceTransformer(model)` whose transformer ONNX Runtime runs, as with `backend="onnx"`.

    That backend itself needs optimum-onnx, which cannot be installed with sentence-transformers 6.2. Raises
    ImportError without onnx, by which torch exports, or onnxruntime, and what these raise.
    """
    import_module("onnx")
    runtime: Any = import_module("onnxruntime")
    loaded = load_model(model, device="cpu").model
    transformer: Any = loaded[0].auto_model
    example = example_of(loaded.tokenizer)
    inputs, axes = list(example), {0: "texts", 1: "tokens"}
    with quiet(), TemporaryDirectory() as folder:
        exported = Path(folder) / "model.onnx"
        torch.onnx.export(
            LastHidden(transformer).eval(),
            tuple(example.values()),
            exported,
            dynamo=False,
            input_names=inputs,
            output_names=["hidden"],
            dynamic_axes=dict.fromkeys([*inputs, "hidden"], axes),
        )
        session = runtime.InferenceSession(exported, providers=["CPUExecutionProvider"])

    def forward(**tensors: Tensor) -> BaseModelOutput:
        (hidden,) = session.run(None, {name: tensors[name].numpy() for name in inputs})
        return BaseModelOutput(last_hidden_state=torch.from_numpy(hidden))

    transformer.forward = forward
    return Baseline(loaded)


def measure_peak_flops(arithmetic: str) -> float:
    """Operations a second of a large matrix product, on the device and in the number format of `arithmetic`."""
    device, dtype_name, *_ = arithmetic.split()
    dtype = getattr(torch, dtype_name)
    side = _SIDE[device]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best_s = float("inf")
    for _ in range(_REPEATS):
        started = time.perf_counter()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best_s = min(best_s, time.perf_counter() - started)
    return 2.0 * side**3 / best_s
