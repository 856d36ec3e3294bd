"""Every SQL sample of README and docs is run, and prints what the page says.

A block of `sql` runs in psql on a copy of the sample database; a block of
`text` after it is its output. `…` in an output stands for anything, on one
line or, alone on a line, on several. `sql no-run` is not run.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent.parent
_PAGES = sorted(
    page
    for page in [*_ROOT.glob("README*.md"), *_ROOT.glob("docs/*.md")]
    if "```sql\n" in page.read_text(encoding="utf-8")
)
_BLOCK = re.compile(r"^```sql\n(.*?)^```\n(?:\n*```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_MARK = "--8<-- block"


def _pattern(expected: str) -> re.Pattern[str]:
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in expected.rstrip().split("\n")
    ]
    return re.compile("".join(lines))


def _tidy(output: str) -> str:
    return "\n".join(line.rstrip() for line in output.strip("\n").split("\n")) + "\n"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_samples_print_what_the_page_says(page, sample_database, psql):
    blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    script = "".join(f"{sql}\n\\echo {_MARK}\n\\warn {_MARK}\n" for sql, _ in blocks)
    done = subprocess.run(
        [*psql, "-X", "-d", sample_database(page.stem), "-P", "pager=off"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    outputs = done.stdout.split(_MARK + "\n")
    messages = done.stderr.split(_MARK + "\n")
    assert len(outputs) == len(blocks) + 1, done.stderr
    for (sql, expected), output, message in zip(blocks, outputs, messages, strict=False):
        # What psql says on standard error stands before the rows.
        said = re.sub(r"^psql:<stdin>:\d+: ", "", message, flags=re.MULTILINE)
        printed = _tidy(said + output)
        if expected:
            assert _pattern(_tidy(expected).rstrip()).fullmatch(printed), f"{sql}\n{printed}"
        else:
            assert "ERROR:" not in said, f"{sql}\n{said}"
