"""Sums of Amazon Bedrock's metrics in CloudWatch. Importing this takes the SDK's half a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from loadtester.errors import Exit, FmloadError

_NAMESPACE: Final = "AWS/Bedrock"
_PERIOD_S: Final = 60
#: CloudWatch takes so many queries in one call.
_MOST_QUERIES: Final = 500
_CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


async def bedrock_sums(
    models: Sequence[str],
    metrics: Sequence[str],
    window: tuple[datetime, datetime],
    *,
    region: str | None,
    endpoint_url: str | None = None,
) -> dict[str, dict[str, int | None]]:
    """By model and metric, the sum over the window; None where CloudWatch has no data.

    Raises FmloadError where it can't be asked: no credentials, no region, refused, not reached.
    """
    asked = [(model, metric) for model in models for metric in metrics]
    totals: dict[str, dict[str, int | None]] = {model: dict.fromkeys(metrics) for model in models}
    session: Any = aioboto3.Session()
    try:
        async with session.client(
            "cloudwatch", region_name=region, endpoint_url=endpoint_url, config=_CONFIG
        ) as client:
            for first in range(0, len(asked), _MOST_QUERIES):
                part = asked[first : first + _MOST_QUERIES]
                for result in await _results(client, part, window):
                    model, metric = part[int(result["Id"][1:])]
                    if result["Values"]:
                        totals[model][metric] = (totals[model][metric] or 0) + round(sum(result["Values"]))
    except ClientError as error:
        raise _unreachable(str(error.response.get("Error", {}).get("Code", "refused"))) from error
    except BotoCoreError as error:
        raise _unreachable(type(error).__name__) from error
    return totals


async def _results(
    client: Any, asked: Iterable[tuple[str, str]], window: tuple[datetime, datetime]
) -> list[Mapping[str, Any]]:
    queries = [_query(i, model, metric) for i, (model, metric) in enumerate(asked)]
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=window[0], EndTime=window[1]
    )
    return [result async for page in pages for result in page["MetricDataResults"]]


def _query(i: int, model: str, metric: str) -> dict[str, Any]:
    dimensions = [{"Name": "ModelId", "Value": model}]
    return {
        "Id": f"q{i}",
        "MetricStat": {
            "Metric": {"Namespace": _NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
            "Period": _PERIOD_S,
            "Stat": "Sum",
        },
        "ReturnData": True,
    }


def _unreachable(why: str) -> FmloadError:
    return FmloadError(
        f"CloudWatch could not be asked: {why}",
        remedy="check the credentials (cloudwatch:GetMetricData), the region (--region) and the network",
        code=Exit.UNREACHABLE,
    )
