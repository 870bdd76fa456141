"""Tokens to money: a dated price table, and the projection of a run's cost to a day and a month."""

from loadtester.cost.price import Price
from loadtester.cost.prices import PriceTable, price_table
from loadtester.cost.projection import Projection, project

__all__ = ["Price", "PriceTable", "Projection", "price_table", "project"]
