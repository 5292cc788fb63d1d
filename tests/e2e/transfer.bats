# In and out: export, import, reconcile. No value is ever shown: exports are compared by checksum.

load helper

setup() { start_unmounted; }
teardown() { finish; }

# Two stores that are not mounted, and a passphrase.
start_unmounted() {
    needs_root
    make_dir
    OTHER=$DIR/other
    credfs init --store "$STORE" >"$DIR/init.out"
    credfs init --store "$OTHER" >>"$DIR/init.out"
    write_config
    PASS=$DIR/passphrase
    echo "a passphrase for tests" >"$PASS"
}

out() { credfs export --store "$1" --plain --plain "${@:2}"; }
in_() { credfs import --store "$1" "${@:2}"; }

# The checksum of all that is in a store.
sum_of() { out "$1" | tail -n +2 | sha256sum; }

# exits CODE TEXT COMMAND…: it returns this code, and says TEXT on stderr.
exits() {
    local code=$1 text=$2
    shift 2
    run --separate-stderr "$@"
    # shellcheck disable=SC2154 # run sets stderr
    [ "$status" -eq "$code" ] && [[ $stderr == *"$text"* ]] && return
    echo "wanted code $code and '$text' from: $*"
    echo "got code $status: $stderr" | mask
    return 1
}

some_apps() {
    cat >"$DIR/apps.csv" <<'CSV'
name,key,secret,apis
billing,eght_0000000001,s1,audit-records contact-search
ops,eght_0000000002,,work-analytics;contact-management
CSV
    in_ "$STORE" "$DIR/apps.csv" >"$DIR/import.out"
}

# count STORE: how many Apps it has.
count() { credfs status --store "$1" --json | jq .apps; }

@test "a round trip of 300 Apps in all states is exact to the byte, sealed and plain" {
    awk -v N=300 -f "$BATS_TEST_DIRNAME/apps.awk" >"$DIR/apps.json"
    [ "$(in_ "$STORE" "$DIR/apps.json" | tail -n 1)" = "300 new, 0 changed, 0 the same" ]
    cmp <(tail -n +2 "$DIR/apps.json") <(out "$STORE" | tail -n +2) >"$DIR/cmp.out"
    credfs export --store "$STORE" --passphrase-file "$PASS" -o "$DIR/sealed"
    [ "$(in_ "$OTHER" --passphrase-file "$PASS" "$DIR/sealed" | tail -n 1)" = "300 new, 0 changed, 0 the same" ]
    [ "$(sum_of "$STORE")" = "$(sum_of "$OTHER")" ]
    [ "$(in_ "$OTHER" --passphrase-file "$PASS" "$DIR/sealed")" = "0 new, 0 changed, 300 the same" ]
    [ "$(in_ "$OTHER" --replace --passphrase-file "$PASS" - <"$DIR/sealed")" = "0 new, 0 changed, 300 the same" ]
    [ "$(sum_of "$STORE")" = "$(sum_of "$OTHER")" ]
    credfs check --store "$OTHER"
}

@test "an export is a new file of mode 0600 in which nothing can be read" {
    some_apps
    credfs export --store "$STORE" --passphrase-file "$PASS" -o "$DIR/sealed"
    [ "$(stat -c %a "$DIR/sealed")" = 600 ]
    run ! grep -qa -e eght_0 -e billing "$DIR/sealed"
    [[ $(head -n 1 "$DIR/sealed" | tr -d '\0') == "credfs-export 1 passphrase argon2id 268435456 3 "* ]]
    exits 73 "already" credfs export --store "$STORE" --passphrase-file "$PASS" -o "$DIR/sealed"
    exits 66 "nobody" credfs export --store "$STORE" --passphrase-file "$PASS" -o "$DIR/part" nobody
    [ ! -e "$DIR/part" ]
}

@test "an export that has no room names its output, and an App that is not there leaves nothing in it" {
    some_apps
    sealed() { credfs export --store "$STORE" --passphrase-file "$PASS" "$@"; }
    sealed_out() { sealed >/dev/full; }
    plain_out() { out "$STORE" >/dev/full; }
    exits 74 "standard output: No space left on device: the export is not whole" sealed_out
    exits 74 "standard output: No space left on device" plain_out
    DISK=$DIR/disk
    mkdir "$DISK"
    mount -t tmpfs -o size=4k tmpfs "$DISK"
    head -c 4K /dev/zero >"$DISK/fill"
    exits 74 "$DISK/out: No space left on device" sealed -o "$DISK/out"
    [ ! -e "$DISK/out" ]
    sealed nosuch >"$DIR/nothing" 2>"$DIR/told" || true
    grep -q 'nosuch: there is no such App' "$DIR/told"
    [ ! -s "$DIR/nothing" ]
    sealed billing nosuch >"$DIR/nothing" 2>/dev/null || true
    [ ! -s "$DIR/nothing" ]
}

@test "plain JSON is written only when told twice" {
    some_apps
    exits 64 "twice" credfs export --store "$STORE" --plain
    [ "$(out "$STORE" | jq -r 'select(.app) | .app' | xargs)" = "billing ops" ]
    [ "$(out "$STORE" ops | jq -r 'select(.app) | .app')" = ops ]
}

@test "a wrong passphrase, a weaker derivation, a cut or changed export: refused, and nothing changed" {
    local before
    some_apps
    credfs export --store "$STORE" --passphrase-file "$PASS" -o "$DIR/sealed"
    before=$(sum_of "$OTHER")
    echo wrong >"$DIR/wrong"
    exits 65 "passphrase" in_ "$OTHER" --passphrase-file "$DIR/wrong" "$DIR/sealed"
    sed '1s/268435456 3/8388608 1/' "$DIR/sealed" >"$DIR/weak"
    exits 65 "Argon2id" in_ "$OTHER" --passphrase-file "$PASS" "$DIR/weak"
    head -c -1 "$DIR/sealed" >"$DIR/cut"
    exits 65 "" in_ "$OTHER" --passphrase-file "$PASS" "$DIR/cut"
    out "$STORE" | head -n -1 >"$DIR/cut.json"
    exits 65 "cut off" in_ "$OTHER" "$DIR/cut.json"
    out "$STORE" | sed 2d >"$DIR/less.json"
    exits 65 "missing" in_ "$OTHER" "$DIR/less.json"
    [ "$(sum_of "$OTHER")" = "$before" ]
}

@test "sealed to a public key, only its secret key opens it" {
    local public
    some_apps
    public=$(credfs export --keygen "$DIR/secret-key")
    credfs export --keygen "$DIR/other-key" >"$DIR/other-public"
    [ "$(stat -c %a "$DIR/secret-key")" = 600 ]
    exits 73 "already" credfs export --keygen "$DIR/secret-key"
    credfs export --store "$STORE" --recipient "$public" -o "$DIR/sealed"
    exits 64 "$public" in_ "$OTHER" "$DIR/sealed"
    exits 65 "secret key" in_ "$OTHER" --secret-key "$DIR/other-key" "$DIR/sealed"
    in_ "$OTHER" --secret-key "$DIR/secret-key" "$DIR/sealed"
    [ "$(sum_of "$STORE")" = "$(sum_of "$OTHER")" ]
    exits 65 "mistyped" credfs export --store "$STORE" --recipient "${public%?}x" -o "$DIR/never"
}

@test "CSV as spreadsheets write it: a mark, CRLF, quotes, columns in any order, semicolons" {
    printf '\xef\xbb\xbfApis,Secret,Name,Key\r\n"audit-records;contact-search","a ""quoted"", one",billing,k1\r\n,,,\r\n,"s 2",ops,k2' \
        >"$DIR/apps.csv"
    [ "$(in_ "$STORE" "$DIR/apps.csv")" = "2 new, 0 changed, 0 the same" ]
    [ "$(out "$STORE" | jq -c 'select(.app == "billing") | [.versions[0].secret, (.apis | map(.slug))]')" = \
        '["a \"quoted\", one",["audit-records","contact-search"]]' ]
    printf 'name;key;secret\nbilling;k1;new\nops;k2;s 2\n' >"$DIR/more.csv"
    [ "$(in_ "$STORE" "$DIR/more.csv")" = "~ billing: version 2 (key secret)
0 new, 1 changed, 1 the same" ]
    [ "$(in_ "$STORE" "$DIR/more.csv")" = "0 new, 0 changed, 2 the same" ]
    [ "$(out "$STORE" billing | jq -c 'select(.app) | [.version, .generation]')" = '[2,2]' ]
}

# refused_csv TEXT: the CSV on standard input is refused with TEXT, and there is no App.
refused_csv() {
    cat >"$DIR/bad.csv"
    exits 65 "$1" in_ "$STORE" "$DIR/bad.csv"
    [[ $stderr != *hidden* ]]
    [ "$(count "$STORE")" -eq 0 ]
}

@test "whatever is wrong in a CSV is told with its line, without a value, and nothing is imported" {
    printf 'name,key\na,hidden1\nb c,hidden2\n' | refused_csv "line 3: not a valid App name"
    printf 'name,key\na,k\na,k\n' | refused_csv "line 3: a: it comes twice"
    printf 'name,key,apis\na,k,audit-records\nb,k,no-such\n' | refused_csv "line 3: b: no-such: no such API"
    printf 'name,key,apis\na,k,cloud-storage-service\n' | refused_csv "line 2: a: cloud-storage-service: "
    printf 'name,kye\na,k\n' | refused_csv "line 1: the first row names the columns"
    printf 'key,secret\na,k\n' | refused_csv "no column called name"
    printf 'name,key,key\na,k,k\n' | refused_csv "twice"
    printf 'name,key\na\n' | refused_csv "line 2: it has more or fewer cells"
    printf 'name,key\na,k,s\n' | refused_csv "line 2: it has more or fewer cells"
    printf 'name,key\na,"k\n' | refused_csv "line 2: a cell's closing quote is missing"
    printf 'name,key\na,"k"x\n' | refused_csv "line 2: something stands between"
    printf 'name,key\na,k"x\n' | refused_csv "line 2: a quote inside"
    printf 'name,key\na,"k\nx"\n' | refused_csv "line 2: a: its key is not one printable value"
    printf 'name,key\na,cfk_00000000000000000000000000000000\n' | refused_csv "line 2: a: its key"
    printf 'name,key\na,\n' | refused_csv "line 2: a: a new App, and no value for it"
    printf '\xff\xfen\0' | refused_csv "UTF-16"
    printf '' | refused_csv "empty"
}

@test "JSON by hand: a line each or an array; what is wrong in it is told with its place, without a value" {
    printf '{"name":"a","key":"hidden1","apis":["audit-records"]}\n\n{"name":"b","secret":"x"}\n' >"$DIR/apps.json"
    [ "$(in_ "$STORE" "$DIR/apps.json")" = "2 new, 0 changed, 0 the same" ]
    printf '[\n{"name":"a","key":"hidden1"},\n{"name":"c","key":"x"}]\n' >"$DIR/apps.json"
    [ "$(in_ "$STORE" - <"$DIR/apps.json")" = "1 new, 0 changed, 1 the same" ]
    printf '{"name":"d","key":"hidden1"}\n{"name":"e","key":hidden2}\n' >"$DIR/bad.json"
    exits 65 "line 2: not valid JSON" in_ "$STORE" "$DIR/bad.json"
    [[ $stderr != *hidden* ]]
    printf '{"name":"d","kye":"hidden1"}\n' >"$DIR/bad.json"
    exits 65 "line 1: an unknown member" in_ "$STORE" "$DIR/bad.json"
    [[ $stderr != *hidden* ]]
    printf '{"name":"d","key":"hidden1","key":"hidden2"}\n' >"$DIR/bad.json"
    exits 65 "line 1: not valid JSON" in_ "$STORE" "$DIR/bad.json"
    printf '[{"name":"d","key":"x"},{"name":"e","key":7}]' >"$DIR/bad.json"
    exits 65 'entry 2: "key": a string is wanted' in_ "$STORE" "$DIR/bad.json"
    printf '{"credfs":"export","format":2}\n' >"$DIR/bad.json"
    exits 65 "format" in_ "$STORE" "$DIR/bad.json"
    out "$STORE" | sed 's/"revoked":false/"revoked":0/' >"$DIR/bad.json"
    exits 65 '"revoked": true or false' in_ "$OTHER" "$DIR/bad.json"
    out "$STORE" a | sed 's/"version":1,/"version":9223372036854775806,/; s/"number":1,/"number":9223372036854775806,/' \
        >"$DIR/bad.json"
    exits 65 "line 2: a: a time or number of it is missing or not possible" in_ "$OTHER" "$DIR/bad.json"
    out "$STORE" a | sed 's/"created_by":0/"created_by":4294967295/' >"$DIR/bad.json"
    exits 65 '"created_by": a whole number is wanted, in range' in_ "$OTHER" "$DIR/bad.json"
    # What ctl takes as a note, and no more.
    local note
    for note in '"label.":"x"' '"label.a b = c":"x"' "\"label.a\":\"$(printf '%0257d' 0)\"" '"other":"x"' \
        '"label.a":""' "\"description\":\"$(printf '%01001d' 0)\""; do
        out "$STORE" a | sed "s/\"notes\":{}/\"notes\":{$note}/" >"$DIR/bad.json"
        exits 65 "a: its description or a label is not possible" in_ "$OTHER" "$DIR/bad.json"
    done
    out "$STORE" a | sed "s/\"notes\":{}/\"notes\":{$(printf '"label.%d":"x",' {1..64})\"label.a\":\"x\"}/" >"$DIR/bad.json"
    exits 65 "a: it would have more than 64 labels" in_ "$OTHER" "$DIR/bad.json"
    [ "$(count "$STORE")" -eq 3 ]
    [ "$(count "$OTHER")" -eq 0 ]
}

@test "JSON is taken as it is indented; where it is wrong is told by line and column" {
    some_apps
    out "$STORE" | jq . >"$DIR/pretty.json"
    [ "$(in_ "$OTHER" "$DIR/pretty.json")" = "2 new, 0 changed, 0 the same" ]
    [ "$(sum_of "$STORE")" = "$(sum_of "$OTHER")" ]
    [ "$(out "$STORE" | jq -s . | in_ "$OTHER" -)" = "0 new, 0 changed, 2 the same" ]
    printf '{\n  "name": "a",\n  "key": "k"\n}{"name":"b","key":"k"} {"name":"c","key":hidden}\n' >"$DIR/bad.json"
    exits 65 "line 4: not valid JSON near its column" in_ "$OTHER" "$DIR/bad.json"
    [[ $stderr =~ column\ [34][0-9]: && $stderr != *hidden* ]]
    head -n -3 "$DIR/pretty.json" >"$DIR/bad.json"
    exits 65 "not valid JSON" in_ "$OTHER" "$DIR/bad.json"
    { printf '{"name":"a","key":"'; head -c 17000000 /dev/zero | tr '\0' k; printf '"}\n'; } >"$DIR/bad.json"
    exits 65 "line 1: " in_ "$OTHER" "$DIR/bad.json"
    [ "$(count "$OTHER")" -eq 2 ]
}

@test "a dry run tells what would change, without a value, and changes nothing" {
    local before
    some_apps
    before=$(sum_of "$STORE")
    printf 'name,key,secret,apis\nbilling,eght_0000000001,hidden1,contact-management\nnew,hidden2,,\nops,eght_0000000002,,\n' \
        >"$DIR/more.csv"
    run in_ "$STORE" --dry-run "$DIR/more.csv"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "~ billing: version 2 (key secret) +contact-management" ]
    [ "${lines[1]}" = "+ new: version 1 (key)" ]
    [ "${lines[2]}" = "1 new, 1 changed, 1 the same: nothing was done" ]
    [[ $output != *hidden* ]]
    [ "$(sum_of "$STORE")" = "$before" ]
    [ "$(in_ "$STORE" --dry-run --json "$DIR/more.csv" | jq -c '[.new, .changed, .same, .changes[0].change]')" = \
        '[1,1,1,"changed"]' ]
    in_ "$STORE" --replace "$DIR/more.csv"
    [ "$(out "$STORE" billing | jq -c 'select(.app) | .apis | map(.slug)')" = '["contact-management"]' ]
}

@test "--replace by an older export tells the difference, and what was revoked since stays so" {
    needs_fuse
    some_apps
    out "$STORE" >"$DIR/older.json"
    mount_store
    echo revoke 1 >"$APPS/billing/ctl"
    echo rotate 0 >"$APPS/ops/ctl"
    umount_store
    run in_ "$STORE" --replace --dry-run "$DIR/older.json"
    [[ ${lines[0]} == "~ billing: version 1 stays revoked, generation 1 for 2, "* ]]
    [[ ${lines[1]} == "~ ops: generation 1 for 2, "*", version 2 lost, current, version 1: current, was retired, "* ]]
    [[ $output != *+* && ${lines[2]} == "0 new, 2 changed, 0 the same: nothing was done" ]]
    [ "$(in_ "$STORE" --replace "$DIR/older.json" | wc -l)" -eq 3 ]
    [ "$(out "$STORE" | jq -c 'select(.app) | [.app, .versions[].revoked]' | xargs)" = '[billing,true] [ops,false]' ]
    [ "$(in_ "$STORE" --replace "$DIR/older.json")" = "= billing: version 1 stays revoked
0 new, 0 changed, 2 the same" ]
    credfs check --store "$STORE"
}

@test "a list that is imported again undoes no rotation, and says so; only --replace does" {
    needs_fuse
    printf 'name,key,secret\nleg,key-1,secret-1\n' >"$DIR/apps.csv"
    in_ "$STORE" "$DIR/apps.csv"
    mount_store
    echo rotate 0 >"$APPS/leg/ctl"
    umount_store
    [ "$(in_ "$STORE" "$DIR/apps.csv")" = "= leg: the values are those of version 1, which stays replaced
0 new, 0 changed, 1 the same" ]
    [ "$(in_ "$STORE" --replace -n "$DIR/apps.csv" | head -n 1)" = "~ leg: version 3 (key secret)" ]
}

@test "what was revoked here does not come back, whatever other column comes with it" {
    needs_fuse
    printf 'name,key,secret\nleg,key-1,secret-1\n' >"$DIR/apps.csv"
    in_ "$STORE" "$DIR/apps.csv"
    mount_store
    echo revoke 1 >"$APPS/leg/ctl"
    umount_store
    exits 65 "line 2: leg: its secret was revoked here, with version 1" in_ "$STORE" "$DIR/apps.csv"
    printf 'name,key,secret,token\nleg,key-1,secret-1,t\n' >"$DIR/apps.csv"
    exits 65 "line 2: leg: its secret was revoked here, with version 1" in_ "$STORE" "$DIR/apps.csv"
    printf 'name,key,secret,token\nleg,key-1,secret-2,t\n' >"$DIR/apps.csv"
    exits 65 "line 2: leg: its key was revoked here, with version 1" in_ "$STORE" "$DIR/apps.csv"
}

@test "a directory: a copy of a mount, or files by hand" {
    needs_fuse
    mount_store
    new_app billing audit-records contact-search
    new_app ops
    echo "+user:$STRANGER key" >"$APPS/billing/grants"
    echo eght_by-hand >"$APPS/ops/key"
    mkdir "$DIR/copy"
    cp -r "$APPS/." "$DIR/copy" 2>"$DIR/cp.err" || true # ctl cannot be read
    umount_store
    [ "$(in_ "$OTHER" "$DIR/copy")" = "2 new, 0 changed, 0 the same" ]
    [ "$(in_ "$OTHER" "$DIR/copy")" = "0 new, 0 changed, 2 the same" ]
    what() { out "$1" | jq -c 'select(.app) | [.app, .versions[0].key, .versions[0].secret, (.apis | map(.slug)),
        (.grants | map([.who, .field]))]' | sort | sha256sum; }
    [ "$(what "$STORE")" = "$(what "$OTHER")" ]
    mkdir "$DIR/hand" "$DIR/hand/third"
    printf 'k' >"$DIR/hand/third/key"
    in_ "$OTHER" "$DIR/hand"
    printf '# what it needs\naudit-records contact-search # and this\n' >"$DIR/hand/third/apis"
    printf 'user:4207 key # a service\nuser:4207 key\n' >"$DIR/hand/third/grants"
    [ "$(in_ "$OTHER" "$DIR/hand" | head -n 1)" = "~ third: +audit-records +contact-search +user:4207 key" ]
    printf 'user:4207 key secret whatever\n' >"$DIR/hand/third/grants"
    exits 65 "third/grants: a line is not user:NAME or group:NAME" in_ "$OTHER" "$DIR/hand"
    printf 'user:no-such-user\n' >"$DIR/hand/third/grants"
    exits 65 "third/grants: a line names an unknown user" in_ "$OTHER" "$DIR/hand"
    printf '+user:4207\n' >"$DIR/hand/third/grants"
    exits 65 "third/grants: entries with + or -" in_ "$OTHER" "$DIR/hand"
    rm "$DIR/hand/third/grants"
    printf 'k' >"$DIR/hand/third/kye"
    exits 65 "third/kye" in_ "$OTHER" "$DIR/hand"
    mv "$DIR/hand/third/kye" "$DIR/outside"
    ln -s "$DIR/outside" "$DIR/hand/third/secret"
    exits 65 "third/secret" in_ "$OTHER" "$DIR/hand"
    rm "$DIR/hand/third/secret"
    : >"$DIR/hand/file"
    exits 65 "not a directory" in_ "$OTHER" "$DIR/hand"
    mkdir "$DIR/pass" "$DIR/pass/one"
    : >"$DIR/pass/one/key.gpg"
    exits 65 "one/key.gpg: encrypted, and cannot be read here: write what \`pass show\` prints" in_ "$OTHER" "$DIR/pass"
    mv "$DIR/pass/one/key.gpg" "$DIR/pass/a.gpg"
    exits 65 "a.gpg/: encrypted" in_ "$OTHER" "$DIR/pass"
}

@test "a mounted store is left alone: the message names the holder and says what to do" {
    needs_fuse
    mount_store
    exits 75 "credfs umount" credfs export --store "$STORE" --plain --plain
    [[ $stderr == *"$(holder)"* ]]
    printf 'name,key\na,k\n' >"$DIR/apps.csv"
    exits 75 "credfs umount" in_ "$STORE" "$DIR/apps.csv"
    umount_store
    in_ "$STORE" "$DIR/apps.csv"
    mount_store
    [ "$(cat "$APPS/a/key")" = k ]
}

@test "each App that comes or goes is recorded, with who did it" {
    some_apps
    out "$STORE" billing >"$DIR/out.json"
    records() { credfs audit --store "$STORE" --json | jq -rs "map(select(.op == \"$1\" and .result == \"ok\" and .uid == 0) | .app) | join(\" \")"; }
    credfs audit --store "$STORE" --json >"$DIR/log"
    [ "$(records import)" = "billing ops" ]
    [ "$(records export)" = "billing" ]
    printf 'name,key,apis\nbilling,eght_0000000003,contact-management\n' >"$DIR/more.csv"
    in_ "$STORE" "$DIR/more.csv"
    out "$STORE" billing | sed 's/"grants":\[\]/"grants":[{"who":"user:4207","field":null,"since":"2026-01-01T00:00:00Z","by":0}]/
        $i {"assignees":"cloud-storage-service","users":[{"who":"user:4207","field":null,"since":"2026-01-01T00:00:00Z","by":0}]}' \
        >"$DIR/more.json"
    in_ "$STORE" "$DIR/more.json"
    [ "$(credfs audit --store "$STORE" --json | jq -r 'select(.op == "import") | .app + ": " + .detail')" = \
        "billing: new: version 1 (key secret) +audit-records +contact-search
ops: new: version 1 (key) +work-analytics +contact-management
billing: changed: version 2 (key) +contact-management
billing: changed: +user:4207
cloud-storage-service: changed: +user:4207" ]
    printf 'name,key\nx y,k\n' >"$DIR/bad.csv"
    exits 65 "" in_ "$STORE" "$DIR/bad.csv"
    jq -es 'any(.[]; .op == "import" and .result == "bad-name")' <"$STORE/audit.log"
    run ! grep -q -e eght_0 "$STORE/audit.log"
    credfs check --store "$STORE"
}

@test "reconcile shows where the vendor's products and our assignments differ" {
    printf 'name,key,apis\nbilling,k,audit-records contact-search\n' >"$DIR/apps.csv"
    in_ "$STORE" "$DIR/apps.csv"
    cat >"$DIR/token.json" <<'JSON'
{"access_token": "hidden1", "api_product_list": "[wrong]",
 "api_product_list_json": ["audit-records", "contact-management", "Something Else"], "expires_in": "1799"}
JSON
    run credfs reconcile --store "$STORE" billing "$DIR/token.json"
    [ "$status" -eq 65 ]
    [ "${lines[0]}" = "both         audit-records" ]
    [ "${lines[1]}" = "here only    contact-search" ]
    [ "${lines[2]}" = "vendor only  contact-management" ]
    [ "${lines[3]}" = "unknown      Something Else" ]
    [[ $output != *hidden* ]]
    echo '{"api_product_list": "[contact-search, audit-records]"}' >"$DIR/token.json"
    credfs reconcile --store "$STORE" billing "$DIR/token.json"
    [ "$(credfs reconcile --json --store "$STORE" billing - <"$DIR/token.json" | jq .agree)" = true ]
    printf '[audit-log]\ntitle = Audit\nkey-process = console\nmethod = x-api-key\nbase-url = https://api.example.com\nproducts = Audit v1, Audit v2\n' \
        >"$DIR/site.ini"
    { cat "$CONFIG"; printf '[catalogue]\nfiles = %s\n' "$DIR/site.ini"; } >"$DIR/site-config.ini"
    echo '{"api_product_list": "[contact-search, audit-records, Audit v2]"}' >"$DIR/token.json"
    run credfs reconcile --store "$STORE" --config "$DIR/site-config.ini" billing "$DIR/token.json"
    [ "${lines[2]}" = "vendor only  audit-log" ]
    echo '{"access_token": "hidden1"}' >"$DIR/token.json"
    exits 65 "no list of products" credfs reconcile --store "$STORE" billing "$DIR/token.json"
    echo '{"access_token": "hidden1"' >"$DIR/token.json"
    exits 65 "not valid JSON" credfs reconcile --store "$STORE" billing "$DIR/token.json"
    [[ $stderr != *hidden* ]]
    exits 66 "nobody" credfs reconcile --store "$STORE" nobody "$DIR/token.json"
}

@test "reconcile knows the vendor's products by the names of its documented response; a site names the others" {
    printf 'name,key,secret,apis\nbilling,k,s,quality-management-speech-analytics audit-records contact-center-historical-analytics\n' \
        >"$DIR/apps.csv"
    in_ "$STORE" "$DIR/apps.csv"
    cat >"$DIR/token.json" <<'JSON'
{"access_token": "hidden1", "token_type": "BearerToken",
 "api_product_list": "[CE-PCS-Product, CE-RCS-Product, Chat, QM - API, analytics product, analytics realtime-api, chat-gateway, storage, vcc]",
 "status": "approved", "scope": "", "expires_in": "1799",
 "api_product_list_json": ["CE-PCS-Product", "CE-RCS-Product", "Chat", "QM - API", "analytics product",
  "analytics realtime-api", "chat-gateway", "storage", "vcc"]}
JSON
    run credfs reconcile --store "$STORE" billing "$DIR/token.json"
    [ "$status" -eq 65 ]
    [ "$output" = "both         quality-management-speech-analytics
here only    contact-center-historical-analytics
here only    audit-records
vendor only  contact-center-realtime-analytics
vendor only  cloud-storage-service
vendor only  customer-experience-recent-calls
vendor only  customer-experience-post-call-survey
unknown      Chat
unknown      analytics product
unknown      chat-gateway
unknown      vcc" ]
    printf '[contact-center-historical-analytics]\nproducts = analytics product,\n    vcc\n' >"$DIR/site.ini"
    { cat "$CONFIG"; printf '[catalogue]\nfiles = %s\n' "$DIR/site.ini"; } >"$DIR/site-config.ini"
    run credfs reconcile --store "$STORE" --config "$DIR/site-config.ini" billing "$DIR/token.json"
    [ "${lines[0]}" = "both         contact-center-historical-analytics" ]
    [ "${lines[-1]}" = "unknown      chat-gateway" ]
}
