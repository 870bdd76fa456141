"""A run takes the descriptors that its user may have."""

import subprocess
import sys

import pytest

WORK = """
import resource
from loadtester.campaign.descriptors import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {hard}))
raise_descriptor_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("hard", [100, 400])
def test_the_soft_limit_becomes_the_hard_one(hard):
    """It is raised as far as it may be, and the hard limit stays."""
    done = subprocess.run([sys.executable, "-c", WORK.format(hard=hard)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(hard), str(hard)]
