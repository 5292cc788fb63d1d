#!/usr/bin/env bats
# Who still uses the old one, what needs attention, and what the daemon does by itself: the trash.

load helper

setup() {
    start
    mkdir "$APPS/billing"
    APP=$APPS/billing
}

teardown() {
    finish
}

# The reader's line, without its cgroup and time: VERSION [behind].
reader() {
    awk -v user="$1" -v command="$2" '$1 == user && $2 == command { print $4 ($6 == "" ? "" : " " $6) }' "$APP/readers"
}

# line NAME VALUE FILE
line() {
    grep -qx "$1 = $2" "$3"
}

use_policy() {
    usual_config | write_config
    printf '\n[policy]\n%s\n' "$@" >>"$CONFIG"
    credfs reload "$MP"
}

@test "readers names each who opened a field, and after a rotation those who have not opened the new version" {
    [ -z "$(cat "$APP/readers")" ]
    as "$ADMIN" cat "$APP/secret" >/dev/null
    as "$ADMIN" head -c 3 "$APP/key" >/dev/null
    [ "$(reader "user:$ADMIN" cat)" = 1 ]
    [ "$(reader "user:$ADMIN" head)" = 1 ]
    echo rotate 1h >"$APP/ctl"
    [ "$(reader "user:$ADMIN" cat)" = "1 behind" ]
    as "$ADMIN" cat "$APP/secret" >/dev/null
    [ "$(reader "user:$ADMIN" cat)" = 2 ]
    [ "$(reader "user:$ADMIN" head)" = "1 behind" ]
    as "$ADMIN" cat "$APP/versions/1/key" >/dev/null
    [ "$(reader "user:$ADMIN" cat)" = "1 behind" ]
    [ "$(wc -l <"$APP/readers")" -eq 2 ]
    [ "$(wc -c <"$APP/readers")" -eq "$(stat -c %s "$APP/readers")" ]
    check_passes
}

@test "who is refused is no reader" {
    refused "Permission denied" as "$STRANGER" cat "$APP/secret"
    [ -z "$(cat "$APP/readers")" ]
}

@test "readers needs the permission audit" {
    as "$ADMIN" cat "$APP/secret" >/dev/null
    as "$AUDITOR" grep -q " cat " "$APP/readers"
    refused "Permission denied" as "$ADMIN" cat "$APP/readers"
    refused "Permission denied" as "$MANAGER" cat "$APP/readers"
    audited ".uid == $MANAGER and .op == \"read-readers\" and .result == \"denied\""
    refused "Operation not permitted" sh -c "echo x >'$APP/readers'"
}

@test "a crash of the worker loses at most what was read in the last second" {
    as "$ADMIN" cat "$APP/secret" >/dev/null
    sleep 1.5
    kill -KILL "$(sed -n 's/^worker = //p' "$MP/status")"
    [ "$(reader "user:$ADMIN" cat)" = 1 ]
    as "$ADMIN" head -c 3 "$APP/secret" >/dev/null
    remount
    [ "$(reader "user:$ADMIN" head)" = 1 ]
    check_passes
}

@test "status and credfs status tell what needs attention" {
    mkdir "$APPS/other"
    as "$ADMIN" cat "$APP/secret" >/dev/null
    echo expire 3d >"$APP/ctl"
    echo rotate 1h >"$APP/ctl"
    echo expire 0 >"$APPS/other/ctl"
    within 10 line expiring 1 "$MP/status"
    within 10 line expired 1 "$MP/status"
    within 10 line retiring-read 1 "$MP/status"
    within 10 line never-revealed 1 "$MP/status"
    line rotation-due 0 "$MP/status"
    credfs status --store "$STORE" --config "$CONFIG" >"$DIR/status"
    grep -qx "expiring = 1" "$DIR/status"
    grep -qE '^expiring.billing = 20[0-9-]+T[0-9:]+Z$' "$DIR/status"
    grep -qE '^retiring-read.billing = version 1 until 20[^ ]*, last read 20' "$DIR/status"
    grep -qx "never-revealed.other = yes" "$DIR/status"
    credfs status --store "$STORE" --config "$CONFIG" --json >"$DIR/status.json"
    jq -e '.attention.expired == {count: 1, named: [.attention.expired.named[0]]}
           and .attention.expired.named[0].app == "other" and .attention.pending.count == 0' "$DIR/status.json"
    use_policy "rotation = 0"
    within 10 line rotation-due 2 "$MP/status"
}

@test "an App that lacks a field its API needs is pending" {
    slug=$(grep -lx "key-process = console+email" "$MP"/apis/*/info | head -n 1 | xargs dirname | xargs basename)
    echo "$slug" >"$APP/apis"
    within 10 line pending 1 "$MP/status"
    credfs status --store "$STORE" --config "$CONFIG" | grep -qx "pending.billing = $slug"
    printf 'from-the-mail' >"$APP/token"
    within 10 line pending 0 "$MP/status"
}

@test "credfs status asks the mount which configuration it has, unless another is named" {
    printf '[weather]\ntitle = Weather\nkey-process = console\nmethod = x-api-key\nfields = token\nbase-url = https://w.example\n' \
        >"$DIR/site.ini"
    printf '[catalogue]\nfiles = %s\n' "$DIR/site.ini" >>"$CONFIG"
    credfs reload "$MP"
    echo weather >"$APP/apis"
    credfs status --store "$STORE" >"$DIR/status"
    line config "$CONFIG" "$DIR/status"
    line apis 11 "$DIR/status"
    grep -qx "pending.billing = weather" "$DIR/status"
    printf '[members]\n' >"$DIR/other.ini"
    credfs status --store "$STORE" --config "$DIR/other.ini" >"$DIR/status"
    line config "$DIR/other.ini" "$DIR/status"
    line pending 0 "$DIR/status"
}

@test "what has lain in the trash for its time is destroyed by the daemon, and recorded" {
    use_policy "trash = 3s"
    mkdir "$APPS/kept"
    rmdir "$APP" "$APPS/kept"
    mv "$MP/trash/kept" "$APPS/kept"
    [ "$(ls "$MP/trash")" = billing ]
    grep -q '^destroyed-after = ' "$MP/trash/billing/info"
    exec 5<"$MP/trash/billing/info"
    within 6 test ! -e "$MP/trash/billing"
    [ -z "$(ls "$MP/trash")" ]
    refused "No such file or directory" mv "$MP/trash/billing" "$APPS/billing"
    exec 5<&-
    audited '.op == "destroy" and .app == "billing" and .comm == "credfs" and (.detail | startswith("in the trash since"))'
    cat "$APPS/kept/secret" >/dev/null
    mkdir "$APPS/billing"
    check_passes
}
