# The mount outlives its worker, whatever becomes of that; and where it cannot go on, it ends so that nobody hangs.
#
# KILLS: how often the worker is killed under load (200; `make soak`: 2000). Longest pauses and other figures are
# printed as notes, and asserted only where LONGEST_PAUSE (milliseconds) is set.

load helper

setup() {
    needs_root
    needs_fuse
    make_dir
    TOOLS=$(dirname "$CREDFS")/e2e
    KEEPER=""
}

teardown() {
    local mount
    [ -z "${LOAD-}" ] || kill -KILL "$LOAD" 2>/dev/null || true
    for mount in ${DIR:+"$DIR/bind" "$DIR/bind2"}; do
        ! mountpoint -q "$mount" || umount --lazy "$mount"
    done
    [ -z "${KEEPER-}" ] || kill "$KEEPER" 2>/dev/null || true
    [ -z "${LISTENER-}" ] || kill "$LISTENER" 2>/dev/null || true
    [ -z "${DIR-}" ] || ! mountpoint -q "$DIR/disk.mnt" || {
        fsfreeze -u "$DIR/disk.mnt" 2>/dev/null || true
        umount --lazy "$DIR/disk.mnt"
    }
    finish
}

# begin [INI…]: a store, its configuration with lines added, a mount whose keeper's messages go to $DIR/keeper.err.
begin() {
    credfs init --store "$STORE" >"$DIR/init.out"
    {
        usual_config
        printf '%s\n' "$@"
    } >"$CONFIG"
    keep
}

keep() {
    "$CREDFS" mount -f --store "$STORE" --config "$CONFIG" "$MP" </dev/null >>"$DIR/daemon.out" 2>"$DIR/keeper.err" 3>&- &
    KEEPER=$!
    within 20 served
}

served() { # and not by what the kernel remembers of a dead mount
    [ "$(status_of pid 2>/dev/null)" = "$KEEPER" ]
}

status_of() {
    sed -n "s/^$1 = //p" "$MP/status"
}

worker() {
    status_of worker
}

# told TEXT: the keeper or its worker said so.
told() {
    grep -qF "$1" "$DIR/keeper.err" && return
    echo "nobody said '$1':"
    mask <"$DIR/keeper.err"
    return 1
}

# keeper_ends CODE: it ends with that exit code, and takes worker and mount along.
keeper_ends() {
    local code=0
    wait "$KEEPER" || code=$?
    KEEPER=""
    [ "$code" -eq "$1" ] || { echo "exit code $code"; mask <"$DIR/keeper.err"; return 1; }
    daemon_gone
    run ! mounted "$MP"
}

ends_well() {
    credfs umount "$MP"
    keeper_ends 0
    check_passes
    credfs audit --store "$STORE" --verify
}

sanitized() {
    grep -q __asan_init "$CREDFS" || grep -q __tsan_init "$CREDFS"
}

load_begins() {
    mkdir "$APPS/steady" "$DIR/bind"
    mount --bind "$APPS/steady" "$DIR/bind"
    mount --make-private "$DIR/bind"
    "$TOOLS/load" "$MP" "$DIR/bind" >"$DIR/load.out" 2>&1 3>&- &
    LOAD=$!
    within 20 grep -q begun "$DIR/load.out"
}

load_ends_well() {
    local code=0
    kill -TERM "$LOAD"
    wait "$LOAD" || code=$?
    LOAD=""
    cat "$DIR/load.out"
    umount "$DIR/bind"
    [ "$code" -eq 0 ]
    note "$(grep -v begun "$DIR/load.out" | paste -sd ',' | sed 's/,/, /g')"
    is_brief "$(sed -n 's/^longest pause = \([0-9]*\).*/\1/p' "$DIR/load.out")"
}

note() {
    echo "# note: $*" >&3
}

is_brief() {
    [ "$1" -lt "${LONGEST_PAUSE:-1000000}" ] || { echo "longest pause $1 ms"; return 1; }
}

hooked() {
    CREDFS=$(dirname "$CREDFS")/hooks/credfs
    [ -x "$CREDFS" ] || { echo "no program at $CREDFS: run make hooks first"; return 1; }
}

@test "hundreds of SIGKILLs: no failed read, no failed change, each change there once, no growth of the keeper" {
    local kills=${KILLS:-200}
    ! sanitized || kills=$((kills / 5))
    begin
    load_begins
    "$TOOLS/assail" "$MP" "$kills" 100 >"$DIR/assail.out" 2>&1 || { cat "$DIR/assail.out" "$DIR/load.out"; return 1; }
    load_ends_well
    note "$(paste -sd ',' "$DIR/assail.out" | sed 's/,/, /g')"
    [ "$(status_of workers)" -gt "$kills" ]
    ends_well
    run ! grep -q 'answered with an error' "$DIR/keeper.err"
}

@test "a new program and a new configuration under load: no error, and the new ones serve" {
    install_program
    CREDFS=$DIR/credfs
    begin
    load_begins
    local old round
    old=$(worker)
    for round in 1 2 3; do
        cp "$CREDFS" "$CREDFS.new"
        printf 'round %s' "$round" >>"$CREDFS.new"
        mv "$CREDFS.new" "$CREDFS"
        credfs mount --replace "$MP"
        [ "$(worker)" -ne "$old" ]
        cmp -s "/proc/$(worker)/exe" "$CREDFS"
        old=$(worker)
        credfs reload "$MP"
        [ "$(worker)" -ne "$old" ]
    done
    [ "$(status_of renewed)" -eq 6 ]
    load_ends_well
    ends_well
}

@test "a request that crashes the worker is answered with EIO, and the others are served" {
    hooked
    begin
    new_app billing audit-records
    local sum
    sum=$(credential_sum billing)
    refused "Input/output error" stat "$APPS/credfs-test-crash"
    [ "$(status_of workers)" -eq 3 ]
    [ "$(credential_sum billing)" = "$sum" ]
    told "took 2 workers down: it is answered with an error"
}

@test "a request that crashes the worker, under load: nobody else sees an error" {
    hooked
    begin
    load_begins
    local n
    for n in 1 2 3; do
        refused "Input/output error" stat "$MP/trash/credfs-test-crash"
    done
    load_ends_well
    ends_well
    [ "$(grep -c 'answered with an error' "$DIR/keeper.err")" -eq 3 ]
}

@test "a request that hangs is answered with EIO, and the others are served meanwhile" {
    hooked
    begin "[engine]" "patience = 2s"
    load_begins
    local began=$SECONDS
    refused "Input/output error" stat "$MP/trash/credfs-test-hang" # the kernel locks its directory
    [ $((SECONDS - began)) -ge 4 ]
    [ $((SECONDS - began)) -le 8 ]
    told "is stuck in a request"
    load_ends_well
    ends_well
    [ "$(grep -c 'answered with an error' "$DIR/keeper.err")" -eq 1 ]
}

@test "a reload while a request hangs is done in a few seconds" {
    hooked
    begin "[engine]" "patience = 20s"
    stat "$MP/trash/credfs-test-hang" >/dev/null 2>&1 3>&- &
    local waiting=$! began=$SECONDS
    sleep 0.3
    credfs reload "$MP"
    [ $((SECONDS - began)) -le 6 ]
    kill "$KEEPER"
    keeper_ends 0
    run ! wait "$waiting"
}

@test "the program that people run has none of these requests in it" {
    grep -q credfs-test-crash "$(dirname "$CREDFS")/hooks/credfs"
    run ! grep -q credfs-test- "$CREDFS"
    run ! grep -q credfs-test- "$(dirname "$CREDFS")/credfs-keeper"
}

@test "a worker that is stopped is replaced, and no request is lost or blamed" {
    begin "[engine]" "patience = 1s"
    new_app billing audit-records
    local n stopped
    for n in 1 2 3; do
        stopped=$(worker)
        kill -STOP "$stopped"
        grep -qx audit-records "$APPS/billing/apis"
        [ "$(worker)" -ne "$stopped" ]
    done
    told "does not move: it is replaced"
    ends_well
    run ! grep -q 'answered with an error' "$DIR/keeper.err"
}

@test "a request over which one worker after the other is killed is answered with EIO at last" {
    hooked
    begin
    new_app billing audit-records
    refused "Input/output error" stat "$APPS/credfs-test-kill"
    [ "$(status_of workers)" -eq 17 ]
    apis_are billing audit-records
    told "took 16 workers down: it is answered with an error"
    ends_well
}

@test "signals that are not meant for the worker do nothing to it" {
    begin
    new_app billing audit-records
    local number worker
    worker=$(worker)
    for number in HUP INT PIPE USR1 CONT; do
        kill -s $number "$worker"
    done
    sleep 0.6
    apis_are billing audit-records
    [ "$(worker)" -eq "$worker" ]
    kill -TERM "$worker"
    apis_are billing audit-records
    ends_well
}

# frozen: a store on a file system of its own, which can be made to answer nothing.
frozen() {
    needs mkfs.ext4 "for a file system to freeze"
    needs fsfreeze "to freeze it"
    truncate -s 32M "$DIR/disk"
    mkfs.ext4 -q -m 0 "$DIR/disk"
    mkdir "$DIR/disk.mnt"
    mount -o loop "$DIR/disk" "$DIR/disk.mnt" 2>/dev/null || skip "needs a loop device"
    STORE=$DIR/disk.mnt/store
}

@test "a worker that hangs in the kernel and cannot be killed: nobody waits for it" {
    frozen
    begin "[engine]" "patience = 1s"
    new_app billing audit-records
    fsfreeze -f "$DIR/disk.mnt"
    (sleep 25; fsfreeze -u "$DIR/disk.mnt") 2>/dev/null 3>&- & # whatever becomes of the test
    local thaw=$! began=$SECONDS
    echo contact-search >"$APPS/billing/apis" 2>"$DIR/echo.err" && return 1
    [ $((SECONDS - began)) -le 15 ]
    local code=0
    wait "$KEEPER" || code=$?
    KEEPER=""
    [ "$code" -eq 74 ]
    told "cannot be killed"
    run ! mounted "$MP"
    fsfreeze -u "$DIR/disk.mnt"
    kill "$thaw"
    daemon_gone
    check_passes
    keep
    apis_are billing audit-records
    ends_well
    umount "$DIR/disk.mnt"
}

@test "when no worker can be started, the mount is ended and nobody is left waiting" {
    begin
    new_app billing audit-records
    exec 7<"$APPS/billing"
    local began=$SECONDS waiting worker
    worker=$(worker)
    mv "$STORE" "$STORE.away"
    kill -KILL "$worker"
    cat "$APPS/billing/apis" >"$DIR/cat.out" 2>&1 3>&- &
    waiting=$!
    keeper_ends 69
    exec 7<&-
    [ $((SECONDS - began)) -le 20 ]
    run ! wait "$waiting"
    told "no worker can be started"
    told "is ended, so that nobody waits for it"
    told "there is no store in"
    mv "$STORE.away" "$STORE"
    check_passes
}

@test "a start that fails for a while is tried again" {
    begin
    new_app billing audit-records
    local worker
    worker=$(worker)
    mv "$STORE" "$STORE.away"
    kill -KILL "$worker"
    sleep 1.5
    mv "$STORE.away" "$STORE"
    apis_are billing audit-records
    ends_well
}

@test "the keeper is killed: the worker ends, the mount is gone, and says so" {
    begin
    new_app billing audit-records
    exec 7<"$APPS/billing/info"
    kill -KILL "$KEEPER"
    keeper_ends 137
    exec 7<&-
    told "the keeper of $MP is gone: the mount is ended"
    keep
    apis_are billing audit-records
    ends_well
}

@test "the keeper is killed while a request hangs: the mount is gone, and who waits gets an error" {
    hooked
    begin
    stat "$MP/trash/credfs-test-hang" >/dev/null 2>&1 3>&- &
    local waiting=$!
    sleep 0.3
    kill -KILL "$KEEPER"
    wait "$KEEPER" || true
    within 20 eval '[ -z "$(daemons)" ]'
    run ! wait "$waiting"
    run ! mounted "$MP"
}

@test "keeper and worker are killed at nearly the same time: nobody hangs, and it can be mounted again" {
    begin
    local delay
    for delay in 0 0.002 0.005 0.01 0.02; do
        kill -KILL "$(worker)"
        sleep $delay
        kill -KILL "$KEEPER"
        wait "$KEEPER" || true
        sleep 0.3 # a process that is being started cannot be seen by its arguments
        daemon_gone
        run timeout 5 ls "$APPS"
        [ "$status" -ne 124 ] # the time was over
        keep # clears away a dead mount
        kill -HUP "$KEEPER"
        sleep $delay
        kill -KILL "$KEEPER"
        wait "$KEEPER" || true
        sleep 0.3 # a process that is being started cannot be seen by its arguments
        daemon_gone
        run timeout 5 ls "$APPS"
        [ "$status" -ne 124 ] # the time was over
        keep
    done
    ends_well
}

@test "the keeper is killed while its worker is stopped: the mount is gone all the same" {
    begin
    new_app billing audit-records
    kill -STOP "$(worker)"
    kill -KILL "$KEEPER"
    keeper_ends 137
    keep
    apis_are billing audit-records
    ends_well
}

@test "a mount whose daemon is dead is known as such, also where the kernel remembers what it was" {
    begin
    local worker
    worker=$(worker)
    stat "$MP" >"$DIR/stat.out"
    kill -STOP "$KEEPER"
    kill -KILL "$worker" "$KEEPER"
    wait "$KEEPER" || true
    daemon_gone
    mounted "$MP"
    stat "$MP" >"$DIR/stat.out" # this is what fools
    keep
    told "a credfs that has died is unmounted"
    ends_well
}

@test "the connection is aborted: the keeper says so, and nothing is left" {
    begin
    mkdir "$DIR/fusectl"
    mount -t fusectl none "$DIR/fusectl"
    stat "$MP" >"$DIR/stat.out" # so that the kernel remembers what it was
    echo 1 >"$DIR/fusectl/$(stat -c %d "$MP")/abort"
    umount "$DIR/fusectl"
    keeper_ends 69
    told "was aborted"
    keep
    ends_well
}

@test "what the caller has open does not stay open with the mount" {
    credfs init --store "$STORE" >"$DIR/init.out"
    usual_config >"$CONFIG"
    (
        flock -n 9
        "$CREDFS" mount --store "$STORE" --config "$CONFIG" "$MP"
    ) 9>"$DIR/lock"
    flock -n "$DIR/lock" true
    credfs umount "$MP"
    daemon_gone
}

@test "a program that gets ready and then crashes is taken back, too" {
    install_program
    CREDFS=$DIR/credfs
    begin
    new_app billing audit-records
    cp "$CREDFS" "$DIR/good"
    sleep 2.5 # so that it has settled
    cp "$TOOLS/shortlived" "$CREDFS.new"
    mv "$CREDFS.new" "$CREDFS"
    "$DIR/good" mount --replace "$MP" || true # it was ready
    within 5 grep -qF "the new program did not last: the old one goes on" "$DIR/keeper.err"
    apis_are billing audit-records
    cmp -s "/proc/$(worker)/exe" "$DIR/good"
    cp "$DIR/good" "$CREDFS"
    ends_well
}

@test "a program that does not start is taken back, and --replace says so" {
    install_program
    CREDFS=$DIR/credfs
    begin
    new_app billing audit-records
    cp "$CREDFS" "$DIR/good"
    local bad
    for bad in /bin/false /bin/true /etc/passwd; do
        cp "$bad" "$CREDFS.new"
        chmod 755 "$CREDFS.new"
        mv "$CREDFS.new" "$CREDFS"
        refused "the old one goes on" "$DIR/good" mount --replace "$MP"
        apis_are billing audit-records
        cmp -s "/proc/$(worker)/exe" "$DIR/good"
    done
    rm "$CREDFS"
    refused "the old one goes on" "$DIR/good" mount --replace "$MP"
    [ "$(status_of refused)" -eq 4 ]
    kill -KILL "$(worker)"
    apis_are billing audit-records
    cp "$DIR/good" "$CREDFS"
    told "the new program did not start: the old one goes on"
    ends_well
}

@test "reload: a right that is given or taken away is so at the next open" {
    begin
    new_app billing audit-records
    refused "Permission denied" as "$STRANGER" cat "$APPS/billing/secret"
    exec 7<"$APPS/billing/info"
    printf '[members]\ncompany-admin = user:%s\n' "$STRANGER" >"$CONFIG"
    credfs reload "$MP"
    [ "$(as "$STRANGER" cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    refused "Permission denied" as "$ADMIN" cat "$APPS/billing/secret"
    kill -KILL "$(worker)"
    [ "$(as "$STRANGER" cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    refused "Permission denied" as "$ADMIN" cat "$APPS/billing/secret"
    grep -qx 'name = billing' <&7
    exec 7<&-
    told "the configuration was read again"
    ends_well
}

@test "reload: a file with an error is refused with its line, and the one in force stays, also for later workers" {
    begin
    new_app billing audit-records
    printf '[members]\nnonsense\n' >"$CONFIG"
    refused "credfs.ini:2: " credfs reload "$MP"
    [ "$(as "$ADMIN" cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    kill -HUP "$KEEPER" # as systemd might, without a look at the file
    within 10 eval '[ "$(status_of refused)" = 1 ]'
    told "credfs.ini:2: "
    told "did not start: the old one goes on"
    kill -KILL "$(worker)"
    [ "$(as "$ADMIN" cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    refused "Permission denied" as "$STRANGER" cat "$APPS/billing/secret"
    usual_config >"$CONFIG"
    ends_well
}

@test "reloads and replacements at the same time: each gets its own answer" {
    begin
    local n pids=()
    for n in 1 2 3; do
        credfs reload "$MP" &
        pids+=($!)
        credfs mount --replace "$MP" &
        pids+=($!)
    done
    for n in "${pids[@]}"; do
        wait "$n"
    done
    [ "$(status_of renewed)" -eq 6 ]
    kill -HUP "$KEEPER"
    kill -USR1 "$KEEPER"
    within 10 eval '[ "$(status_of renewed)" = 8 ]'
    ends_well
}

@test "unmounted while a worker starts or drains, by umount or SIGTERM: it ends well" {
    begin
    new_app billing audit-records
    local n
    for n in 1 2 3 4 5 6; do
        case $n in
        1 | 4) kill -KILL "$(worker)" ;;
        2 | 5) kill -HUP "$KEEPER" ;;
        esac
        if [ "$n" -le 3 ]; then umount "$MP"; else kill -TERM "$KEEPER"; fi
        keeper_ends 0
        keep
    done
    apis_are billing audit-records
    ends_well
}

@test "a lazy umount beneath a bind mount: the bind goes on, also past a SIGKILL, and all ends with it" {
    begin
    new_app billing audit-records
    mkdir "$DIR/bind"
    mount --bind "$APPS/billing" "$DIR/bind"
    local worker
    worker=$(worker)
    umount --lazy "$MP"
    grep -qx audit-records "$DIR/bind/apis"
    kill -KILL "$worker"
    grep -qx audit-records "$DIR/bind/apis"
    umount "$DIR/bind"
    keeper_ends 0
    check_passes
}

@test "what is mounted in its place afterwards is not unmounted" {
    begin
    umount "$MP"
    mount -t tmpfs tmpfs "$MP"
    keeper_ends 0
    umount "$MP" # fails if it is gone
}

@test "SIGTERM while files are open: the mount is gone, and who holds them gets errors" {
    begin
    new_app billing audit-records
    exec 7<"$APPS/billing/apis"
    kill "$KEEPER"
    keeper_ends 0
    refused "" cat <&7
    exec 7<&-
}

@test "a worker starts on a full disk, and reveals go on" {
    store_on_disk 24M
    begin
    new_app billing audit-records
    local sum n
    sum=$(credential_sum billing)
    dd if=/dev/zero of="$DISK/ballast" bs=64K status=none 2>/dev/null || true
    dd if=/dev/zero of="$DISK/ballast" oflag=append conv=notrunc bs=1K status=none 2>/dev/null || true
    for n in 1 2 3; do
        kill -KILL "$(worker)"
        [ "$(credential_sum billing)" = "$sum" ]
    done
    rm "$DISK/ballast"
    new_app after audit-records
    ends_well
}

@test "too little memory may be locked: a message that says what to do, and nothing mounted" {
    ! sanitized || skip "a sanitizer locks no memory"
    credfs init --store "$STORE" >"$DIR/init.out"
    usual_config >"$CONFIG"
    chown -R "$STRANGER:$STRANGER" "$STORE" "$CONFIG" "$MP"
    refused "raise the limit (ulimit -l, LimitMEMLOCK=)" as "$STRANGER" prlimit --memlock=65536 -- \
        "$CREDFS" mount --store "$STORE" --config "$CONFIG" "$MP"
    run ! mounted "$MP"
}

@test "an ordinary user's mount through fusermount3 outlives its worker too, and can be replaced and reloaded" {
    needs fusermount3 "to mount as an ordinary user"
    local user=credfs-test-keeper-$$ id
    flock /etc useradd --no-create-home "$user"
    id=$(id -u "$user")
    mkdir -m 700 "$DIR/home"
    chown "$id" "$DIR/home"
    install_program
    MP=$DIR/home/credfs
    as "$id" env -C "$DIR/home" HOME="$DIR/home" PATH="$PATH" bash -c '
        set -e
        mkdir -p credfs .config/credfs
        printf "[policy]\npropagation = 0\n" >.config/credfs/credfs.ini
        "$0" init >/dev/null
        "$0" mount
        "$1/load" "$HOME/credfs" >load.out 2>&1 & load=$!
        sleep 0.3
        "$1/assail" "$HOME/credfs" 40 100
        "$0" mount --replace
        "$0" reload
        kill -TERM $load
        wait $load
        echo nonsense >.config/credfs/credfs.ini
        ! "$0" reload
        keeper=$(sed -n "s/^pid = //p" credfs/status)
        kill -KILL $keeper
        for i in {1..100}; do mountpoint -q credfs || break; sleep 0.1; done
        ! mountpoint -q credfs
        printf "[policy]\npropagation = 0\n" >.config/credfs/credfs.ini
        for i in {1..100}; do "$0" mount 2>/dev/null && break; sleep 0.1; done
        "$0" umount
        "$0" check
    ' "$DIR/credfs" "$TOOLS" >"$DIR/user.out" 2>&1 || { cat "$DIR/user.out" "$DIR/home/load.out"; userdel "$user"; return 1; }
    flock /etc userdel "$user"
    note "as a user: $(grep -v begun "$DIR/home/load.out" | paste -sd ',' | sed 's/,/, /g')"
}

# listen: what a service manager would hear goes to $DIR/notified.
listen() {
    needs socat "to listen as a service manager does"
    ldd "$CREDFS" | grep -q libsystemd || skip "needs libsystemd in the program"
    socat -u "UNIX-RECV:$DIR/notify" "OPEN:$DIR/notified,creat,append" 3>&- &
    LISTENER=$!
    within 5 test -S "$DIR/notify"
    export NOTIFY_SOCKET=$DIR/notify
}

@test "a service manager is told: ready, reloading, ready again, alive" {
    listen
    export WATCHDOG_USEC=2000000
    begin
    within 5 grep -q '^READY=1' "$DIR/notified"
    grep -qx "MAINPID=$KEEPER" "$DIR/notified"
    within 5 grep -q 'WATCHDOG=1' "$DIR/notified"
    run ! grep -q 'RELOADING=1' "$DIR/notified"
    credfs reload "$MP"
    within 5 eval '[ "$(grep -c READY=1 "$DIR/notified")" -eq 2 ]'
    [ "$(grep -oE '(READY|RELOADING)=1' "$DIR/notified" | paste -sd ' ')" = "READY=1 RELOADING=1 READY=1" ]
    ends_well
    within 5 grep -q 'STOPPING=1' "$DIR/notified"
    kill "$LISTENER"
    [ "$(grep -oE '(READY|RELOADING|STOPPING)=1' "$DIR/notified" | tail -n 1)" = STOPPING=1 ]
}

@test "a service manager that reads nothing holds up nobody" {
    ldd "$CREDFS" | grep -q libsystemd || skip "needs libsystemd in the program"
    python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); time.sleep(60)' \
        "$DIR/notify" 3>&- &
    LISTENER=$!
    within 5 test -S "$DIR/notify"
    export NOTIFY_SOCKET=$DIR/notify WATCHDOG_USEC=40000
    begin "[engine]" "patience = 1s"
    local began=$SECONDS
    sleep 3
    credfs reload "$MP"
    [ "$(status_of workers)" -eq 2 ]
    [ $((SECONDS - began)) -le 8 ]
    ends_well
    kill "$LISTENER"
}

@test "the unit of systemd is one that systemd accepts" {
    needs systemd-analyze "to look at the unit"
    install_program
    CREDFS=$DIR/credfs
    sed "s,/usr/local/bin/credfs,$CREDFS,g" "$BATS_TEST_DIRNAME/../../scripts/systemd/credfs.service" \
        >"$DIR/credfs.service"
    grep -q "$CREDFS" "$DIR/credfs.service"
    SYSTEMD_LOG_LEVEL=warning run systemd-analyze verify --man=no "$DIR/credfs.service"
    [ "$status" -eq 0 ] && [[ $output != *credfs.service* ]] && return
    echo "status $status: $output"
    return 1
}
