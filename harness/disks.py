# SPDX-License-Identifier: GPL-2.0
"""The disks of a guest's NVMe controller: prepared before a boot, and compared after it."""

import re
import shlex
from array import array

from harness.judge import STAMP

# Of each namespace: its size in MiB, and the size of a block. The third one is slow. The last one
# has no block.
NAMESPACES = {1: (64, 512), 2: (16, 4096), 3: (8, 512), 4: (0, 512)}
SLOW = 3
# The most operations of the slow disk in a second.
SLOW_IOPS = 4
# The disk of a controller that the guest plugs in: "host: device_add driver=nvme drive=card".
CARD = "card", 16
# The bytes that a guest finds at the start of its first disk: see samples/nvme/user/disk.h.
PREPARED_SEED, PREPARED_LEN = 1, 1 << 20
# A line of nvme-test, for bytes that stay.
TOLD = re.compile(r"nvme-test: disk (\d+) has seed (\d+) at (\d+), (\d+) bytes$")


def pattern(seed, start, length):
    """Returns the bytes that nvme-test makes of a seed, from a position of the disk on."""
    mask = (1 << 64) - 1
    words = array("Q")
    for n in range(start // 8, (start + length + 7) // 8):
        word = (n + (seed << 32)) * 0x9e3779b97f4a7c15 & mask
        words.append(word ^ word >> 29)
    return words.tobytes()[start % 8:start % 8 + length]


def image(work, nsid):
    """Returns the file of a namespace."""
    return work / f"disk{nsid}.img"


def create(path, mib):
    """Makes a file that takes no room until it is written."""
    with path.open("wb") as disk:
        disk.truncate(mib << 20)


def make(work, device):
    """Makes the files of the disks in the directory `work`. Returns arguments for QEMU.

    `device` has more properties of the controller.
    """
    args = f"-device nvme,id=nvme,serial=sgdma,mdts=10{device}" \
           f" -object throttle-group,id=slow,x-iops-total={SLOW_IOPS}"
    for nsid, (mib, block) in NAMESPACES.items():
        path = image(work, nsid)
        create(path, mib)
        node = f"driver=file,filename={path}"
        if nsid == SLOW:
            node = f"driver=throttle,throttle-group=slow,file.driver=file,file.filename={path}"
        args += f" -blockdev {node},node-name=disk{nsid}" \
                f" -device nvme-ns,bus=nvme,drive=disk{nsid},nsid={nsid}" \
                f",logical_block_size={block},physical_block_size={block}"
    with image(work, 1).open("r+b") as disk:
        disk.write(pattern(PREPARED_SEED, 0, PREPARED_LEN))
    name, mib = CARD
    create(work / "card.img", mib)
    args += f" -blockdev driver=file,filename={work}/card.img,node-name={name}"
    return shlex.split(args)


def differences(work, log):
    """Returns reasons: the bytes that a guest said it had written, and that the disks lack."""
    told = [tuple(map(int, match.groups())) for line in log.splitlines()
            if (match := TOLD.match(STAMP.sub("", line.rstrip())))]
    if not told:
        return ["the guest has told of no bytes on its disks"]
    reasons = []
    # The guest may write the same bytes again: the last line counts.
    for (nsid, start, length), seed in {told[:1] + told[2:]: told[1] for told in told}.items():
        with image(work, nsid).open("rb") as disk:
            disk.seek(start)
            if disk.read(length) != pattern(seed, start, length):
                reasons.append(f"disk {nsid} lacks the {length} bytes at {start} that the guest "
                               "has written")
    return reasons
