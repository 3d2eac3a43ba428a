# SPDX-License-Identifier: GPL-2.0
# Included by the Kbuild file of a driver that uses sgdma. Works where it lies
# beside the other files: installed, in /lib/modules/<kernel release>/sgdma/, or
# in the directory that sgdma.ko was built in.

sgdma-dir := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
sgdma-hash := \#
$(if $(word 2,x$(SGDMA)x)$(strip $(foreach c,$$ $(sgdma-hash) % : ' " \,$(findstring $c,$(SGDMA)$(sgdma-dir)))),\
	$(error SGDMA=$(SGDMA): kernel builds break on a path with a blank, a quote or any of $$ $(sgdma-hash) % : \: choose another path))
sgdma-file = $(or $(wildcard $(sgdma-dir)/$(1)),$(error $(sgdma-dir)/$(1) is missing: \
	build sgdma for this kernel and install it (make modules_install), or give SGDMA=, the directory it was built in))

# For rustc, which records that the objects depend on it.
rustflags-y += --extern sgdma=$(call sgdma-file,libsgdma.rmeta)

ccflags-y += -I$(sgdma-dir)/include

# For modpost; nobody else expands it.
override KBUILD_EXTRA_SYMBOLS += $(call sgdma-file,Module.symvers)
