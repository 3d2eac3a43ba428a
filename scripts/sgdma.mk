# SPDX-License-Identifier: GPL-2.0
# The Kbuild file of a driver that uses sgdma includes this. The other files are
# beside it: in /lib/modules/<kernel release>/sgdma/, where modules_install puts
# them, or in the directory that sgdma.ko was built in.

sgdma-dir := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
sgdma-hash := \#
sgdma-odd := $(strip $(foreach c,$$ $(sgdma-hash) % : ' " \,$(findstring $c,$(SGDMA)$(sgdma-dir))))
$(if $(word 2,x$(SGDMA)x)$(sgdma-odd),$(error SGDMA=$(SGDMA): kernel builds break on a path \
	with a blank, a quote or any of $$ $(sgdma-hash) % : \: choose another path))
sgdma-file = $(or $(wildcard $(sgdma-dir)/$(1)),$(error $(sgdma-dir)/$(1) is missing: \
	build sgdma for this kernel and install it (make modules_install), \
	or give SGDMA=, the directory it was built in))

# rustc records that the objects depend on this file.
rustflags-y += --extern sgdma=$(call sgdma-file,libsgdma.rmeta)

ccflags-y += -I$(sgdma-dir)/include

# Only modpost expands this.
override KBUILD_EXTRA_SYMBOLS += $(call sgdma-file,Module.symvers)
