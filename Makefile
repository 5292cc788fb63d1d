# credfs. `make run` to try it, `make check` to test it, `make help` for the rest.
#
# Objects go to $(BUILD). core becomes an archive that knows nothing of FUSE: unit tests link it alone.

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wvla -Wcast-qual -Wswitch-enum
ifdef WERROR
WARN += -Werror
endif

# SANITIZE: what -fsanitize= takes. HOOKS: with requests that crash and hang the worker, for the keeper's tests.
ifdef SANITIZE
HARDEN := -O1 -fno-omit-frame-pointer -fno-sanitize-recover=undefined -fsanitize=$(SANITIZE)
LINK   := -fsanitize=$(SANITIZE)
else
HARDEN := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LINK   := -pie -Wl,-z,relro,-z,now
endif

CPPFLAGS += -D_GNU_SOURCE -I. -iquote core $(if $(HOOKS),-DCREDFS_TEST_HOOKS)
CFLAGS   += -std=c11 -g -fPIE -pthread $(HARDEN) $(WARN)
LDFLAGS  += $(LINK) -pthread

# Asked when they are first needed, which is after what they ask for was installed, and then once.
FUSE_CFLAGS = $(eval FUSE_CFLAGS := $(shell pkg-config --cflags fuse3 jansson libbsd) $(if $(SYSTEMD),-DHAVE_SYSTEMD))$(FUSE_CFLAGS)
FUSE_LIBS   = $(eval FUSE_LIBS := $(shell pkg-config --libs fuse3 jansson libbsd $(SYSTEMD)))$(FUSE_LIBS)
SYSTEMD     = $(eval SYSTEMD := $(shell pkg-config --exists libsystemd && echo libsystemd))$(SYSTEMD)
CORE_LIBS   = -lsqlite3 -lsodium -linih -lpthread

CORE   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard core/*.c))
FS     := $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/*.c))
KEEPER := $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/keeper/*.c) fs/harden.c fs/log.c fs/mounting.c)
UNIT   := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
SCDOC  := $(shell command -v scdoc)
MANUAL := $(patsubst fs/manual/%.scd,%,$(wildcard fs/manual/*.scd))
BENCH  := $(addprefix $(BUILD)/bench/,client fill raw trivial verify)
E2E    := $(patsubst tests/e2e/%.c,$(BUILD)/e2e/%,$(wildcard tests/e2e/*.c))
C_TEXT := $(wildcard core/*.[ch] fs/*.[ch] fs/*/*.[ch] tests/*/*.[ch])
SHELLS := $(filter-out scripts/systemd scripts/examples scripts/containers scripts/completion,$(wildcard scripts/* .ci/run)) \
          scripts/containers/podman-secret scripts/completion/credfs.bash

.PHONY: all run stop check unit e2e asan tsan soak memcheck roundtrip lint format tests hooks deps bench bench-quick man install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/credfs $(BUILD)/credfs-keeper

$(BUILD)/credfs: $(FS) $(BUILD)/libcredfs-core.a
	$(CC) $(LDFLAGS) -o $@ $^ $(FUSE_LIBS) $(CORE_LIBS)

$(BUILD)/credfs-keeper: $(KEEPER)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/libcredfs-core.a: $(CORE)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/test_%: $(BUILD)/tests/unit/test_%.o $(COMMON) $(BUILD)/libcredfs-core.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka

# Of fs, though it knows nothing of FUSE either.
$(BUILD)/test_acl: $(BUILD)/fs/acl.o

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/measure.o $(BUILD)/libcredfs-core.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(FUSE_LIBS) $(CORE_LIBS)

$(BUILD)/e2e/%: $(BUILD)/tests/e2e/%.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/fs/%.o: CPPFLAGS += $(FUSE_CFLAGS)
$(BUILD)/tests/bench/%.o: CPPFLAGS += $(FUSE_CFLAGS)
$(BUILD)/core/catalogue.o: core/catalogue.ini

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

tests: all $(UNIT) $(BENCH) $(E2E)

# The program with requests that crash and hang it, for tests/e2e/keeper.bats.
hooks:
	@$(MAKE) --no-print-directory -s all HOOKS=1 BUILD=$(BUILD)/hooks

# --- try it ------------------------------------------------------------------------------------------------------

deps:
	@scripts/deps

run: deps
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) scripts/run

stop:
	@BUILD=$(BUILD) scripts/stop

# --- test it -----------------------------------------------------------------------------------------------------
# scripts/run-tests takes SUITE=DIRECTORY words and prints one line of totals at the end.

check:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests hooks WERROR=1
	@$(MAKE) --no-print-directory -s tests hooks WERROR=1 SANITIZE=address,undefined BUILD=$(BUILD)/asan
	@scripts/run-tests unit=$(BUILD) memcheck=$(BUILD) unit=$(BUILD)/asan e2e=$(BUILD) smoke=$(BUILD)/asan

# The round trip of COUNT (100,000) Apps through export and import, with times and memory: under two minutes.
roundtrip:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) tests/e2e/roundtrip

unit e2e memcheck:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests hooks
	@scripts/run-tests $@=$(BUILD)

asan:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests hooks WERROR=1 SANITIZE=address,undefined BUILD=$(BUILD)/asan
	@scripts/run-tests unit=$(BUILD)/asan e2e=$(BUILD)/asan

tsan:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests hooks WERROR=1 SANITIZE=thread BUILD=$(BUILD)/tsan
	@ONLY="keeper concurrency" scripts/run-tests unit=$(BUILD)/tsan e2e=$(BUILD)/tsan

soak:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests hooks
	@ONLY=keeper KILLS=2000 LONGEST_PAUSE=250 TEST_TIMEOUT=3600 scripts/run-tests e2e=$(BUILD)

# Prints a table and writes bench.md, bench.json and bench.svg to $(BUILD)/bench, where the filled stores stay too.
bench bench-quick:
	@scripts/deps --bench
	@$(MAKE) --no-print-directory -s all $(BENCH)
	@BUILD=$(BUILD) tests/bench/run $(if $(findstring quick,$@),--quick)

lint:
	@scripts/deps --test --lint
	clang-format --dry-run -Werror $(C_TEXT)
	clang-tidy --quiet $(filter %.c,$(C_TEXT)) -- -std=c11 $(CPPFLAGS) $(FUSE_CFLAGS)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppress=missingIncludeSystem --suppress=ctuuninitvar --suppress=memleak:core/catalogue.c \
	    $(CPPFLAGS) core fs
	shellcheck $(SHELLS)

format:
	clang-format -i $(C_TEXT)

# --- install it --------------------------------------------------------------------------------------------------
# mount(8) and fstab need nothing more: for the type fuse.credfs they call mount.fuse, which runs credfs by its name.

# The manual's pages, where there is scdoc to make them. It says .nh ahead of .TH, which forgets it.
man: $(if $(SCDOC),$(addprefix $(BUILD)/man/,$(MANUAL)))
	$(if $(SCDOC),,@echo "there is no scdoc: the manual's sources are fs/manual/*.scd")

$(BUILD)/man/%: fs/manual/%.scd
	@mkdir -p $(@D)
	$(SCDOC) < $< > $@
	sed -i '/^\.TH /a .nh' $@

install: all man
	install -D -m 755 $(BUILD)/credfs $(DESTDIR)$(PREFIX)/bin/credfs
	install -D -m 755 $(BUILD)/credfs-keeper $(DESTDIR)$(PREFIX)/libexec/credfs/credfs-keeper
	install -D -m 644 scripts/completion/credfs.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/credfs
	for page in $(if $(SCDOC),$(MANUAL)); do \
	    install -D -m 644 $(BUILD)/man/$$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page || exit; \
	done

uninstall:
	for page in $(MANUAL); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page; done
	rm -f $(DESTDIR)$(PREFIX)/bin/credfs $(DESTDIR)$(PREFIX)/libexec/credfs/credfs-keeper
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/credfs
	-rmdir $(DESTDIR)$(PREFIX)/libexec/credfs 2>/dev/null

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make            build build/credfs
## make run        install what is missing, build, mount, and show the first App; make stop undoes it
## make check      build everything and pass every test; unit, e2e, memcheck run a part of them
## make asan       all tests again under AddressSanitizer and UndefinedBehaviorSanitizer
## make tsan       unit tests, and the tests of many at once, under ThreadSanitizer
## make soak       the keeper's tests with 2,000 kills of the worker
## make roundtrip  export and import 100,000 Apps and compare what came out
## make bench      measure against others with up to a million Apps, some 20 minutes; bench-quick: under one
## make lint       clang-format, clang-tidy, cppcheck, shellcheck; make format puts the layout right
## make man        the manual's pages, to build/man: credfs(1), credfs.ini(5), credfs(5)
## make install    to PREFIX (/usr/local) under DESTDIR; make uninstall takes it away
## make clean      remove build/
