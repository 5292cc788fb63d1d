# Grants by the standard tools: getfacl shows them, setfacl by the App's creator or root changes them, and what the file
# `grants` says is the measure of both.

load helper

setup() {
    needs getfacl "and setfacl, from acl"
    start
}

teardown() { finish; }

# acl_is FILE ENTRY…: what getfacl shows beside the file's own mode, in numbers.
acl_is() {
    local got
    got=$(getfacl --omit-header --absolute-names --numeric "$1" | grep -E '^(user|group):[0-9]|^mask' | tr '\n' ' ')
    [ "$got" = "${*:2}${2:+ }" ] && return
    echo "$1 has: $got; wanted: ${*:2}"
    return 1
}

# grants_are NAME LINE…
grants_are() {
    local want
    want=$(printf '%s\n' "${@:2}")
    [ "$(cat "$APPS/$1/grants")" = "$want" ] && return
    echo "$1 has: $(tr '\n' ',' <"$APPS/$1/grants"); wanted: ${*:2}"
    return 1
}

# set_raw FILE HEX…: set the attribute to these bytes, as no tool would. Prints how many of them were taken.
set_raw() {
    python3 -c '
import os, sys
taken = 0
for value in sys.argv[2:]:
    try:
        os.setxattr(sys.argv[1], "system.posix_acl_access", bytes.fromhex(value))
        taken += 1
    except OSError:
        pass
print(taken)' "$@"
}

@test "getfacl shows grants where they count, beside the mode that stat shows" {
    new_app billing audit-records
    acl_is "$APPS/billing"
    acl_is "$APPS/billing/key"
    printf '%s\n' user:80001 'user:80002 key' group:80003 'group:80003 secret' user:90000-99999 >"$APPS/billing/grants"
    acl_is "$APPS/billing" user:80001:r-x group:80003:r-x mask::r-x
    acl_is "$APPS/billing/key" user:80001:r-- user:80002:r-- group:80003:r-- mask::r--
    acl_is "$APPS/billing/secret" user:80001:r-- group:80003:r-- mask::r--
    acl_is "$APPS/billing/versions/1/key" user:80001:r-- user:80002:r-- group:80003:r-- mask::r--
    acl_is "$APPS/billing/info" user:80001:r-- group:80003:r-- mask::r--
    acl_is "$APPS/billing/ctl"
    acl_is "$APPS/billing/grants"
    acl_is "$MP/status"
    acl_is "$APPS"
    [ "$(getfacl -cp "$APPS/billing/key" | grep -cxE 'user::rw-|group::---|other::---')" -eq 3 ]
    [ "$(getfacl -cp "$APPS/billing" | grep -cxE 'user::rwx|group::r-x|other::---')" -eq 3 ]
    [ "$(stat -c %a "$APPS/billing/key" "$APPS/billing")" = $'600\n750' ]
    refused "Operation not permitted" setfacl -m user:80001:r "$APPS"
}

@test "setfacl gives and takes away, and leaves what it cannot show" {
    new_app billing audit-records
    printf '%s\n' 'user:80002 key' user:90000-99999 'user:90000-99999 secret' >"$APPS/billing/grants"
    local app=$APPS/billing
    setfacl -m user:80001:r,group:80003:rX "$app"
    grants_are billing user:80001 'user:80002 key' user:90000-99999 'user:90000-99999 secret' group:80003
    setfacl -m user:80004:r,user:80001:r "$app/key"
    grants_are billing user:80001 'user:80002 key' 'user:80004 key' user:90000-99999 'user:90000-99999 secret' \
        group:80003
    setfacl -x user:80002 "$app/key"
    setfacl -x group:80003 "$app"
    grants_are billing user:80001 'user:80004 key' user:90000-99999 'user:90000-99999 secret'
    setfacl -m user:80001:---,user:80009:- "$app"
    grants_are billing 'user:80004 key' user:90000-99999 'user:90000-99999 secret'
    setfacl --set user::rw,group::-,other::-,user:80005:r "$app/key"
    grants_are billing 'user:80005 key' user:90000-99999 'user:90000-99999 secret'
    setfacl -n -x user:80005 "$app/key"
    setfacl -m user:root:r "$app"
    grants_are billing user:root user:90000-99999 'user:90000-99999 secret'
    setfacl -b "$app"
    setfacl -b "$app"
    grants_are billing user:90000-99999 'user:90000-99999 secret'
    as 95000 cat "$app/secret" >/dev/null
    check_passes
}

@test "a grant by setfacl is one: that user reads, and no other" {
    new_app billing audit-records
    refused "Permission denied" as $STRANGER cat "$APPS/billing/key"
    setfacl -m user:$STRANGER:r "$APPS/billing/key"
    as $STRANGER cat "$APPS/billing/key" >/dev/null
    refused "Permission denied" as $STRANGER cat "$APPS/billing/secret"
    setfacl -x user:$STRANGER "$APPS/billing/key"
    refused "Permission denied" as $STRANGER cat "$APPS/billing/key"
    audited '.op == "grant" and .app == "billing" and .detail == "+user:'$STRANGER' key" and .result == "ok"'
    audited '.op == "grant" and .detail == "-user:'$STRANGER' key"'
}

@test "what no grant can be is refused, and nothing is changed" {
    new_app billing audit-records
    echo user:80001 >"$APPS/billing/grants"
    local app=$APPS/billing each
    for each in user:80002:rw user:80002:w user:80002:x user::r group::rw other::r mask::rw mask::-; do
        refused "Operation not permitted" setfacl -m "user:80003:r,$each" "$app"
        refused "Operation not permitted" setfacl -m "user:80003:r,$each" "$app/secret"
    done 3>&-
    refused "Operation not permitted" setfacl -n -m user:80003:r,mask::- "$app/secret"
    # what is granted for the whole App cannot be taken away from one file
    refused "Operation not permitted" setfacl -x user:80001 "$app/key"
    refused "Operation not permitted" setfacl -b "$app/key"
    refused "Operation not permitted" setfacl -m user:80001:- "$app/versions/1/key"
    # nobody gets these by a grant
    refused "Operation not permitted" setfacl -m user:80003:r "$app/grants"
    refused "Operation not permitted" setfacl -m user:80003:r "$app/ctl"
    refused "Operation not permitted" setfacl -m user:80003:r "$app/info"
    refused "Operation not supported" setfacl -d -m user:80003:r "$app"
    refused "Operation not supported" python3 -c \
        'import os, sys; os.setxattr(sys.argv[1], "user.comment", b"mine")' "$app/key"
    rmdir "$APPS/billing"
    refused "Operation not permitted" setfacl -m user:80003:r "$MP/trash/billing"
    acl_is "$MP/trash/billing" user:80001:r-x mask::r-x
    mv "$MP/trash/billing" "$APPS/"
    grants_are billing user:80001
}

@test "setfacl -R gives the whole App, and says which files nobody gets by a grant" {
    new_app billing audit-records
    echo 'user:80002 key' >"$APPS/billing/grants"
    run setfacl -R -m user:80001:rX "$APPS/billing"
    [ "$status" -eq 1 ]
    [ "$(grep -o 'billing/[a-z]*: Operation not permitted' <<<"$output" | sort | tr '\n' ' ')" = \
        "billing/ctl: Operation not permitted billing/grants: Operation not permitted billing/readers: Operation not permitted " ]
    grants_are billing user:80001 'user:80002 key'
    setfacl -R -x user:80001 "$APPS/billing"
    grants_are billing 'user:80002 key'
    setfacl -R -b "$APPS/billing"
    grants_are billing
}

@test "who may: the creator and root, as long as they may edit; who may not read grants sees none" {
    new_app billing audit-records
    echo user:80001 >"$APPS/billing/grants"
    as $ADMIN mkdir "$APPS/hers"
    as $MANAGER mkdir "$APPS/his"
    as $ADMIN setfacl -m user:80001:r "$APPS/hers"
    as $MANAGER setfacl -m user:80001:r "$APPS/his/key"
    setfacl -m user:80002:r "$APPS/hers"
    grants_are hers user:80001 user:80002
    grants_are his 'user:80001 key'
    refused "Operation not permitted" as $ADMIN setfacl -m user:80003:r "$APPS/billing"
    refused "Operation not permitted" as $STRANGER setfacl -m user:$STRANGER:r "$APPS/billing"
    refused "Operation not permitted" as 80001 setfacl -m user:80003:r "$APPS/billing"
    grants_are billing user:80001
    as $MANAGER getfacl -cp "$APPS/billing" | grep -qx 'user:80001:r-x'
    run -0 as $AUDITOR getfacl -cp "$APPS/billing"
    [[ $output != *80001* ]]
    run -0 as 80001 getfacl -cp "$APPS/billing" "$APPS/billing/key"
    [[ $output != *80001* ]]
    run -0 as 80001 ls -l "$APPS" "$APPS/billing"
    [[ $output != *+* ]]
    [ "$(denials 80001 billing)" -eq 0 ]
    write_config <<<'[members]'
    credfs reload "$MP"
    refused "Permission denied" as $ADMIN setfacl -m user:80003:r "$APPS/hers"
    [ "$(denials $ADMIN hers)" -eq 1 ]
    grants_are hers user:80001 user:80002
}

@test "a value that is no ACL is refused, and a long one is taken" {
    new_app billing audit-records
    echo user:80001 >"$APPS/billing/grants"
    local base=02000000 none=ffffffff
    local owner=01000700$none group=04000500$none mask=10000500$none other=20000000$none
    local one=0200050081380100 two=0200050082380100
    [ "$(set_raw "$APPS/billing" "$base$owner$one$two$group$mask$other")" -eq 1 ]
    grants_are billing user:80001 user:80002
    [ "$(set_raw "$APPS/billing" "$base$owner$two$one$group$mask$other")" -eq 1 ]
    local wrong=(02 03000000 "03000000$owner$group$other" "$base$owner$group$mask$other"ff
        "$base$owner$one$one$group$mask$other" "$base$owner$one$group$other" "$base$owner$group"
        "$base$owner$owner$group$other" "${base}02000500$none$owner$group$mask$other"
        "$base${owner}02000500$none$group$mask$other" "$base${owner}40000500$none$group$mask$other"
        "$base${owner}0200ff0081380100$group$mask$other")
    [ "$(set_raw "$APPS/billing" "${wrong[@]}")" -eq 0 ]
    [ "$(set_raw "$APPS/billing/key" "${wrong[@]}")" -eq 0 ]
    grants_are billing user:80001 user:80002
    seq -f 'user:%.0f:r' 81000 81099 | setfacl -M - "$APPS/billing"
    [ "$(grep -c ^user:81 "$APPS/billing/grants")" -eq 100 ]
    [ "$(getfacl -cpn "$APPS/billing/key" | grep -c ^user:81)" -eq 100 ]
    [ "$(set_raw "$APPS/billing" "$base")" -eq 1 ] # no entries
    grants_are billing
}

@test "in a user namespace the numbers are those of the host" {
    usual_config | sed "s/^company-admin .*/& user:100000/" | write_config
    credfs reload "$MP"
    new_app billing audit-records
    unshare --user sleep 60 3>&- &
    local sleeper=$! tries
    for ((tries = 0; tries < 100; tries++)); do
        [ "$(readlink "/proc/$sleeper/ns/user")" = "$(readlink /proc/self/ns/user)" ] || break
        sleep 0.02
    done
    echo 0 100000 65536 >"/proc/$sleeper/uid_map"
    echo 0 100000 65536 >"/proc/$sleeper/gid_map"
    inside() { nsenter --target "$sleeper" --user --setuid "$1" --setgid "$1" -- "${@:2}" 3>&-; }
    inside 0 mkdir "$APPS/inside"
    inside 0 setfacl -m user:1000:r,group:50:r "$APPS/inside"
    grants_are inside user:101000 group:100050
    inside 0 getfacl -cpn "$APPS/inside" | grep -qx user:1000:r-x
    inside 1000 cat "$APPS/inside/key" >/dev/null
    refused "Operation not permitted" inside 0 setfacl -m user:1000:r "$APPS/billing"
    refused "" inside 1000 setfacl -m user:1001:r "$APPS/inside"
    grants_are billing
    # who is granted, but not known in there, has no number that could be written back: refused, not lost
    echo +user:80001 >"$APPS/inside/grants"
    refused "Malformed access ACL" inside 0 setfacl -x user:1000 "$APPS/inside"
    kill "$sleeper"
    grants_are inside user:80001 user:101000 group:100050
}

@test "ls, cp, tar and rsync take it for what it is" {
    new_app billing audit-records
    new_app mailer
    echo user:80001 >"$APPS/billing/grants"
    [[ $(ls -ld "$APPS/billing") == drwxr-x---+* ]]
    [[ $(ls -ld "$APPS/mailer") == 'drwxr-x--- '* ]]
    [ "$(ls -l "$APPS/billing" | awk '/\+ /{print $NF}' | grep -cxE 'apis|info|key|secret')" -eq 4 ]
    mkdir "$DIR/copy"
    cp -p "$APPS/billing/key" "$DIR/copy/"
    acl_is "$DIR/copy/key" user:80001:r-- mask::r--
    rm "$DIR/copy/key"
    tar --acls --exclude=ctl -C "$APPS" -cf - billing mailer | tar --acls -C "$DIR/copy" -xf -
    acl_is "$DIR/copy/billing" user:80001:r-x mask::r-x
    acl_is "$DIR/copy/mailer"
    ! command -v rsync >/dev/null || rsync -aA --exclude=ctl "$APPS/" "$DIR/copy/rsync"
    ! command -v rsync >/dev/null || acl_is "$DIR/copy/rsync/billing" user:80001:r-x mask::r-x
    rm -r "$DIR/copy"
    # a backup of the ACLs, and its way back
    getfacl -R --absolute-names "$APPS/billing" >"$DIR/acls"
    echo user:80002 >"$APPS/billing/grants"
    setfacl --restore="$DIR/acls"
    grants_are billing user:80001
}
