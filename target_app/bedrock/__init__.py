"""An emulator of Amazon Bedrock's runtime API: shapes, framing, quotas, errors and latency, with a log of the truth."""
