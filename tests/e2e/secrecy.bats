# No key or secret is to be found where it should not be: not in the store, not in what the program prints, not in a
# core file, and not by a debugger.

load helper

setup_file() {
    [ "$(id -u)" -eq 0 ] || return 0
    # fusermount3 wants to know the user's name.
    export HIM=credfs-test-own-$$
    flock /etc useradd --no-create-home "$HIM"
}

teardown_file() {
    [ -z "${HIM-}" ] || flock /etc userdel "$HIM"
}

setup() { start; }
teardown() { finish; }

# The forms in which values given as arguments could be found, a line each. Only builtins see the values.
forms() {
    local value shift
    for value in "$@"; do
        printf '%s\n' "$value"
        printf '%s' "$value" | od -An -v -tx1 | tr -d ' \n'
        echo
        printf '%s' "$value" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F
        echo
        # Base64 at each of the three alignments, without the characters that the neighbours decide.
        for shift in "" x xx; do
            printf '%s%s' "$shift" "$value" | base64 -w 0 | sed -E 's/^.{4}(.{20}).*/\1/'
            echo
        done
        # The half of it, as a log that cuts lines would leave it.
        printf '%s\n' "${value:4:24}"
    done
}

# clear DIRECTORY VALUE…: no file below holds one of the values in any form. Names the files that do.
clear() {
    local where=$1
    shift
    ! grep -raliF -f <(forms "$@") -- "$where"
}

# Do all that a day brings, and leave what was printed in $DIR/printed.
a_day() {
    {
        new_app billing audit-records customer-experience-recent-calls
        echo user:70005 >"$APPS/billing/grants"
        printf '%s\n' "$1" >"$APPS/billing/key"
        cat "$APPS/billing/info" "$APPS/billing/apis" "$APPS/billing/grants" "$MP/status" "$MP/audit"
        echo rotate >"$APPS/billing/ctl"
        sha256sum <"$APPS/billing/secret"
        as 70005 sha256sum "$APPS/billing/key"
        as $STRANGER cat "$APPS/billing/secret" || true
        env printf '%s\nand more' "$1" >"$APPS/billing/secret" || true
        ls -lR "$MP"
        credfs status --store "$STORE"
        credfs status --store "$STORE" --json
        credfs audit --store "$STORE"
        credfs audit --store "$STORE" --json
        credfs audit --store "$STORE" --verify
        credfs check --store "$STORE" --config "$CONFIG"
        credfs policy --store "$STORE" --config "$CONFIG" --as user:70005 billing
        echo disable >"$APPS/billing/ctl"
        cat "$APPS/billing/secret" || true
        echo enable >"$APPS/billing/ctl"
        new_app other
        rmdir "$APPS/other"
        credfs mount --store "$STORE" --config "$CONFIG" "$MP" || true
    } >"$DIR/printed" 2>&1
}

@test "the search finds what it looks for" {
    mkdir "$DIR/control"
    local value=no-secret-0123456789-abcdefghijklmnopqrstuvwxyz form n=0
    clear "$DIR/control" "$value"
    while read -r form; do
        n=$((n + 1))
        printf 'before%sbehind' "$form" >"$DIR/control/file"
        run clear "$DIR/control" "$value"
        [ "$status" -ne 0 ]
    done < <(forms "$value")
    [ "$n" -eq 7 ]
    printf 'abcd%sxyz' "$value" | base64 >"$DIR/control/file"
    run clear "$DIR/control" "$value"
    [ "$status" -ne 0 ]
}

@test "store, WAL, audit log and all that is printed hold no key and no secret in the clear" {
    local imported=issued-by-mail-0123456789-abcdefghijklmn values
    new_app first
    values=("$imported" "$(cat "$APPS/first/key")" "$(cat "$APPS/first/secret")")
    a_day "$imported"
    values+=("$(cat "$APPS/billing/key")" "$(cat "$APPS/billing/secret")")
    [ -s "$STORE/credfs.db-wal" ] && [ -s "$STORE/audit.log" ] && [ -s "$DIR/printed" ]
    clear "$STORE" "${values[@]}"
    clear "$DIR/printed" "${values[@]}"
    umount_store
    clear "$DIR" "${values[@]}"
}

@test "the master key is in its file alone, and no value of the daemon's environment or arguments" {
    local key pid
    key=$(cat "$STORE/master.key")
    new_app billing
    [ "$(grep -raliF -f <(printf '%s\n' "$key") "$STORE" "$DIR" | sort -u)" = "$STORE/master.key" ]
    for pid in $(daemons); do
        run ! grep -aqF -f <(printf '%s\n' "$key") "/proc/$pid/cmdline"
        run ! grep -aqF -f <(printf '%s\n' "$key") "/proc/$pid/environ"
    done
}

@test "info shows of the key its last four characters and a fingerprint, no more" {
    new_app billing
    local key secret
    key=$(cat "$APPS/billing/key")
    secret=$(cat "$APPS/billing/secret")
    grep -q -F -f <(printf '%s\n' "${key: -4}") "$APPS/billing/info"
    run grep -c -F -f <(printf '%s\n' "${key: -5}" "${secret: -4}" "${key:4:6}" "${secret:4:6}") "$APPS/billing/info"
    [ "$output" = 0 ]
}

# The daemon of an ordinary user, who may look into his own processes.
as_user() {
    as "$USER_ID" env HOME="$DIR/home" "$@"
}

start_as_user() {
    USER_ID=$(id -u "$HIM")
    needs fusermount3 "to mount as an ordinary user"
    umount_store
    mkdir "$DIR/home"
    install_program
    chown -R "$USER_ID" "$DIR/home" "$MP"
    as_user "$DIR/credfs" init --store "$DIR/home/store" >/dev/null
    as_user "$DIR/credfs" mount --store "$DIR/home/store" "$MP"
    as_user mkdir "$APPS/billing"
    [ -n "$(daemons)" ]
}

stop_as_user() {
    as_user "$DIR/credfs" umount "$MP"
    daemon_gone
}

@test "the daemon's own user cannot look into its memory" {
    start_as_user
    local name pid
    for pid in $(daemons); do
        for name in mem maps environ; do
            refused "Permission denied" as_user head -c 1 "/proc/$pid/$name"
        done
    done
    stop_as_user
}

# attach PID: let a debugger of that user try; succeeds when it got in.
attach() {
    as_user timeout 30 gdb -nx -batch -p "$1" -ex 'info proc' 2>&1 | grep -q "^process $1"
}

@test "a debugger cannot attach to the daemon as its own user" {
    needs gdb "to try it"
    start_as_user
    # The same user's debugger gets into another process of his, so it is the daemon that keeps it out.
    setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups sleep 60 3>&- &
    local sleeper=$! allowed=yes
    sleep 0.1
    attach $sleeper || allowed=no
    kill $sleeper
    if [ $allowed = no ]; then
        stop_as_user
        skip "needs ptrace: this system forbids it between a user's processes"
    fi
    local pid
    for pid in $(daemons); do
        run ! attach "$pid"
    done
    [ "$(as_user cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    stop_as_user
}

# Kill a process with a signal; no core file may be where it would go.
dies_without_core() {
    local signal=$1 pid=$2 place tries
    place=$(readlink "/proc/$pid/cwd")
    touch "$DIR/before"
    [[ "$(grep 'Max core file size' "/proc/$pid/limits")" =~ size\ +0\ +0 ]]
    kill -"$signal" "$pid"
    for ((tries = 0; tries < 100; tries++)); do
        [ -e "/proc/$pid" ] || break
        sleep 0.05
    done
    [ ! -e "/proc/$pid" ]
    [ -z "$(find "$place" -maxdepth 1 -name '*core*' -newer "$DIR/before")" ]
}

# perl starts the program and sees how it ends: 128 in its $? says that a core was dumped, wherever it went.
@test "a daemon that is killed by SIGSEGV or SIGABRT leaves no core file" {
    umount_store
    ulimit -c unlimited
    ASAN_OPTIONS+=:handle_segv=0:handle_abort=0 # the kernel's own way to end it, under a sanitizer too
    mkdir "$DIR/cores"
    local signal runner tries pid result
    for signal in SEGV ABRT; do
        (cd "$DIR/cores" && exec perl -e 'system(@ARGV); exit(($? & 128) ? 99 : 0)' \
            "$CREDFS" mount -f --store "$STORE" --config "$CONFIG" "$MP" 3>&- >/dev/null 2>&1) &
        runner=$!
        for ((tries = 0; tries < 100; tries++)); do
            ! mounted "$MP" || break
            sleep 0.05
        done
        new_app "billing-$signal"
        for pid in $(daemons | tac); do
            dies_without_core "$signal" "$pid"
        done
        result=0
        wait "$runner" || result=$?
        [ "$result" -eq 0 ]
        daemon_gone
        ! mounted "$MP" || credfs umount "$MP"
        [ -z "$(ls -A "$DIR/cores")" ]
    done
    mount_store
    [ "$(ls "$APPS" | wc -l)" -eq 2 ]
}

@test "secrets lie in locked memory" {
    new_app billing
    cat "$APPS/billing/secret" >/dev/null
    [ "$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(daemons | tail -n 1)/status")" -gt 0 ]
}

# cached_pages FILE: read it, and print how many pages of it the kernel keeps meanwhile; 77 where it does not tell.
cached_pages() {
    python3 - "$1" <<'PY'
import ctypes, os, sys
cachestat, libc = 451, ctypes.CDLL(None, use_errno=True)
whole, counts = (ctypes.c_uint64 * 2)(0, 0), (ctypes.c_uint64 * 5)()
fd = os.open(sys.argv[1], os.O_RDONLY)
assert os.read(fd, 4096)
if libc.syscall(cachestat, fd, whole, counts, 0) != 0:
    sys.exit(77)
print(counts[0] + counts[4])  # in the cache, lately evicted
PY
}

@test "no value that is read stays in the kernel's page cache" {
    needs python3 "to ask the kernel (cachestat)"
    new_app billing
    run cached_pages "$CONFIG"
    [ "$status" -ne 77 ] || skip "needs a kernel with cachestat(2)"
    [ "$output" -gt 0 ]
    [ "$(cached_pages "$APPS/billing/secret")" = 0 ]
    [ "$(cached_pages "$APPS/billing/versions/1/key")" = 0 ]
    [ "$(cached_pages "$APPS/billing/views/json")" = 0 ]
}
