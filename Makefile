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

CPPFLAGS += -D_GNU_SOURCE -I. -Icore $(if $(HOOKS),-DCREDFS_TEST_HOOKS)
CFLAGS   += -std=c11 -g -fPIE -pthread $(HARDEN) $(WARN)
LDFLAGS  += $(LINK) -pthread

FUSE_CFLAGS = $(shell pkg-config --cflags fuse3 jansson) $(if $(SYSTEMD),-DHAVE_SYSTEMD)
FUSE_LIBS   = $(shell pkg-config --libs fuse3 jansson $(SYSTEMD))
SYSTEMD     = $(shell pkg-config --exists libsystemd && echo libsystemd)
CORE_LIBS   = -lsqlite3 -lsodium -linih -lpthread

CORE   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard core/*.c))
FS     := $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/*.c))
KEEPER := $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/keeper/*.c) fs/harden.c fs/log.c fs/mounting.c)
UNIT   := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
C_TEXT := $(wildcard core/*.[ch] fs/*.[ch] fs/*/*.[ch] tests/*/*.[ch])
SHELLS := $(wildcard scripts/* .ci/run)

.PHONY: all run stop check unit e2e asan memcheck lint format tests deps install uninstall clean help
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

$(BUILD)/fs/%.o: CPPFLAGS += $(FUSE_CFLAGS)
$(BUILD)/core/catalogue.o: core/catalogue.ini

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

tests: all $(UNIT)

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
	@$(MAKE) --no-print-directory -s tests WERROR=1
	@$(MAKE) --no-print-directory -s tests WERROR=1 SANITIZE=address,undefined BUILD=$(BUILD)/asan
	@scripts/run-tests unit=$(BUILD) memcheck=$(BUILD) unit=$(BUILD)/asan e2e=$(BUILD) e2e=$(BUILD)/asan

unit e2e memcheck:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests
	@scripts/run-tests $@=$(BUILD)

asan:
	@scripts/deps --test
	@$(MAKE) --no-print-directory -s tests WERROR=1 SANITIZE=address,undefined BUILD=$(BUILD)/asan
	@scripts/run-tests unit=$(BUILD)/asan e2e=$(BUILD)/asan

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

install: all
	install -D -m 755 $(BUILD)/credfs $(DESTDIR)$(PREFIX)/bin/credfs
	install -D -m 755 $(BUILD)/credfs-keeper $(DESTDIR)$(PREFIX)/libexec/credfs/credfs-keeper

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/credfs $(DESTDIR)$(PREFIX)/libexec/credfs/credfs-keeper
	-rmdir $(DESTDIR)$(PREFIX)/libexec/credfs 2>/dev/null

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make            build build/credfs
## make run        install what is missing, build, mount, and show the first App; make stop undoes it
## make check      build everything and pass every test; unit, e2e, memcheck run a part of them
## make asan       all tests again under AddressSanitizer and UndefinedBehaviorSanitizer
## make lint       clang-format, clang-tidy, cppcheck, shellcheck; make format puts the layout right
## make install    to PREFIX (/usr/local) under DESTDIR; make uninstall takes it away
## make clean      remove build/
