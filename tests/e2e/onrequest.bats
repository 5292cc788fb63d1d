#!/usr/bin/env bats
# [policy] reveal = on-request: what a person may reveal he has to ask for, in his login session and for a time; what
# sweeps through everything its user could read finds nothing.

# shellcheck disable=SC2016 # what a session runs expands there
load helper

WEB=70005 EYE=70006

setup() {
    start
    umount_store
    request_config >"$CONFIG"
    mount_store
    chmod 755 "$DIR"
    install_program
    new_app billing
    new_app mailer
    APP=$APPS/billing
}

teardown() {
    finish
}

request_config() {
    cat <<INI
[role eye]
permissions = reveal

INI
    usual_config
    printf 'eye = user:%s\n\n[policy]\nreveal = on-request\n' "$EYE"
}

# session UID SCRIPT: run it as that uid in a login session of its own, whatever tells sessions apart here: the kernel's
# audit session where this one has one, or else the session id.
session() {
    # shellcheck disable=SC2016
    setsid --wait bash -c '
        none=4294967295
        [ "$(cat /proc/self/sessionid)" = $none ] || echo 0 >/proc/self/loginuid || exit 99
        exec setpriv --reuid="$1" --regid="$1" --clear-groups -- env HOME=/nonexistent APP="$3" MP="$4" DIR="$5" \
            bash -c "$2"' session "$1" "$2" "$APP" "$MP" "$DIR" 3>&-
}

@test "a person reveals nothing until he asks, then until the time is over, each step recorded" {
    refused "Required key not available" session "$ADMIN" 'cat $APP/secret'
    audited ".uid == $ADMIN and .op == \"reveal\" and .result == \"unasked\""
    session "$ADMIN" '
        echo reveal 2s >$APP/ctl || exit 1
        cat $APP/secret $APP/key >/dev/null || exit 2
        ! cat $MP/apps/mailer/secret 2>/dev/null || exit 3
        sleep 2.1
        ! cat $APP/secret 2>/dev/null || exit 4'
    audited ".uid == $ADMIN and .op == \"ask\" and .app == \"billing\" and (.detail | startswith(\"reveal 2s until\") or startswith(\"reveal until\"))"
    audited ".uid == $ADMIN and .op == \"reveal\" and (.why | tostring | startswith(\"leave until 20\"))"
    sleep 1.5
    audited ".op == \"leave-end\" and .app == \"billing\" and (.detail | startswith(\"reveal by user:$ADMIN\"))"
    check_passes
}

@test "the store's owner has to ask too" {
    refused "Required key not available" session 0 'cat $APP/secret'
    session 0 'echo reveal 1m >$APP/ctl && cat $APP/secret >/dev/null'
}

@test "a sweep from another session of the same user finds no value, nor does one that leaves for a new session" {
    session "$ADMIN" '
        echo reveal 1m >$APP/ctl && cat $APP/secret >/dev/null || exit 1
        if [ "$(cat /proc/self/sessionid)" = 4294967295 ]; then
            ! setsid --wait cat $APP/secret 2>/dev/null || exit 2
        fi
        cat $APP/secret >/dev/null || exit 3'
    run -0 --separate-stderr session "$ADMIN" 'grep -rhE "cf[ks]_" $MP/apps | wc -l'
    [ "$output" -eq 0 ]
    run ! session "$ADMIN" 'set -o pipefail; tar -cf - $APP 2>/dev/null | cat >/dev/null'
    refused "Required key not available" session "$ADMIN" 'setsid --wait cat $APP/secret'
}

@test "a login session of the kernel's holds whatever its programs do, and lets no other one in" {
    # shellcheck disable=SC2016
    login='none=4294967295; echo 0 >/proc/self/loginuid 2>/dev/null || exit 77
           [ "$(cat /proc/self/sessionid)" != $none ] || exit 77; "$@"'
    run bash -c "$login" login true
    [ "$status" -ne 77 ] || skip "needs a kernel with audit sessions, and the right to make one"
    bash -c "$login" login bash -c "
        echo reveal 1m >'$APP/ctl' && cat '$APP/secret' >/dev/null && setsid --wait cat '$APP/secret' >/dev/null"
    refused "Required key not available" bash -c "$login" login cat "$APP/secret"
    refused "Required key not available" session 0 'cat $APP/secret'
}

@test "leave is one user's: not that of who becomes another in the same session" {
    as "$ADMIN" bash -c "echo reveal 1m >'$APP/ctl'; cat '$APP/secret' >/dev/null"
    refused "Required key not available" as "$EYE" cat "$APP/secret"
}

@test "grants of services are not affected" {
    printf 'user:%s\n' "$WEB" >"$APP/grants"
    as "$WEB" cat "$APP/secret" >/dev/null
    session "$WEB" 'cat $APP/key >/dev/null'
    refused "Permission denied" as "$WEB" bash -c "echo reveal 1m >'$APP/ctl'"
}

@test "who may reveal and not edit can ask, and no more" {
    session "$EYE" 'echo reveal 1m >$APP/ctl && cat $APP/secret >/dev/null'
    refused "Permission denied" as "$EYE" bash -c "echo rotate >'$APP/ctl'"
    refused "Permission denied" as "$EYE" bash -c "printf 'reveal 1m\nrotate\n' >'$APP/ctl'"
    [ "$(info billing version)" = 1 ]
    refused "Permission denied" as "$MANAGER" bash -c "echo reveal 1m >'$APP/ctl'"
    as "$MANAGER" bash -c "echo rotate >'$APP/ctl'"
    [ "$(info billing version)" = 2 ]
}

@test "a time that is none, has passed or is too long is refused" {
    for time in "" never 25h -5m 2020-01-01T00:00:00Z soon; do
        refused "Invalid argument" as "$ADMIN" bash -c "echo reveal $time >'$APP/ctl'"
    done
    generation=$(info billing generation)
    as "$ADMIN" sh -c "echo reveal 24h >'$APP/ctl' && cat '$APP/key' >/dev/null"
    as "$ADMIN" sh -c "echo reveal 0 >'$APP/ctl'"
    refused "Required key not available" as "$ADMIN" cat "$APP/key"
    [ "$(info billing generation)" = "$generation" ]
}

@test "leave outlives the worker and a new configuration, and ends with direct reveals" {
    as "$ADMIN" sh -c "echo reveal 1h >'$APP/ctl'"
    kill -KILL "$(sed -n 's/^worker = //p' "$MP/status")"
    as "$ADMIN" cat "$APP/secret" >/dev/null
    usual_config >"$CONFIG"
    credfs reload "$MP"
    as "$ADMIN" cat "$APPS/mailer/secret" >/dev/null
    request_config >"$CONFIG"
    credfs reload "$MP"
    refused "Required key not available" as "$ADMIN" cat "$APPS/mailer/secret"
    as "$ADMIN" cat "$APP/secret" >/dev/null
}

@test "an open file goes on; ls and stat need no asking" {
    as "$ADMIN" bash -c "echo reveal 1s >'$APP/ctl'; exec 5<'$APP/secret'; sleep 1.1; cat <&5 >/dev/null"
    as "$ADMIN" ls "$APP" | grep -qx secret
    as "$ADMIN" stat "$APP/secret" >/dev/null
    run ! as "$ADMIN" test -r "$APP/secret"
}

@test "credfs reveal asks and prints in one step, to a pipe of one's own" {
    session "$ADMIN" '
        a=$($DIR/credfs reveal --mount $MP --for 1m billing secret | sha256sum) || exit 1
        b=$(sha256sum <$APP/secret) || exit 2
        [ "$a" = "$b" ] || exit 3
        $DIR/credfs reveal --mount $MP billing | sed "s/ = .*//" | tr "\n" " " | grep -qx "key secret " || exit 4
        $DIR/credfs reveal --mount $MP billing key secret | wc -l | grep -qx 2 || exit 5'
    refused "Required key not available" session "$ADMIN" 'cat $APP/secret'
    audited ".uid == $ADMIN and .op == \"ask\" and .comm == \"credfs\""
}

@test "credfs reveal writes into no file and no pipe of another's" {
    for to in file fifo; do
        [ "$to" = file ] || mkfifo -m 666 "$DIR/reports/fifo"
        : >"$DIR/reports/file"
        chmod 666 "$DIR/reports/file"
        [ "$to" = file ] || cat "$DIR/reports/fifo" >"$DIR/got" &
        refused "no terminal or pipe of your own" as "$ADMIN" sh -c \
            "'$DIR/credfs' reveal --mount '$MP' billing >'$DIR/reports/$to'"
        wait
    done
    [ ! -s "$DIR/reports/file" ] && [ ! -s "$DIR/got" ]
    rm "$DIR/reports/file" "$DIR/reports/fifo"
    refused "no terminal or pipe of your own" bash -c \
        "setpriv --reuid=$ADMIN --regid=$ADMIN --clear-groups '$DIR/credfs' reveal --mount '$MP' billing | cat; exit \${PIPESTATUS[0]}"
    ! audited '.op == "ask"' || return 1
}

@test "credfs reveal says what is wrong" {
    refused "no right" as "$STRANGER" bash -c "set -o pipefail; '$DIR/credfs' reveal --mount '$MP' billing key | cat"
    refused "no such App" as "$ADMIN" bash -c "set -o pipefail; '$DIR/credfs' reveal --mount '$MP' nothing | cat"
    refused "at most 24h" as "$ADMIN" bash -c "set -o pipefail; '$DIR/credfs' reveal --mount '$MP' --for 2d billing | cat"
    refused "no such field" as "$ADMIN" bash -c "set -o pipefail; '$DIR/credfs' reveal --mount '$MP' billing bogus | cat"
    refused "no credfs is mounted" as "$ADMIN" bash -c "set -o pipefail; '$DIR/credfs' reveal --mount /tmp billing | cat"
}

@test "a leave put in by hand is refused, and check names it" {
    needs sqlite3 "to be the tamperer"
    as "$ADMIN" sh -c "echo reveal 1h >'$APP/ctl'"
    sql "UPDATE leave SET until = until + 1"
    refused "Input/output error" as "$ADMIN" cat "$APP/secret"
    run credfs check --store "$STORE" --config "$CONFIG"
    [ "$status" -ne 0 ]
    [[ $output == *"billing"*"leave to reveal"* ]]
}
