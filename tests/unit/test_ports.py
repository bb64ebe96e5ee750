"""Free ports: systems that start at the same time never choose the same."""

import subprocess
import sys

from carveout.runtime import ports
from tests.servers import free_port

SYSTEM = "from carveout.runtime import ports; print(ports.next_free({port}), flush=True); input()"


def test_no_port_is_given_twice_before_its_server_listens():
    wanted = free_port()
    here = ports.next_free(wanted)
    systems = [
        subprocess.Popen(
            [sys.executable, "-c", SYSTEM.format(port=wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    found = [here, *(int(each.stdout.readline()) for each in systems)]
    for each in systems:
        each.communicate("\n")

    assert found[0] == wanted
    assert len(set(found)) == 4, found
    assert all(map(ports.is_free, found)), "a claim keeps no server away"
    assert ports.next_free(wanted) in found[1:], "a process that has ended claims nothing"
