"""Finds free ports on this machine."""

import socket

HOST = "127.0.0.1"
TRIES = 1_000


def is_free(port: int) -> bool:
    """Whether a server could listen there now, even if one uses the wildcard address."""
    return _binds(HOST, port) and _binds("", port)


def next_free(port: int) -> int:
    """This port, or the first free one after it. No other call gets it while this process lives.

    Raises: OSError: none of the next thousand is free.
    """
    for candidate in range(port, min(port + TRIES, 65_536)):
        if is_free(candidate) and _claimed(candidate):
            return candidate
    raise OSError(f"no free port from {port} on")


def answers(port: int) -> bool:
    """Whether a process accepts connections there."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _claimed(port: int) -> bool:
    """Claim a port for a server that starts later. Two systems may start at the same time.

    The claim is the UDP port of that number: the system gives it to one process only, leaves the
    TCP port free for the server, and takes it back however the process ends.
    """
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind((HOST, port))
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until this process ends
    return True


def _binds(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
