"""One site for the tests of one file: repaired before each test and checked after it."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.mail_sink import ACCEPTED
from tests.faults.site import Site, a_site


@pytest.fixture(scope="module")
async def whole_site(services: Any) -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory(prefix="doorstep-faults-") as folder:
        async with a_site(services, Path(folder)) as made:
            yield made


@pytest.fixture
async def site(whole_site: Site) -> AsyncIterator[Site]:
    await whole_site.both_work()
    yield whole_site
    whole_site.mail.answers, whole_site.mail.pause = [ACCEPTED], 0
    await whole_site.is_sound()
