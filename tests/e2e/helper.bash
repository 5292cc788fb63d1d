# helper.bash: what every end-to-end test of credfs starts from: a directory of its own, a store in it, a mount of that
# store, and at the end nothing left behind: no mount, no process, no report of a sanitizer.
#
# A test gets
#   CREDFS  the program: from the environment, or build/credfs of this checkout
#   DIR     its own directory, which other users can walk through
#   STORE   the store, CONFIG its credfs.ini, MP the mountpoint, APPS the apps/ in it
# and the bare uids ADMIN (company-admin), MANAGER (application-credentials alone), AUDITOR and STRANGER (no role).
# Key and secret are compared by checksum or length: no failing test prints one.

bats_require_minimum_version 1.5.0
export LC_ALL=C
umask 022

# shellcheck disable=SC2034 # the tests use them
ADMIN=70001 MANAGER=70002 AUDITOR=70003 STRANGER=70004

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to be several users"
}

needs_fuse() {
    [ -c /dev/fuse ] || skip "needs fuse: there is no /dev/fuse"
}

# needs PROGRAM WHAT
needs() {
    command -v "$1" >/dev/null || skip "needs $1 $2"
}

# Make DIR, a store and a configuration, and mount it. Called by setup().
start() {
    needs_root
    needs_fuse
    make_dir
    credfs init --store "$STORE" >"$DIR/init.out"
    write_config
    mount_store
}

make_dir() {
    CREDFS=$(realpath -- "${CREDFS:-$BATS_TEST_DIRNAME/../../build/credfs}")
    [ -x "$CREDFS" ] || { echo "no program at $CREDFS: run make first"; return 1; }
    DIR=$(mktemp -d "$BATS_TEST_TMPDIR/credfs.XXXXXX")
    open_way "$DIR"
    STORE=$DIR/store CONFIG=$DIR/credfs.ini MP=$DIR/mnt APPS=$DIR/mnt/apps
    mkdir "$MP"
    mkdir -m 1777 "$DIR/reports"
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$DIR/reports/asan"
    export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$DIR/reports/tsan"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:log_path=$DIR/reports/ubsan"
}

# Let other users walk through the directories that bats made on the way to this one.
open_way() {
    local way=$1
    chmod 755 "$way"
    while [ "$way" != "$BATS_RUN_TMPDIR" ]; do
        way=$(dirname "$way")
        chmod o+x "$way"
    done
}

credfs() {
    "$CREDFS" "$@" 3>&-
}

# Put the program where every user can run it: as $DIR/credfs, with what must be beside it.
install_program() {
    local part
    for part in "$CREDFS" "$(dirname "$CREDFS")/credfs-keeper"; do
        [ ! -x "$part" ] || install -m 755 "$part" "$DIR/"
    done
}

# Write the configuration from standard input, or the usual one.
write_config() {
    if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then
        cat >"$CONFIG"
    else
        usual_config >"$CONFIG"
    fi
}

usual_config() {
    cat <<INI
[role key-manager]
permissions = application-credentials

[members]
company-admin = user:$ADMIN
key-manager   = user:$MANAGER
auditor       = user:$AUDITOR
INI
}

mount_store() {
    credfs mount --store "$STORE" --config "$CONFIG" "$MP" </dev/null >>"$DIR/daemon.out" 2>&1 ||
        { echo "mount failed:"; cat "$DIR/daemon.out"; return 1; }
    mounted "$MP"
}

umount_store() {
    credfs umount "$MP"
    daemon_gone
}

remount() {
    umount_store
    mount_store
}

mounted() {
    findmnt --noheadings --types fuse.credfs --mountpoint "$1" >/dev/null
}

# The processes of the program that work on this test's store.
daemons() {
    pgrep -f "^[^ ]*credfs(-keeper)? .*$DIR/" || true
}

# The first of them, which holds the store.
holder() {
    pgrep -o -f "^[^ ]*credfs(-keeper)? .*$DIR/"
}

# within SECONDS COMMAND…: it succeeds before that time is over. What it says meanwhile on stderr is not shown; of a
# daemon in the foreground, what it said is.
within() {
    local until=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        if [ "$SECONDS" -ge "$until" ]; then
            echo "waited in vain for: $*"
            [ ! -e "$DIR/keeper.err" ] || mask <"$DIR/keeper.err"
            return 1
        fi
        sleep 0.05
    done
}

no_daemon() {
    [ -z "$(daemons)" ]
}

daemon_gone() {
    within 10 no_daemon
}

# Kill all of the daemon at once, as a power cut would.
kill_daemons() {
    # shellcheck disable=SC2046 # a word a process
    kill -KILL $(daemons)
}

# The same, and clear away the dead mount, if there is one, as the README says.
crash() {
    kill_daemons
    daemon_gone
    ! mounted "$MP" || credfs umount "$MP"
}

# Called by teardown(): nothing may be left behind, and no sanitizer may have spoken.
finish() {
    [ -n "${DIR-}" ] || return 0
    local left="" mount
    if mounted "$MP"; then
        credfs umount "$MP" || { left="umount failed"; umount --lazy "$MP"; }
    fi
    daemon_gone || { left="a process was left"; kill_daemons; }
    [ -z "${DISK-}" ] || umount "$DISK" || left="the store's disk is busy"
    while read -r mount; do
        left="a mount was left: $mount"
        umount --lazy "$mount"
    done < <(findmnt --noheadings --raw --output TARGET | grep -F "$DIR/" | tac)
    if [ -n "$(ls "$DIR/reports")" ] || grep -sqE 'ERROR: .*Sanitizer|runtime error:' "$DIR/daemon.out"; then
        left="a sanitizer reports"
        cat "$DIR"/reports/* "$DIR/daemon.out" | mask
    fi
    [ -z "$left" ] || { echo "$left"; return 1; }
}

# Put the store on a file system of its own, in memory, of this SIZE. finish() takes it away.
store_on_disk() {
    DISK=$DIR/disk
    mkdir "$DISK"
    mount -t tmpfs -o "size=$1,mode=755" tmpfs "$DISK" || { DISK=""; skip "needs root, to mount a tmpfs"; }
    STORE=$DISK/store
}

# as UID[:GROUP,…] COMMAND…: with that bare uid, gid the same, and these supplementary groups.
as() {
    local uid=${1%%:*} groups=--clear-groups
    [[ $1 != *:* ]] || groups=--groups=${1#*:}
    shift
    setpriv --reuid="$uid" --regid="$uid" "$groups" -- env HOME=/nonexistent "$@" 3>&-
}

# refused TEXT COMMAND…: it fails, and says TEXT. What it printed to its standard output is never shown.
refused() {
    local text=$1
    shift
    run --separate-stderr "$@"
    # shellcheck disable=SC2154 # run sets stderr
    if [ "$status" -ne 0 ] && [[ $output$stderr == *"$text"* ]]; then
        return 0
    fi
    echo "wanted '$text' from: $*"
    echo "status $status: $stderr" | mask
    return 1
}

# Hide what looks like a key or secret.
mask() {
    sed -E 's/(cf[ks]_)[0-9A-Za-z]+/\1…/g'
}

# new_app NAME [SLUG…]: as the store's owner.
new_app() {
    mkdir "$APPS/$1"
    [ $# -eq 1 ] || printf '%s\n' "${@:2}" >"$APPS/$1/apis"
}

# apis_are NAME [SLUG…]: has the App just these, in this order?
apis_are() {
    local want
    want=$(printf '%s\n' "${@:2}")
    [ "$(cat "$APPS/$1/apis")" = "$want" ] && return
    echo "$1 has: $(tr '\n' ' ' <"$APPS/$1/apis"); wanted: ${*:2}"
    return 1
}

# A checksum of key and secret, to see whether they changed.
credential_sum() {
    cat "$APPS/$1/key" "$APPS/$1/secret" | sha256sum
}

# info NAME FIELD: the value of a line of its info.
info() {
    sed -n "s/^$2 = //p" "$APPS/$1/info"
}

# audited FILTER: is there a record for which jq's filter is true?
audited() {
    jq -es "any(.[]; $1)" <"$MP/audit" >/dev/null && return
    echo "no audit record with $1"
    return 1
}

# How many denials the audit log has for UID and APP.
denials() {
    jq -s --argjson uid "$1" --arg app "$2" \
        'map(select(.uid == $uid and .app == $app and .result == "denied")) | length' <"$MP/audit"
}

# sql ARGUMENT…: as one who can write the database's file; waits for the daemon's own writes.
sql() {
    sqlite3 -batch -bail -cmd ".timeout 10000" "$STORE/credfs.db" "$@"
}

# check_passes: the whole store verifies.
check_passes() {
    run credfs check --store "$STORE" --config "$CONFIG"
    [ "$status" -eq 0 ] && return
    echo "check: status $status: $output"
    return 1
}
