# Checking a credential: apis/SLUG/verify as a shell, a program and a gateway use it.

load helper

GATEWAY=70009
NEEDS_SECRET=quality-management-speech-analytics

setup() {
    start
    umount_store
    {
        usual_config
        printf '%s\n' "gateway = user:$GATEWAY" '[role gateway]' 'permissions = verify' '[policy]' \
            'verify-rate = 10000'
    } >"$CONFIG"
    mount_store
    new_app billing audit-records $NEEDS_SECRET
    CHECK=$MP/apis/audit-records/verify
}

teardown() {
    local server
    for server in ${SERVERS[@]+"${SERVERS[@]}"}; do
        pkill --parent "$server" || true # `as` in the background is a shell with the program below it
        kill "$server" 2>/dev/null || true
    done
    finish
}

# values NAME: its credential, as "KEY SECRET". Never shown: only ever an argument of functions here.
values() {
    printf '%s %s' "$(cat "$APPS/$1/key")" "$(cat "$APPS/$1/secret")"
}

# answer SLUG TEXT: what a check of TEXT is answered, by the shell that people use.
answer() {
    local said
    exec 4<>"$MP/apis/$1/verify"
    printf '%s' "$2" >&4 && read -r said <&4
    exec 4<&-
    printf '%s\n' "$said"
}

# answers SLUG TEXT ANSWER
answers() {
    local said
    said=$(answer "$1" "$2")
    [ "$said" = "$3" ] && return
    echo "$1: answered '$said', wanted '$3'"
    return 1
}

# idiom SHELL…: the README's lines, in this shell. The credential comes through a file: arguments can be seen.
idiom() {
    values billing >"$DIR/values"
    cat >"$DIR/idiom" <<'SH'
read -r k s <"$1"
exec 3<>"$2"
printf '%s %s' "$k" "$s" >&3
read -r answer <&3
echo "$answer"
printf '%s %s\n' "$k" wrong >&3
read -r answer <&3
echo "$answer"
printf '%s' "$k" >&3
read -r word app version <&3
echo "$word:$app:$version"
SH
    run "$@" "$DIR/idiom" "$DIR/values" "$CHECK"
    rm "$DIR/values"
    [ "$status" -eq 0 ]
    [ "$output" = $'ok billing 1\nunknown\nok:billing:1' ]
}

@test "a shell writes and reads on" {
    idiom bash
    idiom sh
    needs busybox "for its shell"
    idiom busybox sh
}

@test "a program reads at 0 or on, whole or in pieces, and a second check replaces the first" {
    [ -x /usr/bin/python3 ] || skip "needs python3"
    values billing >"$DIR/values"
    run /usr/bin/python3 - "$DIR/values" "$CHECK" <<'PY'
import os, sys
good = open(sys.argv[1], "rb").read()
key = good.split()[0]
fd = os.open(sys.argv[2], os.O_RDWR)
def has(got, want):
    assert got == want, (len(got), want)
has(os.read(fd, 99), b"")
has(os.pread(fd, 99, 0), b"")
for text, want in ((good, b"ok billing 1\n"), (key + b" no", b"unknown\n"), (b"k", b"unknown\n"), (key, b"ok billing 1\n")):
    os.write(fd, text)
    has(os.read(fd, 99), want)           # on from where the write ended
    has(os.read(fd, 99), b"")
    has(os.pread(fd, 99, 0), want)       # from the start
    has(os.pread(fd, 4, 2), want[2:6])
    os.lseek(fd, 0, os.SEEK_SET)
    has(b"".join(iter(lambda: os.read(fd, 1), b"")), want)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, text)
    has(b"".join(iter(lambda: os.read(fd, 1), b"")), want)
    has(os.pwrite(fd, text, 0) and os.pread(fd, 99, 0), want)
os.write(fd, good)
try:
    os.write(fd, b"no\tform")
    sys.exit("taken")
except OSError as error:
    has(error.strerror, "Invalid argument")
has(os.pread(fd, 99, 0), b"")            # nobody takes the answer before for one to this
with open(sys.argv[2], "r+b", buffering=0) as file:
    file.write(good)
    has(file.readline(), b"ok billing 1\n")
# Many at once, each with an answer of its own.
many = [os.open(sys.argv[2], os.O_RDWR) for _ in range(90)]
for i, fd in enumerate(many):
    os.write(fd, good if i % 3 else b"no")
for i, fd in enumerate(many):
    has(os.read(fd, 99), b"ok billing 1\n" if i % 3 else b"unknown\n")
PY
    rm "$DIR/values"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "what is answered in each state" {
    local good old key
    good=$(values billing) key=$(cat "$APPS/billing/key")
    answers audit-records "$key" "ok billing 1"
    answers $NEEDS_SECRET "$good" "ok billing 1"
    answers $NEEDS_SECRET "$key" unknown
    answers $NEEDS_SECRET "$key ${key#cfk_}" unknown
    answers audit-records "$key ${key#cfk_}" unknown
    answers contact-search "$good" forbidden
    answers contact-search "${good%?}" unknown
    echo "rotate 2s" >"$APPS/billing/ctl"
    old=$good good=$(values billing)
    answers $NEEDS_SECRET "$good" "ok billing 2"
    answers $NEEDS_SECRET "$old" "ok billing 1"
    sleep 2.1
    answers $NEEDS_SECRET "$old" expired
    echo disable >"$APPS/billing/ctl"
    answers $NEEDS_SECRET "$good" disabled
    echo enable >"$APPS/billing/ctl"
    echo "revoke 2" >"$APPS/billing/ctl"
    answers $NEEDS_SECRET "$good" revoked
    echo "rotate 0" >"$APPS/billing/ctl"
    good=$(values billing)
    rmdir "$APPS/billing"
    answers $NEEDS_SECRET "$good" revoked
    mv "$MP/trash/billing" "$APPS/"
    answers $NEEDS_SECRET "$good" "ok billing 3"
    rmdir "$APPS/billing" && rmdir "$MP/trash/billing"
    answers $NEEDS_SECRET "$good" unknown
}

@test "it is for who has the permission verify alone, and gives no other right" {
    local uid
    for uid in $ADMIN $MANAGER $AUDITOR $STRANGER; do
        refused "Permission denied" as $uid bash -c "exec 3<>'$CHECK'"
        refused "Permission denied" as $uid cat "$CHECK"
        run as $uid ls "$MP/apis/audit-records"
        [[ $output != *verify* ]]
    done
    audited ".uid == $ADMIN and .op == \"verify\" and .result == \"denied\""
    [ "$(printf 'no one' | as $GATEWAY sh -c "exec 4<>'$CHECK'; cat >&4; cat <&4")" = unknown ]
    [ "$(as $GATEWAY ls "$MP/apis/audit-records")" = $'info\nverify' ]
    [ -z "$(as $GATEWAY ls "$APPS")" ]
    refused "Permission denied" as $GATEWAY cat "$APPS/billing/key"
    refused "Permission denied" as $GATEWAY cat "$MP/apis/audit-records/apps"
}

@test "a read without a check finds nothing, and one whose answer cannot be read is refused" {
    [ -z "$(cat "$CHECK")" ]
    refused "Invalid argument" bash -c "echo some text >'$CHECK'"
    refused "Invalid argument" bash -c "exec 4<>'$CHECK'; echo >&4"
    refused "Operation not permitted" rm "$CHECK"
    refused "Operation not permitted" chmod 666 "$CHECK"
    [ "$(stat -c '%s %F' "$CHECK")" = "0 regular empty file" ]
}

@test "who asks too often gets EAGAIN, others do not, and the log is not flooded" {
    sed -i 's/^verify-rate = .*/verify-rate = 5/' "$CONFIG"
    remount
    cat >"$DIR/guess" <<'SH'
exec 4<>"$1"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    printf 'guess %d' "$i" >&4 && read -r answer <&4 && echo "$answer"
done
SH
    run --separate-stderr as $GATEWAY bash "$DIR/guess" "$CHECK"
    [[ $stderr == *"Resource temporarily unavailable"* ]]
    [ "$(grep -c unknown <<<"$output")" -lt 12 ]
    [ "$(grep -c unknown <<<"$output")" -ge 5 ]
    [ "$(jq -s 'map(select(.op == "verify" and .result == "too-often")) | length' <"$MP/audit")" -le 3 ]
    audited ".uid == $GATEWAY and .op == \"verify\" and .result == \"too-often\""
    answers audit-records "guess 1" unknown
    sleep 1
    [ "$(printf 'no one' | as $GATEWAY sh -c "exec 4<>'$CHECK'; cat >&4; cat <&4")" = unknown ]
}

@test "an answer outlives the worker that gave it" {
    local said how
    exec 4<>"$CHECK"
    for how in "kill -KILL" "kill -TERM"; do
        values billing >&4
        $how "$(sed -n 's/^worker = //p' "$MP/status")"
        read -r said <&4
        [ "$said" = "ok billing 1" ]
    done
    values billing >&4
    credfs reload "$MP"
    read -r said <&4
    [ "$said" = "ok billing 1" ]
    printf 'no one' >&4
    read -r said <&4
    [ "$said" = unknown ]
    exec 4<&-
}

@test "each answer is in the audit log, and no key or secret anywhere" {
    local good key
    good=$(values billing) key=${good% *}
    answers $NEEDS_SECRET "$good" "ok billing 1"
    answers contact-search "$good" forbidden
    answers $NEEDS_SECRET "$key wrong" unknown
    audited '.op == "verify" and .result == "ok" and .app == "billing" and .version == 1 and .comm == "bash"'
    audited '.op == "verify" and .result == "forbidden" and .app == "billing"'
    audited ".op == \"verify\" and .result == \"unknown\" and .app == null and
        .detail == \"$NEEDS_SECRET, key …${key: -4}\""
    printf '%s\n' "${key:0:30}" "${key: -8}" "${good: -8}" >"$DIR/patterns"
    cat "$MP/audit" "$DIR/daemon.out" | { ! grep -qFf "$DIR/patterns"; }
    rm "$DIR/patterns"
    check_passes
    credfs audit --store "$STORE" --verify
}

# serve: gateway-check as the gateway's user; PORT is where it listens.
serve() {
    needs curl "to be a client"
    [ -x /usr/bin/python3 ] || skip "needs python3"
    install -m 755 "$BATS_TEST_DIRNAME/../../scripts/examples/gateway-check" "$DIR/"
    : >"$DIR/gateway.out" # the one in the background may be slow to make it
    as $GATEWAY /usr/bin/python3 "$DIR/gateway-check" --listen 127.0.0.1:0 "$MP" >"$DIR/gateway.out" 2>&1 &
    SERVERS=($!)
    for ((tries = 0; tries < 100; tries++)); do
        PORT=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$DIR/gateway.out")
        [ -z "$PORT" ] || return 0
        sleep 0.1
    done
    cat "$DIR/gateway.out"
    return 1
}

# client STATUS PATH CONFIG: a request to port PORT, with curl's options as lines (arguments can be seen). HEADERS and
# BODY are what came.
client() {
    local code
    code=$(printf '%s\n' "$3" | curl --silent --max-time 10 --output "$DIR/body" --dump-header "$DIR/headers" \
        --write-out '%{http_code}' --config - "http://127.0.0.1:$PORT$2")
    HEADERS=$(tr -d '\r' <"$DIR/headers") BODY=$(cat "$DIR/body")
    [ "$code" = "$1" ] && return
    echo "$2: answered $code, wanted $1"
    return 1
}

@test "example: a gateway asks, and is answered 200, 401 and 403" {
    local key secret
    key=$(cat "$APPS/billing/key") secret=$(cat "$APPS/billing/secret")
    serve
    client 200 /$NEEDS_SECRET "user = \"$key:$secret\""
    [[ $HEADERS == *"X-App: billing"*"X-Version: 1"* ]]
    client 200 /audit-records "header = \"x-api-key: $key\""
    client 403 /contact-search "header = \"8x8-apikey: $key\""
    client 403 /contact-search "user = \"$key:$secret\""
    client 401 /$NEEDS_SECRET "user = \"$key:wrong\""
    client 401 /$NEEDS_SECRET "header = \"x-api-key: $key\""
    client 401 /audit-records 'header = "x-api-key: nobody"'
    client 401 /audit-records ''
    client 401 /audit-records "header = \"Authorization: Basic !!!\""
    client 401 /audit-records "header = \"x-api-key: a	b\""
    client 404 /no-such-api "header = \"x-api-key: $key\""
    client 404 /../apps "header = \"x-api-key: $key\"
path-as-is"
    echo disable >"$APPS/billing/ctl"
    client 401 /audit-records "header = \"x-api-key: $key\""
    audited ".uid == $GATEWAY and .op == \"verify\" and .result == \"ok\" and .app == \"billing\""
    [ "$(cat "$DIR/gateway.out")" = "listening on 127.0.0.1:$PORT" ]
}

@test "example: the same through nginx" {
    local key front back
    needs nginx "for its auth_request"
    key=$(cat "$APPS/billing/key")
    serve
    front=$((20000 + RANDOM % 5000)) back=$((26000 + RANDOM % 5000))
    sed -e "s/8080/$front/; s/8099/$PORT/; s/8090/$back/" "$BATS_TEST_DIRNAME/../../scripts/examples/gateway.nginx.conf" \
        >"$DIR/nginx.conf"
    mkdir "$DIR/nginx"
    nginx -p "$DIR/nginx" -e stderr -c "$DIR/nginx.conf" -g 'daemon off; master_process off;' 3>&- 2>"$DIR/nginx.err" &
    SERVERS+=($!)
    PORT=$front
    curl --silent --retry 50 --retry-delay 0 --retry-connrefused --output "$DIR/body" "http://127.0.0.1:$PORT/" ||
        { cat "$DIR/nginx.err"; return 1; }
    client 200 /audit-records/v1 "header = \"x-api-key: $key\""
    [ "$BODY" = "hello, billing" ]
    client 401 /audit-records/v1 "header = \"x-api-key: nobody\""
    client 401 /audit-records/v1 ''
    echo -audit-records >"$APPS/billing/apis"
    client 403 /audit-records/v1 "header = \"x-api-key: $key\""
    client 404 /.check "header = \"x-api-key: $key\""
}
