"""A run directory is judged with what is there."""

import gzip
import shutil
from pathlib import Path

import pytest

from loadtester.campaign.campaign import judged

EXAMPLE = Path(__file__).parent.parent.parent / "reports" / "example"


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"no gzip",
        gzip.compress(b"a,b\n1,2\n"),
        gzip.compress(b"due_ns,query\nsoon,q\n"),
        gzip.compress(b"\xff\xfe,b\n1,2\n"),
    ],
    ids=["gone", "no_gzip", "of_something_else", "cut_columns", "no_text"],
)
def test_without_its_requests_a_run_has_a_report(tmp_path, content):
    """What requests.csv alone tells is left out: quotas; the rest stands, and the page is written."""
    directory = tmp_path / "run"
    shutil.copytree(EXAMPLE, directory)
    (directory / "report.html").unlink()
    requests = directory / "requests.csv.gz"
    requests.unlink()
    if content is not None:
        requests.write_bytes(content)
    said = []
    report = judged(directory, {}, said.append)
    assert report.quota is None
    assert report.total.latency.p50 is not None
    assert (directory / "report.html").stat().st_size > 100_000
    assert said == []


def test_with_its_requests_a_run_has_its_quotas(tmp_path):
    """The same run, whole, tells of them."""
    assert judged(Path(shutil.copytree(EXAMPLE, tmp_path / "run")), {}, print).quota is not None
