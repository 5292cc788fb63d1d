# apps/NAME/views/: an App rendered for injection. What is in the views, who may read them, and that they are files.

# shellcheck disable=SC2016 # what is in single quotes is for others to expand, or for nobody
load helper

WEB=70005 # has a grant of the whole App
DB=70006  # has a grant of its secret alone

# Values that views/env carries, and values that it refuses. Key and secret are printable, and nothing else is certain.
FIT=(plain 'eght_Zm9v+YmFy/QUJD==' '=a=b=' '-e.f/g:h@i_j,k%l+m' 'naïve-ключ-鍵-ßß' '🔑-astral' '%' "")
UNFIT=('"double"' "it's" "'single'" '$HOME' '${key}' '$(id)' '`id`' 'a # b' '#start' 'a#b' ' lead' 'trail ' 'two words'
    'back\slash' 'end\' '\n\t\u0041' 'a;b' 'a&b' 'a|c' '(x)' '<y>' '*' '?' '[a]' '~user' '~' 'bang!' '{a,b}' 'a^b'
    $'nbsp\u00a0' $'\ufeffbom' 'export X=1' '\"' '"' 'a"b' '%q{x}' '# ! = : key')

setup() {
    start
    APP=$APPS/billing VIEWS=$APPS/billing/views
    new_app billing audit-records customer-experience-recent-calls
}

teardown() {
    exec 4<&- 5<&-
    [ -z "${PODMAN-}" ] || rm -rf "$PODMAN"
    finish
}

# policy LINE…: add these lines to the configuration and load it.
policy() {
    printf '%s\n' "$@" >>"$CONFIG"
    credfs reload "$MP"
}

# sum FILE…: the checksum of what it holds.
sum() {
    cat "$@" | sha256sum
}

# shows UID DIRECTORY NAMES: are these all that this user sees there?
shows() {
    [ "$(as "$1" ls "$2" | paste -sd ' ')" = "$3" ] && return
    echo "$1 sees: $(as "$1" ls "$2" | paste -sd ' '); wanted: $3"
    return 1
}

worker() {
    sed -n 's/^worker = //p' "$MP/status"
}

# Kill the worker, and wait for the next.
kill_worker() {
    local worker
    worker=$(worker)
    kill -KILL "$worker"
    within 10 is_another "$worker"
}

is_another() {
    [ "$(worker)" != "$1" ]
}

# whole BEGINNING REST SUM: together they are what the checksum is of.
whole() {
    [ "$(cat "$1" "$2" | sha256sum)" = "$3" ]
}

@test "views/ has env, json, properties and curl/ with the APIs; each is what its form says" {
    [ "$(ls "$VIEWS" | paste -sd ' ')" = "curl env json properties" ]
    [ "$(ls "$VIEWS/curl" | paste -sd ' ')" = "audit-records customer-experience-recent-calls" ]
    [ "$(stat -c %A "$VIEWS/env" "$VIEWS" | paste -sd ' ')" = "-r-------- drwxr-x---" ]
    [ "$(sum "$VIEWS/env")" = "$({
        echo APIS=customer-experience-recent-calls,audit-records
        printf 'API_KEY=' && cat "$APP/key"
        printf 'API_SECRET=' && cat "$APP/secret"
    } | sum)" ]
    [ "$(jq -r '[.app] + .apis | join(" ")' "$VIEWS/json")" = "billing customer-experience-recent-calls audit-records" ]
    [ "$(jq -r .key,.secret "$VIEWS/json" | sum)" = "$(sum "$APP/key" "$APP/secret")" ]
    [ "$(sed -n 's/^secret=//p' "$VIEWS/properties" | sum)" = "$(sum "$APP/secret")" ]
    [ "$(sed -n 's/^header = "x-api-key: \(.*\)"/\1/p' "$VIEWS/curl/audit-records" | sum)" = "$(sum "$APP/key")" ]
    # What a view shows by name has to be there; a further field is in the others once it is.
    refused "Required key not available" cat "$VIEWS/curl/customer-experience-recent-calls"
    echo s3cr3t-t0ken >"$APP/token"
    grep -qx 'header = "token: s3cr3t-t0ken"' "$VIEWS/curl/customer-experience-recent-calls"
    grep -qx API_TOKEN=s3cr3t-t0ken "$VIEWS/env"
    # curl/ goes with the APIs.
    echo audit-records >"$APP/apis"
    [ "$(ls "$VIEWS/curl")" = audit-records ]
    refused "No such file" cat "$VIEWS/curl/customer-experience-recent-calls"
    refused "No such file" cat "$VIEWS/curl/contact-search"
    refused "No such file" cat "$VIEWS/nothing"
    check_passes
}

@test "who may reveal the whole App lists and reads its views; each refusal is recorded by its file" {
    local view
    printf 'user:%s\nuser:%s secret\n' $WEB $DB >"$APP/grants"
    for who in 0 "$ADMIN" $WEB; do
        shows "$who" "$VIEWS" "curl env json properties"
        shows "$who" "$VIEWS/curl" "audit-records customer-experience-recent-calls"
        [ "$(as "$who" cat "$VIEWS/json" | sum)" = "$(sum "$VIEWS/json")" ]
        as "$who" test -r "$VIEWS/env"
    done
    shows "$MANAGER" "$VIEWS" curl
    shows "$MANAGER" "$VIEWS/curl" ""
    shows $DB "$APP" "secret versions"
    for who in "$MANAGER" $DB "$STRANGER"; do
        for view in env json properties curl/audit-records; do
            refused "Permission denied" as "$who" cat "$VIEWS/$view"
            audited ".uid == $who and .op == \"reveal\" and .file == \"views/$view\" and .result == \"denied\""
        done
        run ! as "$who" test -r "$VIEWS/env"
    done
    for who in $DB "$STRANGER"; do
        refused "Permission denied" as "$who" ls "$VIEWS"
        refused "Permission denied" as "$who" ls "$VIEWS/curl"
    done
    # Nobody writes there, and no other file comes to be there.
    refused "not permitted" as "$ADMIN" sh -c 'echo x >>"$0"' "$VIEWS/env"
    refused "Permission denied" as "$STRANGER" sh -c 'echo x >>"$0"' "$VIEWS/env"
    refused "not permitted" touch "$VIEWS/new"
    refused "not permitted" rm "$VIEWS/env"
    audited ".uid == $WEB and .op == \"reveal\" and .file == \"views/json\" and .version == 1 and .result == \"ok\""
    awk -v user=user:$WEB '$1 == user && $2 == "cat" { seen = 1 } END { exit !seen }' "$APP/readers"
    check_passes
}

@test "where reveals are to be asked for, views are too; a grant needs no asking" {
    echo user:$WEB >"$APP/grants"
    policy '[policy]' 'reveal = on-request'
    refused "Required key not available" as "$ADMIN" cat "$VIEWS/env"
    audited ".uid == $ADMIN and .op == \"reveal\" and .file == \"views/env\" and .result == \"unasked\""
    as $WEB cat "$VIEWS/env" >/dev/null
    as "$ADMIN" sh -c 'echo reveal 1m >"$0/ctl" && cat "$0/views/env" >/dev/null' "$APP"
}

@test "they are regular files: sizes, times, parts, seeks, tail, cp, mmap" {
    local view size time
    head -c 4000 /dev/zero | tr '\0' x >"$APP/secret"
    echo t0ken >"$APP/token"
    for view in env json properties curl/audit-records curl/customer-experience-recent-calls; do
        view=$VIEWS/$view
        size=$(stat -c %s "$view") time=$(stat -c %y "$view")
        cat "$view" >"$DIR/whole"
        [ "$size" -eq "$(wc -c <"$DIR/whole")" ]
        cp "$view" "$DIR/copy"
        cmp -s "$DIR/copy" "$DIR/whole"
        for part in 1 7 100; do
            dd if="$view" bs=$part status=none | cmp -s - "$DIR/whole"
            tail -c "$part" "$view" | cmp -s - <(tail -c "$part" "$DIR/whole")
            head -c "$part" "$view" | cmp -s - <(head -c "$part" "$DIR/whole")
            dd if="$view" bs=1 skip="$part" count=9 status=none | cmp -s - <(tail -c +$((part + 1)) "$DIR/whole" | head -c 9)
        done
        [ "$(stat -c %y "$view")" = "$time" ] && [ "$(stat -c %s "$view")" -eq "$size" ]
    done
    needs /usr/bin/python3 "to map a file"
    /usr/bin/python3 - "$VIEWS/json" "$DIR" <<'PY'
import mmap, os, sys
want = open(sys.argv[1], "rb").read()
fd = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(3):
    with mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as view:
        assert len(view) == len(want) and view[:] == want, "a map is not the file"
    assert os.pread(fd, 10, 5) == want[5:15] and os.pread(fd, 10, len(want)) == b"", "a part is not the file's"
    os.lseek(fd, -3, os.SEEK_END)
    assert os.read(fd, 100) == want[-3:]
PY
    # A change moves size and time, at once.
    time=$(stat -c %Y.%y "$VIEWS/env") size=$(stat -c %s "$VIEWS/env")
    echo short >"$APP/secret"
    [ "$(stat -c %s "$VIEWS/env")" -eq $((size - 4000 + 5)) ] && [ "$(stat -c %Y.%y "$VIEWS/env")" != "$time" ]
    # The same inode, whatever happens.
    ino=$(stat -c %i "$VIEWS/env")
    remount
    [ "$(stat -c %i "$VIEWS/env")" = "$ino" ]
}

@test "an open file stays at its generation; whether the credential is good is asked at each read" {
    local before
    before=$(sum "$VIEWS/json")
    exec 4<"$VIEWS/json"
    head -c 20 <&4 >"$DIR/begun"
    echo rotate 1h >"$APP/ctl"
    exec 5<"$VIEWS/json"
    [ "$(stat -L -c %s /dev/fd/4)" -eq "$(wc -c <"$VIEWS/json")" ]
    cat <&4 >"$DIR/rest"
    whole "$DIR/begun" "$DIR/rest" "$before"
    [ "$(sum "$VIEWS/json")" != "$before" ]
    exec 4<"$VIEWS/json"
    echo disable >"$APP/ctl"
    refused "Key has been revoked" cat <&4
    refused "Key has been revoked" cat "$VIEWS/json"
    echo enable >"$APP/ctl"
    [ "$(sum <&4)" = "$(sum "$VIEWS/json")" ]
    echo revoke 2 >"$APP/ctl"
    refused "Key has been revoked" cat <&5
    refused "Key has been revoked" cat "$VIEWS/json"
    echo rollback 1 >"$APP/ctl"
    [ "$(cat "$VIEWS/json" | sum)" = "$before" ]
    exec 4<"$VIEWS/json"
    echo rotate 0 >"$APP/ctl"
    refused "Key has expired" cat <&4
    exec 4<"$VIEWS/json"
    echo expire 2020-01-01T00:00:00Z >"$APP/ctl"
    refused "Key has expired" cat <&4
    refused "Key has expired" cat "$VIEWS/env"
    check_passes
}

@test "an open file goes on when its worker is killed, and never with another text" {
    local before
    before=$(sum "$VIEWS/json")
    exec 4<"$VIEWS/json" 5<"$VIEWS/json"
    head -c 20 <&4 >"$DIR/begun"
    kill_worker
    cat <&4 >"$DIR/rest"
    whole "$DIR/begun" "$DIR/rest" "$before"
    exec 4<"$VIEWS/json"
    head -c 20 <&4 >"$DIR/begun"
    echo rotate 1h >"$APP/ctl"
    kill_worker
    refused "Stale file handle" cat <&4
    [ "$(cat <&5 | sum)" = "$(sum "$VIEWS/json")" ] # at its beginning: whole
    as "$ADMIN" ls -l "$VIEWS" "$VIEWS/curl" >/dev/null
}

# templates: read by the daemon from a directory of its own.
use_templates() {
    mkdir "$DIR/templates"
    printf '[views]\ntemplates = %s\n' "$DIR/templates" >>"$CONFIG"
}

@test "the site's templates are views by their names; nothing but what is known stands in them" {
    use_templates
    printf '%s\n' '<a name="${app}" apis="${apis}">' ' ${key}/${secret} $$5 $x $ {key}$${key}' '</a>$' >"$DIR/templates/site.xml"
    printf '${token}' >"$DIR/templates/token"
    touch "$DIR/templates/.hidden" "$DIR/templates/site.xml~" -d 2030-01-01
    credfs reload "$MP"
    [ "$(ls "$VIEWS" | paste -sd ' ')" = "curl env json properties site.xml token" ]
    [ "$(sum "$VIEWS/site.xml")" = "$({
        echo '<a name="billing" apis="customer-experience-recent-calls audit-records">'
        echo " $(cat "$APP/key")/$(cat "$APP/secret")"' $5 $x $ {key}${key}'
        echo '</a>$'
    } | sum)" ]
    [ "$(stat -c %s "$VIEWS/site.xml")" -eq "$(wc -c <"$VIEWS/site.xml")" ]
    refused "Required key not available" cat "$VIEWS/token"
    echo t0ken >"$APP/token"
    [ "$(cat "$VIEWS/token")" = t0ken ]
    refused "Permission denied" as "$MANAGER" cat "$VIEWS/site.xml"
    audited ".uid == $MANAGER and .file == \"views/site.xml\" and .result == \"denied\""
    # It is as old as the later of App and template, and the same file after a reload.
    touch -d 2031-02-03T00:00:00Z "$DIR/templates/token"
    local ino
    ino=$(stat -c %i "$VIEWS/token")
    rm "$DIR/templates/site.xml"
    credfs reload "$MP"
    [ "$(TZ=UTC stat -c '%i %y' "$VIEWS/token" | cut -c-30)" = "$ino 2031-02-03 00:00:00" ] ||
        [ "$(stat -c '%i %Y' "$VIEWS/token")" = "$ino $(date -d 2031-02-03T00:00:00Z +%s)" ]
    refused "No such file" cat "$VIEWS/site.xml"
    check_passes
}

@test "a template that is wrong refuses reload and mount, naming file and line; the old ones stay in force" {
    local template=$DIR/templates/site.conf
    use_templates
    echo 'key ${key}' >"$template"
    credfs reload "$MP"
    [ "$(sum "$VIEWS/site.conf")" = "$(echo "key $(cat "$APP/key")" | sum)" ]
    printf 'a\nb ${kee}\n' >"$template"
    refused "$template:2:" credfs reload "$MP"
    [ "$(sum "$VIEWS/site.conf")" = "$(echo "key $(cat "$APP/key")" | sum)" ]
    kill_worker # the next has them from the worker before
    [ "$(sum "$VIEWS/site.conf")" = "$(echo "key $(cat "$APP/key")" | sum)" ]
    umount_store
    for text in 'b ${kee}' '${' '${key' '${}' '${access-token}' '${KEY}'; do
        echo "$text" >"$template"
        refused "$template:1:" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    done
    echo 'key ${key}' >"$template"
    chmod 666 "$template"
    refused "$template" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chmod 644 "$template"
    chown 70001 "$template"
    refused "$template" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chown 0 "$template"
    chmod 777 "$DIR/templates"
    refused "$DIR/templates" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chmod 755 "$DIR/templates"
    mv "$template" "$DIR/templates/env"
    refused "$DIR/templates/env" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    mv "$DIR/templates/env" "$template"
    mv "$DIR/templates" "$DIR/elsewhere"
    ln -s "$DIR/elsewhere" "$DIR/templates"
    refused "$DIR/templates" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    rm "$DIR/templates"
    mv "$DIR/elsewhere" "$DIR/templates"
    mount_store
    [ "$(sum "$VIEWS/site.conf")" = "$(echo "key $(cat "$APP/key")" | sum)" ]
}

# An App fN for each of FIT and uN for each of UNFIT, which is its key and its secret; of all of them together $DIR/fit
# and $DIR/unfit, lines of NAME FIELD SHA-256; with $DIR/refused, what is printed for those that views/env refuses.
nasty_apps() {
    local i
    FIT[-1]=$(head -c 4000 /dev/zero | tr '\0' y)
    for i in "${!FIT[@]}"; do
        nasty "f$i" "${FIT[i]}"
    done >"$DIR/fit"
    for i in "${!UNFIT[@]}"; do
        nasty "u$i" "${UNFIT[i]}"
        echo "u$i Invalid argument" >&4
    done >"$DIR/unfit" 4>"$DIR/refused"
}

nasty() {
    local field
    mkdir "$APPS/$1"
    for field in key secret; do
        printf '%s' "$2" >"$APPS/$1/$field" || { echo "$1 cannot be imported" >&2; return 1; }
        echo "$1 $field $(printf '%s' "$2" | sum_in)"
    done
}

# The checksum of what is on standard input.
sum_in() {
    sha256sum | cut -d ' ' -f 1
}

# fields NAME: its line for each field, of key and secret, a line each, on standard input.
fields() {
    local field value
    for field in key secret; do
        IFS= read -r value
        echo "$1 $field $(printf '%s' "$value" | sum_in)"
    done
}

# agrees FILE…: what is on standard input is what these hold together. Only names and checksums are shown.
agrees() {
    diff <(cat "$@" | sort) <(sort)
}

@test "each reader gets the very bytes that were imported, or views/env is refused; json and properties carry all" {
    local app
    nasty_apps
    for app in $(cut -d ' ' -f 1 "$DIR/fit" "$DIR/unfit" | uniq); do
        jq -r .key,.secret "$APPS/$app/views/json" | fields "$app"
    done | agrees "$DIR/fit" "$DIR/unfit"
    for app in $(cut -d ' ' -f 1 "$DIR/fit" "$DIR/unfit" | uniq); do # by sh, of which each value is only printed
        if cat "$APPS/$app/views/env" >"$DIR/env" 2>"$DIR/error"; then
            env -i sh -c 'set -a; . "$0"; exec printenv API_KEY API_SECRET' "$DIR/env" | fields "$app"
        else
            echo "$app $(sed 's/.*: //' "$DIR/error")"
        fi
    done | agrees "$DIR/fit" "$DIR/refused"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/views.py" json "$APPS"/[fu]* | agrees "$DIR/fit" "$DIR/unfit"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/views.py" properties "$APPS"/[fu]* | agrees "$DIR/fit" "$DIR/unfit"
}

@test "python-dotenv reads the same" {
    /usr/bin/python3 -c 'import dotenv' 2>/dev/null || skip "needs python-dotenv to read an environment file"
    nasty_apps
    /usr/bin/python3 "$BATS_TEST_DIRNAME/views.py" dotenv "$APPS"/[fu]* | agrees "$DIR/fit" "$DIR/refused"
}

@test "npm's dotenv reads the same" {
    needs node "to run dotenv"
    needs npm "to fetch dotenv"
    (cd "$DIR" && timeout 20 npm install --no-audit --no-fund --loglevel=silent dotenv@18.0.10 >/dev/null 2>&1) ||
        skip "npm cannot fetch dotenv: its registry cannot be reached here"
    nasty_apps
    cat >"$DIR/read.js" <<'JS'
const fs = require("fs"), path = require("path"), crypto = require("crypto"), dotenv = require("dotenv");
const sum = (value) => crypto.createHash("sha256").update(value).digest("hex");
for (const app of process.argv.slice(2)) {
    const name = path.basename(app);
    try {
        const values = dotenv.parse(fs.readFileSync(path.join(app, "views/env")));
        console.log(name, "key", sum(values.API_KEY));
        console.log(name, "secret", sum(values.API_SECRET));
    } catch (error) {
        console.log(name, error.code.replace("EINVAL", "Invalid argument"));
    }
}
JS
    node "$DIR/read.js" "$APPS"/[fu]* | agrees "$DIR/fit" "$DIR/refused"
}

@test "podman's --env-file reads the same" {
    needs podman "to read an environment file"
    needs runc "to run what podman starts"
    needs busybox "to be a container's root file system"
    local app
    mkdir -p "$DIR/root"/{bin,dev,proc,sys,tmp,etc,run}
    cp "$(command -v busybox)" "$DIR/root/bin/"
    ln -s busybox "$DIR/root/bin/sh"
    PODMAN=$(mktemp -d /tmp/credfs-test.XXXXXX)
    nasty_apps
    for app in $(cut -d ' ' -f 1 "$DIR/fit" | uniq); do
        podman --root "$PODMAN/r" --runroot "$PODMAN/rr" --storage-driver=vfs --cgroup-manager=cgroupfs \
            --events-backend=file --runtime=runc run --rm --log-driver=none --ulimit nofile=1024:1024 \
            --ulimit nproc=1024:1024 --network=none --env-file "$APPS/$app/views/env" --rootfs "$DIR/root" \
            sh -c 'printf "%s\n" "$API_KEY" "$API_SECRET"' 2>"$DIR/podman.err" 3>&- >"$DIR/values" ||
            { mask <"$DIR/podman.err"; return 1; }
        fields "$app" <"$DIR/values"
    done | agrees "$DIR/fit"
}

@test "where values have to be portable, one that is not is refused at import, with nothing changed" {
    local before value
    policy '[policy]' 'values = portable'
    before=$(sum "$APP/key" "$APP/secret" "$APP/info")
    for value in "${UNFIT[@]}"; do
        refused "Invalid argument" bash -c 'printf "%s" "$2" >"$1/secret"' - "$APP" "$value"
    done
    refused "Invalid argument" bash -c 'echo "two words" >"$0/key"' "$APP"
    [ "$(sum "$APP/key" "$APP/secret" "$APP/info")" = "$before" ]
    audited '.op == "import" and .result == "unfit-value" and .file == "secret"'
    for value in "${FIT[@]::7}"; do
        printf '%s' "$value" >"$APP/secret"
        cat "$VIEWS/env" >/dev/null
    done
    check_passes
}
