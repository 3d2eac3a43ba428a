# SPDX-License-Identifier: GPL-2.0
# Users' commands; `make help` lists them. What is built is in Kbuild.

# No kernel build works on these paths, and no recipe is to run on what is left of one: refused before
# anything else. A blank in its own makes a list of this Makefile's path, which realpath takes apart.
comma := ,
hash := \#
open := (
close := )
odd-characters := \ $$ $(hash) % : ; $(comma) & | < > $(open) $(close) [ ] { } * ?
quotes := ' " `
is-odd = $(strip $(word 2,x$(1)x) $(foreach c,$(odd-characters) $(quotes),$(findstring $c,$(1))))
check-path = $(if $(call is-odd,$(2)),$(error $(1)$(2): kernel builds break on a path with a blank, a quote \
	or any of $(odd-characters): choose another path))

makefile := $(if $(word 2,$(MAKEFILE_LIST)),$(MAKEFILE_LIST),$(realpath $(MAKEFILE_LIST)))
$(call check-path,this checkout's ,$(makefile))
$(foreach name,KDIR KSRC SGDMA INSTALL_MOD_PATH BUSYBOX RUST_LIB_SRC RUSTC \
	$(firstword $(foreach name,SGDMA_CACHE XDG_CACHE_HOME HOME,$(if $(value $(name)),$(name)))),\
	$(call check-path,$(name)=,$(value $(name))))

override TOP := $(patsubst %/,%,$(dir $(makefile)))
ifeq ($(wildcard $(TOP)/scripts/kbuild),)
$(error $(TOP) is not a checkout of sgdma: this Makefile works only in one)
endif

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := modules

# Each boot scenario as SCENARIO:KERNEL; a kernel is named ARCH or ARCH-VARIANT. There need not be a
# Python yet that reads the file.
BOOTS := $(shell awk -F '[]".[]' '/^\[/ { if (s) print s ":" k; s = $$2 == "scenario" ? $$3 : "" } \
	/^(arch|kernel) = / { k = $$2 } END { if (s) print s ":" k }' '$(TOP)/harness/scenarios.toml')
scenarios = $(patsubst %:$(1),%,$(filter %:$(1),$(BOOTS)))
kernels = $(sort $(foreach boot,$(BOOTS),$(filter $(1) $(1)-%,$(lastword $(subst :, ,$(boot))))))

# Which guest: an architecture, or a boot scenario, which implies one and a kernel for it.
ARCHES := x86_64 arm64
ifdef BOOT
KERNEL := $(patsubst $(BOOT):%,%,$(filter $(BOOT):%,$(BOOTS)))
ifneq ($(words $(KERNEL)),1)
$(error unknown scenario BOOT=$(BOOT); known are: $(foreach boot,$(BOOTS),$(firstword $(subst :, ,$(boot)))))
endif
override ARCH := $(firstword $(subst -, ,$(KERNEL)))
TEST_KERNELS := $(KERNEL)
else
TEST_ARCHES := $(or $(ARCH),$(ARCHES))
TEST_KERNELS := $(foreach arch,$(TEST_ARCHES),$(call kernels,$(arch)))
ARCH ?= $(patsubst aarch64,arm64,$(shell uname -m))
KERNEL := $(ARCH)
ifneq ($(words $(ARCH))$(filter $(ARCHES),$(ARCH)),1$(ARCH))
$(error unknown ARCH=$(ARCH); known are: $(ARCHES))
endif
endif
SCENARIO := $(or $(BOOT),$(firstword $(call scenarios,$(KERNEL))))

override BUILD := $(TOP)/build/$(KERNEL)
KBUILD := '$(TOP)/scripts/kbuild'
DRIVERS := bench
# User Mode Linux has no devices for others.
ifneq ($(ARCH),um)
DRIVERS += $(patsubst $(TOP)/%/Kbuild,%,$(wildcard $(TOP)/samples/*/Kbuild $(TOP)/tests/modules/*/Kbuild))
PROGRAMS := $(wildcard $(TOP)/samples/*/user/*-test.c $(TOP)/tests/user/*-test.c)
endif
export ARCH KERNEL KDIR KSRC SGDMA_CACHE SGDMA_SELFTESTS
# Files are named relative to where the user is, also with make -C.
export GUEST_FILES GUEST_SCRIPT
export GUEST_FROM := $(PWD)

.PHONY: modules setup check-env guest run shell test soak bench report modules_install kernel-env clean \
	distclean fmt fmt-check bindings lint doc rust-analyzer help

modules: setup
	+@$(KBUILD) modules . $(DRIVERS)

# The environment for KERNEL; a kernel that was given is looked at by scripts/kbuild.
setup:
	@$(if $(KDIR),:,'$(TOP)/scripts/setup' $(KERNEL))

check-env:
	@$(if $(KDIR),'$(TOP)/scripts/check-env' '$(KDIR)',$(error give KDIR=, the build tree of your kernel))

# What a guest runs: the modules, and programs, which need no C library. Two runs may make the same
# program at once: it gets its name when it is complete.
vpath %-test.c $(dir $(PROGRAMS))

guest: modules $(patsubst %.c,$(BUILD)/guest/%,$(notdir $(PROGRAMS)))

$(BUILD)/guest/%-test: %-test.c $(wildcard $(TOP)/samples/*/*.h $(TOP)/samples/*/user/*.h $(TOP)/tests/modules/*/*.h) | setup
	@mkdir -p '$(@D)'
	@echo '  CLANG $@'
	@. '$(BUILD)/env' && PATH="$$TOOL_PATH:$$PATH" clang --target=$(ARCH:arm64=aarch64)-linux-gnu \
		-Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -nostdlib -static -fuse-ld=lld \
		-nostdinc -isystem "$$KSRC/tools/include/nolibc" -isystem "$$KDIR/usr/include" -o '$@'.$$$$ '$<' && \
		mv -- '$@'.$$$$ '$@'

# Not sourced into our own environment, whose KDIR= and KSRC= are the user's.
PYTHON = "$$(. '$(TOP)/build/$(1)/env' && echo "$$PYTHON")"

ifneq ($(and $(KDIR),$(filter run shell test soak bench report,$(MAKECMDGOALS))),)
$(error guests boot the project's own kernel: leave KDIR= out here; it is for building the modules)
endif

ifneq ($(and $(filter um,$(ARCH)),$(filter run shell test soak report bindings lint,$(MAKECMDGOALS))),)
$(error BOOT=$(BOOT) is only for make bench: nothing in User Mode Linux does DMA)
endif

ifneq ($(filter modules_install,$(MAKECMDGOALS)),)
ifeq ($(KDIR)$(INSTALL_MOD_PATH),)
$(error give KDIR=, the build tree of your kernel, or INSTALL_MOD_PATH=)
endif
endif

# As they were given: neither make nor a shell reads them.
run shell report: export SGDMA_CMDLINE := $(value CMDLINE)
run shell report: export SGDMA_QEMU_ARGS := $(value QEMU_ARGS)

run: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' $(SCENARIO)

shell: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' --shell $(SCENARIO)

test:
	+@set -e; for boot in $(foreach kernel,$(TEST_KERNELS),$(firstword $(call scenarios,$(kernel)))); do \
		$(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@cd '$(TOP)' && $(call PYTHON,$(firstword $(TEST_KERNELS))) -B -m pytest --junitxml=build/test/results.xml \
		$(if $(BOOT),tests/test_boot.py --boot $(BOOT),tests $(if $(filter 1,$(words $(TEST_ARCHES))),--arch $(TEST_ARCHES)))

# The long forms: a million random tables in the ordinary kernel, another seed for each 20000; in the one that
# watches all it can, failed allocations, and what comes and goes, so often, and so many calls at random.
ROUNDS := 50
FAULTS := 10000
TURNS := 1000
CALLS := 1000000
SOAKS := $(or $(BOOT),$(SCENARIO) $(if $(filter x86_64,$(ARCH)),debug x86-hard))
soak:
	+@set -e; for boot in $(SOAKS); do $(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@set -e; for boot in $(SOAKS); do $(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' --ask rounds=$(ROUNDS) \
		--ask faults=$(FAULTS) --ask turns=$(TURNS) --ask calls=$(CALLS) --timeout 14400 --out '$(TOP)'/build/soak/$$boot $$boot; done

# Figures, not tests: nothing here passes or fails by them. User Mode Linux is a program of an x86_64.
BENCH_BOOTS := $(or $(BOOT),x86-nodebug $(if $(filter x86_64,$(shell uname -m)),um-native))
bench:
	+@set -e; for boot in $(BENCH_BOOTS); do $(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@$(call PYTHON,$(patsubst $(firstword $(BENCH_BOOTS)):%,%,$(filter $(firstword $(BENCH_BOOTS)):%,$(BOOTS)))) \
		'$(TOP)/scripts/bench' --out '$(TOP)/build' $(BENCH_BOOTS)

# What sgdma says of the guest's devices; on a machine of your own, read the file itself.
report: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' --mode report --out '$(TOP)/build/report' $(SCENARIO) | \
		sed -n 's/^\[[^]]*\] report: //p; /^run:/p'

# As in the kernel's own: it builds nothing, so that root needs no toolchain.
modules_install: $(if $(KDIR),,setup)
	+@$(KBUILD) modules_install .

# Only that is said on standard output.
kernel-env: setup
	+@$(KBUILD) modules . >&2
	@$(KBUILD) kernel-env .

clean:
	@'$(TOP)/scripts/clean'

distclean:
	@'$(TOP)/scripts/clean' --cache

RUST_SOURCES = $$(find '$(TOP)'/{src,samples,bench,tests} -name '*.rs')
RUSTFMT := $(shell command -v rustfmt)

fmt fmt-check: $(if $(RUSTFMT),,no-rustfmt)
	@cd '$(TOP)' && rustfmt $(if $(filter fmt-check,$@),--check) $(RUST_SOURCES)
.PHONY: no-rustfmt
no-rustfmt:
	$(error rustfmt is missing: run `rustup component add rustfmt clippy`, or install your \
		distribution's packages)

# The Rust declarations of our C headers, which are committed.
bindings: $(if $(RUSTFMT),,no-rustfmt) setup
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/bindgen' $(KERNEL)

# Every warning is an error: bindgen, rustfmt, clippy, the C compiler, checkpatch.
lint: fmt-check setup
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/bindgen' --check $(KERNEL)
	+@$(KBUILD) modules . $(DRIVERS) OUT=lint CLIPPY=1 KRUSTFLAGS=-Dwarnings KCFLAGS=-Werror
	@. '$(BUILD)/env' && "$$KSRC/scripts/checkpatch.pl" --no-tree --quiet --terse --strict \
		--ignore EXPORT_SYMBOL,MACRO_ARG_REUSE --file \
		$$(find '$(TOP)'/{include,src,samples,bench,tests/modules,tests/user} -name '*.[ch]')

doc: modules
	+@$(KBUILD) modules . SGDMA_DOC='$(BUILD)/doc'
	@echo 'open $(BUILD)/doc/sgdma/index.html'

rust-analyzer: setup
	+@$(KBUILD) rust-analyzer . MO='$(TOP)'
	@'$(TOP)/scripts/rust-project' '$(TOP)/rust-project.json'

help:
	@sed -n 's/^#: \?//p' '$(TOP)/Makefile'

#: make run             boot a guest and have a device copy a file; ends with run: PASS or FAIL
#: make test            all tests: host, and the self-tests and checks in every boot scenario
#: make shell           the same guest, with a prompt
#: make soak            the long forms of the tests; ROUNDS=, FAULTS=, TURNS= and CALLS= say how long
#: make report          what sgdma says of each device of a guest (BOOT= chooses which)
#: make bench           instructions and cycles, beside C on the same tables; also build/bench.json, .svg
#: make                 build the modules, into build/
#:
#: ARCH=x86_64|arm64    which guest (default: this machine's; make test: both)
#: BOOT=<scenario>      which boot scenario; scripts/boot --list lists them
#: CMDLINE="..."        more kernel parameters, for make run, shell and report
#: QEMU_ARGS="..."      more arguments for QEMU, likewise
#: GUEST_FILES="..."    more files for that guest: *.ko to /lib/sgdma, others to /bin
#: GUEST_SCRIPT=<file>  what make run has the guest do instead of the checks
#: KDIR=<path>          build against your own kernel's build tree instead
#: KSRC=<path>          use this kernel source for the guests
#: SGDMA_SELFTESTS=n    build sgdma.ko without its self-tests, a seventh of the code
#: SGDMA_CACHE=<path>   the directory that holds sgdma/, the kernels and tools (default: ~/.cache)
#:
#: make check-env KDIR= what a kernel build tree lacks to build these modules, if anything
#: make modules_install install them for the kernel of KDIR=, or below INSTALL_MOD_PATH=
#: make -s kernel-env   print the command that builds a driver of yours for the guests' kernel
#: make setup           only fetch and build what the rest needs
#: make lint            bindings, rustfmt, clippy, compiler warnings, checkpatch
#: make bindings        generate the Rust declarations of the C headers, after a change there
#: make fmt             format the Rust code
#: make doc             make the library's documentation, in build/<arch>/doc
#: make rust-analyzer   make rust-project.json for editors
#: make clean           remove build/
#: make distclean       remove build/ and the cache: kernels, tools, sources
