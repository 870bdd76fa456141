"""What people type: examples of each verb, shown under its help and in docs/cli-reference.md."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "run": (
        "fmload run --pattern spike",
        "fmload run https://chat.example.com -r 20/s -d 5m --slo 3s --warmup 30s",
        "fmload run wss://chat.example.com/ws -u 20 --think-time 5s -d 10m",
        "fmload run openai+http://127.0.0.1:8000/v1 --model NAME --pattern ramp -r 50/s",
        "fmload run bedrock:us-east-1 --model ID -r 2/s --max-cost 1.50",
        "fmload run -f load --threshold 'latency:p(95)<8s' --abort-on-fail",
        "fmload run --trace azure.csv --speed 5 -d 1m",
        "fmload run -f mine.yaml --summary json > summary.json",
    ),
    "plan": (
        "fmload plan --pattern spike -r 20/s",
        "fmload plan bedrock:us-east-1 --model ID -f mine.yaml",
        "fmload plan -f production --quota-request > request.md",
    ),
    "search": (
        "fmload search --slo 3s --to 100/s",
        "fmload search https://chat.example.com --goal 'latency:p(95)<3s' --max-cost 20",
    ),
    "report": (
        "fmload report reports/example",
        "fmload report reports/example --threshold 'sla>=99%' --threshold 'cost.monthly<50000'",
        "fmload report reports/example --report csv --report junit",
        "fmload report reports/example --exchanges",
    ),
    "compare": (
        "fmload compare reports/BASE reports/NEW",
        "fmload compare reports/BASE reports/NEW --margin ttft=10% --by model",
        "fmload compare --attribute reports/THROUGH-THE-APP reports/STRAIGHT",
    ),
    "cost": (
        "fmload cost reports/example --messages-per-day 1000000",
        "fmload cost reports/example --max-tokens 512 --exact-hits 30%",
        "fmload cost --assume mangaassist --explain",
        "fmload cost reports/example --quota-request > request.md",
    ),
    "nightly": (
        "fmload nightly --dry-run",
        "fmload nightly ci --junit night.xml",
        "fmload nightly mine.yaml https://staging.example.com --max-cost 50 --yes",
    ),
    "history": (
        "fmload history",
        "fmload history reports --name load --since 30d",
    ),
    "serve": (
        "fmload serve",
        "fmload serve --config target.yaml --time-scale 0.1 --log logs",
    ),
    "doctor": (
        "fmload doctor",
        "fmload doctor --calibrate",
    ),
}


def epilog(verb: str) -> str | None:
    """The examples of a verb as the text under its help, each on its own line; None where it has none."""
    lines = EXAMPLES.get(verb)
    return None if lines is None else "\n\n".join(("Examples:", *(line.replace("[", "\\[") for line in lines)))
