"""What ends a process, unwrapped: task groups wrap the fault that stopped them, people want the fault."""


def only_one(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Unpack a group of one, and whatever groups of one are in it; a group of several stays a group."""
    fault: BaseException = group
    while isinstance(fault, BaseExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]
    return fault
