"""One ONNX graph, from verified bytes, and the form of its inputs and output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.config import ConfigError
from pipeline.scoring.bundle import DESCRIPTION, Activation, Bundle
from pipeline.scoring.calibration import Array, sigmoid

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What a graph may ask for, int64 [texts, tokens] each: the token's id, 1 for a token and 0 for padding, and 0 (there is one segment)."""


class Session:
    """A graph that gives a probability per label for rows of token ids."""

    def __init__(self, content: bytes, path: Path, bundle: Bundle, threads: int) -> None:
        self._graph = _open(content, path, threads)
        self._form = bundle.model
        self._pad_id = bundle.tokenizer.pad_id
        self._inputs = _inputs(self._graph, path)
        _check_output(self._graph, path, bundle)
        self._labels = [self._form.columns.index(label) for label in bundle.labels]

    def run(self, rows: Sequence[Sequence[int]]) -> Array:
        """[rows, labels], computed together. ValueError when the graph gives another shape, or what is no probability."""
        return self._probabilities(self._raw(rows))

    def run_each(self, rows: Sequence[Sequence[int]]) -> Array:
        """[rows, labels], each row computed by itself, at least one. What follows the graph is done for all at once."""
        return self._probabilities(np.concatenate([self._raw([row]) for row in rows]))

    def _raw(self, rows: Sequence[Sequence[int]]) -> NDArray[np.floating[Any]]:
        lengths = [len(row) for row in rows]
        ids = np.full((len(rows), max(1, *lengths)), self._pad_id, np.int64)
        for tokens, row in zip(ids, rows, strict=True):
            tokens[: len(row)] = row
        raw = self._graph.run([self._form.output], {name: _input(name, ids, lengths) for name in self._inputs})[0]
        if raw.shape != (len(rows), len(self._form.columns)):
            raise ValueError(f"the model gave a result of shape {raw.shape} for {len(rows)} texts and {len(self._form.columns)} columns")
        result: NDArray[np.floating[Any]] = raw
        return result

    def _probabilities(self, raw: NDArray[np.floating[Any]]) -> Array:
        probabilities = _activate(raw.astype(np.float64), self._form.activation)[:, self._labels]
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ValueError("the model gave a number that is no probability")
        return probabilities


def _open(content: bytes, path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it has to say arrives as an exception
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning threads burn a core while no post comes
    # Weights in a file of their own would not be among the hashed bytes. They are looked for under this path, which is a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "external data" in str(error).lower():
            raise ConfigError(
                f"{path}: keeps weights in another file (external data); only one file with all weights is allowed"
            ) from error
        raise ConfigError(f"{path}: is no ONNX model that this version of ONNX Runtime can load: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def _inputs(graph: ort.InferenceSession, path: Path) -> tuple[str, ...]:
    inputs = graph.get_inputs()
    for each in inputs:
        if each.name not in INPUTS or each.type != "tensor(int64)" or len(each.shape) != 2:
            form = f"{each.name} ({each.type}, {len(each.shape)} dimensions)"
            raise ConfigError(f"{path}: input {form}: allowed are {', '.join(INPUTS)}, each tensor(int64) with 2 dimensions")
    names = tuple(each.name for each in inputs)
    if "input_ids" not in names:
        raise ConfigError(f"{path}: has no input input_ids; allowed are {', '.join(INPUTS)}, of which it is needed")
    return names


def _check_output(graph: ort.InferenceSession, path: Path, bundle: Bundle) -> None:
    outputs = {each.name: each for each in graph.get_outputs()}
    where = f"{path.parent / DESCRIPTION}: model"
    if bundle.model.output not in outputs:
        raise ConfigError(f"{where}.output: {bundle.model.output!r} is no output of the model; allowed: {', '.join(outputs)}")
    output, columns = outputs[bundle.model.output], len(bundle.model.columns)
    if output.type not in {"tensor(float)", "tensor(float16)", "tensor(double)"} or len(output.shape) != 2:
        raise ConfigError(
            f"{path}: output {output.name} is {output.type} with {len(output.shape)} dimensions; only floats with 2 are allowed"
        )
    if isinstance(output.shape[1], int) and output.shape[1] != columns:
        raise ConfigError(f"{where}.columns: the model has {output.shape[1]} columns, so that many names are allowed, not {columns}")


def _input(name: str, ids: NDArray[np.int64], lengths: Sequence[int]) -> NDArray[np.int64]:
    if name == "input_ids":
        return ids
    if name == "attention_mask":
        return (np.arange(ids.shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    return np.zeros_like(ids)


def _activate(raw: Array, activation: Activation) -> Array:
    if activation is Activation.SIGMOID:
        return sigmoid(raw)
    if activation is Activation.SOFTMAX:
        raised = np.exp(raw - raw.max(axis=1, keepdims=True))
        result: Array = raised / raised.sum(axis=1, keepdims=True)
        return result
    return raw
