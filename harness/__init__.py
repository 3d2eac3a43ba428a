# SPDX-License-Identifier: GPL-2.0
"""Boots the guests of scenarios.toml, for scripts/ and tests/.

Read in this order:

scenarios   the table of guests in scenarios.toml, and the kernel of each
initramfs   the files that a guest has
machine     the command line of QEMU or User Mode Linux; acpi makes a table for its firmware
disks       the disks of a guest, prepared before and compared after a boot
monitor     what a guest may ask QEMU to do
boot        one boot, from the command line to the outcome
judge       the outcome, from the console log
command     other commands, as a user types them
"""
