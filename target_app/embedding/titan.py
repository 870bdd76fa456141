"""Embeds texts by Amazon Titan Text Embeddings V2 on Bedrock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from target_app.batching import UNPROCESSED, BatchCounts, Batcher, BatchError, Unprocessed
from target_app.errors import ChatError, Code
from target_app.stores.errors import StoreError

MODEL: Final = "amazon.titan-embed-text-v2:0"
DIMENSIONS: Final = 512

#: Texts a batch.
_BATCH: Final = 10
#: What Bedrock answers for the moment: such a text is sent again.
_TRANSIENT: Final = frozenset({Code.THROTTLED, Code.UNAVAILABLE})


class _Response(msgspec.Struct, frozen=True):
    embedding: list[float]


_RESPONSE: Final = msgspec.json.Decoder(_Response)


class TitanEmbedder:
    """Embeds through `invoke`, which takes a model's id and the body of an InvokeModel and gives the response's body.

    Titan takes one text a call, so a batch is ten calls at once: a bound on how many are under way for whoever embeds
    a whole catalogue. Throttled texts are sent again, those of the chat and of the catalogue alike.
    """

    def __init__(self, invoke: Callable[[str, bytes], Awaitable[bytes]], *, backoff_s: float = 0.05) -> None:
        self._invoke = invoke
        self._batcher: Batcher[str, list[float]] = Batcher(
            self._batch, size=_BATCH, is_prompt=True, backoff_s=backoff_s
        )

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text: shape (len(texts), 512), each of length 1."""
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        try:
            results = await asyncio.gather(*map(self._batcher.submit, texts))
        except BatchError as error:
            raise StoreError("vectors", f"the embedding model: {error}") from error
        for row, result in zip(vectors, results, strict=True):
            row[:] = result
        return vectors

    async def aclose(self) -> None:
        """See the calls under way to their end."""
        await self._batcher.aclose()

    def batches(self) -> BatchCounts:
        """How texts travelled."""
        return self._batcher.counts()

    async def _batch(self, texts: Sequence[str]) -> list[list[float] | Exception | Unprocessed]:
        return await asyncio.gather(*map(self._one, texts))

    async def _one(self, text: str) -> list[float] | Exception | Unprocessed:
        """The vector of one text; what failed for it fails for it alone."""
        request = {"inputText": text, "dimensions": DIMENSIONS, "normalize": True}
        try:
            embedding = _RESPONSE.decode(await self._invoke(MODEL, msgspec.json.encode(request))).embedding
        except ChatError as error:
            return UNPROCESSED if error.code in _TRANSIENT else _failed(error.code)
        except msgspec.DecodeError as error:
            return _failed(type(error).__name__)
        return embedding if len(embedding) == DIMENSIONS else _failed(f"{len(embedding)} dimensions")


def _failed(reason: str) -> StoreError:
    return StoreError("vectors", f"the embedding model failed ({reason})")
