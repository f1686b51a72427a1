"""`docs/semantics.md` is executed: every promise names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "semantics.md"
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def sections() -> dict[str, str]:
    """Split the document at its level-two headings: title -> text."""
    parts = re.split(r"^## (.+)$", DOCUMENT.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def claims() -> list[str]:
    """Return the list items of the promise sections: each is one claim."""
    items = []
    for title, text in sections().items():
        if re.match(r"R\d ", title):
            items += re.findall(r"^- (.+(?:\n  .+)*)", text, re.MULTILINE)
    return items


def names_defined_in(path: Path) -> set[str]:
    """Return the names of the test functions that a module defines, in classes too."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_document_covers_the_seven_promises() -> None:
    """R1 to R7 each have a section with claims."""
    numbered = {title.split()[0] for title in sections() if re.match(r"R\d ", title)}
    assert numbered == {"R1", "R2", "R3", "R4", "R5", "R6", "R7"}


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim[:48])
def test_every_claim_names_a_test_that_exists(claim: str) -> None:
    """A claim without a test is a hope; a test that is gone leaves a claim behind."""
    references = REFERENCE.findall(claim)
    assert references, f"no test is named by: {claim}"
    for file, name in references:
        assert (ROOT / file).exists(), f"{file} does not exist"
        assert name in names_defined_in(ROOT / file), f"{file} has no {name}"
