"""A run directory is judged with what is there."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from loadtester.campaign.campaign import judged
from loadtester.errors import Exit, FmloadError

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
    assert said == [f"{requests} has no request that can be read: quotas are left out"]


def test_with_its_requests_a_run_has_its_quotas(tmp_path):
    """The same run, whole, tells of them."""
    assert judged(Path(shutil.copytree(EXAMPLE, tmp_path / "run")), {}, print).quota is not None


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_run_that_lost_requests_is_refused(tmp_path, keep):
    """Quotas of the part that is left would be wrong, and nobody would see it."""
    directory = Path(shutil.copytree(EXAMPLE, tmp_path / "run"))
    requests = directory / "requests.csv.gz"
    requests.write_bytes(requests.read_bytes()[: int(keep * requests.stat().st_size)])
    with pytest.raises(FmloadError, match=r"requests\.csv\.gz has [\d,]+ of the [\d,]+ requests on record") as caught:
        judged(directory, {}, print)
    assert caught.value.code is Exit.INPUT


def test_a_killed_run_may_have_more_requests_than_seconds(tmp_path):
    """Rows are written before the second's line: where a kill came between, they are read all the same."""
    directory = Path(shutil.copytree(EXAMPLE, tmp_path / "run"))
    timeline = directory / "timeline.ndjson"
    timeline.write_text("".join(timeline.read_text().splitlines(keepends=True)[:-3]))
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(manifest | {"status": "running", "elapsed_s": None}))
    said = []
    assert judged(directory, {}, said.append).quota is not None
    assert said == []


@pytest.mark.parametrize("field", ["seed", "pattern", "target", "id", "plan", "scenario"])
def test_a_manifest_without_a_field_is_the_users_to_mend(tmp_path, field):
    """Whatever is missing from it, there is a message, and no fault of fmload's own."""
    directory = Path(shutil.copytree(EXAMPLE, tmp_path / "run"))
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest[field]
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FmloadError, match=rf"manifest\.json lacks what a report needs: KeyError: '{field}'") as caught:
        judged(directory, {}, print)
    assert caught.value.code is Exit.INPUT
