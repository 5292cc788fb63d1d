# Many at once, crashes and full disks: what was acknowledged is there, and nothing is torn.

load helper

setup() {
    needs_root
    needs_fuse
    make_dir
}

teardown() { finish; }

begin() {
    credfs init --store "$STORE" >"$DIR/init.out"
    {
        usual_config
        printf '\n[catalogue]\nfiles = %s\n' "$DIR/site.ini"
    } >"$CONFIG"
    local n
    for n in {1..100}; do
        printf '[test-api-%s]\ntitle = Test API %s\nkey-process = console\nmethod = x-api-key\n' "$n" "$n"
        printf 'base-url = https://test.example/%s\n' "$n"
    done >"$DIR/site.ini"
    mount_store
}

# each N COMMAND: run the shell command in N processes at the same time, with n set to 1…N; all must succeed.
each() {
    local n result=0 pids=()
    for ((n = 1; n <= $1; n++)); do
        n=$n bash -c "$2" 3>&- &
        pids+=($!)
    done
    for n in "${pids[@]}"; do
        wait "$n" || result=1
    done
    return $result
}

@test "fifty processes write different Apps: every acknowledged write is there" {
    begin
    export APPS
    each 50 'mkdir "$APPS/app-$n" && echo "test-api-$n audit-records" >"$APPS/app-$n/apis" &&
        echo "+contact-search -audit-records" >"$APPS/app-$n/apis" && echo "user:$((80000 + n))" >"$APPS/app-$n/grants"'
    local n
    for n in {1..50}; do
        apis_are "app-$n" contact-search "test-api-$n"
        [ "$(cat "$APPS/app-$n/grants")" = "user:$((80000 + n))" ]
    done
    [ "$(cat "$APPS"/*/key | sort -u | wc -l)" -eq 50 ]
    check_passes
    credfs audit --store "$STORE" --verify
}

@test "fifty processes add to the same App: every acknowledged write is there" {
    begin
    new_app shared
    export APPS
    each 50 'echo "+test-api-$n" >"$APPS/shared/apis"'
    # shellcheck disable=SC2046 # a slug a word
    apis_are shared $(printf 'test-api-%s ' {1..50})
    each 50 'echo "test-api-$((n + 50))" >>"$APPS/shared/apis"'
    # shellcheck disable=SC2046
    apis_are shared $(printf 'test-api-%s ' {1..100})
    check_passes
}

@test "fifty processes replace the same App's set: readers and the end see whole sets" {
    begin
    new_app shared test-api-1 test-api-51
    export APPS DIR
    each 3 'until [ -e "$DIR/stop" ]; do
            cat "$APPS/shared/apis" | tr "\n" " " | sed "s/test-api-//g" | { read -r low high rest || true
            [ "$((low + 50))" -eq "$high" ] && [ -z "$rest" ]; } || exit 1
        done' &
    local readers=$!
    each 50 'for i in 1 2 3; do
            env printf "test-api-%s\ntest-api-%s\n" "$n" "$((n + 50))" >"$APPS/shared/apis" || exit 1
        done'
    touch "$DIR/stop"
    wait $readers
    [ "$(wc -l <"$APPS/shared/apis")" -eq 2 ]
    [ "$(info shared generation)" -ge 51 ]
    check_passes
}

@test "of fifty that create the same name one succeeds" {
    begin
    export APPS
    each 50 'mkdir "$APPS/wanted" 2>/dev/null && echo "$n" || echo lost' >"$DIR/winners"
    [ "$(grep -cv lost "$DIR/winners")" -eq 1 ]
    [ "$(ls "$APPS")" = wanted ]
}

# What a user of the next test does again and again, at random, until the file stop is there.
anything() {
    cat <<'DO'
    apis=(audit-records contact-search work-analytics cloud-storage-service no-such-api)
    until [ -e "$DIR/stop" ]; do
        a=$APPS/app$((RANDOM % 6)) b=$APPS/app$((RANDOM % 6)) api=${apis[RANDOM % 5]}
        case $((RANDOM % 15)) in
        0 | 1) mkdir "$a" ;;
        2) rmdir "$a" ;;
        3) perl -e 'rename($ARGV[0], $ARGV[1]) or die "rename: $!\n"' "$a" "$b" ;;
        4) mv "$MP/trash/${a##*/}" "$APPS/" ;;
        5) rmdir "$MP/trash/${a##*/}" ;;
        6) cat "$a"/key "$a"/secret "$a"/info "$a"/grants ;;
        7) echo "+$api" >"$a/apis" ;;
        8) echo "-$api" >"$a/apis" ;;
        9) echo "user:7000$((RANDOM % 9))" >"$a/grants" ;;
        10) echo rotate >"$a/ctl" ;;
        11) printf 'disable\nenable\n' >"$a/ctl" ;;
        12) ls -lR "$MP" ;;
        # In a directory that is removed under a shell and comes back the kernel says EIO: not counted.
        13) (cd "$a" && ls && cat secret) 2>/dev/null ;;
        14) tail -n 1 "$MP/audit" ;;
        esac
    done
DO
}

@test "users with different rights who do everything at once: no error but those to be expected, and all verifies" {
    begin
    export APPS DIR MP
    chmod 1777 "$DIR"
    local user users=(0 0 "$ADMIN" "$ADMIN" "$MANAGER" "$AUDITOR" "$STRANGER") pids=()
    for user in "${users[@]}"; do
        as "$user" bash -c "$(anything)" >/dev/null 2>"$DIR/said.${#pids[@]}" &
        pids+=($!)
    done
    sleep 6
    touch "$DIR/stop"
    wait "${pids[@]}" || true
    # Stale file handle: the kernel meets a directory in the trash that it knows in apps/, while another is renamed.
    cat "$DIR"/said.* | grep -vE ': (Permission denied|No such file or directory|File exists|Invalid argument)$' |
        grep -vE ': (Operation not permitted|Key has been revoked|Stale file handle)$' >"$DIR/unexpected" || true
    [ ! -s "$DIR/unexpected" ] || { head -n 20 "$DIR/unexpected"; false; }
    [ "$(jq -s 'map(select(.result == "ok")) | length' <"$MP/audit")" -gt 50 ]
    [ "$(jq -s 'map(select(.result == "denied")) | length' <"$MP/audit")" -gt 50 ]
    check_passes
    remount
    check_passes
    credfs audit --store "$STORE" --verify
}

@test "kill -9 during writes: all that was acknowledged is there after a remount" {
    begin
    export APPS DIR
    new_app shared
    local round acknowledged=0
    for round in 1 2 3; do
        round=$round bash -c 'for i in {1..100000}; do
                mkdir "$APPS/app-$round-$i" 2>/dev/null || exit 0
                echo "app-$round-$i" >>"$DIR/made"
                echo "+test-api-$((i % 100 + 1))" 2>/dev/null >"$APPS/app-$round-$i/apis" || exit 0
                echo "app-$round-$i $((i % 100 + 1))" >>"$DIR/assigned"
            done' 3>&- &
        local writer=$!
        sleep 0.4
        crash
        wait $writer || true
        mount_store
    done
    acknowledged=$(wc -l <"$DIR/made")
    [ "$acknowledged" -gt 3 ]
    ls "$APPS" >"$DIR/there"
    [ -z "$(grep -vxFf "$DIR/there" "$DIR/made")" ]
    local app n
    while read -r app n; do
        apis_are "$app" "test-api-$n"
    done <"$DIR/assigned"
    check_passes
    credfs audit --store "$STORE" --verify
}

@test "kill -9 during rotations: the last acknowledged credential, or the one after it" {
    begin
    new_app shared
    export APPS DIR
    bash -c 'for i in {1..100000}; do
            echo "imported-value-number-$i" 2>/dev/null >"$APPS/shared/key" || exit 0
            echo "$i" >"$DIR/last"
        done' 3>&- &
    local writer=$!
    sleep 0.5
    crash
    wait $writer || true
    mount_store
    local last value
    last=$(cat "$DIR/last")
    value=$(cat "$APPS/shared/key")
    [ "$value" = "imported-value-number-$last" ] || [ "$value" = "imported-value-number-$((last + 1))" ]
    check_passes
}

@test "a full disk refuses changes with ENOSPC, keeps all, and goes on when there is room" {
    store_on_disk 24M
    begin
    new_app billing audit-records
    local before
    before=$(credential_sum billing)
    dd if=/dev/zero of="$DISK/ballast" bs=64K status=none 2>/dev/null || true

    run --separate-stderr bash -c "for n in {1..20000}; do mkdir '$APPS/app-'\$n || exit 7; echo app-\$n; done"
    [ "$status" -eq 7 ]
    # shellcheck disable=SC2154 # run sets stderr
    [[ $stderr == *"No space left on device"* ]]
    printf '%s\n' "$output" | sed '/^$/d' >"$DIR/made"
    ls "$APPS" >"$DIR/there"
    [ -z "$(grep -vxFf "$DIR/there" "$DIR/made")" ]
    [ "$(wc -l <"$DIR/there")" -eq "$(($(wc -l <"$DIR/made") + 1))" ]
    [ "$(credential_sum billing)" = "$before" ]
    refused "No space left on device" bash -c "for n in {1..2000}; do echo rotate >'$APPS/billing/ctl' || exit 1; done"
    apis_are billing audit-records

    rm "$DISK/ballast"
    mkdir "$APPS/after"
    echo contact-search >"$APPS/after/apis"
    remount
    apis_are after contact-search
    apis_are billing audit-records
    ls "$APPS" >"$DIR/there"
    [ -z "$(grep -vxFf "$DIR/there" "$DIR/made")" ]
    check_passes
    credfs audit --store "$STORE" --verify
}

@test "a full disk does not at once stop reveals: the audit log has a reserve" {
    store_on_disk 24M
    begin
    new_app billing audit-records
    dd if=/dev/zero of="$DISK/ballast" bs=64K status=none 2>/dev/null || true
    local n
    for n in {1..50}; do
        [ "$(cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    done
    rm "$DISK/ballast"
    [ "$(jq -s 'map(select(.op == "reveal")) | length' <"$MP/audit")" -ge 50 ]
}

@test "a reveal that cannot be recorded is refused, unless the site puts service first" {
    store_on_disk 24M
    begin
    new_app billing audit-records
    dd if=/dev/zero of="$DISK/ballast" bs=64K status=none 2>/dev/null || true
    # The reserve holds some thousand records.
    run bash -c "for n in {1..20000}; do read -r value <'$APPS/billing/secret' || exit 7; done"
    [ "$status" -eq 7 ]
    refused "No space left on device" cat "$APPS/billing/secret"
    refused "No space left on device" cat "$APPS/billing/key"

    printf '\n[audit]\non-failure = allow\n' >>"$CONFIG"
    credfs reload "$MP"
    [ "$(cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
    rm "$DISK/ballast"
    credfs audit --store "$STORE" --verify
}
