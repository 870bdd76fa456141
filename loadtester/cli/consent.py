"""Asks before a run that may cost real money; nothing is sent and nothing contacted to find out."""

from __future__ import annotations

import ipaddress
import sys
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from loadtester.errors import Exit, FmloadError

if TYPE_CHECKING:
    from loadtester.scenario import Scenario


def require_consent(*scenarios: Scenario, times: float = 1.0) -> None:
    """Let a run, or several, go on that cost nothing or little, have a budget, or are agreed to at the terminal.

    Each is sent `times` over. Raises FmloadError, code 2, where it is not agreed to, and where nobody is there to ask;
    105 where it is interrupted.
    """
    costly = [one for one in scenarios if one.safety.max_cost_usd is None and _is_remote(one)]
    if not costly:
        return
    usd = sum(map(_predicted_usd, costly), Decimal(0)) * Decimal(times)
    free = min(one.safety.confirm_over_usd for one in costly)
    if usd <= free:
        return
    what = "this run" if len(scenarios) == 1 else f"these {len(scenarios)} runs"
    costs = f"{what} may cost ${usd:,.2f}, more than the ${free:,.2f} that need no consent"
    if not sys.stdin.isatty():
        raise FmloadError(
            f"{costs}, and nobody is at a terminal to agree",
            remedy="look at it with --dry-run, then give it a budget (--max-cost), or agree beforehand (--yes)",
            code=Exit.USAGE,
        )
    print(f"{costs}. Run it? [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201  a question to the terminal
    try:
        answer = sys.stdin.readline().strip().lower()
    except KeyboardInterrupt as error:
        raise FmloadError("interrupted; nothing was sent", code=Exit.INTERRUPTED) from error
    if answer not in ("y", "yes"):
        raise FmloadError("the run was not agreed to; nothing was sent", code=Exit.USAGE)


def _is_remote(scenario: Scenario) -> bool:
    """Whether the target is neither the bundled one nor on this machine."""
    from loadtester.plan.service import is_bundled  # noqa: PLC0415  heavy, and --help must be quick

    if is_bundled(scenario):
        return False
    url = scenario.target.endpoint_url or scenario.target.url
    host = None if url is None else urlsplit(url).hostname
    if host is None:
        return True
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def _predicted_usd(scenario: Scenario) -> Decimal:
    """The upper end of the predicted bill; 0 where none of the models has a price."""
    from loadtester.cost import price_table  # noqa: PLC0415  heavy
    from loadtester.fleet import plan_of  # noqa: PLC0415
    from loadtester.plan import predict  # noqa: PLC0415

    prices = price_table(scenario.prices)
    if not any(query.model and prices.price(query.model) is not None for query in scenario.mix):
        return Decimal(0)
    total = predict(scenario, plan_of(scenario), prices).total
    # What is throttled at first may be answered, and paid for, in the end.
    return max(total.usd.high, total.usd_if_all_admitted) if scenario.load.on_throttle == "backoff" else total.usd.high
