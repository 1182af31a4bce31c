"""Each process imports what it runs; a test's process imports everything, so each is asked in one of its own."""

import subprocess
import sys

import pytest

MISSING = """
import importlib, sys
importlib.import_module(sys.argv[1])
from app.core.orm import metadata
keys = [key for table in metadata.tables.values() for key in table.foreign_keys]
print(sorted({key.target_fullname for key in keys if key.target_fullname.split(".")[0] not in metadata.tables}))
"""


@pytest.mark.parametrize("module", ["app.main", "tasks.worker", "app.check.run", "app.dev.seed"])
def test_every_row_that_a_process_can_write_points_at_tables_that_it_knows(module):
    output = subprocess.run([sys.executable, "-c", MISSING, module], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
