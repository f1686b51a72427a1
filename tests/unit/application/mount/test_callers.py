"""Who opened, and for which job: login names, Slurm's and Kubernetes' traces, and the memory of answers."""

import os
import subprocess
import sys

import pytest

from tests.support.manual_clock import ManualClock
from warpdrive.application.mount.callers import Directory, job_of_groups, job_of_process, login_name

UID = "0f5e4a7e-9a53-4d9c-8c2f-8a1100c0ffee"


@pytest.mark.parametrize(
    ("groups", "job"),
    [
        ("0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0\n", "4711"),
        ("5:memory:/slurm/uid_1000/job_42/step_batch\n1:name=systemd:/user.slice\n", "42"),
        ("0::/slurm/job_7\n", "7"),
        (f"0::/kubepods/burstable/pod{UID}/8f3c\n", f"pod:{UID}"),
        (f"0::/kubepods/pod{UID}\n", f"pod:{UID}"),
        (
            f"0::/kubepods.slice/x.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice/cri-containerd-8f.scope\n",
            f"pod:{UID}",
        ),
        (f"0::/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice\n", f"pod:{UID}"),
        (f"3:cpu:/kubelet/kubepods/besteffort/pod{UID}/8f3c\n", f"pod:{UID}"),
        ("0::/kubepods/besteffort/pod" + "a1" * 16 + "/8f3c\n", "pod:" + "a1" * 16),
        (f"0::/../../kubepods/pod{UID}/../8f3c\n", f"pod:{UID}"),
        (f"0::/kubepods/pod{UID}/8f3c/job_9/step_0\n", "9"),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", ""),
        ("0::/system.slice/job_x\n", ""),
        ("0::/my_job_12\n", ""),
        (f"0::/machine/pod{UID}\n", ""),
        ("0::/kubepods/burstable/podium\n", ""),
        ("garbage\n\n", ""),
        ("", ""),
    ],
)
def test_the_job_that_control_groups_tell(groups: str, job: str) -> None:
    """Slurm's with both cgroup versions, pods as systemd and as cgroupfs write them; others tell none."""
    assert job_of_groups(groups) == job


def test_a_login_name_or_the_number() -> None:
    """Containers often know no name for a uid."""
    assert login_name(0) == "root"
    assert login_name(3_999_999_999) == "3999999999"


def test_the_job_of_a_real_process() -> None:
    """SLURM_JOB_ID from its environment; none for one without, or that is gone."""
    with subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "SLURM_JOB_ID": "90210"},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert job_of_process(process.pid) == "90210"
        process.communicate(b"\n")
    assert job_of_process(process.pid) == ""


def test_a_variable_that_is_no_job_id_says_nothing() -> None:
    """Anybody can set it, to anything and at any length."""
    with subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "SLURM_JOB_ID": "4711; \x1b[2J" + "x" * 100},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert job_of_process(process.pid) == ""
        process.communicate(b"\n")


async def test_an_answer_is_believed_for_its_lifetime() -> None:
    """Then it is asked again, since numbers are reused."""
    clock = ManualClock()
    answers = iter(["first", "second"])
    directory: Directory[int] = Directory(lambda _: next(answers), clock, lifetime=60)
    assert await directory.resolve(7) == "first"
    clock.advance(59)
    assert await directory.resolve(7) == "first"
    clock.advance(1)
    assert await directory.resolve(7) == "second"


async def test_the_memory_of_answers_is_bounded() -> None:
    """The oldest goes."""
    asked: list[int] = []

    def ask(key: int) -> str:
        asked.append(key)
        return str(key)

    directory: Directory[int] = Directory(ask, ManualClock(), lifetime=60, capacity=2)
    for key in (1, 2, 3, 1):
        assert await directory.resolve(key) == str(key)
    assert asked == [1, 2, 3, 1]
