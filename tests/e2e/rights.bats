# Who may do what, with real users: every denial is EACCES (or EPERM where a user assignment is lacking) and has its
# line in the audit log.

load helper

setup_file() {
    [ "$(id -u)" -eq 0 ] || return 0
    export OPS=credfs-test-ops-$$ ALICE=credfs-test-al-$$
    flock /etc groupadd "$OPS"
    flock /etc useradd --no-create-home --groups "$OPS" "$ALICE"
}

teardown_file() {
    [ -n "${ALICE-}" ] || return 0
    flock /etc userdel "$ALICE"
    flock /etc groupdel "$OPS"
}

WEB=70005
ONCALL=70006
OPSGID=70100

setup() {
    start
    umount_store
    rights_config >"$CONFIG"
    mount_store
    new_app billing audit-records
    new_app mailer contact-search
}

teardown() { finish; }

rights_config() {
    usual_config
    cat <<INI
lookout = group:$OPSGID
alice-role = user:$ALICE
ops-role = group:$OPS

[role lookout]
permissions = reveal

[role alice-role]
permissions = application-credentials

[role ops-role]
permissions = audit
INI
}

# denied UID APP COMMAND…: refused with EACCES, and the log has more denials of it than before.
denied() {
    local uid=$1 app=$2 before
    before=$(denials "${uid%%:*}" "$app")
    shift 2
    refused "Permission denied" as "$uid" "$@" || return
    [ "$(denials "${uid%%:*}" "$app")" -gt "$before" ] && return
    echo "no audit line for the denial of: $*"
    return 1
}

# recorded_denial UID OPERATION FILE
recorded_denial() {
    audited ".uid == $1 and .op == \"$2\" and .file == \"$3\" and .result == \"denied\""
}

@test "who has no role sees an empty apps/ and is refused whatever he tries on a name he knows" {
    [ -z "$(as $STRANGER ls -A "$APPS")" ]
    denied $STRANGER billing bash -c "cd '$APPS/billing'"
    denied $STRANGER billing ls "$APPS/billing"
    local file
    for file in key secret apis grants info; do
        denied $STRANGER billing cat "$APPS/billing/$file"
    done
    for file in key secret apis grants ctl; do
        denied $STRANGER billing bash -c "echo audit-records >'$APPS/billing/$file'"
    done
    denied $STRANGER billing rmdir "$APPS/billing"
    denied $STRANGER billing mv "$APPS/billing" "$APPS/mine"
    denied $STRANGER mine mkdir "$APPS/mine"
    as $STRANGER stat "$APPS/billing" >/dev/null
    ls "$APPS/billing" >/dev/null
}

@test "test -r, -w and -x tell him the truth" {
    refused "" as $STRANGER test -x "$APPS/billing"
    audited ".uid == $STRANGER and .op == \"list\" and .app == \"billing\" and .result == \"denied\""
    refused "" as $STRANGER test -r "$APPS/billing/secret"
    recorded_denial $STRANGER reveal secret
    refused "" as $MANAGER test -r "$APPS/billing/secret"
    recorded_denial $MANAGER reveal secret
    refused "" as $STRANGER test -w "$APPS/billing/apis"
    recorded_denial $STRANGER edit apis
    as $MANAGER test -w "$APPS/billing/apis"
    as $MANAGER test -x "$APPS/billing"
    as $ADMIN test -r "$APPS/billing/secret"
}

@test "who has no role reads neither audit nor trash nor who has an API" {
    rmdir "$APPS/mailer"
    refused "Permission denied" as $STRANGER cat "$MP/audit"
    recorded_denial $STRANGER read-audit audit
    refused "Permission denied" as $STRANGER cat "$MP/status"
    recorded_denial $STRANGER read-status status
    refused "Permission denied" as $STRANGER ls "$MP/trash"
    recorded_denial $STRANGER list-trash trash
    denied $STRANGER mailer cat "$MP/trash/mailer/info"
    refused "Permission denied" as $STRANGER cat "$MP/apis/audit-records/apps"
    recorded_denial $STRANGER read-apps apps
    as $STRANGER grep -q 'Audit Records' "$MP/apis/audit-records/info"
}

@test "however a stranger hammers on a directory, another's shell there keeps its pwd and its reads" {
    as $STRANGER bash -c "
        while [ ! -e '$DIR/stop' ]; do
            cd '$APPS/billing'; ls '$APPS/billing'; cat '$APPS/billing/secret'; stat '$APPS/billing/key'
            rmdir '$APPS/billing'; mv '$APPS/billing' '$APPS/x'; mkdir '$APPS/billing'; ls '$APPS'
        done" >/dev/null 2>&1 3>&- &
    local hammer=$!
    run as $ADMIN bash -c "
        cd '$APPS/billing' || exit 1
        for i in {1..150}; do
            [ \"\$(/bin/pwd)\" = '$APPS/billing' ] || exit 2
            [ \"\$(cat apis)\" = audit-records ] || exit 3
            [ \"\$(cat secret | wc -c)\" -eq 48 ] || exit 4
            ls >/dev/null || exit 5
        done"
    local result=$status
    touch "$DIR/stop"
    wait $hammer || true
    [ "$result" -eq 0 ]
    [ "$(denials $STRANGER billing)" -gt 10 ]
}

@test "a flood of refusals is recorded, and its record is no flood" {
    local before tries=20000
    before=$(wc -l <"$MP/audit")
    as $STRANGER perl -e 'for (1..$ARGV[1]) { open(F, "<", $ARGV[0]) and exit 1 }' "$APPS/billing/secret" $tries
    cat "$APPS/billing/secret" >/dev/null
    sleep 1.5
    # Each is there, alone or counted; and what another did meanwhile.
    [ "$(jq -s --argjson uid $STRANGER 'map(select(.uid == $uid and .file == "secret") |
        1 + (.detail // "" | capture("and (?<n>[0-9]+) more").n // "0" | tonumber)) | add' <"$MP/audit")" -eq $tries ]
    [ $(($(wc -l <"$MP/audit") - before)) -lt $((tries / 4)) ]
    audited '.uid == 0 and .app == "billing" and .file == "secret" and .result == "ok"'
    check_passes
}

@test "application-credentials without reveal lists and edits, and is refused the secret" {
    [ "$(as $MANAGER ls "$APPS" | tr '\n' ' ')" = "billing mailer " ]
    as $MANAGER mkdir "$APPS/third"
    as $MANAGER bash -c "echo +contact-search >'$APPS/billing/apis'"
    as $MANAGER cat "$APPS/billing/apis" "$APPS/billing/info" "$APPS/billing/grants"
    as $MANAGER bash -c "echo rotate >'$APPS/billing/ctl'"
    denied $MANAGER billing cat "$APPS/billing/secret"
    denied $MANAGER billing cat "$APPS/billing/key"
    denied $MANAGER billing bash -c "exec 3<>'$APPS/billing/secret'"
    apis_are billing audit-records contact-search
}

@test "the auditor reads the log and nothing else" {
    as $AUDITOR cat "$MP/audit" | jq -es 'any(.[]; .op == "create")' >/dev/null
    [ -z "$(as $AUDITOR ls "$APPS")" ]
    denied $AUDITOR billing cat "$APPS/billing/info"
    denied $AUDITOR billing cat "$APPS/billing/secret"
    refused "Permission denied" as $ADMIN cat "$MP/audit"
}

@test "who may read the log does so by credfs audit too, through the mount" {
    install_program
    log() { as $AUDITOR env HOME="$DIR/home" "$DIR/credfs" audit "$@"; }
    log --mount "$MP" --json --app billing --user 0 |
        jq -es 'any(.[]; .op == "create") and all(.[]; .app == "billing" and .uid == 0)' >/dev/null
    refused "--verify needs the store" log --mount "$MP" --verify
    refused "Permission denied" log --store "$STORE" --verify
    refused "name the mountpoint with --mount" log --store "$STORE"
    refused "Permission denied" as $ADMIN "$DIR/credfs" audit --mount "$MP"

    umount_store
    mkdir "$DIR/home" "$DIR/home/credfs"
    MP=$DIR/home/credfs APPS=$DIR/home/credfs/apps
    mount_store
    log --store "$STORE" --app billing | grep -q create
    mkdir -m 700 "$DIR/other"
    refused "$DIR/other is another's, and not mounted on $MP" log --store "$DIR/other"

    timeout 10 setpriv --reuid=$AUDITOR --regid=$AUDITOR --clear-groups \
        "$DIR/credfs" audit --mount "$MP" --follow --app later 3>&- >"$DIR/followed" &
    local follower=$!
    sleep 0.2
    new_app later
    within 3 grep -q 'create later' "$DIR/followed"
    kill "$follower"
    wait "$follower" || true
}

@test "a custom role gives just its permissions, and a supplementary group gives a role" {
    denied $ONCALL billing cat "$APPS/billing/secret"
    [ "$(as $ONCALL:$OPSGID cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    [ "$(as "$ONCALL:50,60,$OPSGID,70200" cat "$APPS/mailer/key" | wc -c)" -eq 37 ]
    denied $ONCALL:$OPSGID billing bash -c "echo contact-search >'$APPS/billing/apis'"
    denied $ONCALL:$OPSGID new mkdir "$APPS/new"
    denied $ONCALL:70101 billing cat "$APPS/billing/secret"
    apis_are billing audit-records
}

@test "named users and groups have their roles" {
    named() { setpriv --reuid="$ALICE" --regid="$ALICE" --init-groups -- "$@" 3>&-; }
    named mkdir "$APPS/hers"
    [ "$(info hers created-by)" = "$ALICE" ]
    named cat "$MP/audit" >/dev/null
    refused "Permission denied" named cat "$APPS/hers/secret"
    setpriv --reuid="$ALICE" --regid="$ALICE" --clear-groups -- cat "$APPS/hers/info" >/dev/null
    refused "Permission denied" setpriv --reuid="$ALICE" --regid="$ALICE" --clear-groups -- cat "$MP/audit"
    echo "user:$ALICE" >"$APPS/billing/grants"
    named cat "$APPS/billing/secret" >/dev/null
    [ "$(cat "$APPS/billing/grants")" = "user:$ALICE" ]
}

@test "a grant for one App shows that App alone" {
    echo "user:$WEB" >"$APPS/billing/grants"
    [ "$(as $WEB ls "$APPS")" = billing ]
    local name
    for name in key secret apis info; do
        as $WEB cat "$APPS/billing/$name" >/dev/null
    done
    denied $WEB mailer ls "$APPS/mailer"
    denied $WEB mailer cat "$APPS/mailer/secret"
    denied $WEB billing bash -c "echo contact-search >'$APPS/billing/apis'"
    denied $WEB billing bash -c "echo rotate >'$APPS/billing/ctl'"
    denied $WEB billing bash -c "echo user:$STRANGER >'$APPS/billing/grants'"
    denied $WEB billing rmdir "$APPS/billing"
    audited ".uid == $WEB and .op == \"reveal\" and .file == \"secret\" and .result == \"ok\""
}

@test "a grant for key alone gives the key alone" {
    echo "user:$WEB key" >"$APPS/billing/grants"
    [ "$(cat "$APPS/billing/grants")" = "user:$WEB key" ]
    [ "$(as $WEB ls "$APPS")" = billing ]
    [ "$(as $WEB cat "$APPS/billing/key" | wc -c)" -eq 37 ]
    denied $WEB billing cat "$APPS/billing/secret"
    denied $WEB billing cat "$APPS/billing/apis"
    denied $WEB billing cat "$APPS/billing/info"
}

@test "grants go to groups, numbers and ranges; what is none is refused" {
    printf '%s\n' "group:70200 secret" user:80000-80010 "group:$OPS" >"$APPS/billing/grants"
    as $WEB:70200 cat "$APPS/billing/secret" >/dev/null
    denied $WEB:70200 billing cat "$APPS/billing/key"
    as 80010 cat "$APPS/billing/key" >/dev/null
    denied 80011 billing cat "$APPS/billing/key"
    local before line
    before=$(cat "$APPS/billing/grants")
    for line in user:no-such-user-here group:no-such-group-here nobody-in-particular user: user:9-8 \
        user:4294967295 "user:$WEB no-such-field"; do
        refused "Invalid argument" bash -c "echo '+$line' >'$APPS/billing/grants'"
    done
    [ "$(cat "$APPS/billing/grants")" = "$before" ]
    echo "-user:80000-80010" >"$APPS/billing/grants"
    denied 80010 billing cat "$APPS/billing/key"
}

@test "a right taken away is gone at the very next open; an open file keeps what it was opened with" {
    echo "user:$WEB" >"$APPS/billing/grants"
    chmod 1777 "$DIR"
    as $WEB bash -c "
        exec 5<'$APPS/billing/secret'
        touch '$DIR/ready'
        until [ -e '$DIR/gone' ]; do sleep 0.02; done
        if cat '$APPS/billing/secret' >/dev/null 2>&1; then exit 2; fi
        [ \$(cat <&5 | wc -c) -eq 48 ] || exit 3" 3>&- &
    local web=$!
    until [ -e "$DIR/ready" ]; do sleep 0.02; done
    echo "-user:$WEB" >"$APPS/billing/grants"
    touch "$DIR/gone"
    wait $web
    denied $WEB billing cat "$APPS/billing/secret"
    [ -z "$(as $WEB ls "$APPS")" ]
}

@test "grant and removal in turn: each open tells the present state" {
    for _ in {1..20}; do
        echo "+user:$WEB" >"$APPS/billing/grants"
        as $WEB cat "$APPS/billing/secret" >/dev/null
        echo "-user:$WEB" >"$APPS/billing/grants"
        refused "Permission denied" as $WEB cat "$APPS/billing/secret"
    done
}

@test "cloud-storage-service needs the user assignment that the super-admin writes" {
    local apis=$APPS/billing/apis assignees=$MP/apis/cloud-storage-service/assignees
    refused "Operation not permitted" as $ADMIN bash -c "echo +cloud-storage-service >'$apis'"
    refused "Operation not permitted" as $ADMIN bash -c "echo contact-search cloud-storage-service >'$apis'"
    refused "Permission denied" as $ADMIN bash -c "echo user:$ADMIN >'$assignees'"
    apis_are billing audit-records
    audited ".uid == $ADMIN and .app == \"billing\" and .result == \"unassigned\""

    echo "user:$ADMIN" >"$assignees"
    [ "$(cat "$assignees")" = "user:$ADMIN" ]
    as $ADMIN bash -c "echo +cloud-storage-service >'$apis'"
    apis_are billing cloud-storage-service audit-records
    [ "$(cat "$MP/apis/cloud-storage-service/apps")" = billing ]

    echo "-user:$ADMIN" >"$assignees"
    as $ADMIN bash -c "printf 'cloud-storage-service\ncontact-search\n' >'$apis'"
    apis_are billing cloud-storage-service contact-search
    as $ADMIN bash -c "echo contact-search >'$apis'"
    refused "Operation not permitted" as $ADMIN bash -c "echo cloud-storage-service >>'$apis'"
    apis_are billing contact-search
}

@test "assignees: users alone, and only where the API needs them" {
    local apis=$MP/apis
    refused "Operation not permitted" bash -c "echo user:$ADMIN >'$apis/audit-records/assignees'"
    refused "Invalid argument" bash -c "echo group:$OPSGID >'$apis/cloud-storage-service/assignees'"
    refused "Invalid argument" bash -c "echo user:no-such-user-here >'$apis/cloud-storage-service/assignees'"
    [ -z "$(cat "$apis/cloud-storage-service/assignees")" ]
}

@test "policy says what a user may do, and why" {
    echo "user:$WEB key" >"$APPS/billing/grants"
    policy() { credfs policy --store "$STORE" --config "$CONFIG" "$@"; }
    policy --as "user:$ADMIN" billing >"$DIR/policy"
    grep -q 'company-admin' "$DIR/policy"
    policy --as "user:$WEB" billing >"$DIR/policy"
    grep -q 'grant' "$DIR/policy"
    policy --as "user:$ALICE" >"$DIR/policy"
    grep -q 'alice-role' "$DIR/policy"
    refused "" policy --as user:no-such-user-here
    policy --as "user:$ONCALL" billing >"$DIR/without"
    policy --as "user:$ONCALL" --groups "$OPSGID" billing >"$DIR/with"
    grep -q 'lookout' "$DIR/with"
    refused "" grep -q 'lookout' "$DIR/without"
    policy --as "user:$ADMIN" --json billing | jq -e . >/dev/null
}
