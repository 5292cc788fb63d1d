# An App's directory, or one file of it, bound into containers of several runtimes: who has a grant reads that App there
# and sees nothing else; nobody writes; who has no grant is refused; and all of it is in the audit log.

load helper
load containers

DIRECTORY=/run/credentials/billing FILE=/run/single/secret

setup() {
    start
    new_app billing audit-records
    new_app payroll audit-records
    containers_begin
    add_probe
}

teardown() {
    [ -z "${DIR-}" ] || ! mountpoint -q "$DIR/bind" || umount "$DIR/bind"
    containers_end
    finish
}

# The program `probe` in the containers' root: tells what is to be seen at a place, never a value, and what could be
# changed there.
add_probe() {
    cat >"$ROOT/bin/probe" <<'SH'
#!/bin/sh
at=$1
attempt() {
    if said=$("$@" 2>&1); then echo "changed by: $*"; else echo "refused: $said"; fi
}
show() {
    echo "$1: $(sha256sum <"$2" | cut -d ' ' -f 1)"
}
echo "uid: $(id -u)"
echo "names: $(ls "$at" | paste -s -d ' ')"
echo "beside: $(ls "$at/.." | paste -s -d ' ')"
echo "mounts: $(awk '/fuse.credfs/ { print $4 " on " $5 }' /proc/self/mountinfo)"
for way in ../payroll ../../payroll ../apps/payroll versions/../../payroll versions/1/../../../payroll; do
    [ ! -e "$at/$way" ] || echo "reached: $way"
done
{
    cat /proc/self/mountinfo
    find "$at"
    find "$at" -type f -exec cat {} +
} 2>/dev/null | grep payroll | sed 's/^/named: /'
attempt mount -o remount,bind,rw "$at"
if [ -d "$at" ]; then
    show key "$at/key"
    show secret "$at/secret"
    show apis "$at/apis"
    attempt touch "$at/stray"
    attempt mkdir "$at/stray"
    attempt rmdir "$at/versions"
    attempt rm -f "$at/key"
    attempt mv "$at/key" "$at/stray"
    attempt ln -s key "$at/stray"
    attempt chmod 666 "$at/key"
    for file in ctl apis grants key secret; do
        attempt sh -c "echo disable >$at/$file"
    done
else
    show secret "$at"
    attempt rm -f "$at"
    attempt sh -c "echo disable >$at"
fi
SH
    chmod 755 "$ROOT/bin/probe"
}

# probe RUNTIME UID PLACE: what was seen and said goes to $DIR/seen.
probe() {
    contain "$1" "$2" "probe $3" >"$DIR/seen" 2>"$DIR/said" && return
    echo "$1: the probe failed:"
    cat "$DIR/seen" "$DIR/said" | mask
    return 1
}

# saw LINE: is it among what the probe saw?
saw() {
    grep -qxF "$1" "$DIR/seen" && return
    echo "the probe did not see '$1':"
    cat "$DIR/seen" "$DIR/said" | mask
    return 1
}

sum() {
    sha256sum <"$APPS/billing/$1" | cut -d ' ' -f 1
}

# changes_nothing WHY: all that the probe tried was refused, for this reason, and it got nowhere else.
changes_nothing() {
    [ "$MODE" = ro ] || sed -i '/^changed by: mount /d' "$DIR/seen" # which is what it was before
    ! grep -E '^(changed by|reached|named):' "$DIR/seen" || return 1
    [ "$(grep -c '^refused:' "$DIR/seen")" -ge 3 ]
    ! grep '^refused:' "$DIR/seen" | grep -v '^refused: mount:' | grep -vE "$1" || return 1
    [ "$(credential_sum billing)$(info billing generation)" = "$BEFORE" ]
}

# shows_one_app RUNTIME UID: with a grant, as this user of the container.
shows_one_app() {
    saw "uid: $2"
    saw "key: $(sum key)"
    saw "secret: $(sum secret)"
    saw "apis: $(sum apis)"
    saw "beside: billing"
    saw "mounts: /apps/billing on $DIRECTORY"
}

# in_audit UID RESULT FILE: by this user, from a cgroup of the tests' containers.
in_audit() {
    audited ".uid == $1 and .result == \"$2\" and .file == \"$3\" and .app == \"billing\"
        and (.cgroup | contains(\"$CGROUP\"))"
}

among_readers() {
    grep -q "^user:$1 .*$CGROUP" "$APPS/billing/readers" && return
    echo "readers does not have $1 in $CGROUP:"
    cat "$APPS/billing/readers"
    return 1
}

# Without a user namespace that maps uids: read-only and not, an App and one file, with a grant and without.
isolates() {
    needs_runtime "$1"
    echo user:80001 >"$APPS/billing/grants"
    BEFORE=$(credential_sum billing)$(info billing generation)
    probe "$1" 80001 $DIRECTORY
    shows_one_app "$1" 80001
    changes_nothing 'Read-only file system'
    in_audit 80001 ok secret
    among_readers 80001

    MODE=rw
    probe "$1" 80001 $DIRECTORY
    shows_one_app "$1" 80001
    changes_nothing 'Permission denied|Operation not permitted'
    in_audit 80001 denied ctl

    MODE=ro BINDS=("$APPS/billing/secret:$FILE")
    probe "$1" 80001 $FILE
    saw "secret: $(sum secret)"
    saw "mounts: /apps/billing/secret on $FILE"
    changes_nothing 'Read-only file system|busy|Permission denied'

    probe "$1" 80002 $FILE
    is_refused
    BINDS=("$APPS/billing:$DIRECTORY")
    probe "$1" 80002 $DIRECTORY
    is_refused
    changes_nothing 'Read-only file system'
    in_audit 80002 denied secret
    in_audit 80002 denied key
    [ "$(denials 80002 billing)" -ge 4 ]
    run ! grep -q '^user:80002' "$APPS/billing/readers"
}

# Nothing was read: a checksum of nothing, or none.
is_refused() {
    grep -q 'Permission denied' "$DIR/said"
    run ! grep -qF "$(sum secret)" "$DIR/seen"
    saw "secret: "
    if grep -q '^names: .' "$DIR/seen"; then saw "names: $FILE"; fi
}

# With uid 0 of the container another one outside: it is nobody special, and a grant to the range lets all of it in.
maps() {
    REMAP=100000
    needs_runtime "$1"
    BEFORE=$(credential_sum billing)$(info billing generation)
    probe "$1" 0 $DIRECTORY
    saw "uid: 0"
    is_refused
    changes_nothing 'Read-only file system|Permission denied|Operation not permitted'
    in_audit 100000 denied secret

    echo user:100000-165535 >"$APPS/billing/grants"
    BEFORE=$(credential_sum billing)$(info billing generation)
    probe "$1" 1000 $DIRECTORY
    shows_one_app "$1" 1000
    changes_nothing 'Read-only file system'
    in_audit 101000 ok secret
    among_readers 101000

    MODE=rw
    probe "$1" 0 $DIRECTORY
    shows_one_app "$1" 0
    changes_nothing 'Permission denied|Operation not permitted'
    in_audit 100000 denied ctl
}

@test "runc: a container reads its own App with a grant, changes nothing, and is refused without" {
    isolates runc
}

@test "podman: a container reads its own App with a grant, changes nothing, and is refused without" {
    isolates podman
}

@test "bubblewrap: a container reads its own App with a grant, changes nothing, and is refused without" {
    isolates bwrap
}

@test "systemd-nspawn: a container reads its own App with a grant, changes nothing, and is refused without" {
    isolates nspawn
}

@test "runc: root of a user namespace is nobody special, and a grant to its range serves it" {
    maps runc
}

@test "podman: root of a user namespace is nobody special, and a grant to its range serves it" {
    maps podman
}

@test "bubblewrap: root of a user namespace is nobody special, and a grant to its range serves it" {
    maps bwrap
}

@test "systemd-nspawn: root of a user namespace is nobody special, and a grant to its range serves it" {
    maps nspawn
}

@test "who can open by file handle, past every directory, gets out of the bind and to nothing that is another's" {
    [ -x /usr/bin/python3 ] || skip "needs python3"
    echo user:80001 >"$APPS/billing/grants"
    mkdir "$DIR/bind"
    mount --bind "$APPS/billing" "$DIR/bind"
    setpriv --reuid=80001 --regid=80001 --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search \
        /usr/bin/python3 - "$DIR/bind" "$APPS" "$APPS"/{billing,payroll}/secret "$APPS/payroll" "$MP/audit" \
        <"$BATS_TEST_DIRNAME/handles.py" >"$DIR/seen" 2>"$DIR/said" 3>&- || { cat "$DIR/said"; return 1; }
    umount "$DIR/bind"
    saw "$APPS: opened billing"
    saw "$APPS/billing/secret: opened"
    saw "$APPS/payroll/secret: Permission denied"
    saw "$APPS/payroll: Permission denied"
    saw "$MP/audit: Permission denied"
    [ "$(denials 80001 payroll)" -ge 2 ]
}
