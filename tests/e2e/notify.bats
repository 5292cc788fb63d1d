# That a change reaches who watches: inotify(7) on an App's files and directory, whoever made the change and wherever
# they are bound; poll(2) on its info. None is lost, nothing is announced without a change, and nothing is left behind.

# shellcheck disable=SC2030,SC2031 # each test has its own APP and WATCHERS
load helper

setup() {
    needs inotifywait "to watch files"
    start
    WATCHERS=""
    new_app billing audit-records
    new_app mailer
    APP=$APPS/billing
}

teardown() {
    local watcher
    for watcher in ${WATCHERS-}; do
        kill "$watcher" 2>/dev/null || true
    done
    ! mountpoint -q "${DIR-}/bind" || umount "$DIR/bind"
    finish
}

# watch NAME FILE…: note what inotify tells of them, in $DIR/NAME, until the end of the test.
watch() {
    local name=$1
    shift
    inotifywait -m --format '%e %w%f' "$@" >>"$DIR/$name" 2>"$DIR/$name.err" 3>&- &
    WATCHERS+=" $!"
    within 10 grep -q established "$DIR/$name.err"
}

# How often the watch NAME was told that FILE, which ends so, was written and closed.
count() {
    grep -c "^CLOSE_WRITE.*$2\$" "$DIR/$1" || true
}

more_than() {
    [ "$(count "$1" "$2")" -gt "$3" ]
}

# quiet NAME: wait until nothing more comes.
quiet() {
    local before after
    before=$(stat -c %s "$DIR/$1")
    sleep 0.25
    while after=$(stat -c %s "$DIR/$1") && [ "$after" != "$before" ]; do
        before=$after
        sleep 0.25
    done
}

# tells FILE COMMAND…: who watches FILE (as $DIR/seen) is told of what the command does. The command's own writing is to
# another file.
tells() {
    local file=$1 before
    shift
    before=$(count seen "$file")
    "$@"
    within 10 more_than seen "$file" "$before" || { echo "not told of: $*"; return 1; }
}

ctl() {
    echo "$1" >"$APP/ctl"
}

worker() {
    sed -n 's/^worker = //p' "$MP/status"
}

toucher() {
    pgrep -f "^credfs touch $MP "
}

@test "who watches a file is told of every change of its App, whoever makes it" {
    watch seen "$APP/secret" "$APP/info" "$APPS/mailer/secret"
    tells billing/secret ctl "rotate 1h"
    tells billing/secret ctl "rollback 1"
    tells billing/secret ctl "revoke 2"
    tells billing/info ctl "label team=blue"
    tells billing/info ctl "describe whatever"
    tells billing/secret ctl disable
    tells billing/secret ctl enable
    tells billing/secret as "$ADMIN" sh -c "echo audit-records contact-search >'$APP/apis'"
    tells billing/secret as "$MANAGER" sh -c "echo user:80001 >'$APP/grants'"
    tells billing/secret sh -c "printf imported-key >'$APP/key'"
    tells billing/secret mv "$APP" "$APPS/renamed"
    tells billing/secret sh -c "echo label team=red >'$APPS/renamed/ctl'"
    tells billing/secret rmdir "$APPS/renamed"
    tells billing/secret mv "$MP/trash/renamed" "$APP"
    tells billing/secret ctl "rotate"
    [ "$(count seen mailer/secret)" -eq 0 ]
    # The same as a write to an ordinary file: there is MODIFY too, for those who wait for that alone.
    grep -q "^MODIFY .*billing/info" "$DIR/seen"
}

@test "who watches the directory is told of each file, fields before views before info" {
    watch seen "$APP" "$APP/views" "$APP/views/curl"
    quiet seen
    : >"$DIR/seen"
    ctl rotate
    within 10 more_than seen billing/info 0
    quiet seen
    [ "$(grep ^CLOSE_WRITE "$DIR/seen" | sed "s|.*/billing/||" | grep -v '^ctl$' | paste -sd ' ')" = \
        "key secret apis grants readers views/env views/json views/properties views/curl/audit-records info" ]
}

@test "who watches a version, or who reads, is told of every change of the App" {
    ctl "rotate 1h"
    ctl "rotate 1h"
    watch seen "$APP/versions/1/secret" "$APP/versions/2" "$APP/readers"
    tells versions/1/secret ctl "revoke 1"
    refused "Key has been revoked" cat "$APP/versions/1/secret"
    tells versions/2/key ctl "label a=b"
    tells versions/2/info ctl "rollback 2"
    tells billing/readers ctl rotate
    tells versions/2/secret mv "$APP" "$APPS/renamed"
    quiet seen
    run ! grep -q versions/3 "$DIR/seen"
    # One that passes, as its overlap does; and none is told of without a change.
    echo "rotate 2s" >"$APPS/renamed/ctl"
    watch passing "$APPS/renamed/versions/4"
    : >"$DIR/passing"
    within 10 more_than passing versions/4/info 0
    quiet passing
    : >"$DIR/passing"
    sleep 1.5
    [ ! -s "$DIR/passing" ]
}

@test "who watches is told of deadlines that pass: of a version, of the App, of propagation" {
    umount_store
    {
        usual_config
        printf '[policy]\npropagation = 4s\n'
    } >"$CONFIG"
    mount_store
    new_app later contact-search
    watch seen "$APP/secret" "$APPS/mailer/info" "$APPS/later/info"
    ctl "rotate 3s"
    echo "expire $(date -u -d '+4 seconds' +%FT%TZ)" >"$APPS/mailer/ctl"
    quiet seen
    : >"$DIR/seen"
    grep -q "propagating" "$APPS/later/info"
    within 10 more_than seen billing/secret 0
    [ "$(sed -n 's/^version.1 = \([a-z]*\).*/\1/p' "$APP/info")" = retired ]
    within 10 more_than seen mailer/info 0
    [ "$(sed -n 's/^state = //p' "$APPS/mailer/info")" = expired ]
    within 10 more_than seen later/info 0
    grep -q "^api.contact-search = approved" "$APPS/later/info"
}

@test "a new configuration is told to all who watch, the same one again to nobody" {
    cat "$APP/key" >/dev/null
    watch seen "$APP/info" "$APPS/mailer/info" "$APPS/mailer/secret"
    quiet seen
    : >"$DIR/seen"
    credfs reload "$MP"
    quiet seen
    [ "$(count seen '')" -eq 0 ]
    printf '[policy]\nrotation = 5d\n' >>"$CONFIG"
    credfs reload "$MP"
    within 10 more_than seen billing/info 0
    within 10 more_than seen mailer/info 0
    within 10 more_than seen mailer/secret 0
}

@test "who watches in another mount namespace is told, also of a file that is bound alone" {
    needs unshare "to make a mount namespace"
    mkdir "$DIR/bind"
    touch "$DIR/alone"
    # shellcheck disable=SC2016 # it expands there
    unshare -m --propagation private sh -c '
        mount --bind "$1" "$2/bind" && mount --bind "$1/secret" "$2/alone" && umount -l "$3" || exit 77
        exec inotifywait -m --format "%e %w%f" "$2/bind" "$2/alone"' \
        sh "$APP" "$DIR" "$MP" >"$DIR/seen" 2>"$DIR/seen.err" 3>&- &
    WATCHERS+=" $!"
    within 10 grep -q established "$DIR/seen.err"
    tells bind/info ctl "rotate 1h"
    within 10 more_than seen bind/secret 0
    within 10 more_than seen alone 0
}

# What a service does: it reads its secret whenever it is told.
follow() {
    mkfifo "$DIR/told"
    inotifywait -m -e close_write --format x "$APP/secret" >"$DIR/told" 2>"$DIR/told.err" 3>&- &
    WATCHERS+=" $!"
    while read -r _; do
        sha256sum <"$APP/secret" || true # what it has open may have been rotated away
    done <"$DIR/told" >"$DIR/read" 2>"$DIR/read.err" 3>&- &
    WATCHERS+=" $!"
    within 10 grep -q established "$DIR/told.err"
}

has_read_it() {
    [ "$(tail -n 1 "$DIR/read")" = "$(sha256sum <"$APP/secret")" ]
}

@test "200 changes in a row are told a few times, and the last of them is seen" {
    follow
    local i begun=$SECONDS
    for ((i = 0; i < 200; i++)); do
        echo rotate >"$APP/ctl"
    done
    within 10 has_read_it
    sleep 0.3
    has_read_it
    [ "$(wc -l <"$DIR/read")" -le $(((SECONDS - begun + 1) * 10)) ]
    [ "$(wc -l <"$DIR/read")" -lt 200 ]
}

@test "no change is lost by a worker that is killed right after it" {
    follow
    local i
    for i in 1 2 3 4 5; do
        worker >"$DIR/pid"
        echo rotate >"$APP/ctl"
        kill -KILL "$(cat "$DIR/pid")"
        within 10 has_read_it
    done
}

@test "no change is lost by the death of the process that touches the files" {
    follow
    ctl rotate
    within 10 has_read_it
    local i
    for i in 1 2 3; do
        within 10 toucher >"$DIR/pid"
        kill -KILL "$(cat "$DIR/pid")"
        ctl rotate
        within 10 has_read_it
    done
    toucher >"$DIR/pid"
    kill -STOP "$(cat "$DIR/pid")"
    ctl rotate
    sleep 0.2
    kill -KILL "$(cat "$DIR/pid")"
    within 10 has_read_it
}

# poller: open info, and say in $DIR/polled when poll(2) returns.
poller() {
    python3 - "$APP/info" >"$DIR/polled" 2>&1 3>&- <<'PY' &
import select, sys
file = open(sys.argv[1], 'rb')
waiting = select.poll()
waiting.register(file, select.POLLIN | select.POLLPRI)
print('ready' if waiting.poll(0) else 'waits', flush=True)
print('woken' if waiting.poll(60000) else 'timeout', flush=True)
print('ready' if waiting.poll(0) else 'waits', flush=True)
PY
    POLLER=$!
    WATCHERS+=" $POLLER"
    within 10 grep -q waits "$DIR/polled"
    sleep 0.1
}

polled() {
    wait "$POLLER"
    [ "$(paste -sd ' ' "$DIR/polled")" = "waits woken ready" ] || { cat "$DIR/polled"; return 1; }
}

@test "poll on info waits for a change, and over the death of a worker" {
    needs python3 "to call poll(2)"
    poller
    cat "$APP/secret" "$APP/info" >/dev/null
    echo "label a=b" >"$APPS/mailer/ctl"
    kill -KILL "$(worker)"
    within 10 worker >/dev/null
    sleep 0.5
    [ "$(cat "$DIR/polled")" = waits ]
    ctl "label a=b"
    polled
    poller
    worker >"$DIR/pid"
    ctl "label a=c"
    kill -KILL "$(cat "$DIR/pid")"
    polled
}

@test "nothing is changed or recorded by telling of a change, and nobody is told without one" {
    local records generation times
    watch seen "$APP/secret" "$APP/info"
    tells billing/info ctl rotate
    quiet seen
    records=$(wc -l <"$MP/audit")
    generation=$(info billing generation)
    times=$(stat -c %Y "$APP/secret" "$APP/info" "$APP" | sort -u)
    : >"$DIR/seen"
    cat "$APP/secret" "$APP/info" "$APP/apis" >/dev/null
    stat "$APP/secret" >/dev/null
    refused "" sh -c "echo nonsense >'$APP/ctl'"
    refused "" as "$STRANGER" cat "$APP/secret"
    sleep 1.5
    [ "$(count seen secret)" -eq 0 ]
    [ "$(count seen info)" -eq 0 ]
    [ "$(info billing generation)" = "$generation" ]
    [ "$(stat -c %Y "$APP/secret" "$APP/info" "$APP" | sort -u)" = "$times" ]
    # a reveal, a failed command, a denial
    [ "$(($(wc -l <"$MP/audit") - records))" -eq 3 ]
}

@test "a mount can be ended right after a change, by anybody" {
    local i
    for i in 1 2 3 4; do
        ctl rotate
        umount "$MP"
        daemon_gone
        mount_store
        cat "$APP/info" >/dev/null
    done
    (while echo rotate >"$APP/ctl"; do :; done) 2>/dev/null 3>&- &
    local changes=$!
    sleep 0.3
    kill $changes
    wait $changes || true
    umount "$MP"
    daemon_gone
}

@test "of a read-only mount poll tells, as when a deadline passes, and nothing complains" {
    needs python3 "to call poll(2)"
    ctl "rotate 3s"
    umount_store
    "$CREDFS" mount -f -o ro --store "$STORE" --config "$CONFIG" "$MP" </dev/null >"$DIR/daemon.out" 2>&1 3>&- &
    within 10 mounted "$MP"
    poller
    polled
    [ "$(cat "$DIR/daemon.out")" = "credfs: mounted on $MP" ]
}
