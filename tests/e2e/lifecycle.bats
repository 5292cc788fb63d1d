#!/usr/bin/env bats
# The life of a credential: versions and their overlap, revocation, roll-back, expiry, the fields beside key and secret.

load helper

setup() {
    start
    mkdir "$APPS/billing"
    APP=$APPS/billing
}

teardown() {
    finish
}

# Does reading a file fail with this text?
fails_with() {
    run ! cat "$2"
    [[ $output == *"$1" ]]
}

sum() {
    sha256sum <"$1"
}

@test "a rotation with overlap leaves both versions good until the deadline, then the old one has expired" {
    before=$(sum "$APP/secret")
    echo rotate 3s >"$APP/ctl"
    [ "$(sum "$APP/versions/1/secret")" = "$before" ]
    [ "$(sum "$APP/versions/2/secret")" = "$(sum "$APP/secret")" ]
    [ "$(sum "$APP/secret")" != "$before" ]
    [ "$(ls "$APP/versions")" = "1
2" ]
    grep -q '^version.1 = retiring since .* until ' "$APP/info"
    sleep 3.1
    fails_with "Key has expired" "$APP/versions/1/secret"
    [ "$(ls "$APP/versions")" = 2 ]
    cat "$APP/secret" >/dev/null
}

# used_through OVERLAP: a client takes the credential, works for half a second and then uses it, again and again, while
# it is rotated five times with that overlap and its deadlines pass. Prints what it was answered, each answer once.
used_through() {
    local end=$((SECONDS + 7)) held
    for _ in 1 2 3 4 5; do
        sleep 0.8
        echo "rotate $1" >"$APP/ctl"
    done &
    while [ $SECONDS -lt $end ]; do
        held=$(pair)
        sleep 0.5
        answer "$held"
    done | sed 's/^ok .*/ok/' | sort -u
    wait
}

# The credential of one moment, as "KEY SECRET".
pair() {
    sed -n 's/^API_KEY=//p; s/^API_SECRET=//p' "$APP/views/env" | paste -s -d ' '
}

# answer TEXT: what the gateway's question is answered.
answer() {
    exec 5<>"$MP/apis/audit-records/verify"
    printf '%s' "$1" >&5 && cat <&5
    exec 5<&-
}

@test "a client that uses what it read a moment ago never is without a good credential, through rotations and deadlines" {
    echo audit-records >"$APP/apis"
    first=$(pair)
    [ "$(used_through 1s)" = ok ]
    [ "$(answer "$first")" = expired ]
    [ "$(used_through 0)" = "expired
ok" ] # so this test would see it
    check_passes
}

@test "an open descriptor goes on with its version until that is no longer good" {
    before=$(sum "$APP/secret")
    exec 4<"$APP/secret"
    echo rotate 2s >"$APP/ctl"
    [ "$(sha256sum <&4)" = "$before" ]
    sleep 2.1
    run perl -e 'sysseek(STDIN, 0, 0); defined sysread(STDIN, my $b, 4096) or print "$!"' <&4
    [ "$output" = "Key has expired" ]
    exec 4<&-
    cat "$APP/secret" >/dev/null
}

@test "a revoked version is never good again; a new one is" {
    echo rotate 24h >"$APP/ctl"
    echo revoke 1 >"$APP/ctl"
    fails_with "Key has been revoked" "$APP/versions/1/key"
    echo revoke 2 >"$APP/ctl"
    fails_with "Key has been revoked" "$APP/key"
    run ! bash -c 'echo rollback 2 >"$1"' - "$APP/ctl"
    echo rotate >"$APP/ctl"
    cat "$APP/key" >/dev/null
}

@test "a field that is written does not make a revoked credential good again" {
    echo customer-experience-recent-calls >"$APP/apis"
    key=$(cat "$APP/key") secret=$(cat "$APP/secret")
    echo revoke 1 >"$APP/ctl"
    echo new-token >"$APP/token"
    [ "$(cat "$APP/token")" = new-token ]
    fails_with "Required key not available" "$APP/key"
    fails_with "Required key not available" "$APP/secret"
    [ "$(answer "$key $secret")" = revoked ]
    echo rotate >"$APP/ctl"
    cat "$APP/key" "$APP/secret" >/dev/null
}

@test "what was revoked is never good again, not as a copy and not written anew" {
    key=$(cat "$APP/key") secret=$(cat "$APP/secret")
    printf 'rotate 24h\nrollback 1\nrevoke 1\n' >"$APP/ctl"
    grep -q '^version.3 = revoked' "$APP/info"
    fails_with "Key has been revoked" "$APP/secret"
    grep '"op":"revoke"' "$MP/audit" | grep -q 'revoke 1 and, with the same credential, 3"'
    echo rotate 0 >"$APP/ctl"
    echo "$key" >"$APP/key" # a public name, which may have another secret
    run ! bash -c 'echo "$2" >"$1"' - "$APP/secret" "$secret"
    [[ $output == *"Key has been revoked" ]]
    tail -n 1 "$MP/audit" | grep -q '"why":"revoked, as version 3"'
    [ "$(cat "$APP/secret")" != "$secret" ]
    check_passes
}

@test "info says since when a version is what it is" {
    sleep 1.1
    echo rotate 24h >"$APP/ctl"
    rotated=$(sed -n 's/^version.2 = current since //p' "$APP/info")
    [ "$rotated" != "$(sed -n 's/^created = //p' "$APP/info")" ]
    grep -q "^version.1 = retiring since $rotated until " "$APP/info"
    grep -qx "since = $rotated" "$APP/versions/1/info"
    grep -q "^until = " "$APP/versions/1/info"
    sleep 1.1
    echo revoke 1 >"$APP/ctl"
    echo revoke 2 >"$APP/ctl"
    revoked=$(sed -n 's/^updated = //p' "$APP/info")
    [ "$revoked" != "$rotated" ]
    for version in 1 2; do
        grep -qx "version.$version = revoked since $revoked" "$APP/info"
        grep -qx "since = $revoked" "$APP/versions/$version/info"
        run ! grep -qE '^(until|retired)' "$APP/versions/$version/info"
    done
}

# Is there a record of that operation with a detail that this matches?
recorded() {
    grep "\"op\":\"$1\"" "$MP/audit" | grep -qE "\"detail\":\"$2\""
}

@test "the record of a rotation says what becomes of the versions before it" {
    local time='[-0-9]+T[0-9:]+Z'
    echo rotate 24h >"$APP/ctl"
    recorded rotate "rotate 24h: 1 until $time"
    echo rotate 0 >"$APP/ctl"
    recorded rotate "rotate 0: 2 retired"
    for _ in 1 2 3 4; do echo rotate 1h >"$APP/ctl"; done
    recorded rotate "rotate 1h: 6 until $time, 1 retired early"
    echo imported >"$APP/key"
    recorded import "7 until $time, 3 retired early"
    echo rollback 7 >"$APP/ctl"
    recorded rollback "rollback 7: 8 until $time, 4 retired early"
    echo revoke 9 >"$APP/ctl"
    echo rotate 24h >"$APP/ctl"
    recorded rotate "rotate 24h: 9 revoked"
}

@test "writing the value that is there makes no version, only a record" {
    echo imported >"$APP/secret"
    for _ in 1 2 3; do echo imported >"$APP/secret"; done
    [ "$(cat "$APP/secret")" = imported ]
    grep -qx 'version = 2' "$APP/info"
    [ "$(grep -c '"op":"import".*"result":"ok"' "$MP/audit")" -eq 4 ]
    [ "$(grep -c '"detail":"as it was"' "$MP/audit")" -eq 3 ]
}

@test "an issued pair is imported as one version, and its values stand nowhere else" {
    cat >"$APP/ctl" <<'END'
import key issued-key
import secret  an issued $ecret 
END
    [ "$(cat "$APP/key")" = issued-key ]
    [ "$(cat "$APP/secret")" = ' an issued $ecret ' ]
    grep -qx 'version = 2' "$APP/info"
    cat "$APP/versions/1/secret" >/dev/null
    tail -n 20 "$MP/audit" | grep '"op":"import"' | grep -q '"detail":"import key; import secret'
    head -c 100 /dev/zero | tr '\0' x | sed 's/^/import secret /; s/$/\x07/' >"$DIR/bad"
    run ! bash -c 'cat "$2" >"$1"' - "$APP/ctl" "$DIR/bad"
    [[ $output == *"Invalid argument" ]]
    run ! grep -qE 'issued|xxxxx' "$MP/audit"
    check_passes
}

@test "a roll-back makes an earlier value current as a new version, by one who may not read it" {
    before=$(sum "$APP/secret")
    echo rotate 0 >"$APP/ctl"
    [ "$(sum "$APP/secret")" != "$before" ]
    run ! as "$MANAGER" cat "$APP/secret"
    as "$MANAGER" sh -c 'echo rollback 1 >"$1"' - "$APP/ctl"
    [ "$(sum "$APP/secret")" = "$before" ]
    grep -qx 'version = 3' "$APP/info"
}

@test "an expired App can be looked at, not read; a rotation lengthens nothing" {
    echo expire 2s >"$APP/ctl"
    cat "$APP/key" >/dev/null
    grep -q '^expires = 20' "$APP/info"
    sleep 2.1
    fails_with "Key has expired" "$APP/key"
    echo rotate >"$APP/ctl"
    fails_with "Key has expired" "$APP/key"
    grep -qx 'state = expired' "$APP/info"
    echo expire never >"$APP/ctl"
    cat "$APP/key" >/dev/null
}

@test "a deadline passes while nothing is mounted" {
    echo rotate 2s >"$APP/ctl"
    echo expire 2s >"$APP/ctl"
    umount_store
    sleep 2.1
    mount_store
    fails_with "Key has expired" "$APP/key"
    echo expire never >"$APP/ctl"
    fails_with "Key has expired" "$APP/versions/1/key"
    cat "$APP/key" >/dev/null
}

@test "a disabled App is revoked for everybody, whatever its versions say" {
    echo "user:$STRANGER" >"$APP/grants"
    echo disable >"$APP/ctl"
    fails_with "Key has been revoked" "$APP/key"
    run ! as "$STRANGER" cat "$APP/versions/1/key"
    [[ $output == *"Key has been revoked" ]]
    echo enable >"$APP/ctl"
    as "$STRANGER" cat "$APP/versions/1/key" >/dev/null
}

@test "token, username and password are there where an API needs them, and pending until they are written" {
    [ ! -e "$APP/token" ]
    echo "customer-experience-recent-calls work-analytics" >"$APP/apis"
    grep -qx 'api.customer-experience-recent-calls = pending token' "$APP/info"
    grep -qx 'api.work-analytics = pending username password' "$APP/info"
    fails_with "Required key not available" "$APP/token"
    key=$(sum "$APP/key")
    echo a-token-from-an-e-mail >"$APP/token"
    [ "$(cat "$APP/token")" = a-token-from-an-e-mail ]
    [ "$(sum "$APP/key")" = "$key" ]
    run ! grep -q 'pending token' "$APP/info"
    run ! as "$MANAGER" cat "$APP/token"
    echo "user:$STRANGER token" >"$APP/grants"
    [ "$(as "$STRANGER" ls "$APP")" = "token
versions" ]
    as "$STRANGER" cat "$APP/token" >/dev/null
    echo -customer-experience-recent-calls >"$APP/apis"
    echo -work-analytics >"$APP/apis"
    [ -e "$APP/token" ]
    [ ! -e "$APP/username" ]
}

@test "versions and their files cannot be written, made or removed" {
    run ! bash -c 'echo x >"$1"' - "$APP/versions/1/key"
    run ! mkdir "$APP/versions/2"
    run ! rmdir "$APP/versions/1"
    run ! rmdir "$APP/versions"
    run ! mv "$APP/versions/1" "$APPS/other"
    cat "$APP/versions/1/key" >/dev/null
}
