# Who can write the store's files but lacks the master key gains nothing: what was changed by hand answers EIO, is
# never used, and `credfs check` (or `credfs audit --verify`) names it.

load helper

setup() {
    start
    needs sqlite3 "to change the database by hand"
    new_app billing audit-records contact-search
    new_app mailer contact-search
}

teardown() { finish; }

WEB=70005

# by_hand SQL: change the database while no daemon has it.
by_hand() {
    umount_store
    sql "PRAGMA foreign_keys = ON; $1"
    mount_store
}

serial() {
    sql "SELECT serial FROM app WHERE name = '$1'"
}

# check_names WORD…: check fails, and one of its lines has all these words.
check_names() {
    run credfs check --store "$STORE" --config "$CONFIG"
    [ "$status" -eq 65 ] || { echo "check: status $status: $output"; return 1; }
    local word lines=$output
    for word in "$@"; do
        lines=$(grep -F -e "$word" <<<"$lines") || { echo "check does not name $word: $output"; return 1; }
    done
}

eio() {
    refused "Input/output error" "$@"
}

@test "a trigger, a view or an index written by hand does nothing, and is named" {
    by_hand "CREATE TRIGGER quiet BEFORE UPDATE ON app BEGIN SELECT raise(IGNORE); END;
        CREATE TRIGGER kept BEFORE DELETE ON entitlement BEGIN SELECT raise(IGNORE); END;
        CREATE VIEW another AS SELECT 1; CREATE INDEX slow ON app(name, id); DROP INDEX app_in_trash"
    echo "user:$WEB" >"$APPS/billing/grants"
    as $WEB cat "$APPS/billing/secret" >/dev/null
    echo >"$APPS/billing/grants"
    refused "Permission denied" as $WEB cat "$APPS/billing/secret"
    echo disable >"$APPS/billing/ctl"
    refused "Key has been revoked" cat "$APPS/billing/secret"
    rmdir "$APPS/mailer"
    [ "$(ls "$APPS")" = billing ]
    check_names "trigger quiet" "none of credfs's"
    check_names "trigger kept" "none of credfs's"
    check_names "view another" "none of credfs's"
    check_names "index slow" "none of credfs's"
    check_names "index app_in_trash" "is missing"
}

@test "a value moved to another App does not open" {
    by_hand "UPDATE value SET sealed = (SELECT sealed FROM value WHERE app = $(serial mailer) AND field = 'secret')
        WHERE app = $(serial billing) AND field = 'secret'"
    eio cat "$APPS/billing/secret"
    cat "$APPS/mailer/secret" "$APPS/billing/key" >/dev/null
    check_names billing secret
    audited '.app == "billing" and .file == "secret" and .result == "tampered"'
}

@test "a whole row of a value moved to another App does not open" {
    by_hand "UPDATE value SET (sealed, fingerprint, last4, mac) =
        (SELECT sealed, fingerprint, last4, mac FROM value WHERE app = $(serial mailer) AND field = 'secret')
        WHERE app = $(serial billing) AND field = 'secret'"
    eio cat "$APPS/billing/secret"
    check_names billing secret
}

@test "key and secret of one App exchanged do not open" {
    by_hand "UPDATE value SET field = 'x' WHERE app = $(serial billing) AND field = 'key';
        UPDATE value SET field = 'key' WHERE app = $(serial billing) AND field = 'secret';
        UPDATE value SET field = 'secret' WHERE app = $(serial billing) AND field = 'x'"
    eio cat "$APPS/billing/secret"
    eio cat "$APPS/billing/key"
    check_names billing
}

@test "an old version's value put in the place of the present one does not open" {
    echo rotate >"$APPS/billing/ctl"
    by_hand "UPDATE value SET (sealed, fingerprint, last4, mac) =
        (SELECT sealed, fingerprint, last4, mac FROM value AS old
         WHERE old.app = value.app AND old.version = 1 AND old.field = value.field)
        WHERE app = $(serial billing) AND version = 2"
    eio cat "$APPS/billing/secret"
    check_names billing
}

@test "the App's row led back to an old version is not used" {
    echo rotate >"$APPS/billing/ctl"
    by_hand "UPDATE app SET version = 1 WHERE name = 'billing'"
    eio cat "$APPS/billing/secret"
    check_names "$(serial billing)"
}

@test "a byte flipped anywhere in a value, wherever it is, is seen" {
    local sealed where app field before n byte
    app=$(serial billing)
    before=$(credential_sum billing)
    for field in secret key; do
        where="app = $app AND field = '$field'"
        sealed=$(sql "SELECT hex(sealed) FROM value WHERE $where")
        for ((n = 0; n < ${#sealed}; n += 2)); do
            printf -v byte %02X $((0x${sealed:n:2} ^ 1 << n / 2 % 8))
            sql "UPDATE value SET sealed = X'${sealed:0:n}$byte${sealed:n+2}' WHERE $where"
            eio cat "$APPS/billing/$field"
        done
        check_names billing "$field"
        sql "UPDATE value SET sealed = X'${sealed:2}' WHERE $where"
        eio cat "$APPS/billing/$field"
        sql "UPDATE value SET sealed = X'' WHERE $where"
        eio cat "$APPS/billing/$field"
        sql "UPDATE value SET sealed = X'$sealed' WHERE $where"
    done
    [ "$(credential_sum billing)" = "$before" ]
    check_passes
}

@test "what is said of a value beside its bytes is verified too" {
    by_hand "UPDATE value SET last4 = 'AAAA' WHERE app = $(serial billing) AND field = 'key'"
    check_names billing key
    refused "" grep -q AAAA "$APPS/billing/info"
}

@test "a grant inserted by hand gives nothing" {
    by_hand "INSERT INTO entitlement VALUES
        (0, $(serial billing), 0, $WEB, $WEB, '', 1, 0, randomblob(32))"
    eio as $WEB cat "$APPS/billing/secret"
    [ -z "$(as $WEB ls "$APPS" 2>/dev/null)" ]
    eio cat "$APPS/billing/grants"
    check_names billing grant
}

@test "another App's grant copied gives nothing" {
    echo "user:$WEB" >"$APPS/mailer/grants"
    by_hand "INSERT INTO entitlement SELECT scope, $(serial billing), kind, low, high, field, since, by_user, mac
        FROM entitlement WHERE owner = $(serial mailer)"
    eio as $WEB cat "$APPS/billing/secret"
    as $WEB cat "$APPS/mailer/secret" >/dev/null
    check_names billing grant
}

@test "a grant made wider by hand gives nothing" {
    echo "user:$WEB key" >"$APPS/billing/grants"
    by_hand "UPDATE entitlement SET field = ''"
    eio as $WEB cat "$APPS/billing/secret"
    by_hand "UPDATE entitlement SET field = 'key', high = high + 1"
    eio as $((WEB + 1)) cat "$APPS/billing/key"
    check_names billing grant
}

@test "a grant that was taken away and put back by hand gives nothing" {
    echo "user:$WEB" >"$APPS/billing/grants"
    local old
    old=$(sql ".mode insert entitlement" "SELECT * FROM entitlement")
    echo "-user:$WEB" >"$APPS/billing/grants"
    by_hand "$old"
    eio as $WEB cat "$APPS/billing/secret"
    check_names billing grant
}

@test "a grant deleted by hand is seen" {
    printf 'user:%s\n' $WEB 70006 >"$APPS/billing/grants"
    by_hand "DELETE FROM entitlement WHERE low = 70006"
    eio cat "$APPS/billing/grants"
    check_names billing grant
}

@test "an API inserted, deleted or renamed by hand is seen" {
    by_hand "INSERT INTO assignment VALUES ($(serial billing), 'cloud-storage-service', 1, 0, randomblob(32))"
    eio cat "$APPS/billing/apis"
    check_names billing
    by_hand "DELETE FROM assignment WHERE slug = 'cloud-storage-service'"
    [ "$(wc -l <"$APPS/billing/apis")" -eq 2 ]
    check_passes
    by_hand "DELETE FROM assignment WHERE app = $(serial billing) AND slug = 'contact-search'"
    eio cat "$APPS/billing/apis"
    eio bash -c "echo +work-analytics >'$APPS/billing/apis'"
    check_names billing
    by_hand "UPDATE assignment SET slug = 'work-analytics' WHERE app = $(serial mailer)"
    eio cat "$APPS/mailer/apis"
    check_names mailer
}

@test "a description or a label changed, added or taken away by hand is seen, and forges no line of info" {
    local app
    app=$(serial billing)
    printf 'describe pays the bills\nlabel team=finance\n' >"$APPS/billing/ctl"
    by_hand "UPDATE note SET value = 'x' || char(10) || 'state = disabled' WHERE name = 'description'"
    eio cat "$APPS/billing/info"
    eio bash -c "echo describe sent >'$APPS/billing/ctl'"
    refused "" grep -r "state = disabled" "$APPS"
    check_names billing description
    by_hand "UPDATE note SET value = 'pays the bills' WHERE name = 'description'"
    grep -qx 'description = pays the bills' "$APPS/billing/info"
    check_passes
    by_hand "INSERT INTO note VALUES ($app, 'label.owner', 'mallory')"
    eio cat "$APPS/billing/info"
    by_hand "DELETE FROM note WHERE app = $app AND name <> 'description'"
    eio cat "$APPS/billing/info"
    by_hand "UPDATE note SET app = $(serial mailer)"
    eio cat "$APPS/billing/info"
    eio cat "$APPS/mailer/info"
    check_names mailer description
}

# store_of_schema_4: put the store that an earlier program made in the place of this one; changed by hand before it is
# used, if SQL is given.
store_of_schema_4() {
    umount_store
    rm "$STORE"/*
    (umask 077 && cp "$BATS_TEST_DIRNAME"/schema-4/{audit.head,audit.log,master.key} "$STORE")
    sql <"$BATS_TEST_DIRNAME/schema-4/credfs.sql"
    [ -z "${1-}" ] || sql "$1"
    chmod 600 "$STORE/credfs.db"
    mount_store
}

@test "a store of an earlier program is taken over with its descriptions" {
    store_of_schema_4
    grep -qx 'description = pays the bills' "$APPS/billing/info"
    grep -qx 'label.team = finance' "$APPS/billing/info"
    grep -qx 'description = sent' "$APPS/mailer/info"
    [ "$(sha256sum <"$APPS/billing/secret")" = \
        "a2516f8b1afc5db90d4b8891e82a58b9c46dbf1623b53a84eaa118ffa4868c48  -" ]
    mv "$MP/trash/gone" "$APPS/gone"
    check_passes
    by_hand "UPDATE note SET value = 'received' WHERE value = 'sent'"
    eio cat "$APPS/mailer/info"
    check_names mailer description
}

@test "what did not verify in a store of an earlier program goes on not to" {
    store_of_schema_4 "UPDATE app SET created_by = 77 WHERE name = 'billing';
        UPDATE note SET value = 'x' || char(10) || 'state = disabled' WHERE value = 'sent'"
    eio cat "$APPS/billing/secret"
    check_names "$(serial billing)"
    eio cat "$APPS/mailer/info"
    check_names mailer description
    echo "describe sent" >"$APPS/mailer/ctl"
    grep -qx 'description = sent' "$APPS/mailer/info"
    by_hand "ALTER TABLE app DROP COLUMN notes_sum; DROP TABLE witness; UPDATE note SET value = 'again';
        DROP INDEX value_of_secret; PRAGMA user_version = 4"
    eio cat "$APPS/mailer/info"
}

@test "an App's row edited by hand is not used" {
    local app column
    app=$(serial billing)
    for column in disabled created updated created_by updated_by generation version lives trashed; do
        by_hand "UPDATE app SET $column = $column + 1 WHERE serial = $app"
        eio cat "$APPS/billing/secret"
        eio cat "$APPS/billing/info"
        check_names "$app"
        by_hand "UPDATE app SET $column = $column - 1 WHERE serial = $app"
    done
    check_passes
    by_hand "UPDATE app SET name = 'renamed' WHERE serial = $app"
    eio cat "$APPS/renamed/secret"
    audited '.app == "renamed" and .op == "find" and .result == "tampered"'
    [ "$(ls "$APPS")" = mailer ]
    check_names "$app"
}

@test "a disabled App is not enabled by hand, nor one in the trash restored" {
    echo disable >"$APPS/billing/ctl"
    rmdir "$APPS/mailer"
    by_hand "UPDATE app SET disabled = 0, place = 0, trashed = 0"
    eio cat "$APPS/billing/secret"
    eio cat "$APPS/mailer/secret"
    check_names "$(serial billing)"
    check_names "$(serial mailer)"
}

@test "an App's row that is edited under a mount is seen, and recorded at the next use" {
    cd "$APPS/billing"
    cat secret >/dev/null
    sql "UPDATE app SET disabled = 1 WHERE name = 'billing'"
    eio cat secret
    eio ls
    cd /
    audited ".result == \"tampered\" and .detail == \"App number $(serial billing)\""
}

@test "a version's row edited by hand is not used" {
    by_hand "UPDATE version SET created_by = 77 WHERE app = $(serial billing)"
    eio cat "$APPS/billing/secret"
    check_names billing
}

# keep_rows, put_rows_back APP: all rows of an App as they once were, with their seals.
keep_rows() {
    umount_store
    cp "$STORE/credfs.db" "$DIR/kept.db"
    mount_store
}

put_rows_back() {
    local app tables="" table
    app=$(sqlite3 "$DIR/kept.db" "SELECT serial FROM app WHERE name = '$1'")
    for table in version value assignment note; do
        tables+="DELETE FROM $table WHERE app = $app; INSERT INTO $table SELECT * FROM kept.$table WHERE app = $app;"
    done
    umount_store
    sql "ATTACH '$DIR/kept.db' AS kept; INSERT OR REPLACE INTO app SELECT * FROM kept.app WHERE serial = $app; $tables
        DELETE FROM entitlement WHERE scope = 0 AND owner = $app;
        INSERT INTO entitlement SELECT * FROM kept.entitlement WHERE scope = 0 AND owner = $app"
    mount_store
}

@test "all rows of an App put back to before a grant was taken away, or it was disabled: check says so" {
    echo "user:$WEB" >"$APPS/billing/grants"
    keep_rows
    echo "-user:$WEB" >"$APPS/billing/grants"
    check_passes
    put_rows_back billing
    check_names "earlier state"
    echo "describe sent" >"$APPS/mailer/ctl"
    echo "describe paid" >"$APPS/billing/ctl"
    check_names "earlier state"
}

@test "a disabled App is not enabled by old rows that check does not notice" {
    keep_rows
    echo disable >"$APPS/billing/ctl"
    put_rows_back billing
    check_names "earlier state"
}

@test "a destroyed App that returns by hand is noticed" {
    keep_rows
    rmdir "$APPS/billing"
    rmdir "$MP/trash/billing"
    check_passes
    put_rows_back billing
    check_names "put back by hand" "2 Apps verify; there ought to be 1"
}

@test "an App that is taken away by hand, with all that it has, is noticed" {
    local app
    app=$(serial mailer)
    by_hand "DELETE FROM app WHERE serial = $app; DELETE FROM entitlement WHERE owner = $app AND scope = 0"
    check_names "which nobody destroyed"
}

@test "what the database knows of its Apps, taken away by hand, is missed ever after" {
    by_hand "DELETE FROM witness"
    check_names "lost"
    new_app later
    remount
    check_names "what the database knew of its Apps is lost"
}

@test "an assignee inserted by hand may not give the API" {
    by_hand "INSERT INTO entitlement VALUES
        (1, (SELECT serial FROM api WHERE slug = 'cloud-storage-service'), 0, $ADMIN, $ADMIN, '', 1, 0, randomblob(32))"
    eio as $ADMIN bash -c "echo +cloud-storage-service >'$APPS/billing/apis'"
    apis_are billing audit-records contact-search
    check_names cloud-storage-service
}

@test "a database that is damaged or of another kind is refused, and named" {
    umount_store
    printf 'not a database at all' | dd of="$STORE/credfs.db" conv=notrunc status=none
    rm -f "$STORE"/credfs.db-*
    refused "credfs.db" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    refused "credfs.db" credfs check --store "$STORE"
}

@test "the master key of another store does not open it" {
    umount_store
    credfs init --store "$DIR/other" >/dev/null
    cp "$DIR/other/master.key" "$STORE/master.key"
    refused "master.key" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
}

# The audit log. Line 3 is changed; verify must fail and name that line.

verify_names() {
    run credfs audit --store "$STORE" --verify
    [ "$status" -eq 65 ] || { echo "verify: status $status: $output"; return 1; }
    grep -qw -e "$1" <<<"$output" || { echo "verify does not name $1: $output"; return 1; }
}

@test "an edited line of the audit log is named" {
    umount_store
    credfs audit --store "$STORE" --verify
    cp -p "$STORE/audit.log" "$DIR/good"
    sed -i '3s/"uid":0/"uid":1/' "$STORE/audit.log"
    run ! cmp -s "$STORE/audit.log" "$DIR/good"
    verify_names 3
    run credfs check --store "$STORE" --config "$CONFIG"
    [ "$status" -eq 65 ]
    cp -p "$DIR/good" "$STORE/audit.log"
    credfs audit --store "$STORE" --verify
    mount_store
}

@test "each byte of an audit line counts" {
    umount_store
    cp -p "$STORE/audit.log" "$DIR/good"
    local line length n
    line=$(sed -n 3p "$DIR/good")
    length=${#line}
    for ((n = 1; n <= length; n += 7)); do
        sed "3s/./$(printf '\x01')/$n" "$DIR/good" >"$STORE/audit.log"
        verify_names 3
    done
    cp -p "$DIR/good" "$STORE/audit.log"
    credfs audit --store "$STORE" --verify
}

@test "a dropped line of the audit log is named" {
    umount_store
    sed -i 3d "$STORE/audit.log"
    verify_names 3
}

@test "reordered lines of the audit log are named" {
    umount_store
    sed -i '3{h;d};4G' "$STORE/audit.log"
    verify_names 3
}

@test "a line cut off at the end of the audit log is named, now and ever after" {
    umount_store
    sed -i '$d' "$STORE/audit.log"
    run credfs audit --store "$STORE" --verify
    [ "$status" -eq 65 ]
    mount_store
    audited '.op == "truncated"'
    new_app later
    run credfs audit --store "$STORE" --verify
    [ "$status" -eq 65 ]
}

# keep_log, put_log_back: the log with its head as they once were, while the database goes on.
keep_log() {
    umount_store
    cp -p "$STORE"/audit.{log,head} "$DIR/"
    mount_store
}

put_log_back() {
    umount_store
    cp -p "$DIR"/audit.{log,head} "$STORE/"
}

@test "a log that is put back with its head to an earlier state is missed, now and ever after" {
    keep_log
    new_app later
    cat "$APPS/later/secret" >/dev/null
    new_app latest
    put_log_back
    verify_names "database"
    run credfs check --store "$STORE" --config "$CONFIG"
    [ "$status" -eq 65 ]
    mount_store
    audited '.op == "truncated"'
    new_app more
    verify_names "missing"
}

@test "a record that was written in the place of a missing one is not taken for it" {
    keep_log
    new_app later
    umount_store
    cp -p "$STORE/credfs.db" "$DIR/later.db"
    cp -p "$DIR"/audit.{log,head} "$STORE/"
    sql "DELETE FROM app WHERE name = 'later'"
    mount_store
    new_app other
    new_app another
    umount_store
    cp -p "$DIR/later.db" "$STORE/credfs.db"
    rm -f "$STORE"/credfs.db-*
    verify_names "database"
    mount_store
    audited '.op == "broken"'
}

@test "what the database knows of the log, changed or taken away by hand, is missed, now and ever after" {
    by_hand "UPDATE witness SET seq = 0"
    verify_names "database"
    by_hand "DELETE FROM witness"
    verify_names "database"
    audited '.op == "head-lost" and (.detail | contains("database"))'
}

@test "a daemon that is killed leaves a log that the database agrees with" {
    local i
    for i in 1 2 3; do
        new_app "more$i"
        crash
        mount_store
        credfs audit --store "$STORE" --verify
    done
}

@test "a line added to the audit log by hand is named" {
    umount_store
    local lines
    lines=$(wc -l <"$STORE/audit.log")
    tail -n 1 "$STORE/audit.log" >"$DIR/last"
    cat "$DIR/last" >>"$STORE/audit.log"
    verify_names $((lines + 1))
}

@test "an emptied audit log is named" {
    umount_store
    : >"$STORE/audit.log"
    run credfs audit --store "$STORE" --verify
    [ "$status" -eq 65 ]
}

@test "a log that is taken away with its head is missed, now and ever after" {
    umount_store
    rm "$STORE/audit.log" "$STORE/audit.head"
    verify_names missing
    mount_store
    verify_names "lost"
}
