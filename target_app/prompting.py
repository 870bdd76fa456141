"""From a chat message and its history to what the model is asked: the model, system prompt, history window, labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from types import MappingProxyType
from typing import Final, Literal

from target_app.chat import ChatMessage
from target_app.errors import ChatError, Code
from target_app.model import ModelCall, Turn
from target_app.stores.product import Product
from target_app.stores.sessions import Exchange

_HAIKU: Final = "anthropic.claude-3-haiku-20240307-v1:0"
_SONNET: Final = "anthropic.claude-3-sonnet-20240229-v1:0"

#: MangaAssist's routing: what needs prose goes to Sonnet, all the rest to Haiku.
ROUTES: Final = MappingProxyType(
    {
        "product_lookup": _HAIKU,
        "recommendation": _SONNET,
        "price_check": _HAIKU,
        "japanese_query": _HAIKU,
        "manga_summary": _SONNET,
        "order_status": _HAIKU,
        "greeting": _HAIKU,
    }
)

#: How much of a conversation goes along with the next question: whole exchanges, the newest ones.
WINDOW_EXCHANGES: Final = 6
WINDOW_CHARS: Final = 12_000

SYSTEM: Final = MappingProxyType(
    {
        "en": (
            "You are MangaAssist, the shop assistant of an online manga store in Japan. You help customers find "
            "titles and volumes, tell them about prices, stock and release dates, recommend what to read next, "
            "summarise a series without giving away its ending, and explain where an order is.\n"
            "Answer in the language the customer writes in. Begin with the answer itself, then add what helps to "
            "decide: volume, edition, price in yen with tax, whether it is in stock. Keep a greeting to one sentence, "
            "a fact to two or three, a recommendation to five titles at most with one line on each.\n"
            "Name only titles, prices and dates that you know from the catalogue; where you do not know, say so and "
            "offer to look it up or to hand over to a colleague. Ask for the order number before you speak about an "
            "order, and never repeat a customer's address or payment details. Do not link to pirated scans. Mark "
            "titles that are for adults, and offer another one to customers who say that they are younger."
        ),
        "ja": (
            "あなたは日本のオンライン漫画書店の店員「MangaAssist」です。お客様の作品・巻数探し、価格・在庫・"
            "発売日のご案内、次に読む作品のおすすめ、結末を明かさないあらすじの紹介、ご注文状況の説明を担当します。\n"
            "お客様が書いた言語で、丁寧な言葉で答えてください。まず答えを述べ、続けて巻数、版、税込価格(円)、"
            "在庫の有無など、選ぶのに役立つことを添えます。挨拶は一文、事実は二、三文、おすすめは五作品まで、"
            "それぞれ一行にまとめます。\n"
            "カタログで確認できる題名・価格・日付だけを挙げ、分からないときはそう伝えて、お調べするか担当者に"
            "引き継ぐことを提案してください。注文の話をする前に注文番号を伺い、住所や支払い情報は繰り返さないで"
            "ください。海賊版には案内せず、成人向けの作品はその旨を示してください。"
        ),
    }
)

_JAPANESE: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]")
#: What Bedrock doesn't take in a value of requestMetadata (botocore's service model, RequestMetadataValueString).
_NOT_METADATA: Final = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,.\-]")


def route(message: ChatMessage) -> str:
    """The model that is asked. Raises ChatError bad_request where neither `model` nor `query_type` tells."""
    if message.model is not None:
        return message.model
    if message.query_type is None:
        return _HAIKU
    if message.query_type not in ROUTES:
        raise ChatError(Code.BAD_REQUEST, f"query_type must be one of {', '.join(sorted(ROUTES))}, or model be given")
    return ROUTES[message.query_type]


def call_for(
    message: ChatMessage, history: Sequence[Exchange], sources: Sequence[Product] = (), model: str | None = None
) -> ModelCall:
    """The question to `model`; without one, to the one that `route` gives, with its ChatError.

    A bare message is all there is to its question; any other has a system prompt, which `sources` become a part of.
    """
    asked = Turn("user", message.message)
    return ModelCall(
        model=model or route(message),
        system=None if message.bare else SYSTEM[language_of(message.message)] + cited(sources),
        turns=(asked,) if message.bare else (*_said(window(history)), asked),
        max_tokens=message.max_tokens,
        metadata=_metadata(message),
    )


def cited(sources: Sequence[Product]) -> str:
    """The retrieved products as the end of a system prompt, one `<source>` a line; nothing where there are none."""
    if not sources:
        return ""
    lines = (f'<source id="{escape(product.id)}">{_facts(product)}</source>' for product in sources)
    return "\n".join(("", "<sources>", *lines, "</sources>"))


def _facts(product: Product) -> str:
    parts = (
        product.title_ja,
        product.title,
        f"volume {product.volume}",
        product.author,
        f"¥{product.price_jpy}",
        f"in stock {product.stock}",
        product.released,
        product.summary,
    )
    # A line break would end the source, and a bar begin another field.
    return escape(" | ".join(" ".join(part.replace("|", "/").split()) for part in parts), quote=False)


def language_of(text: str) -> Literal["en", "ja"]:
    """Japanese where there is a kana or kanji in it, English otherwise."""
    return "ja" if _JAPANESE.search(text) else "en"


def window(history: Sequence[Exchange]) -> Sequence[Exchange]:
    """The newest exchanges, as many as the window holds, oldest first."""
    n_kept = n_chars = 0
    for exchange in reversed(history[-WINDOW_EXCHANGES:]):
        n_chars += exchange.n_chars
        if n_chars > WINDOW_CHARS:
            break
        n_kept += 1
    return history[len(history) - n_kept :]


def _said(exchanges: Sequence[Exchange]) -> tuple[Turn, ...]:
    return tuple(
        turn for exchange in exchanges for turn in (Turn("user", exchange.question), Turn("assistant", exchange.answer))
    )


def _metadata(message: ChatMessage) -> dict[str, str]:
    labels = {
        "request_id": message.request_id,
        "query_type": message.query_type,
        "output_tokens": None if message.output_tokens is None else str(message.output_tokens),
    }
    return {name: _NOT_METADATA.sub("_", value) for name, value in labels.items() if value}
