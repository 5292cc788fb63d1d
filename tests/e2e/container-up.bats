# Containers that read on while the worker is killed, the program is replaced and the credential rotated: no read fails,
# and what is new is there within a second.

load helper
load containers

setup() {
    needs_root
    needs_fuse
    make_dir
    install_program
    CREDFS=$DIR/credfs
    credfs init --store "$STORE" >"$DIR/init.out"
    write_config
    mount_store
    new_app billing audit-records
    containers_begin
    RUNNING=() SERVERS=()
}

teardown() {
    local server
    containers_end
    for server in ${SERVERS[@]+"${SERVERS[@]}"}; do
        kill "$server" 2>/dev/null || true
    done
    finish
}

# The machine's clock that a container has too: hundredths of a second.
now() {
    tr -d . </proc/uptime | cut -d ' ' -f 1
}

worker() {
    sed -n 's/^worker = //p' "$MP/status"
}

kill_worker() {
    local old
    old=$(worker)
    kill -KILL "$old"
    within 20 eval "[ \"\$(worker)\" -ne $old ]"
}

# Another program, of the same behaviour, put where it is run from.
upgrade() {
    local old
    old=$(worker)
    cp "$CREDFS" "$CREDFS.new"
    echo 'a newer one' >>"$CREDFS.new"
    mv "$CREDFS.new" "$CREDFS"
    credfs mount --replace "$MP"
    [ "$(worker)" -ne "$old" ]
}

# The program `readon` in the containers' root: reads key and secret, opened anew each time, and the secret a few bytes
# at a time through a file that stays open. Writes a line "TIME WHAT CHECKSUM" for each value that it did not see the
# last time, and "TIME refused" when an open or read fails, which is its end.
add_reader() {
    cat >"$ROOT/bin/readon" <<'SH'
#!/bin/sh
log() {
    read -r time rest </proc/uptime
    echo "${time%.*}${time#*.} $*"
}
# value NAME: was it seen the last time?
value() {
    sum=$(echo "$value" | sha256sum)
    eval "last=\$last_$1 last_$1=\$sum"
    [ "$sum" = "$last" ] || log "$1" "${sum%% *}"
}
again() {
    value=$(cat "$2") || exit
    value "$1"
}
trap 'log refused' EXIT
exec 5</run/credentials/billing/secret
held='' reads=0
while :; do
    again key /run/credentials/billing/key
    again secret /run/credentials/billing/secret
    again single /run/single/secret
    if read -r -n 7 part <&5; then
        held=$held$part
    else
        value=$held$part held=''
        value held
        exec 5<&- 5</run/credentials/billing/secret
    fi
    reads=$((reads + 1))
    [ $((reads % 20)) -ne 0 ] || log reads "$reads"
    usleep 10000
done
SH
    chmod 755 "$ROOT/bin/readon"
}

# reader RUNTIME UID: start it there, if it can be; its lines go to $DIR/RUNTIME.log.
reader() {
    local program=$1
    [ "$program" != nspawn ] || program=systemd-nspawn
    command -v "$program" >/dev/null || { echo "# note: $program is not here" >&3; return 0; }
    contain "$1" "$2" readon >"$DIR/$1.log" 2>"$DIR/$1.err" &
    RUNNING+=($!)
    within 20 grep -q ' held ' "$DIR/$1.log" && READERS+=("$1") && return
    echo "# note: $program starts no container here: $(paste -s -d ' ' "$DIR/$1.err")" >&3
}

# seen RUNTIME WHAT SUM: when it first had this value.
seen() {
    awk -v what="$2" -v sum="$3" '$2 == what && $3 == sum { print $1; exit }' "$DIR/$1.log"
}

sum() {
    sha256sum <"$APPS/billing/$1" | cut -d ' ' -f 1
}

# has_new RUNTIME: it has each of the current values.
has_new() {
    [ -n "$(seen "$1" key "$(sum key)")" ] && [ -n "$(seen "$1" secret "$(sum secret)")" ] &&
        [ -n "$(seen "$1" single "$(sum secret)")" ] && [ -n "$(seen "$1" held "$(sum secret)")" ]
}

# Rotate, and see that each container has what is new within a second. Returns 1 when one was late.
rotate_in_time() {
    local runtime what began worst=0 took
    began=$(now)
    echo rotate 1m >"$APPS/billing/ctl"
    for runtime in "${READERS[@]}"; do
        within 20 has_new "$runtime"
        for what in key secret single; do
            took=$(($(seen "$runtime" $what "$(sum "${what/single/secret}")") - began))
            [ "$took" -le "$worst" ] || worst=$took
        done
    done
    echo "# note: after a rotation the last of ${#READERS[@]} containers had the new one within ${worst}0 ms" >&3
    [ "$worst" -le 100 ]
}

# reads_on RUNTIME: it reads again, after now.
reads_on() {
    local before
    before=$(grep -c ' reads ' "$DIR/$1.log") || true
    within 20 eval "[ \"\$(grep -c ' reads ' '$DIR/$1.log')\" -gt $((before + 1)) ]"
}

@test "a killed worker, an upgrade, a rotation: each container reads on, and has the new secret within a second" {
    add_reader
    READERS=()
    printf 'user:%s\n' 80001 80003 80004 100000-165535 >"$APPS/billing/grants"
    BINDS+=("$APPS/billing/secret:/run/single/secret")
    reader runc 80001
    REMAP=100000
    reader podman 1000
    REMAP=""
    reader bwrap 80003
    reader nspawn 80004
    [ "${#READERS[@]}" -ge 1 ] || skip "needs runc to work, or another runtime"
    sum key >"$DIR/sums"
    sum secret >>"$DIR/sums"

    local runtime n
    for n in 1 2 3 4 5; do
        kill_worker
        sleep 0.1
    done
    upgrade
    kill_worker
    rotate_in_time || rotate_in_time # once more, on a machine that was busy
    upgrade
    kill_worker
    for runtime in "${READERS[@]}"; do
        reads_on "$runtime"
    done

    local ended
    ended=$(now)
    echo >"$APPS/billing/grants"
    for n in "${RUNNING[@]}"; do
        wait "$n" || true # it says how it ended
    done
    for runtime in "${READERS[@]}"; do
        went_well "$runtime" "$ended"
    done
}

# went_well RUNTIME TIME: nothing but whole values of a version, and refused only when its grant was gone.
went_well() {
    local version
    for version in "$APPS"/billing/versions/*; do
        sum "versions/${version##*/}/key"
        sum "versions/${version##*/}/secret"
    done >>"$DIR/sums"
    awk -v end="$2" -v sums="$(sort -u "$DIR/sums" | paste -s -d ' ')" '
        BEGIN { split(sums, list); for (i in list) good[list[i]] = 1 }
        $2 == "refused" { refused++; if ($1 < end) { print "refused too early: " $0; bad = 1 } next }
        $2 != "reads" && !($3 in good) { print "not a value of the App: " $0; bad = 1 }
        END { if (refused != 1) { print "not refused at the end"; bad = 1 } exit bad }' "$DIR/$1.log" &&
        [ "$(grep -c 'Permission denied' "$DIR/$1.err")" -eq 1 ] && return
    echo "$1:"
    cat "$DIR/$1.log" "$DIR/$1.err"
    return 1
}

GATEWAY=70009 SLUG=quality-management-speech-analytics

# The server that the services ask: the example for gateways, behind a socket that a container without network reaches.
serve() {
    local port
    {
        usual_config
        printf '%s\n' "gateway = user:$GATEWAY" '[role gateway]' 'permissions = verify' '[policy]' 'verify-rate = 10000'
    } >"$CONFIG"
    credfs reload "$MP"
    echo $SLUG >"$APPS/billing/apis"
    install -m 755 "$BATS_TEST_DIRNAME/../../scripts/examples/gateway-check" "$DIR/"
    setpriv --reuid=$GATEWAY --regid=$GATEWAY --clear-groups /usr/bin/python3 "$DIR/gateway-check" \
        --listen 127.0.0.1:0 "$MP" >"$DIR/gateway.out" 2>&1 3>&- &
    SERVERS+=($!)
    within 20 grep -q '^listening on' "$DIR/gateway.out"
    port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$DIR/gateway.out")
    mkdir -m 755 "$DIR/gateway"
    socat "UNIX-LISTEN:$DIR/gateway/socket,fork,mode=666" "TCP:127.0.0.1:$port" 3>&- &
    SERVERS+=($!)
    within 20 test -S "$DIR/gateway/socket"
}

# service RUNTIME UID KEY SECRET: start it there; its lines go to $DIR/RUNTIME.log.
service() {
    needs_runtime "$1"
    contain "$1" "$2" "exec /usr/bin/python3 /srv/service.py $3 $4 /run/gateway/socket /$SLUG" \
        >"$DIR/$1.log" 2>"$DIR/$1.err" &
    within 20 grep -q ' served ' "$DIR/$1.log" || { cat "$DIR/$1.err"; return 1; }
}

@test "a service that waits for inotify alone has the new secret after a rotation, and no request of it failed" {
    needs socat "to bring requests out of a container"
    [ -x /usr/bin/python3 ] && [ -L /lib ] || skip "needs python3, and /lib in /usr"
    local runtime began took
    serve
    share_usr
    install -D -m 644 "$BATS_TEST_DIRNAME/service.py" "$ROOT/srv/service.py"
    mkdir "$ROOT/run/gateway"
    printf 'user:%s\n' 80001 80003 >"$APPS/billing/grants"

    BINDS+=("$DIR/gateway:/run/gateway")
    service bwrap 80003 /run/credentials/billing/key /run/credentials/billing/secret
    BINDS=("$APPS/billing/key:/run/single/key" "$APPS/billing/secret:/run/single/secret" "$DIR/gateway:/run/gateway")
    service runc 80001 /run/single/key /run/single/secret

    began=$(now)
    echo rotate 1m >"$APPS/billing/ctl"
    for runtime in runc bwrap; do
        within 20 grep -q ' version 2$' "$DIR/$runtime.log"
        took=$(($(awk '$2 == "version" && $3 == 2 { print $1 }' "$DIR/$runtime.log") - began))
        echo "# note: the service in $runtime used the new secret after ${took}0 ms" >&3
    done
    echo revoke 1 >"$APPS/billing/ctl"
    for runtime in runc bwrap; do
        serves_on "$runtime"
        run ! grep refused "$DIR/$runtime.log"
        [ ! -s "$DIR/$runtime.err" ]
    done
}

serves_on() {
    local before
    before=$(grep -c ' served ' "$DIR/$1.log")
    within 20 eval "[ \"\$(grep -c ' served ' '$DIR/$1.log')\" -gt $((before + 1)) ]"
}
