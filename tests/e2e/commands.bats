# The commands: what they print, what they return, and what they say when something is in the way.

load helper

setup() { start; }
teardown() { finish; }

# exits CODE TEXT COMMAND…: it returns this code, and says TEXT on stderr.
exits() {
    local code=$1 text=$2
    shift 2
    run --separate-stderr "$@"
    # shellcheck disable=SC2154 # run sets stderr
    [ "$status" -eq "$code" ] && [[ $stderr == *"$text"* ]] && return
    echo "wanted code $code and '$text' from: $*"
    echo "got code $status: $stderr" | mask
    return 1
}

@test "each command has its --help" {
    local command
    credfs --help | grep -q mount
    for command in init mount umount status policy audit check; do
        credfs "$command" --help | grep -qi "usage: *credfs $command"
        credfs --help | grep -q "$command"
    done
    credfs --help | grep -qF 'credfs --version'
    credfs --version | grep -q '^credfs [0-9]'
}

@test "wrong usage is told, with EX_USAGE" {
    exits 64 "credfs" credfs
    exits 64 "no-such-command" credfs no-such-command
    exits 64 "" credfs status --no-such-option
    exits 64 "" credfs mount a b c
    exits 64 "" credfs policy
}

@test "init makes a store that others cannot read, and never a second one in it" {
    [ "$(stat -c '%a %u' "$STORE")" = "700 0" ]
    [ -z "$(find "$STORE" -type f ! -perm 600)" ]
    [ -f "$STORE/credfs.db" ] && [ -f "$STORE/master.key" ]
    exits 73 "$STORE" credfs init --store "$STORE"
    mkdir "$DIR/empty"
    chmod 700 "$DIR/empty"
    credfs init --store "$DIR/empty"
    exits 66 "" credfs init --store "$DIR/no/such/parent"
}

@test "init takes a new or an empty directory, and no other" {
    mkdir "$DIR/full" "$DIR/empty"
    touch "$DIR/full/something"
    exits 73 "$DIR/full has something else in it" credfs init --store "$DIR/full"
    exits 66 "there is no store in $DIR/full" credfs check --store "$DIR/full"
    [ "$(stat -c %a "$DIR/full")" = 755 ]
    [ "$(ls "$DIR/full")" = something ]
    credfs init --store "$DIR/empty"
    [ "$(stat -c %a "$DIR/empty")" = 700 ]
    if [ "$(id -u)" -eq 0 ]; then
        mkdir "$DIR/his"
        chown 80001 "$DIR/his"
        exits 77 "belongs to uid 80001" credfs init --store "$DIR/his"
        [ "$(stat -c %a "$DIR/his")" = 755 ]
    fi
}

@test "a store without its database is not made anew" {
    umount_store
    mv "$STORE/credfs.db" "$DIR/"
    exits 73 "put a copy of it back" credfs init --store "$STORE"
    local command
    for command in mount check status audit; do
        exits 66 "$STORE/credfs.db is missing" credfs $command --store "$STORE"
    done
    mv "$DIR/credfs.db" "$STORE/"
    check_passes
}

@test "an init that the disk has no room for says so, and leaves nothing" {
    DISK=$DIR/disk
    mkdir "$DISK"
    mount -t tmpfs -o size=100k,mode=700 tmpfs "$DISK"
    local size
    for size in 0 16 32 48 64 80 96; do
        head -c ${size}K /dev/zero >"$DIR/disk.fill"
        mkdir "$DISK/room"
        cat "$DIR/disk.fill" >"$DISK/room/fill"
        exits 74 "$DISK/store: no space left: make room" credfs init --store "$DISK/store"
        [ ! -e "$DISK/store" ]
        rm -r "$DISK/room"
    done
    exits 74 "$DISK: no space left: make room" credfs init --store "$DISK"
    [ -z "$(ls -A "$DISK")" ]
}

@test "a store that is not there, or that others could reach, is refused" {
    exits 66 "$DIR/none" credfs mount --store "$DIR/none" "$MP"
    exits 66 "$DIR/none" credfs status --store "$DIR/none"
    umount_store
    chmod 750 "$STORE"
    exits 77 "$STORE" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chmod 700 "$STORE"
    chmod 640 "$STORE/master.key"
    exits 77 "$STORE/master.key has mode 640: make it 600" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chmod 600 "$STORE/master.key"
    mv "$STORE/master.key" "$DIR/master.key"
    ln -s "$DIR/master.key" "$STORE/master.key"
    exits 77 "master.key" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    rm "$STORE/master.key"
    exits 65 "$STORE/master.key: No such file or directory: put back the master.key that belongs to this store" \
        credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    mv "$DIR/master.key" "$STORE/master.key"
    chown 80001 "$STORE/credfs.db"
    exits 77 "credfs.db" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chown 0 "$STORE/credfs.db"
    ln -s "$STORE" "$DIR/link"
    mount_store
}

@test "mount returns once the mount answers" {
    local i
    for i in 1 2 3; do
        umount_store
        credfs mount --store "$STORE" --config "$CONFIG" "$MP"
        mkdir "$APPS/app-$i"
    done
    [ "$(ls "$APPS" | wc -l)" -eq 3 ]
}

@test "one daemon at a time: the message names the holder" {
    mkdir "$DIR/second"
    exits 75 "in use by process $(holder): unmount it first (credfs umount $MP)" credfs mount --store "$STORE" --config "$CONFIG" "$DIR/second"
    run ! mounted "$DIR/second"
    umount_store
    credfs mount --store "$STORE" --config "$CONFIG" "$DIR/second"
    [ -d "$DIR/second/apps" ]
    credfs umount "$DIR/second"
}

@test "a killed daemon's mount is mounted anew, with umount before and without" {
    new_app billing
    kill_daemons
    daemon_gone
    ! mounted "$MP" || refused "not connected" ls "$MP"
    credfs status --store "$STORE" --json | jq -e '.mounted == false and .pid == null' >/dev/null
    mount_store
    [ "$(ls "$APPS")" = billing ]
    crash
    mount_store
    [ "$(ls "$APPS")" = billing ]
}

@test "a mount with -o ro takes no change" {
    new_app billing audit-records
    umount_store
    credfs mount --store "$STORE" --config "$CONFIG" -o ro "$MP"
    refused "Read-only file system" mkdir "$APPS/mailer"
    refused "Read-only file system" bash -c "echo contact-search >'$APPS/billing/apis'"
    cat "$APPS/billing/secret" >/dev/null
    apis_are billing audit-records
}

@test "a mountpoint that cannot be one is told" {
    umount_store
    touch "$DIR/file"
    exits 64 "$DIR/file" credfs mount --store "$STORE" --config "$CONFIG" "$DIR/file"
    exits 64 "$STORE" credfs mount --store "$STORE" --config "$CONFIG" "$STORE"
    exits 64 "" credfs mount --store "$STORE" --config "$CONFIG" -o no-such-option "$MP"
    refused "$DIR/none" credfs mount --store "$STORE" --config "$CONFIG" "$DIR/none"
    daemon_gone
    mount_store
}

@test "a mountpoint within a credfs is refused; what a full directory has is hidden until the mount ends" {
    new_app billing
    credfs init --store "$DIR/second"
    exits 64 "it is within $MP, where a credfs is mounted" credfs mount --store "$DIR/second" "$APPS/billing"
    [ "$(cat "$APPS/billing/key" | wc -c)" -eq 37 ]
    mkdir "$DIR/full"
    touch "$DIR/full/something"
    credfs mount --store "$DIR/second" "$DIR/full"
    [ ! -e "$DIR/full/something" ]
    credfs umount "$DIR/full"
    [ -e "$DIR/full/something" ]
}

@test "mount -f stays in the foreground and ends with the mount" {
    umount_store
    "$CREDFS" mount -f --store "$STORE" --config "$CONFIG" "$MP" 3>&- >>"$DIR/daemon.out" 2>&1 &
    local daemon=$! tries
    for ((tries = 0; tries < 100; tries++)); do
        ! mounted "$MP" || break
        sleep 0.05
    done
    new_app billing
    kill -0 "$daemon"
    credfs umount "$MP"
    wait "$daemon"
}

@test "SIGTERM ends the daemon, its mount and its hold on the store" {
    new_app billing
    kill -TERM "$(holder)"
    daemon_gone
    run ! mounted "$MP"
    mount_store
    [ "$(ls "$APPS")" = billing ]
    credfs audit --store "$STORE" --verify
}

@test "umount: busy, not mounted, not there" {
    cd "$APPS"
    exits 75 "fuser -vm $MP shows who" credfs umount "$MP"
    cd /
    mounted "$MP"
    credfs umount "$MP"
    exits 69 "$MP" credfs umount "$MP"
    exits 69 "/: no credfs is mounted there" credfs umount /
    exits 69 "/: no credfs is mounted there" credfs reload /
    exits 69 "/: no credfs is mounted there" credfs mount --replace /
    exits 69 "" credfs umount "$DIR/none"
}

@test "mount(8)'s form: options, their overrides, and the type" {
    umount_store
    credfs "$STORE" "$MP" -o "rw,dev,suid,exec,config=$CONFIG"
    mounted "$MP"
    [ "$(findmnt -no OPTIONS "$MP" | tr , '\n' | grep -cxE 'nosuid|nodev|noexec|allow_other')" -eq 4 ]
    new_app billing
    as $ADMIN cat "$APPS/billing/secret" >/dev/null
    umount "$MP"
    daemon_gone
}

@test "mount(8)'s form: a SOURCE with a slash is a path, also a relative one" {
    new_app billing
    umount_store
    (cd "$DIR" && credfs ./store mnt -o "config=$CONFIG")
    [ "$(ls "$APPS")" = billing ]
    umount_store
    (cd "$DIR" && credfs store ./mnt -o "store=$STORE,config=$CONFIG")
    [ "$(ls "$APPS")" = billing ]
    [ "$(findmnt -no SOURCE "$MP")" = store ]
    umount_store
    exits 66 "./none" credfs ./none "$MP"
}

@test "mount -t fuse.credfs works where mount finds the program" {
    [ -x /sbin/mount.fuse3 ] || skip "needs mount.fuse3, from fuse3"
    umount_store
    mkdir "$DIR/bin"
    ln -s "$CREDFS" "$DIR/bin/credfs"
    PATH=$DIR/bin:$PATH /sbin/mount.fuse3 "credfs#$STORE" "$MP" -o "config=$CONFIG"
    new_app billing
    umount "$MP"
    daemon_gone
}

@test "status works mounted and not" {
    new_app billing
    credfs status --store "$STORE" >"$DIR/status"
    grep -q "$STORE" "$DIR/status"
    grep -qw "$(holder)" "$DIR/status"
    credfs status --store "$STORE" --json | jq -e --arg mp "$MP" '.mounted and .mountpoint == $mp and .apps == 1'
    grep -q '^apps = 1$' "$MP/status"
    umount_store
    credfs status --store "$STORE" --json | jq -e '.mounted == false and .pid == null and .apps == 1'
}

@test "audit shows, filters and follows" {
    new_app billing audit-records
    new_app mailer
    as $ADMIN cat "$APPS/billing/secret" >/dev/null
    refused "" as $STRANGER cat "$APPS/billing/secret"
    audit() { credfs audit --store "$STORE" "$@"; }
    audit | grep -q billing
    audit --json | jq -es 'length > 4' >/dev/null
    audit --json --app mailer | jq -es 'length > 0 and all(.[]; .app == "mailer")' >/dev/null
    audit --json --user $STRANGER |
        jq -es "length > 0 and all(.[]; .uid == $STRANGER and .result == \"denied\")" >/dev/null
    audit --json --user $ADMIN --app billing | jq -es 'length == 1 and .[0].op == "reveal"' >/dev/null
    [ -z "$(audit --since 2200-01-01)" ]
    [ "$(audit --since 1h | wc -l)" -eq "$(audit | wc -l)" ]
    audit --verify | grep -q 'whole'
    exits 64 "" credfs audit --store "$STORE" --since yesterday
    audit --json | jq -es 'map(.seq) == [range(1; length + 1)]' >/dev/null
}

@test "audit --follow prints new records as they come" {
    timeout 10 "$CREDFS" audit --store "$STORE" --follow --json --app later 3>&- >"$DIR/followed" &
    local follower=$!
    sleep 0.2
    new_app later
    within 3 grep -q '"op":"create"' "$DIR/followed"
    kill "$follower"
    wait "$follower" || true
    jq -es 'any(.[]; .op == "create" and .app == "later")' <"$DIR/followed" >/dev/null
}

@test "check tells what it checked" {
    new_app billing audit-records
    echo user:80001 >"$APPS/billing/grants"
    credfs check --store "$STORE" --config "$CONFIG" | grep -q 'all verify'
    credfs check --store "$STORE" --config "$CONFIG" --json |
        jq -e '.apps == 1 and .values == 2 and .grants == 1 and .findings == []' >/dev/null
    umount_store
    credfs check --store "$STORE" --config "$CONFIG" >/dev/null
}

@test "check says of a database that cannot be opened what is to be done" {
    new_app billing
    umount_store
    local size
    for size in 4096 20480; do
        cp "$STORE/credfs.db" "$DIR/whole.db"
        truncate -s $size "$STORE/credfs.db"
        exits 65 "put a copy of the store back" credfs check --store "$STORE"
        cp "$DIR/whole.db" "$STORE/credfs.db"
    done
    check_passes
}

@test "policy answers for an App, in words and in JSON" {
    new_app billing
    policy() { credfs policy --store "$STORE" --config "$CONFIG" "$@"; }
    policy --as user:$ADMIN billing | grep -q 'role company-admin'
    policy --as user:$ADMIN --json billing | jq -e . >/dev/null
    policy --as user:$STRANGER billing >/dev/null
    exits 66 "no-such-app" credfs policy --store "$STORE" --config "$CONFIG" --as user:$ADMIN no-such-app
    exits 67 "no-such-user-here" credfs policy --store "$STORE" --config "$CONFIG" --as user:no-such-user-here
}

@test "a user is named the same way everywhere" {
    new_app billing
    local who
    for who in daemon user:daemon "$(id -u daemon)" "user:$(id -u daemon)"; do
        credfs policy --store "$STORE" --config "$CONFIG" --json --as "$who" billing |
            jq -e ".uid == $(id -u daemon)" >/dev/null
        [ -z "$(credfs audit --store "$STORE" --user "$who")" ]
    done
    credfs audit --store "$STORE" --user user:root | grep -q billing
    for who in no-such-user-here user:no-such-user-here; do
        exits 67 "$who: no such user" credfs policy --store "$STORE" --as "$who"
        exits 67 "$who: no such user" credfs audit --store "$STORE" --user "$who"
    done
    for who in group:daemon user:1-2 user:; do
        exits 64 "$who: not one user" credfs policy --store "$STORE" --as "$who"
        exits 64 "$who: not one user" credfs audit --store "$STORE" --user "$who"
    done
}

@test "messages go to stderr, results to stdout" {
    run --separate-stderr credfs status --store "$DIR/none"
    [ -z "$output" ] && [ -n "$stderr" ]
    run --separate-stderr credfs status --store "$STORE"
    [ -n "$output" ] && [ -z "$stderr" ]
    refused "" bash -c "'$CREDFS' status --store '$STORE' >/dev/full"
}
