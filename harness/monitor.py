# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor, by which a guest has its machine changed."""

import json
import re
import socket

# The requests of a guest: "host: COMMAND NAME=VALUE...".
REQUEST = re.compile(
    rb"^(?:\[[^]]*\] )*host: (device_add|device_del|object_add)((?: [\w-]+=\S+)*)\r?\n", re.M)


class Monitor:
    """A connection to QEMU's monitor, which does what the guest's console asks for."""

    def __init__(self):
        self.socket, self.theirs = socket.socketpair()
        # A descriptor that QEMU inherits needs no name and leaves nothing behind.
        self.argv = ["-chardev", f"socket,id=monitor,fd={self.theirs.fileno()}",
                     "-mon", "chardev=monitor,mode=control"]
        self.tail = b""
        self.execute("qmp_capabilities")

    def execute(self, command, arguments={}):
        """Sends a command to QEMU."""
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode())

    def heard(self, data):
        """Looks for requests in console output, and sends them to QEMU."""
        self.tail += data
        end = 0
        for request in REQUEST.finditer(self.tail):
            command = request[1].decode()
            arguments = dict(argument.split("=", 1) for argument in request[2].decode().split())
            if command == "object_add":
                # This command has another name here, and its numbers must not be strings.
                command = "object-add"
                arguments = {what: int(n) if n.isdecimal() else n
                             for what, n in arguments.items()}
            self.execute(command, arguments)
            end = request.end()
        # Keeps the start of a line that has not ended yet.
        self.tail = self.tail[max(end, self.tail.rfind(b"\n") + 1):]

    def complaints(self):
        """Returns lines for the log on each request that QEMU refused.

        The guest sees only that nothing happened.
        """
        descriptions = re.findall(rb'"desc": ("[^"]*")', self.socket.recv(65536))
        return b"".join(b"host: refused: %s\n" % description for description in descriptions)

    def close(self):
        self.socket.close()
        self.theirs.close()
