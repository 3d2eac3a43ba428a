# SPDX-License-Identifier: GPL-2.0
"""An ACPI table for a guest's firmware, as bytes."""

import struct
import uuid

EXTERNAL_FACING = uuid.UUID("efcc06cc-73ac-4bc3-bff0-76143807c389")


def package_length(data):
    """Returns `data` after its length, which counts itself.

    A length takes one byte up to 63, and two up to 4095.
    """
    if len(data) < 63:
        return bytes([len(data) + 1]) + data
    length = len(data) + 2
    return bytes([0x40 | length & 15, length >> 4]) + data


def package(*elements):
    return b"\x12" + package_length(bytes([len(elements)]) + b"".join(elements))


def table(signature, aml):
    """Returns a table with its header, whose checksum makes the sum of all bytes 0."""
    header = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(aml), 2, 0, b"SGDMA", b"TEST", 1,
                         b"TEST", 1)
    whole = bytearray(header + aml)
    whole[9] = -sum(whole) & 0xff
    return bytes(whole)


def external_facing(port):
    """Returns an SSDT by which a port of the root bus, such as "S20", leads out of the machine.

    Scope (\\_SB.PCI0.S20_) { Name (_DSD, Package () {
        ToUUID ("efcc06cc-73ac-4bc3-bff0-76143807c389"),
        Package () { Package () { "ExternalFacingPort", 1 } } }) }
    """
    names = [name.ljust(4, "_").encode() for name in ("_SB", "PCI0", port)]
    path = b"\\\x2f\x03" + b"".join(names)
    guid = b"\x11" + package_length(b"\x0a\x10" + EXTERNAL_FACING.bytes_le)
    properties = package(package(b"\x0dExternalFacingPort\0", b"\x01"))
    scope = package_length(path + b"\x08_DSD" + package(guid, properties))
    return table(b"SSDT", b"\x10" + scope)
