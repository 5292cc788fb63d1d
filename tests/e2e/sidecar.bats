# credfs as a container of its own, whose mount the other containers see, with the options that the Containerfile names;
# and inside one namespace of an ordinary user, with no privilege at all.

# shellcheck disable=SC2034,SC2016 # containers.bash reads BINDS and MODE; what a container runs expands there
load helper
load containers

USER_ID=70005

setup() {
    needs_root
    needs_fuse
    make_dir
    containers_begin
    share_usr
    install_mounter
    SHARED=$DIR/shared
    mkdir "$SHARED"
    RUNNING=()
}

teardown() {
    local pid
    for pid in ${RUNNING[@]+"${RUNNING[@]}"}; do
        kill "$pid" 2>/dev/null || true
    done
    containers_end
    ! mountpoint -q "$SHARED" || umount --recursive "$SHARED"
    finish
}

# The program in the containers' root; its libraries come with /usr.
install_mounter() {
    install -m 755 "$CREDFS" "$ROOT/bin/credfs"
    install -m 755 "$(dirname "$CREDFS")/credfs-keeper" "$ROOT/bin/credfs-keeper"
    mkdir -p "$ROOT/var/lib/credfs" "$ROOT/run/credfs"
    echo root:x:0:0::/root:/bin/sh >"$ROOT/etc/passwd"
}

# in_mounter OPTION… -- COMMAND…: in a container that may mount, with the store and the shared directory.
in_mounter() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    in_cgroup podman --root "$PODMAN/root" --runroot "$PODMAN/run" --tmpdir "$PODMAN/tmp" --storage-driver=vfs \
        --cgroup-manager=cgroupfs --events-backend=file --runtime=runc run --rm --log-driver=none --network=none \
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --cgroup-parent="/$CGROUP" --read-only \
        -v "$DIR/volume:/var/lib/credfs" "${options[@]}" --rootfs "$ROOT" "$@" 3>&-
}

# What the Containerfile has its user do first.
make_shared_store() {
    needs podman "to run containers"
    mkdir -m 700 "$DIR/volume"
    mkdir "$SHARED/mnt"
    mount --bind "$SHARED" "$SHARED"
    mount --make-shared "$SHARED"
    in_mounter -- credfs init >"$DIR/init.out" 2>&1 || skip "podman does not work here: $(tail -n 1 "$DIR/init.out")"
}

start_mounter() {
    local options
    # Those that the Containerfile tells its user of; what a machine lets nobody raise is left as it is.
    grep -q -- "--pid=host --device /dev/fuse --cap-add SYS_ADMIN --ulimit memlock=-1" \
        "$BATS_TEST_DIRNAME/../../scripts/containers/Containerfile"
    options=(--pid=host --device /dev/fuse --cap-add SYS_ADMIN --ulimit "memlock=$(ulimit -H -l | limit)")
    in_mounter "${options[@]}" -v "$SHARED:/run/credfs:rshared" -- credfs mount -f /run/credfs/mnt \
        >"$DIR/mounter.out" 2>&1 &
    RUNNING+=($!)
    within 20 mounted "$SHARED/mnt" || { cat "$DIR/mounter.out"; return 1; }
}

# The limit of memory that may be locked, in bytes for podman: standard input has ulimit's word.
limit() {
    local kib
    read -r kib
    [ "$kib" = unlimited ] && echo -1 || echo $((kib * 1024))
}

inside() {
    sed -n "s/^$1 = //p" "$SHARED/mnt/status"
}

@test "a container mounts for the others, those before it too, lives through its worker's death, and ends clean" {
    local secret worker reader keeper
    make_shared_store

    # This one is there before the mount is.
    BINDS=("$SHARED:/run/credfs") MODE=ro,rslave
    contain podman 1000 '
        reads=0 last=
        until cat /run/credfs/mnt/apps/billing/secret >/dev/null 2>&1; do usleep 20000; done
        while value=$(cat /run/credfs/mnt/apps/billing/secret 2>/dev/null); do
            sum=$(echo "$value" | sha256sum)
            [ "$sum" = "$last" ] || echo "secret ${sum%% *}"
            last=$sum reads=$((reads + 1))
            usleep 10000
        done
        [ ! -e /run/credfs/mnt/status ] && echo "over"' >"$DIR/reader.out" 2>"$DIR/reader.err" &
    reader=$!
    RUNNING+=("$reader")
    start_mounter
    mkdir "$SHARED/mnt/apps/billing"
    echo user:1000 >"$SHARED/mnt/apps/billing/grants"
    secret=$(sha256sum <"$SHARED/mnt/apps/billing/secret" | cut -d ' ' -f 1)
    within 10 grep -qx "secret $secret" "$DIR/reader.out"

    worker=$(inside worker)
    kill -KILL "$worker"
    [ "$(inside worker)" -ne "$worker" ]
    echo rotate 1m >"$SHARED/mnt/apps/billing/ctl"
    secret=$(sha256sum <"$SHARED/mnt/apps/billing/secret" | cut -d ' ' -f 1)
    within 10 grep -qx "secret $secret" "$DIR/reader.out"
    # With the host's process ids it knows who reads.
    jq -es --arg cgroup "$CGROUP" 'any(.[]; .uid == 1000 and .op == "reveal" and .result == "ok" and
        .comm == "cat" and (.cgroup | contains($cgroup)))' <"$SHARED/mnt/audit" >/dev/null
    run ! grep -q over "$DIR/reader.out"

    # As `podman stop` does.
    keeper=$(inside pid)
    kill -TERM "$keeper"
    within 10 test ! -d "/proc/$keeper"
    wait "$reader" || true
    [ "$(tail -n 1 "$DIR/reader.out")" = over ]
    run ! mounted "$SHARED/mnt"
}

# first_process N: start the mounter as process 1 of process ids of its own; FIRST is its number outside.
first_process() {
    in_mounter --device /dev/fuse --cap-add SYS_ADMIN --pidfile "$DIR/pid.$1" -v "$SHARED:/run/credfs:rshared" -- \
        credfs mount -f /run/credfs/mnt >"$DIR/mounter.out" 2>&1 &
    MOUNTER=$!
    RUNNING+=("$MOUNTER")
    within 20 test -e "$SHARED/mnt/status" || { cat "$DIR/mounter.out"; return 1; }
    FIRST=$(cat "$DIR/pid.$1")
}

# What the reader says of the mount now is STATE.
reader_says() {
    [ "$(tail -n 1 "$DIR/reader.out")" = "$1" ]
}

# Its children are the worker alone: what others left behind is gone, and not only dead.
has_one_child() {
    [ "$(ps --ppid "$FIRST" --format pid= | wc -l)" -eq 1 ]
}

@test "as process 1 it ends by SIGTERM and leaves no zombies; after a SIGKILL the next one serves the same readers" {
    local code=0 n
    make_shared_store
    BINDS=("$SHARED:/run/credfs") MODE=ro,rslave
    contain podman 1000 '
        last=
        while sum=$(sha256sum <run/credfs/mnt/apps/billing/secret 2>/dev/null) || sum=none; do
            [ "$sum" = "$last" ] || echo "${sum%% *}"
            last=$sum
            usleep 20000
        done' >"$DIR/reader.out" 2>"$DIR/reader.err" &
    RUNNING+=($!)
    within 20 reader_says none

    first_process 1
    mkdir "$SHARED/mnt/apps/billing"
    echo user:1000 >"$SHARED/mnt/apps/billing/grants"
    local secret
    secret=$(sha256sum <"$SHARED/mnt/apps/billing/secret" | cut -d ' ' -f 1)
    within 10 reader_says "$secret"
    # The reader's process has no number there: his uid is judged all the same, and recorded.
    jq -es 'any(.[]; .uid == 1000 and .op == "reveal" and .result == "ok" and (has("pid") | not))' \
        <"$SHARED/mnt/audit" >/dev/null || { tail -n 3 "$SHARED/mnt/audit"; return 1; }

    for n in 1 2 3; do
        kill -KILL "$(pgrep --parent "$FIRST" --full ' worker ')"
        grep -qx 'name = billing' "$SHARED/mnt/apps/billing/info"
    done
    nsenter --target "$FIRST" --mount --pid sh -c 'sleep 0.2 & sleep 0.1 & exit 0'
    within 10 has_one_child

    kill -KILL "$FIRST"
    within 10 reader_says none
    wait "$MOUNTER" || true
    first_process 2
    within 10 reader_says "$secret"
    [ "$(findmnt --noheadings --mountpoint "$SHARED/mnt" | wc -l)" -eq 1 ]

    kill -TERM "$FIRST"
    wait "$MOUNTER" || code=$?
    [ "$code" -eq 0 ]
    run ! mounted "$SHARED/mnt"
    within 10 reader_says none
}

@test "the image has the package of each library that the program is linked to" {
    local libraries package
    needs dpkg "to know whose a library is"
    needs objdump "to see what the program is linked to"
    # The base has glibc; systemd is told only where there is one; a sanitizer is not for an image.
    mapfile -t libraries < <(objdump -p "$CREDFS" | awk '$1 == "NEEDED" { print "*/" $2 }' |
        grep -vE '/lib(c|m|systemd|.*san)\.so')
    [ "${#libraries[@]}" -ge 6 ]
    for package in $(dpkg --search "${libraries[@]}" | sed 's/:.*//' | sort -u); do
        grep -qw -- "$package" "$BATS_TEST_DIRNAME/../../scripts/containers/Containerfile" ||
            { echo "not there: $package"; return 1; }
    done
}

@test "an ordinary user mounts inside a namespace of his own, with no privilege, and his containers read it" {
    [ "$(stat -c %a /dev/fuse)" = 666 ] || skip "needs an open /dev/fuse, as udev makes it"
    unshare --user true || skip "needs user namespaces"
    needs bwrap "to be a container in there"
    install -d -o $USER_ID -g $USER_ID -m 700 "$DIR/own"
    as $USER_ID unshare --map-root-user --mount -- env ROOT="$ROOT" OWN="$DIR/own" bash -eu -c '
        credfs=$ROOT/bin/credfs
        mkdir "$OWN/mnt"
        "$credfs" init --store "$OWN/store" >/dev/null
        "$credfs" mount --store "$OWN/store" "$OWN/mnt"
        mkdir "$OWN/mnt/apps/billing"
        own=$(sha256sum <"$OWN/mnt/apps/billing/secret")
        contained=$(bwrap --ro-bind "$ROOT" / --dev /dev --ro-bind "$OWN/mnt/apps/billing" /run/credentials/billing \
            --unshare-pid sh -c "sha256sum </run/credentials/billing/secret; cd /run/credentials/..; ls credentials")
        [ "$contained" = "$own"$'"'\\n'"'billing ]
        worker=$(sed -n "s/^worker = //p" "$OWN/mnt/status")
        kill -KILL "$worker"
        [ "$(sha256sum <"$OWN/mnt/apps/billing/secret")" = "$own" ]
        "$credfs" umount "$OWN/mnt"
        [ -z "$(ls "$OWN/mnt")" ]'
    [ -s "$DIR/own/store/audit.log" ]
    daemon_gone
}
