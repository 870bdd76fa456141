"""The instrument held against a target whose truth is known: every figure is compared with the target's own log.

A machine that is busy with other things makes the truth itself late, so nothing here is held to a clock alone: the
target's log says how long each request really took, and its own timers' lateness how unsteady the machine was.
"""

import os
import signal
import time
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

pytestmark = pytest.mark.calibration

SERVICE_S = 0.1
#: What the instrument may be off by on a machine that is otherwise idle.
ERROR_S = 0.002
ERROR_SHARE = 0.01

PRICES = {
    "input": Decimal("3.7"),
    "output": Decimal("14.3"),
    "cache_read": Decimal("0.29"),
    "cache_write": Decimal("4.1"),
}
SCENARIO = "prices:\n  truth-1: {" + ", ".join(f"{name}: {usd}" for name, usd in PRICES.items()) + "}\n"


class Unsteadiness(NamedTuple):
    """How late the target's own timers were: as it usually was, and at its worst, both beyond the most punctual."""

    usual_s: float
    worst_s: float


def unsteadiness_s(lateness_ns):
    beyond_s = (lateness_ns - lateness_ns.min()) / 1e9
    return Unsteadiness(float(np.median(beyond_s)), float(beyond_s.max()))


def service_lateness_ns(truth, service_s=SERVICE_S):
    return truth.logged("replied_ns") - truth.logged("arrived_ns") - round(service_s * 1e9)


def within(measured_s, true_s, noise=0.0):
    """Is a figure within 2 ms and 1 % of the truth, and of the machine's own unsteadiness?"""
    return abs(measured_s - true_s) <= max(ERROR_S, ERROR_SHARE * true_s) + noise


def assert_each_arrived_once(truth):
    assert Counter(truth.asked) == {f"r-{row['id']}": 1 for row in truth.rows}


def percentile(values, percent):
    return float(np.percentile(values, percent, method="inverted_cdf"))


@pytest.mark.parametrize("rate", [200, 1000])
def test_a_fixed_service_time_is_measured(calibrate, rate):
    """Latency's median and p99 are the target's own, each request arrives once, and when the schedule wants it."""
    truth = calibrate("--rate", f"{rate}/s", "-d", "3s", "--workers", "1", service_s=SERVICE_S)
    noise = unsteadiness_s(service_lateness_ns(truth))
    assert_each_arrived_once(truth)
    assert truth.summary["funnel"]["ok"] == truth.summary["funnel"]["planned"] == 3 * rate

    earliest, latest = truth.zero_bounds_ns()
    assert earliest <= latest, "a request arrived before it was sent, or was answered after the answer was read"

    true_s = truth.true_latency_s()
    latency = truth.summary["latency_s"]
    assert within(latency["p50"], percentile(true_s, 50), noise.usual_s)
    assert within(latency["p99"], percentile(true_s, 99), noise.worst_s)
    assert within(latency["mean"], float(true_s.mean()), noise.worst_s)

    due_ns = truth.column("due_ns")
    assert np.abs(np.diff(due_ns) - 1e9 / rate).max() <= 1
    assert (truth.column("sent_ns") >= due_ns).all()
    late_s = (truth.logged("arrived_ns") - truth.zero_ns() - due_ns) / 1e9
    assert percentile(late_s, 50) <= ERROR_S + noise.usual_s
    assert truth.summary["lag_s"]["p99"] <= percentile(late_s, 99) + ERROR_S


def test_a_stall_shows_as_the_schedule_implies(calibrate):
    """When the target stands still for 2 s, those who were due then wait for it to end: to the p99, by the schedule."""
    truth = calibrate("--rate", "200/s", "-d", "5s", "--workers", "1", service_s=SERVICE_S, stall_at_s=1.5, stall_s=2.0)
    assert_each_arrived_once(truth)
    began_ns, ended_ns = (moment - truth.zero_ns() for moment in truth.stall_ns)
    due_ns = truth.column("due_ns")
    # Whose answer was under way gets it at the stall's end; who came during it is only then served.
    under_way = (due_ns > began_ns - SERVICE_S * 1e9) & (due_ns <= began_ns)
    kept_out = (due_ns > began_ns) & (due_ns < ended_ns)
    assert kept_out.sum() >= 399
    implied_s = np.where(under_way, (ended_ns - due_ns) / 1e9, SERVICE_S)
    implied_s[kept_out] = (ended_ns - due_ns[kept_out]) / 1e9 + SERVICE_S

    latency = truth.summary["latency_s"]
    noise = unsteadiness_s(service_lateness_ns(truth)[due_ns > ended_ns])
    # Serving all who waited at once takes the target, and the generator, a while of their own.
    crowd_s = float(np.ptp(truth.logged("replied_ns")[kept_out])) / 1e9
    assert latency["p99"] > 1.9
    assert within(latency["p99"], percentile(implied_s, 99), 2 * crowd_s + noise.worst_s)
    assert within(latency["p99"], percentile(truth.true_latency_s(), 99), crowd_s + noise.worst_s)
    assert within(latency["p50"], percentile(truth.true_latency_s(), 50), crowd_s + noise.usual_s)


def test_a_shut_door_is_in_latency_and_not_in_service(calibrate):
    """While nobody new is let in for 3 s, users wait though each answer is quick: latency says so, service does not.

    Connections are opened a second ahead, so those due in the door's first second do not meet it.
    """
    truth = calibrate(
        "--rate", "100/s", "-d", "5s", "--workers", "1",
        protocol="ws", service_s=SERVICE_S, stall_at_s=0.5, stall_s=3.0, is_door=True,
    )  # fmt: skip
    assert_each_arrived_once(truth)
    shut_ns, opened_ns = (moment - truth.zero_ns() for moment in truth.stall_ns)
    due_ns = truth.column("due_ns")
    waits = (due_ns > shut_ns + 1e9) & (due_ns < opened_ns)
    implied_s = np.where(waits, (opened_ns - due_ns) / 1e9, 0) + SERVICE_S
    noise = unsteadiness_s(service_lateness_ns(truth))
    crowd_s = float(truth.logged("arrived_ns")[waits].max() - truth.stall_ns[1]) / 1e9

    latency, service = truth.summary["latency_s"], truth.summary["service_s"]
    assert latency["p99"] > 1.9
    assert within(latency["p99"], percentile(implied_s, 99), crowd_s + noise.worst_s)
    assert within(latency["p99"], percentile(truth.true_latency_s(), 99), noise.worst_s)
    true_service_s = (truth.logged("replied_ns") - truth.logged("arrived_ns")) / 1e9
    assert within(service["p50"], percentile(true_service_s, 50), noise.usual_s)
    assert service["p99"] < latency["p99"] / 2


@pytest.mark.parametrize("protocol", ["rest", "ws"])
def test_throttles_are_the_targets_to_the_request(calibrate, protocol):
    """With a quota of half the rate, the very requests that the target refused are those counted as throttled."""
    truth = calibrate(
        "--rate", "100/s", "-d", "2s", "--workers", "1", protocol=protocol, service_s=0.01, quota_per_s=50
    )
    assert_each_arrived_once(truth)
    refused = {entry["request_id"] for entry in truth.log if entry["outcome"] == "throttled"}
    assert refused == {f"r-{row['id']}" for row in truth.rows if row["outcome"] == "throttled"}
    assert 0 < len(refused) < 200
    assert truth.summary["funnel"]["throttled"] == len(refused)
    assert truth.summary["rates"]["throttle_rate"] == len(refused) / 200
    assert truth.summary["funnel"]["ok"] == 200 - len(refused)


@pytest.mark.parametrize("protocol", ["sse", "ws"])
def test_a_streams_moments_tokens_and_cost_are_the_targets(calibrate, protocol):
    """TTFT, gaps and time per token are those that the target logged; tokens and money are exact."""
    script = {"chunks": 12, "ttft_s": 0.08, "gap_s": 0.02}
    truth = calibrate(
        "--rate", "40/s", "-d", "3s", "--workers", "1", "--model", "truth-1",
        protocol=protocol, scenario=SCENARIO, **script,
    )  # fmt: skip
    assert_each_arrived_once(truth)
    assert truth.summary["funnel"]["ok"] == len(truth.log) == 120
    said_ns = np.array([entry["chunks_ns"] for entry in truth.log])
    planned_ns = np.arange(12) * 20_000_000 + 80_000_000
    noise = unsteadiness_s(said_ns - truth.logged("arrived_ns")[:, None] - planned_ns)

    ttft_s = (said_ns[:, 0] - truth.zero_ns() - truth.column("due_ns")) / 1e9
    assert within(truth.summary["ttft_s"]["p50"], percentile(ttft_s, 50), noise.usual_s)
    assert within(truth.summary["ttft_s"]["mean"], float(ttft_s.mean()), noise.worst_s)
    gaps_s = np.diff(said_ns, axis=1).ravel() / 1e9
    assert truth.summary["itl_s"]["count"] == gaps_s.size
    assert within(truth.summary["itl_s"]["p50"], percentile(gaps_s, 50), noise.usual_s)
    assert within(truth.summary["itl_s"]["mean"], float(gaps_s.mean()), noise.usual_s)
    outputs = np.array([entry["usage"]["output_tokens"] for entry in truth.log])
    tpot_s = (truth.logged("replied_ns") - said_ns[:, 0]) / (outputs - 1) / 1e9
    assert within(truth.summary["tpot_s"]["p50"], percentile(tpot_s, 50), noise.usual_s)
    assert within(truth.summary["tpot_s"]["mean"], float(tpot_s.mean()), noise.worst_s)

    def usd(usage):
        return sum(Decimal(usage[f"{kind}_tokens"]) * price for kind, price in PRICES.items()) / 1_000_000

    for row, entry in zip(truth.rows, truth.log, strict=True):
        assert {kind: int(row[f"{kind}_tokens"]) for kind in PRICES} == {
            kind: entry["usage"][f"{kind}_tokens"] for kind in PRICES
        }
        assert Decimal(row["cost_usd"]) == usd(entry["usage"])
    assert Decimal(str(truth.summary["cost_usd"]["run"])) == sum(usd(entry["usage"]) for entry in truth.log)


def test_a_starved_generator_blames_itself(calibrate):
    """A generator that gets no processor for a second says that it, not the target, made the requests late: 111."""

    def starve(process, directory):
        timeline = directory / "reports"
        while not any(file.stat().st_size for file in timeline.glob("*/timeline.ndjson")):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(process.pid, signal.SIGCONT)

    truth = calibrate("--rate", "200/s", "-d", "4s", "--workers", "1", service_s=0.01, while_running=starve)
    assert_each_arrived_once(truth)
    assert truth.exit_code == 111
    validity = truth.summary["validity"]
    assert validity["verdict"] == "invalid"
    assert validity["reasons"][0]["code"] == "lag"
    assert validity["reasons"][0]["message"].startswith("generator, not target:")
    assert validity["reasons"][0]["evidence"]["stall_s"] > 0.5
    assert "stall" in {reason["code"] for reason in validity["reasons"]}
    # The target saw it too: nothing came for as long, and then all of it at once.
    assert np.diff(np.sort(truth.logged("arrived_ns"))).max() > 0.5e9
    late_s = (truth.logged("arrived_ns") - truth.zero_ns() - truth.column("due_ns")) / 1e9
    assert 0.9 <= truth.summary["lag_s"]["p99"] <= percentile(late_s, 99) + ERROR_S


def test_the_same_seed_asks_the_same(calibrate):
    """What the target was asked, byte for byte, depends on the seed alone: not on the run, nor on how many sent it."""

    def asked(place, seed, workers):
        truth = calibrate(
            "--pattern", "production", "--rate", "40/s", "-d", "1s", "--seed", seed, "--workers", workers, place=place
        )
        assert_each_arrived_once(truth)
        assert {row["worker"] for row in truth.rows} == {str(worker) for worker in range(int(workers))}
        return [(row["due_ns"], entry["asked"]) for row, entry in zip(truth.rows, truth.log, strict=True)]

    once = asked("once", "7", "1")
    assert asked("again", "7", "1") == once
    assert asked("shards", "7", "3") == once
    assert asked("other", "8", "1") != once
