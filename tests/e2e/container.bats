# An App's directory bound into a container: who has a grant reads his configuration there, who has none is refused,
# and both are in the audit log.

load helper

setup() {
    needs runc "to run a container"
    needs jq "to write its configuration"
    needs busybox "to be its root file system"
    start
    BUNDLE=$DIR/bundle
    NAME=credfs-test-${BATS_TEST_NUMBER}-$$
    mkdir -p "$BUNDLE/rootfs/bin" "$BUNDLE/rootfs/run/credentials/billing" "$BUNDLE/rootfs/proc" "$BUNDLE/rootfs/dev"
    cp "$(command -v busybox)" "$BUNDLE/rootfs/bin/busybox"
    local program
    for program in sh cat ls id wc grep sleep touch; do
        ln -s busybox "$BUNDLE/rootfs/bin/$program"
    done
    runc_works || skip "needs runc to work: it cannot start a container here"
    new_app billing audit-records
}

teardown() { finish; }

# contain UID SCRIPT: run it in a container as this user, with the App bound to /run/credentials/billing.
contain() {
    (
        cd "$BUNDLE" || exit
        rm -f config.json
        runc spec
        jq --argjson uid "$1" --arg script "$2" --arg source "${SOURCE-$APPS/billing}" '
            .process.terminal = false
            | .process.user = {uid: $uid, gid: $uid}
            | .process.args = ["/bin/sh", "-c", $script]
            | .process.rlimits = []
            | if $source == "" then . else .mounts += [{destination: "/run/credentials/billing", type: "bind",
                source: $source, options: ["bind", "ro", "nosuid", "nodev", "noexec"]}] end' config.json >spec.json
        mv spec.json config.json
        timeout 30 runc run "$NAME" </dev/null 3>&-
    )
}

runc_works() {
    [ "$(SOURCE="" contain 80001 'echo started' 2>"$DIR/runc.err")" = started ]
}

@test "a container with a grant reads key, secret and apis" {
    echo user:80001 >"$APPS/billing/grants"
    [ "$(contain 80001 'cat /run/credentials/billing/secret' | sha256sum)" = "$(sha256sum <"$APPS/billing/secret")" ]
    [ "$(contain 80001 'cat /run/credentials/billing/key' | sha256sum)" = "$(sha256sum <"$APPS/billing/key")" ]
    [ "$(contain 80001 'cat /run/credentials/billing/apis')" = audit-records ]
    audited '.uid == 80001 and .op == "reveal" and .file == "secret" and .app == "billing" and .result == "ok"'
}

@test "a container without a grant is refused, and its attempts are in the audit log" {
    echo user:80001 >"$APPS/billing/grants"
    refused "Permission denied" contain 80002 'cat /run/credentials/billing/secret'
    refused "Permission denied" contain 80002 'ls /run/credentials/billing'
    [ "$(denials 80002 billing)" -ge 2 ]
    audited '.uid == 80002 and .app == "billing" and .file == "secret" and .result == "denied"'
}

@test "a container sees a rotation, and a grant that is taken away, at its next open" {
    echo user:80001 >"$APPS/billing/grants"
    contain 80001 'i=0; while cat /run/credentials/billing/key >/dev/null 2>&1; do
            i=$((i + 1)); [ $i -lt 200 ] || exit 9; sleep 0.05
        done; echo gone' >"$DIR/seen" &
    local container=$! tries
    for ((tries = 0; tries < 100; tries++)); do
        [ "$(jq -s 'map(select(.uid == 80001 and .op == "reveal")) | length' <"$MP/audit")" -eq 0 ] || break
        sleep 0.1
    done
    echo rotate >"$APPS/billing/ctl"
    sleep 0.3
    jq -es 'any(.[]; .uid == 80001 and .op == "reveal" and .version == 2)' <"$MP/audit" >/dev/null
    echo >"$APPS/billing/grants"
    wait $container
    [ "$(cat "$DIR/seen")" = gone ]
}

@test "nobody writes through a container's read-only bind" {
    echo user:80001 >"$APPS/billing/grants"
    refused "Read-only file system" contain 0 'echo contact-search >/run/credentials/billing/apis'
    refused "Read-only file system" contain 0 'touch /run/credentials/billing/stray'
    apis_are billing audit-records
}
