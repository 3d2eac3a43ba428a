# SPDX-License-Identifier: GPL-2.0
"""The disks of a guest: prepared before a boot, and compared after it."""

import re
import shlex
from array import array

from harness.judge import STAMP

# Of each namespace of an NVMe controller: its size in MiB, and the size of a block. The third one
# is slow. The last one has no block.
NAMESPACES = {1: (64, 512), 2: (16, 4096), 3: (8, 512), 4: (0, 512)}
SLOW = 3
# The most operations of a slow disk in a second.
SLOW_IOPS = 4
# The disk of a controller that the guest plugs in: "host: device_add driver=nvme drive=card".
CARD = "card", 16
# The namespaces that a guest writes to.
WRITTEN = ["1", "2"]
# A virtio disk has this many MiB.
VIRTIO_MIB = 16
# The first transport of virtio in QEMU's "virt", the distance to the next, and its interrupt.
TRANSPORT, TRANSPORT_SIZE, TRANSPORT_SPI = 0xa000000, 0x200, 16
# A guest finds this many bytes at the start of its first namespace, and of each virtio disk, by a
# seed: that of the namespace is in samples/nvme/user/disk.h, that of the n-th virtio disk is n.
PREPARED_LEN = 1 << 20
PREPARED_SEED = 1
# A line of nvme-test or virtio-test, for bytes that stay. The name of a platform device has its
# address before the name of the disk.
TOLD = re.compile(r"\w+-test: disk (?:\w+\.)?(\S+) has seed (\d+) at (\d+), (\d+) bytes$")


def pattern(seed, start, length):
    """Returns the bytes that a test program makes of a seed, from a position of the disk on."""
    mask = (1 << 64) - 1
    words = array("Q")
    for n in range(start // 8, (start + length + 7) // 8):
        word = (n + (seed << 32)) * 0x9e3779b97f4a7c15 & mask
        words.append(word ^ word >> 29)
    return words.tobytes()[start % 8:start % 8 + length]


def image(work, name):
    """Returns the file of a disk."""
    return work / f"disk-{name}.img"


def create(work, name, mib, seed=None):
    """Makes the file of a disk, which takes no room until it is written.

    Prepares its start with the bytes of `seed`, if there is one.
    """
    with image(work, name).open("wb") as disk:
        disk.truncate(mib << 20)
        if seed is not None:
            disk.write(pattern(seed, 0, PREPARED_LEN))


def nvme(work, device):
    """Makes the disks of an NVMe controller. Returns arguments for QEMU.

    `device` has more properties of the controller.
    """
    args = f"-device nvme,id=nvme,serial=sgdma,mdts=10{device}" \
           f" -object throttle-group,id=slow,x-iops-total={SLOW_IOPS}"
    for nsid, (mib, block) in NAMESPACES.items():
        create(work, nsid, mib, PREPARED_SEED if nsid == 1 else None)
        node = f"driver=file,filename={image(work, nsid)}"
        if nsid == SLOW:
            node = f"driver=throttle,throttle-group=slow,file.driver=file,file.filename=" \
                   f"{image(work, nsid)}"
        args += f" -blockdev {node},node-name=disk{nsid}" \
                f" -device nvme-ns,bus=nvme,drive=disk{nsid},nsid={nsid}" \
                f",logical_block_size={block},physical_block_size={block}"
    name, mib = CARD
    create(work, name, mib)
    return args + f" -blockdev driver=file,filename={image(work, name)},node-name={name}"


def virtio_disks(scenario):
    """Returns (path of the node in the device tree, verdict) of each virtio disk, in order."""
    return [(path, verdict) for path, _, verdict in
            (disk.partition(" ") for disk in scenario.get("virtio", []))]


def name_of(path):
    """Returns the name of the disk that has this node in the device tree."""
    return path.rpartition("/")[2]


def virtio(work, disks):
    """Makes virtio disks, each on a transport of its own. Returns arguments for QEMU."""
    args = "-global virtio-mmio.force-legacy=false"
    for n, (path, _) in enumerate(disks):
        name = name_of(path)
        create(work, name, VIRTIO_MIB, n + 1)
        args += f" -blockdev driver=file,filename={image(work, name)},node-name={name}" \
                f" -device virtio-blk-device,drive={name},bus=virtio-mmio-bus.{n}" \
                f",iommu_platform=on"
    return args


def device_tree(scenario):
    """Returns edits of the device tree, as in scenarios.toml, by which disks get their nodes.

    A transport moves to the path of its disk. The second string of `compatible` lets
    tests/modules/coherency_check bind the disk, too.
    """
    for n, (path, _) in enumerate(virtio_disks(scenario)):
        address = TRANSPORT + n * TRANSPORT_SIZE
        node = f"{path}@{address:x}"
        yield f"-r @ /virtio_mmio@{address:x}"
        yield f"-cp @ {node}"
        yield f"-ts @ {node} compatible virtio,mmio sgdma,coherency-check"
        yield f"-tx @ {node} reg 0 {address:x} 0 {TRANSPORT_SIZE:x}"
        yield f"-tx @ {node} interrupts 0 {TRANSPORT_SPI + n:x} 1"


def verdicts(scenario):
    """Returns NAME:VERDICT of each virtio disk, as tests/guest/virtio reads them."""
    return ",".join(f"{name_of(path)}:{verdict}" for path, verdict in virtio_disks(scenario))


def make(work, scenario):
    """Makes the files of a scenario's disks in the directory `work`.

    Returns arguments for QEMU: none for a machine without disks.
    """
    if "nvme" in scenario:
        return shlex.split(nvme(work, scenario["nvme"]))
    if "virtio" in scenario:
        return shlex.split(virtio(work, virtio_disks(scenario)))
    return []


def written(scenario):
    """Returns the names of the disks that a guest writes to."""
    if "nvme" in scenario:
        return WRITTEN
    return [name_of(path) for path, verdict in virtio_disks(scenario) if verdict]


def differences(work, scenario, log):
    """Returns reasons: the bytes that a guest said it had written, and that the disks lack."""
    # The guest may write the same bytes again: the last line counts.
    told = {}
    for line in log.splitlines():
        if match := TOLD.match(STAMP.sub("", line.rstrip())):
            seed, *place = map(int, match.groups()[1:])
            told[match[1], *place] = seed
    names = {name for name, _, _ in told}
    reasons = [f"the guest has told of no bytes on disk {name}"
               for name in written(scenario) if name not in names]
    for (name, start, length), seed in told.items():
        with image(work, name).open("rb") as disk:
            disk.seek(start)
            if disk.read(length) != pattern(seed, start, length):
                reasons.append(f"disk {name} lacks the {length} bytes at {start} that the guest "
                               "has written")
    return reasons
