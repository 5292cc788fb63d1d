# Walking the tree with the tools that people have: sizes are true, walks end, listings are right; and what has no
# place in the tree is refused with the errno that a person would expect.

load helper

setup() { start; }

teardown() { finish; }

some_apps() {
    new_app billing audit-records customer-experience-recent-calls
    new_app mailer contact-search
    printf 'user:80001\nuser:80002 key\n' >"$APPS/billing/grants"
    new_app old
    rmdir "$APPS/old"
}

# All that can be read.
readable() {
    find "$MP" -type f -readable
}

@test "stat and wc -c agree with what is read" {
    some_apps
    local file files=0 size
    while read -r file; do
        [[ $file != */audit && $file != */status ]] || continue
        cat "$file" >/dev/null 2>&1 || continue # a field without a value, or in the trash
        size=$(cat "$file" | wc -c)
        [ "$(stat -c %s "$file")" -eq "$size" ] || { echo "$file: stat $(stat -c %s "$file"), read $size"; return 1; }
        [ "$(wc -c <"$file")" -eq "$size" ]
        files=$((files + 1))
    done < <(readable)
    [ "$files" -ge 40 ]
    [ "$(wc -c <"$MP/status")" -eq "$(cat "$MP/status" | wc -c)" ]
    [ "$(wc -c <"$MP/audit")" -eq "$(cat "$MP/audit" | wc -c)" ]
}

@test "every text ends in a newline" {
    some_apps
    local file
    for file in "$APPS"/billing/{key,secret,apis,grants,info} "$MP"/apis/audit-records/{info,apps} "$MP/status" \
        "$MP/audit"; do
        [ "$(tail -c 1 "$file" | od -An -tx1)" = " 0a" ] || { echo "$file"; return 1; }
    done
}

@test "reads in small pieces and from any offset give the same bytes" {
    some_apps
    local file
    for file in "$APPS"/billing/{secret,apis,info} "$MP/apis/audit-records/info"; do
        [ "$(dd if="$file" bs=7 status=none | sha256sum)" = "$(sha256sum <"$file")" ]
        [ "$(tail -c +9 "$file" | sha256sum)" = "$(dd if="$file" bs=1 skip=8 status=none | sha256sum)" ]
    done
}

@test "find, du, ls -lR, grep -r and tar walk all of it and end" {
    some_apps
    [ "$(timeout 20 find "$APPS" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
    timeout 20 find "$APPS/billing" | sort >"$DIR/found"
    local name
    for name in key secret apis grants info ctl; do
        grep -qx "$APPS/billing/$name" "$DIR/found"
    done
    [ -z "$(uniq -d "$DIR/found")" ]
    timeout 20 du -s "$MP" >/dev/null
    timeout 20 ls -lR "$MP" >"$DIR/listing"
    grep -q 'cloud-storage-service:$' "$DIR/listing"
    [ "$(timeout 20 grep -rl audit-records "$APPS" 2>/dev/null | sort | tr '\n' ' ')" = \
        "$(printf '%s ' "$APPS/billing"/{apis,info,views/{curl/audit-records,env,json,properties}})" ]
    timeout 20 tar -C "$APPS" --exclude=ctl -cf - mailer | timeout 20 tar -tf - | sed 's|/$||' | sort >"$DIR/tarred"
    (cd "$APPS" && find mailer ! -name ctl) | sort | diff - "$DIR/tarred"
}

@test "cp -r, rsync and tar copy what is read" {
    needs rsync "to copy with it"
    some_apps
    local copy=$DIR/copy how
    new_app plain audit-records
    for how in cp rsync tar; do
        mkdir "$copy"
        case $how in
        cp) timeout 20 cp -r "$APPS/plain" "$copy/" 2>"$DIR/complaint" || true ;;
        rsync)
            timeout 20 rsync -r --exclude=ctl "$APPS/plain" "$copy/"
            ;;
        tar) timeout 20 tar -C "$APPS" --exclude=ctl -cf - plain | tar -C "$copy" -xf - ;;
        esac
        local name
        for name in key secret apis grants info; do
            cmp -s "$APPS/plain/$name" "$copy/plain/$name" || { echo "$how: $name differs"; return 1; }
        done
        rm -r "$copy"
    done
    grep -q 'ctl' "$DIR/complaint"
}

@test "a walk by a user with fewer rights ends and shows his Apps" {
    some_apps
    echo user:80007 >"$APPS/mailer/grants"
    as 80007 timeout 20 find "$MP" >"$DIR/found" 2>"$DIR/complaint" || true
    grep -qx "$APPS/mailer/secret" "$DIR/found"
    refused "" grep -q billing "$DIR/found"
    as 80007 timeout 20 grep -r no-such-text "$APPS" >/dev/null 2>&1 || [ $? -le 2 ]
}

@test "inode numbers and times are stable, and change with a change" {
    some_apps
    local before
    before=$(stat -c '%i %Y' "$APPS"/billing "$APPS"/billing/{key,secret,apis,info})
    remount
    [ "$(stat -c '%i %Y' "$APPS"/billing "$APPS"/billing/{key,secret,apis,info})" = "$before" ]
    [ "$(stat -c %i "$APPS"/*/* "$APPS"/* "$MP"/* "$MP"/apis/* "$MP"/apis/*/* | sort | uniq -d | wc -l)" -eq 0 ]
    touch -d '2001-01-01' "$DIR/old"
    [ "$APPS/billing/apis" -nt "$DIR/old" ]
}

@test "the catalogue has its ten APIs with their facts" {
    [ "$(ls "$MP/apis" | wc -l)" -eq 10 ]
    grep -q 'Quality Management & Speech Analytics' "$MP/apis/quality-management-speech-analytics/info"
    grep -q 'https://api.8x8.com/storage/{region}/v3' "$MP/apis/cloud-storage-service/info"
    grep -q 'Cloud Storage API' "$MP/apis/cloud-storage-service/info"
    new_app billing work-analytics
    local name
    for name in apis ctl grants info key secret; do
        [ -f "$APPS/billing/$name" ]
    done
    [ "$(cat "$MP/apis/work-analytics/apps")" = billing ]
    refused "Operation not permitted" mkdir "$MP/apis/new-api"
}

@test "readdir is right while Apps come and go" {
    (cd "$APPS" && printf 'stays-%s\n' {1..300} | xargs mkdir)
    bash -c "until [ -e '$DIR/stop' ]; do
            mkdir '$APPS'/goes-{1..20} && rmdir '$APPS'/goes-{1..20} && rmdir '$MP'/trash/* || exit 1
        done" 3>&- &
    local churn=$!
    for _ in {1..25}; do
        ls -f "$APPS" >"$DIR/listed"
        [ "$(grep -c '^stays-' "$DIR/listed")" -eq 300 ]
        [ "$(sort "$DIR/listed" | uniq -d | wc -l)" -eq 0 ]
    done
    touch "$DIR/stop"
    wait $churn
    [ "$(ls "$APPS" | wc -l)" -eq 300 ]
}

@test "10,000 Apps list in one second" {
    umount_store
    store_on_disk 1G
    credfs init --store "$STORE" >/dev/null
    mount_store
    (cd "$APPS" && seq -f 'app-%05.0f' 10000 | xargs mkdir)
    local began ended limit=1000
    ! ldd "$CREDFS" | grep -qE 'libasan|libtsan' || limit=10000
    began=$(date +%s%3N)
    ls -f "$APPS" >"$DIR/listed"
    ended=$(date +%s%3N)
    [ "$(grep -c '^app-' "$DIR/listed")" -eq 10000 ]
    [ "$(grep '^app-' "$DIR/listed" | sort -u | wc -l)" -eq 10000 ]
    echo "$((ended - began)) ms"
    [ $((ended - began)) -lt "$limit" ]
}

@test "stray files, links, nodes, modes and owners are refused" {
    some_apps
    local place
    for place in "$MP" "$APPS" "$APPS/billing" "$MP/apis" "$MP/apis/audit-records" "$MP/trash"; do
        refused "Operation not permitted" touch "$place/stray"
        refused "Operation not permitted" ln -s /etc/passwd "$place/stray"
        refused "Operation not permitted" mknod "$place/stray" p
        refused "" ln "$APPS/billing/key" "$place/stray"
    done
    for place in "$MP" "$APPS/billing" "$MP/apis" "$MP/apis/audit-records" "$MP/trash"; do
        refused "Operation not permitted" mkdir "$place/stray"
    done
    refused "Operation not permitted" chmod 777 "$APPS/billing/secret"
    refused "Operation not permitted" chown 80001 "$APPS/billing/secret"
    refused "Operation not permitted" chmod 777 "$APPS/billing"
    refused "Operation not permitted" rm -f "$APPS/billing/secret"
    refused "Operation not permitted" rm -f "$MP/audit"
    refused "Operation not permitted" mv "$APPS/billing/secret" "$APPS/billing/other"
    refused "Operation not permitted" mv "$APPS/billing/secret" "$APPS/mailer/secret"
    refused "Operation not permitted" rmdir "$MP/apis/audit-records"
    refused "" rmdir "$APPS"
    refused "" rmdir "$MP/trash"
    refused "" mv "$APPS" "$MP/elsewhere"
    refused "" bash -c "echo x >'$APPS/billing/info'"
    refused "" bash -c "echo x >'$MP/audit'"
    refused "" bash -c "echo x >'$MP/status'"
    [ -z "$(find "$MP" -name '*stray*' -o -name other -o -name elsewhere)" ]
    [ "$(cat "$APPS/billing/secret" | wc -c)" -eq 48 ]
}

@test "rm -r stops at the App's first file and takes nothing" {
    some_apps
    local before after
    before=$(credential_sum billing)$(ls "$APPS/billing")
    refused "Operation not permitted" rm -r "$APPS/billing"
    refused "Operation not permitted" rm -rf "$APPS"
    after=$(credential_sum billing)$(ls "$APPS/billing")
    [ "$before" = "$after" ]
    [ "$(ls "$APPS" | wc -l)" -eq 2 ]
    apis_are billing customer-experience-recent-calls audit-records
}

@test "find -delete, which goes on after each refusal, moves Apps to the trash at most" {
    some_apps
    local before
    before=$(credential_sum billing)
    find "$APPS" -delete 2>/dev/null || true
    [ "$(ls "$MP/trash" | tr '\n' ' ')" = "billing mailer old " ]
    mv "$MP/trash/billing" "$APPS/"
    [ "$(credential_sum billing)" = "$before" ]
}

@test "modes tell who may do what at most" {
    some_apps
    [ "$(stat -c %A "$APPS/billing/secret")" != "$(stat -c %A "$APPS/billing/info")" ]
    [[ "$(stat -c %A "$APPS/billing/ctl")" == -?w* ]]
    [ "$(stat -c %A "$APPS/billing/ctl" | tr -dc r | wc -c)" -eq 0 ]
    [ "$(stat -c %A "$APPS/billing/info" | tr -dc w | wc -c)" -eq 0 ]
    [ "$(stat -c %o "$APPS/billing/apis")" -eq 65536 ]
    [ "$(findmnt -no OPTIONS "$MP" | tr , '\n' | grep -cxE 'nosuid|nodev|noexec')" -eq 3 ]
    [ "$(findmnt -no OPTIONS "$MP" | tr , '\n' | grep -cx default_permissions)" -eq 0 ]
}
