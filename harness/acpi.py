# SPDX-License-Identifier: GPL-2.0
"""Tables that firmware has, as the bytes of which ACPI makes them."""

import struct
import uuid

EXTERNAL_FACING = uuid.UUID("efcc06cc-73ac-4bc3-bff0-76143807c389")


def package_length(data):
    """`data` behind its length, which counts itself: up to 63 bytes in one byte, up to 4095 in two."""
    if len(data) < 63:
        return bytes([len(data) + 1]) + data
    length = len(data) + 2
    return bytes([0x40 | length & 15, length >> 4]) + data


def package(*elements):
    return b"\x12" + package_length(bytes([len(elements)]) + b"".join(elements))


def table(signature, aml):
    """A table with its header, whose checksum has all bytes add up to 0."""
    header = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(aml), 2, 0, b"SGDMA", b"TEST", 1, b"TEST", 1)
    whole = bytearray(header + aml)
    whole[9] = -sum(whole) & 0xff
    return bytes(whole)


def external_facing(port):
    """An SSDT by which this port of the root bus, such as "S20", leads outside of the machine.

    Scope (\\_SB.PCI0.S20_) { Name (_DSD, Package () {
        ToUUID ("efcc06cc-73ac-4bc3-bff0-76143807c389"), Package () { Package () { "ExternalFacingPort", 1 } } }) }
    """
    path = b"\\\x2f\x03" + b"".join(name.ljust(4, "_").encode() for name in ("_SB", "PCI0", port))
    guid = b"\x11" + package_length(b"\x0a\x10" + EXTERNAL_FACING.bytes_le)
    properties = package(package(b"\x0dExternalFacingPort\0", b"\x01"))
    return table(b"SSDT", b"\x10" + package_length(path + b"\x08_DSD" + package(guid, properties)))
