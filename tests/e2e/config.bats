# credfs.ini and the site's catalogue: whatever is wrong refuses the whole file, with file, line and reason.

load helper

setup() {
    needs_root
    needs_fuse
    make_dir
    credfs init --store "$STORE" >"$DIR/init.out"
}

teardown() { finish; }

# wrong LINE WORD: the configuration on standard input is refused at this line, with this word in the reason.
wrong() {
    cat >"$CONFIG"
    refused_at "$CONFIG" "$1" "$2"
}

# refused_at FILE LINE WORD
refused_at() {
    run credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    [ "$status" -eq 78 ] && [[ $output == *"$1:$2: "*"$3"* ]] && run ! mounted "$MP" && return
    echo "wanted $1:$2: …$3…; status $status: $output"
    return 1
}

@test "an unknown section, name, role, permission or value is refused" {
    wrong 1 polcy <<<$'[polcy]\npropagation = 0'
    wrong 1 polcy <<<$'[polcy]'
    wrong 2 nonsense <<<$'[policy]\nnonsense = 1'
    wrong 2 'company-amdin' <<<$'[members]\ncompany-amdin = user:0'
    wrong 3 'revael' <<<$'[role x]\n; a comment\npermissions = revael'
    wrong 2 perms <<<$'[role x]\nperms = reveal'
    wrong 2 duration <<<$'[policy]\npropagation = soon'
    wrong 2 '' <<<$'[policy]\npropagation = -5s'
    wrong 2 'refuse, allow' <<<$'[audit]\non-failure = perhaps'
}

@test "an unknown or malformed principal is refused" {
    wrong 2 no-such-user-here <<<$'[members]\nauditor = user:no-such-user-here'
    wrong 2 no-such-group-here <<<$'[members]\nauditor = user:0 group:no-such-group-here'
    wrong 2 alice <<<$'[members]\nauditor = alice'
    wrong 2 'user:9-3' <<<$'[members]\nauditor = user:9-3'
    wrong 2 'user:99999999999' <<<$'[members]\nauditor = user:99999999999'
}

@test "a doubled name is refused, also when its section is opened twice" {
    wrong 3 "[members] has 'auditor' already" <<<$'[members]\nauditor = user:1\nauditor = user:2'
    wrong 5 "[members] has 'auditor' already" <<<$'[members]\nauditor = user:1\n[policy]\n[members]\nauditor = user:2'
    wrong 3 '[role x] is there already' <<<$'[role x]\npermissions = audit\n[role x]\npermissions = reveal'
}

@test "a line that cannot be parsed is refused" {
    wrong 2 '' <<<$'[members]\nthis is no setting'
    wrong 1 '' <<<$'[members\nauditor = user:1'
    wrong 1 '' <<<$'auditor = user:1'
    wrong 2 '' <<<$'[members]\n= user:1'
    wrong 2 '' < <(printf '[members]\nauditor = user:1\0user:2\n')
}

@test "a role that is built in or badly named, or has no permission, is refused" {
    wrong 1 company-admin <<<$'[role company-admin]\npermissions = audit'
    wrong 1 '' <<<$'[role Two Words]\npermissions = audit'
    wrong 1 permission <<<$'[role x]\npermissions ='
}

@test "a line of more than 200 bytes is refused, never cut" {
    local long
    long=$(printf 'user:%s ' {10001..10030})
    wrong 3 '' <<<$'; fine\n[members]\nauditor = '"$long"
    wrong 2 '' <<<$'[members]\n; '"$long"
}

@test "a value goes on in lines that begin with white space" {
    {
        printf '[members]\nauditor ='
        printf '\n    user:%s' {80001..80060}
        printf '\n'
    } >"$CONFIG"
    mount_store
    as 80001 cat "$MP/audit" >/dev/null
    as 80060 cat "$MP/audit" >/dev/null
    refused "Permission denied" as 80061 cat "$MP/audit"
}

@test "a members line for a role that is defined further down is well" {
    printf '%s\n' '[members]' 'late = user:80001' '[role late]' 'permissions = audit' >"$CONFIG"
    mount_store
    as 80001 cat "$MP/audit" >/dev/null
}

@test "a configuration that others own or may write is refused" {
    usual_config >"$CONFIG"
    local mode
    for mode in 620 602 666 664; do
        chmod "$mode" "$CONFIG"
        refused "$CONFIG" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
        run ! mounted "$MP"
    done
    chmod 644 "$CONFIG"
    chown 80001 "$CONFIG"
    refused "$CONFIG" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    chown 0 "$CONFIG"
    mv "$CONFIG" "$DIR/real.ini"
    ln -s "$DIR/real.ini" "$CONFIG"
    refused "$CONFIG" credfs mount --store "$STORE" --config "$CONFIG" "$MP"
    rm "$CONFIG"
    mkfifo "$CONFIG"
    refused "$CONFIG" timeout 10 "$CREDFS" mount --store "$STORE" --config "$CONFIG" "$MP"
    refused "$DIR/none.ini" credfs mount --store "$STORE" --config "$DIR/none.ini" "$MP"
    run ! mounted "$MP"
}

# A site's catalogue.

with_site() {
    cat >"$DIR/site.ini"
    printf '[catalogue]\nfiles = %s\n' "$DIR/site.ini" >"$CONFIG"
}

@test "a site's catalogue adds its APIs behind the built-in ones" {
    with_site <<'INI'
; ours
[weather]
title = Weather Reports
key-process = console
method = x-api-key
base-url = https://weather.example/v1

[method basic]
sends = HTTP Basic with key:secret

[old-maps]
title = Maps
key-process = console+email
method = basic
fields = token
base-url = https://maps.example/{region}
status = retired
INI
    mount_store
    [ "$(ls "$MP/apis" | wc -l)" -eq 12 ]
    grep -q 'Weather Reports' "$MP/apis/weather/info"
    new_app billing weather contact-management
    apis_are billing contact-management weather
    refused "" bash -c "echo +old-maps >'$APPS/billing/apis'"
    tail -n 1 "$MP/audit" | grep -q '"result":"retired-api","detail":"+old-maps"'
    apis_are billing contact-management weather
}

@test "an App keeps an API that the catalogue does not know any more" {
    with_site <<<$'[weather]\ntitle = W\nkey-process = console\nmethod = x-api-key\nbase-url = https://w.example/'
    mount_store
    new_app billing weather audit-records
    umount_store
    usual_config >"$CONFIG"
    mount_store
    apis_are billing audit-records weather
    echo -weather >"$APPS/billing/apis"
    apis_are billing audit-records
    refused "Invalid argument" bash -c "echo +weather >'$APPS/billing/apis'"
}

@test "a wrong catalogue is refused with its own file and line" {
    with_site <<<$'[Bad_Slug]\ntitle = X'
    refused_at "$DIR/site.ini" 1 ''
    with_site <<<$'[weather]\ntitle = W\nkey-process = console\nmethod = no-such-method\nbase-url = https://w.example/'
    refused_at "$DIR/site.ini" 1 no-such-method
    with_site <<<$'[weather]\ntitle = W\nkey-process = fax\nmethod = x-api-key\nbase-url = https://w.example/'
    refused_at "$DIR/site.ini" 3 fax
    with_site <<<$'[weather]\ntitle = W\ncolour = blue'
    refused_at "$DIR/site.ini" 3 colour
    with_site <<<$'[audit-records]\ntitle = W\nkey-process = console\nmethod = x-api-key\nbase-url = https://w.example/'
    refused_at "$DIR/site.ini" 2 audit-records
    with_site <<<$'[weather]\ntitle = W\nkey-process = console\nmethod = x-api-key'
    refused_at "$DIR/site.ini" 1 base-url
    chmod 666 "$DIR/site.ini"
    refused_at "$CONFIG" 2 "chmod go-w $DIR/site.ini"
    rm "$DIR/site.ini"
    refused_at "$CONFIG" 2 "$DIR/site.ini: no such file"
    printf '[views]\ntemplates = %s\n' "$DIR/none" >"$CONFIG"
    refused_at "$CONFIG" 2 "$DIR/none: no such directory"
    printf '[catalogue]\nfiles = site.ini\n' >"$CONFIG"
    refused_at "$CONFIG" 2 absolute
}

@test "propagation is what the configuration says" {
    printf '[policy]\npropagation = 0\n' >"$CONFIG"
    mount_store
    new_app billing audit-records
    [ "$(info billing api.audit-records)" = approved ]
    umount_store
    printf '[policy]\npropagation = 1h\n' >"$CONFIG"
    mount_store
    new_app mailer audit-records
    [[ "$(info mailer api.audit-records)" == "propagating until "* ]]
}
