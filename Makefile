# SPDX-License-Identifier: GPL-2.0
# Users' commands; `make help` lists them. Kbuild says what is built.

# No kernel build works on these paths. They are refused before anything else, so that no recipe
# runs on a piece of one. A blank makes a list of this Makefile's path, which realpath takes apart.
comma := ,
hash := \#
open := (
close := )
odd-characters := \ $$ $(hash) % : ; $(comma) & | < > $(open) $(close) [ ] { } * ?
quotes := ' " `
is-odd = $(strip $(word 2,x$(1)x) $(foreach c,$(odd-characters) $(quotes),$(findstring $c,$(1))))
check-path = $(if $(call is-odd,$(2)),$(error $(1)$(2): kernel builds break on a path with a \
	blank, a quote or any of $(odd-characters): choose another path))

makefile := $(if $(word 2,$(MAKEFILE_LIST)),$(MAKEFILE_LIST),$(realpath $(MAKEFILE_LIST)))
$(call check-path,this checkout's ,$(makefile))
cache-variable := $(firstword $(foreach name,SGDMA_CACHE XDG_CACHE_HOME HOME,\
	$(if $(value $(name)),$(name))))
$(foreach name,KDIR KSRC SGDMA INSTALL_MOD_PATH BUSYBOX RUST_LIB_SRC RUSTC SERIES \
	$(cache-variable),$(call check-path,$(name)=,$(value $(name))))

override TOP := $(patsubst %/,%,$(dir $(makefile)))
ifeq ($(wildcard $(TOP)/scripts/kbuild),)
$(error $(TOP) is not a checkout of sgdma: this Makefile works only in one)
endif

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := modules

# Each boot scenario as SCENARIO:KERNEL, and those that `make test` leaves out as soak=SCENARIO, or
# as bench=SCENARIO if they are only for measuring. A kernel is named ARCH[-VARIANT][-SERIES];
# SERIES= gives another series. Awk reads the file because there need not be a Python yet.
listed := $(shell awk -F '[]"[]' -v series='$(SERIES)' '\
	function done() { \
		if (series) sub(/(-[0-9]+\.[0-9]+)?$$/, "-" series, k); \
		if (s) print s ":" k; \
		if (s && left) print left "=" s; \
		left = "" } \
	/^\[/ { done(); s = sub(/^scenario\./, "", $$2) ? $$2 : "" } \
	/^(arch|kernel) = / { k = $$2 } /^soak = true/ { left = "soak" } \
	/^only = / { left = "bench" } END { done() }' \
	'$(TOP)/harness/scenarios.toml')
BOOTS := $(filter-out soak=% bench=%,$(listed))
SOAK_BOOTS := $(patsubst soak=%,%,$(filter soak=%,$(listed)))
scenarios = $(patsubst %:$(1),%,$(filter %:$(1),$(BOOTS)))
all-kernels = $(foreach boot,$(BOOTS),$(filter $(1) $(1)-%,$(lastword $(subst :, ,$(boot)))))
left-out := $(patsubst bench=%,%,$(filter bench=%,$(listed))) $(SOAK_BOOTS)
tested := $(filter-out $(left-out:%=%:%),$(BOOTS))
kernels = $(sort $(foreach boot,$(tested),$(filter $(1) $(1)-%,$(lastword $(subst :, ,$(boot))))))

# A guest is given by its architecture, or by a boot scenario, which has an architecture and a
# kernel.
ARCHES := x86_64 arm64
HOST_ARCH := $(shell . '$(TOP)/scripts/lib/arch.sh' && host_arch)
ifdef BOOT
KERNEL := $(patsubst $(BOOT):%,%,$(filter $(BOOT):%,$(BOOTS)))
ifneq ($(words $(KERNEL)),1)
$(error unknown scenario BOOT=$(BOOT); known are: $(foreach boot,$(BOOTS),\
	$(firstword $(subst :, ,$(boot)))))
endif
override ARCH := $(firstword $(subst -, ,$(KERNEL)))
TEST_KERNELS := $(KERNEL)
else
TEST_ARCHES := $(or $(ARCH),$(ARCHES))
TEST_KERNELS := $(foreach arch,$(TEST_ARCHES),$(call kernels,$(arch)))
ARCH ?= $(HOST_ARCH)
ifneq ($(words $(ARCH))$(filter $(ARCHES),$(ARCH)),1$(ARCH))
$(error unknown ARCH=$(ARCH); known are: $(ARCHES))
endif
# Its first scenario
KERNEL := $(firstword $(call all-kernels,$(ARCH)))
endif
SCENARIO := $(or $(BOOT),$(firstword $(call scenarios,$(KERNEL))))

override BUILD := $(TOP)/build/$(KERNEL)
KBUILD := '$(TOP)/scripts/kbuild'
DRIVERS := bench
# The other drivers are for devices, and User Mode Linux has none.
ifneq ($(ARCH),um)
DRIVERS += $(patsubst $(TOP)/%/Kbuild,%,\
	$(wildcard $(TOP)/samples/*/Kbuild $(TOP)/tests/modules/*/Kbuild))
PROGRAMS := $(wildcard $(TOP)/samples/*/user/*-test.c $(TOP)/tests/user/*-test.c)
endif
export ARCH KERNEL SERIES KDIR KSRC SGDMA_CACHE SGDMA_SELFTESTS
# The names of files are relative to the user's directory, also with make -C.
export GUEST_FILES GUEST_SCRIPT
export GUEST_FROM := $(PWD)

.PHONY: modules setup check-env rust-metadata guest run shell test soak bench report \
	modules_install kernel-env deb clean \
	distclean fmt fmt-check bindings lint doc rust-analyzer help

modules: setup
	+@$(KBUILD) modules . $(DRIVERS)

# Makes the environment for KERNEL. With KDIR= there is none: scripts/kbuild checks that kernel.
setup:
	@$(if $(KDIR),:,'$(TOP)/scripts/setup' $(KERNEL))

check-env:
	@$(if $(KDIR),'$(TOP)/scripts/check-env' '$(KDIR)',\
		$(error give KDIR=, the build tree of your kernel))

rust-metadata:
	@$(if $(KDIR),'$(TOP)/scripts/rust-metadata' '$(KDIR)',\
		$(error give KDIR=, the build tree of your kernel))

# A guest runs the modules, and programs, which need no C library. Two runs may make the same
# program at the same time: it gets its name when it is complete.
vpath %-test.c $(dir $(PROGRAMS))

guest: modules $(patsubst %.c,$(BUILD)/guest/%,$(notdir $(PROGRAMS)))

$(BUILD)/guest/%-test: %-test.c $(wildcard $(TOP)/samples/*/*.h $(TOP)/samples/*/user/*.h \
		$(TOP)/tests/modules/*/*.h $(TOP)/tests/user/*.h) | setup
	@mkdir -p '$(@D)'
	@echo '  CLANG $@'
	@. '$(BUILD)/env' && PATH="$$TOOL_PATH:$$PATH" \
		clang --target=$(ARCH:arm64=aarch64)-linux-gnu -Os -Wall -Wextra -Werror \
		-ffreestanding -fno-stack-protector -nostdlib -static -fuse-ld=lld \
		-nostdinc -isystem "$$KSRC/tools/include/nolibc" \
		-isystem "$$KDIR/usr/include" -o '$@'.$$$$ '$<' && mv -- '$@'.$$$$ '$@'

# The environment is read in a shell of its own: KDIR= and KSRC= here are the user's.
PYTHON = "$$(. '$(TOP)/build/$(1)/env' && echo "$$PYTHON")"

ifneq ($(and $(KDIR),$(filter run shell test soak bench report,$(MAKECMDGOALS))),)
$(error guests boot the project's own kernel: leave KDIR= out here, it is for building the modules)
endif

not-um := run shell test soak report bindings lint
ifneq ($(and $(filter um,$(ARCH)),$(filter $(not-um),$(MAKECMDGOALS))),)
$(error BOOT=$(BOOT) is only for make bench: nothing in User Mode Linux does DMA)
endif

ifneq ($(filter modules_install,$(MAKECMDGOALS)),)
ifeq ($(KDIR)$(INSTALL_MOD_PATH),)
$(error give KDIR=, the build tree of your kernel, or INSTALL_MOD_PATH=)
endif
endif

# These are passed as they were given: neither make nor a shell expands them.
run shell report: export SGDMA_CMDLINE := $(value CMDLINE)
run shell report: export SGDMA_QEMU_ARGS := $(value QEMU_ARGS)

run: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' $(SCENARIO)

shell: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' --shell $(SCENARIO)

# One boot of each kernel stands for what has to be built for it.
TEST_BOOTS = $(foreach kernel,$(TEST_KERNELS),$(firstword $(call scenarios,$(kernel))))
TEST_ARGS = $(if $(BOOT),tests/test_boot.py --boot $(BOOT),tests \
	$(if $(filter 1,$(words $(TEST_ARCHES))),--arch $(TEST_ARCHES)))
test:
	+@set -e; for boot in $(TEST_BOOTS); do \
		$(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@cd '$(TOP)' && $(call PYTHON,$(firstword $(TEST_KERNELS))) -B -m pytest \
		--junitxml=build/test/results.xml $(TEST_ARGS)

# The tests in a long form. On the ordinary kernel: a million random tables, ROUNDS times 20000,
# each round with another seed. On the debug kernel: FAULTS injected failures, TURNS life cycles,
# CALLS random calls.
ROUNDS := 50
FAULTS := 10000
TURNS := 1000
CALLS := 1000000
SOAKS := $(or $(BOOT),$(SCENARIO) $(if $(filter x86_64,$(ARCH)),debug x86-hard x86-nvme-hard) \
	$(if $(filter arm64,$(ARCH)),arm64-virtio))
# And the machines that make test leaves out, in the form that the others have there.
MORE := $(if $(BOOT),,$(foreach boot,$(filter-out $(SOAKS),$(SOAK_BOOTS)),\
	$(if $(filter $(boot):$(ARCH)%,$(BOOTS)),$(boot))))
soak:
	+@set -e; for boot in $(SOAKS) $(MORE); do \
		$(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@set -e; for boot in $(SOAKS); do $(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' \
		--ask rounds=$(ROUNDS) --ask faults=$(FAULTS) --ask turns=$(TURNS) \
		--ask calls=$(CALLS) --timeout 14400 --out '$(TOP)'/build/soak/$$boot $$boot; done
	@set -e; for boot in $(MORE); do $(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' \
		--out '$(TOP)'/build/soak/$$boot $$boot; done

# These are figures: nothing passes or fails by them. User Mode Linux here is a program for x86_64.
BENCH_BOOTS := $(or $(BOOT),x86-nodebug x86-nodebug-nvme x86-nodebug-iommu \
	$(if $(filter x86_64,$(HOST_ARCH)),um-native))
first-boot = $(firstword $(BENCH_BOOTS))
BENCH_KERNEL = $(patsubst $(first-boot):%,%,$(filter $(first-boot):%,$(BOOTS)))
bench:
	+@set -e; for boot in $(BENCH_BOOTS); do \
		$(MAKE) -f '$(TOP)/Makefile' guest BOOT=$$boot; done
	@$(call PYTHON,$(BENCH_KERNEL)) '$(TOP)/scripts/bench' --out '$(TOP)/build' $(BENCH_BOOTS)

# Prints what sgdma reports of the guest's devices. On a machine of your own, read the file itself.
report: guest
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/boot' --mode report --out '$(TOP)/build/report' \
		$(SCENARIO) | sed -n 's/^\[[^]]*\] report: //p; /^run:/p'

# Builds nothing, like the kernel's own target of this name, so that root needs no toolchain.
modules_install: $(if $(KDIR),,setup)
	+@$(KBUILD) modules_install .

# Standard output has nothing but the command.
kernel-env: setup
	+@$(KBUILD) modules . >&2
	@$(KBUILD) kernel-env .

deb:
	@'$(TOP)/scripts/deb'

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
	@. '$(BUILD)/env' && cd '$(TOP)' && "$$KSRC/scripts/checkpatch.pl" \
		--no-tree --quiet --terse --strict --ignore EXPORT_SYMBOL,MACRO_ARG_REUSE --file \
		$$(find include src samples bench tests/{modules,user} -name '*.[ch]')
	@$(call PYTHON,$(KERNEL)) '$(TOP)/scripts/lint-text'

doc: modules
	+@$(KBUILD) modules . SGDMA_DOC='$(BUILD)/doc'
	@echo 'open $(BUILD)/doc/sgdma/index.html'

rust-analyzer: setup
	+@$(KBUILD) rust-analyzer . MO='$(TOP)'
	@'$(TOP)/scripts/rust-project' '$(TOP)/rust-project.json'

help:
	@sed -n 's/^#: \?//p' '$(TOP)/Makefile'

#: make run             boot a guest and have a device copy a file; ends with run: PASS or FAIL
#: make test            the tests: host, and the self-tests and checks in the boot scenarios
#: make shell           the same guest, with a prompt
#: make soak            longer tests, by ROUNDS=, FAULTS=, TURNS= and CALLS=, and more guests
#: make report          sgdma's report on each device of a guest (BOOT= chooses which)
#: make bench           instructions and cycles, beside C on the same tables; build/bench.json, .svg
#: make                 build the modules, into build/
#:
#: ARCH=x86_64|arm64    which guest (default: this machine's; make test: both)
#: BOOT=<scenario>      which boot scenario; scripts/boot --list lists them
#: SERIES=7.3           on a kernel of another series than the scenario's
#: CMDLINE="..."        more kernel parameters, for make run, shell and report
#: QEMU_ARGS="..."      more arguments for QEMU, likewise
#: GUEST_FILES="..."    more files for that guest: *.ko to /lib/sgdma, others to /bin
#: GUEST_SCRIPT=<file>  what make run has the guest do instead of the checks
#: KDIR=<path>          build against your own kernel's build tree instead
#: KSRC=<path>          use this kernel source for the guests
#: SGDMA_SELFTESTS=n    build sgdma.ko without its self-tests: a seventh of its code is left
#: SGDMA_CACHE=<path>   the directory that holds sgdma/, the kernels and tools (default: ~/.cache)
#:
#: make check-env KDIR= check a kernel build tree, and name what it lacks for these modules
#: make rust-metadata KDIR= rebuild what a Debian kernel's headers lack for Rust
#: make modules_install install sgdma for the kernel of KDIR=, or below INSTALL_MOD_PATH=
#: make deb             make the package sgdma-dkms, into build/: see docs/install.md
#: make -s kernel-env   print the command that builds a driver of yours for the guests' kernel
#: make setup           only fetch and build what the rest needs
#: make lint            bindings, rustfmt, clippy, compiler warnings, checkpatch
#: make bindings        generate the Rust declarations of the C headers, after a change there
#: make fmt             format the Rust code
#: make doc             make the library's documentation, in build/<arch>/doc
#: make rust-analyzer   make rust-project.json for editors
#: make clean           remove build/
#: make distclean       remove build/ and the cache: kernels, tools, sources
