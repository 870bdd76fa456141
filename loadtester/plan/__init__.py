"""Predicts a run before its first request: requests, tokens, the bill, and what the quota would refuse. Pure."""

from loadtester.plan.forecast import forecast
from loadtester.plan.page import page, plan_json
from loadtester.plan.predict import predict
from loadtester.plan.prediction import Money, Part, Prediction, Range, Slice, Throttling

__all__ = ["Money", "Part", "Prediction", "Range", "Slice", "Throttling", "forecast", "page", "plan_json", "predict"]
