"""Faults as people see them."""

from warpdrive.entrypoints.process.faults import only_one


def test_a_fault_in_groups_of_one_is_told_as_itself() -> None:
    """However deep the task groups were."""
    fault = OSError("no")
    assert only_one(BaseExceptionGroup("outer", [ExceptionGroup("inner", [fault])])) is fault


def test_faults_that_came_together_are_told_together() -> None:
    """None of them is left out."""
    group = ExceptionGroup("both", [OSError("a"), ValueError("b")])
    assert only_one(ExceptionGroup("outer", [group])) is group
