"""The signals that end a process of ours, all the same way."""

import signal


def ending_signals() -> list[signal.Signals]:
    """Return the signals that ask us to end; SIGHUP (a closed terminal) unless somebody (nohup) had it ignored."""
    ending = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ending.append(signal.SIGHUP)
    return ending
