"""The whole service on a scripted model, without a socket."""

import pytest

from target_app import config as configs
from target_app.app import assemble
from target_app.chat import Usage
from target_app.model import ModelReply
from target_app.outfit import fit
from target_app.stores.opening_records import Stores
from target_app.stores.product import Product
from target_app.stores.sessions import MemorySessions
from target_app.stores.sqlite_carts import SqliteCarts
from target_app.stores.sqlite_file import SqliteFile
from target_app.stores.sqlite_products import SqliteProducts


class Says:
    """A model that says one thing, whatever it is asked; `is_up` is what its endpoint is."""

    def __init__(self, text="One Piece", *, is_up=True):
        self.text, self.is_up, self.calls = text, is_up, []

    async def complete(self, call):
        self.calls.append(call)
        return ModelReply(self.text, call.model, "end_turn", Usage(12, 3))

    async def stream(self, call, deliver):
        await deliver(self.text)
        return await self.complete(call)

    async def is_reachable(self):
        return self.is_up


@pytest.fixture
def says():
    return Says


@pytest.fixture
def product():
    return Product(
        "MGA-000001", "Blue Giant", "ブルージャイアント", 1, "Ishizuka", "music", 660, 4, "2013-11-29", "Jazz."
    )


@pytest.fixture
def build():
    """Makes the service from a model, a log and sections of the configuration."""

    def made(model=None, log=None, **sections):
        config = configs.parse(sections)
        model = model or Says()
        file = SqliteFile()
        stores = Stores(MemorySessions(), SqliteProducts(file), SqliteCarts(file))
        return assemble(model, fit(config, model, stores), log, config)

    return made
