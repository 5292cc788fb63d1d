# The scenario that credfs is for, end to end, and the names that it refuses.

load helper

setup() { start; }
teardown() { finish; }

THREE=(contact-center-historical-analytics customer-experience-recent-calls customer-experience-post-call-survey)

@test "a company admin creates, assigns, lists, reveals, changes and deletes an App" {
    as $ADMIN mkdir "$APPS/billing"
    [ "$(as $ADMIN ls "$APPS")" = billing ]

    as $ADMIN tee "$APPS/billing/apis" >/dev/null < <(printf '%s\n' "${THREE[@]}")
    [ "$(as $ADMIN cat "$APPS/billing/apis")" = "$(printf '%s\n' "${THREE[@]}")" ]

    as $ADMIN grep -qxE 'cfk_[0-9A-Za-z]{32}' "$APPS/billing/key"
    as $ADMIN grep -qxE 'cfs_[0-9A-Za-z]{43}' "$APPS/billing/secret"
    local before
    before=$(credential_sum billing)

    as $ADMIN sh -c "echo +audit-records >'$APPS/billing/apis'"
    apis_are billing "${THREE[@]}" audit-records
    as $ADMIN sh -c "echo -customer-experience-recent-calls >'$APPS/billing/apis'"
    apis_are billing "${THREE[0]}" "${THREE[2]}" audit-records
    [ "$(credential_sum billing)" = "$before" ]

    as $ADMIN rmdir "$APPS/billing"
    [ -z "$(ls "$APPS")" ]
    refused "No such file or directory" as $ADMIN cat "$APPS/billing/secret"
}

@test "every step of it has its audit line, by who did it" {
    as $ADMIN mkdir "$APPS/billing"
    as $ADMIN sh -c "echo audit-records >'$APPS/billing/apis'"
    as $ADMIN cat "$APPS/billing/secret" >/dev/null
    as $ADMIN rmdir "$APPS/billing"
    local step
    for step in '.op == "create"' '.file == "apis"' '.op == "reveal" and .file == "secret" and .version == 1' \
        '.op == "delete"'; do
        audited ".uid == $ADMIN and .app == \"billing\" and .result == \"ok\" and $step"
    done
    credfs audit --store "$STORE" --verify
}

@test "two Apps have different keys and secrets" {
    new_app one
    new_app two
    [ "$(sort -u "$APPS"/*/key "$APPS"/*/secret | wc -l)" -eq 4 ]
}

@test "a deleted App waits in the trash, comes back as it was, and can be destroyed" {
    new_app billing audit-records
    local before serial
    before=$(credential_sum billing)
    serial=$(stat -c %i "$APPS/billing")
    as $ADMIN rmdir "$APPS/billing"
    [ "$(as $ADMIN ls "$MP/trash")" = billing ]
    refused "Key has been revoked" as $ADMIN cat "$MP/trash/billing/secret"

    as $ADMIN mv "$MP/trash/billing" "$APPS/billing"
    [ -z "$(ls "$MP/trash")" ]
    [ "$(credential_sum billing)" = "$before" ]
    [ "$(stat -c %i "$APPS/billing")" = "$serial" ]
    apis_are billing audit-records

    as $ADMIN rmdir "$APPS/billing"
    as $ADMIN rmdir "$MP/trash/billing"
    [ -z "$(ls "$MP/trash")$(ls "$APPS")" ]
    new_app billing
    [ "$(credential_sum billing)" != "$before" ]
    [ "$(stat -c %i "$APPS/billing")" != "$serial" ]
}

@test "two deleted Apps of one name both wait in the trash" {
    new_app billing audit-records
    [ ! -e "$MP/trash/billing" ]
    rmdir "$APPS/billing"
    apis_are ../trash/billing audit-records
    new_app billing contact-search
    [ ! -e "$MP/trash/billing.2" ]
    rmdir "$APPS/billing"
    apis_are ../trash/billing audit-records
    apis_are ../trash/billing.2 contact-search
    mv "$MP/trash/billing.2" "$APPS/billing"
    apis_are billing contact-search
}

@test "an App comes back from the trash though somebody stood in it" {
    new_app billing audit-records
    cd "$APPS/billing"
    rmdir ../billing
    mv "$MP/trash/billing" "$APPS/"
    apis_are billing audit-records
    [ "$(cd "$APPS/billing" && /bin/pwd)" = "$APPS/billing" ]
    cd /
}

@test "an App is renamed, its credential stays" {
    new_app billing
    local before
    before=$(credential_sum billing)
    as $ADMIN mv "$APPS/billing" "$APPS/invoices"
    [ "$(ls "$APPS")" = invoices ]
    [ "$(credential_sum invoices)" = "$before" ]
    [ "$(info invoices name)" = invoices ]
}

@test "rotate gives a new key and secret, disable withholds them, enable gives them back" {
    new_app billing audit-records
    local first second generation
    first=$(credential_sum billing)
    generation=$(info billing generation)
    as $ADMIN sh -c "echo rotate >'$APPS/billing/ctl'"
    second=$(credential_sum billing)
    [ "$first" != "$second" ]
    [ "$(info billing generation)" -gt "$generation" ]
    apis_are billing audit-records

    as $ADMIN sh -c "echo disable >'$APPS/billing/ctl'"
    refused "Key has been revoked" as $ADMIN cat "$APPS/billing/secret"
    refused "Key has been revoked" cat "$APPS/billing/key"
    apis_are billing audit-records
    as $ADMIN sh -c "echo enable >'$APPS/billing/ctl'"
    [ "$(credential_sum billing)" = "$second" ]
}

@test "an open file gives the value that it was opened for, and none once the App is disabled or deleted" {
    new_app billing
    local before
    before=$(sha256sum <"$APPS/billing/secret")
    exec 5<"$APPS/billing/secret" 6<"$APPS/billing/secret" 7<"$APPS/billing/secret"
    echo rotate >"$APPS/billing/ctl"
    [ "$(sha256sum <&5)" = "$before" ]
    [ "$(sha256sum <"$APPS/billing/secret")" != "$before" ]
    echo disable >"$APPS/billing/ctl"
    refused "Key has been revoked" cat <&6
    echo enable >"$APPS/billing/ctl"
    rmdir "$APPS/billing"
    refused "Key has been revoked" cat <&7
    rmdir "$MP/trash/billing"
    refused "No such file or directory" cat <&7
    exec 5<&- 6<&- 7<&-
}

@test "describe and label show in info; an unknown command is refused" {
    new_app billing
    printf '%s\n' 'describe the billing job' 'label env=prod' >"$APPS/billing/ctl"
    grep -q 'the billing job' "$APPS/billing/info"
    grep -q 'prod' "$APPS/billing/info"
    local generation
    generation=$(info billing generation)
    refused "Invalid argument" bash -c "echo explode >'$APPS/billing/ctl'"
    refused "Invalid argument" bash -c "echo rotate now please >'$APPS/billing/ctl'"
    refused "Invalid argument" bash -c "(echo disable; echo explode) | cat >'$APPS/billing/ctl'"
    [ "$(info billing generation)" = "$generation" ]
    [ "$(cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
}

@test "info tells which APIs wait for a field of their own, and which are propagating" {
    new_app survey customer-experience-post-call-survey audit-records
    [ "$(info survey api.customer-experience-post-call-survey)" = "pending token" ]
    [[ "$(info survey api.audit-records)" == "propagating until "* ]]
}

@test "an imported value is kept to the letter, as a new version with that field changed" {
    new_app billing audit-records
    local secret
    secret=$(sha256sum <"$APPS/billing/secret")
    printf 'eght_ an issued "key" $HOME \\n' >"$APPS/billing/key"
    [ "$(cat "$APPS/billing/key")" = 'eght_ an issued "key" $HOME \n' ]
    [ "$(sha256sum <"$APPS/billing/secret")" = "$secret" ]
    apis_are billing audit-records
    cat "$APPS/billing/key" >/dev/null
    audited '.op == "reveal" and .file == "key" and .version == 2'
}

@test "a bad name is refused with EINVAL and nothing changes" {
    new_app billing
    local name bad before
    bad=('a b' $'a\tb' $'a\nb' $'a\xc2\xa0b' $'a\xe3\x80\x80b' .hidden -dash $'a\x01b' $'a\xffb' $'a\xc0\xafb'
        $'a\xed\xa0\x80b' "$(printf 'x%.0s' {1..129})")
    before=$(ls -la "$APPS")
    for name in "${bad[@]}"; do
        refused "Invalid argument" as $ADMIN mkdir -- "$APPS/$name"
        refused "Invalid argument" as $ADMIN perl -e 'rename($ARGV[0], $ARGV[1]) or die "$!\n"' \
            "$APPS/billing" "$APPS/$name"
    done
    [ "$(ls -la "$APPS")" = "$before" ]
    [ "$(info billing name)" = billing ]
}

@test "a name with a slash is no name" {
    new_app billing
    refused "No such file or directory" as $ADMIN mkdir "$APPS/a/b"
    refused "" as $ADMIN mkdir "$APPS/billing/b"
    [ "$(ls "$APPS")" = billing ]
    [ ! -e "$APPS/billing/b" ]
}

@test "a taken name is refused with EEXIST and nothing changes" {
    new_app billing audit-records
    new_app other
    local before
    before=$(credential_sum billing)
    refused "File exists" as $ADMIN mkdir "$APPS/billing"
    refused "File exists" as $ADMIN mv -T "$APPS/other" "$APPS/billing"
    rmdir "$APPS/other"
    new_app other
    refused "File exists" as $ADMIN mv -T "$MP/trash/other" "$APPS/billing"
    apis_are billing audit-records
    [ "$(ls "$APPS" | wc -l)" -eq 2 ]
    [ "$(credential_sum billing)" = "$before" ]
}

@test "names of 128 bytes and in any script are names" {
    local long name
    long=$(printf 'x%.0s' {1..128})
    for name in "$long" $'\xd0\xbf\xd0\xbb\xd0\xb0\xd1\x82\xd0\xb5\xd0\xb6' a.b_c-d@1 x; do
        as $ADMIN mkdir -- "$APPS/$name"
        as $ADMIN cat "$APPS/$name/apis"
    done
    [ "$(ls "$APPS" | wc -l)" -eq 4 ]
}
