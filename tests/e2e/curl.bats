# views/curl/SLUG: `curl -K …` authenticates as the API's method demands, and a token that this takes is fetched; against
# a gateway and token services of this machine, which check what arrives.

# shellcheck disable=SC2016 # what is in single quotes is for others to expand, or for nobody
load helper

setup() {
    needs_root
    needs_fuse
    needs curl "to fetch tokens and to use them"
    needs /usr/bin/python3 "to be the gateway"
    make_dir
    VENDOR=$DIR/vendor
    mkdir "$VENDOR"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/vendor.py" "$VENDOR" >"$VENDOR/out" 2>&1 3>&- &
    SERVER=$!
    within 10 test -e "$VENDOR/port"
    PORT=$(cat "$VENDOR/port")
    credfs init --store "$STORE" >"$DIR/init.out"
    catalogue >"$DIR/catalogue.ini"
    {
        usual_config
        printf '[catalogue]\nfiles = %s\n' "$DIR/catalogue.ini"
    } >"$CONFIG"
}

teardown() {
    exec 4<&-
    [ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || true
    finish
}

# The methods of the built-in catalogue, as they are there but for where tokens come from.
catalogue() {
    local at=http://127.0.0.1:$PORT method
    cat <<INI
[method test-oauth]
token-url = $at/oauth/token
token-user = \${key}:\${secret}
token-form = grant_type=client_credentials
header = Authorization: Bearer \${access-token}
sends = as oauth2

[method test-login]
token-url = $at/login/token
token-header = 8x8-apikey: \${key}
token-form = username=\${username}
    password=\${password}
header = Authorization: Bearer \${access-token}
    8x8-apikey: \${key}
sends = as apikey+login

INI
    for method in oauth:test-oauth: login:test-login:username,password two-headers:apikey+token:token \
        one-header:x-api-key:; do
        printf '[%s]\ntitle = %s\nkey-process = console\nmethod = %s\nbase-url = %s/\n' \
            "${method%%:*}" "${method%%:*}" "$(cut -d : -f 2 <<<"$method")" "$at"
        [ "${method##*:}" = "" ] || printf 'fields = %s\n' "$(tr , ' ' <<<"${method##*:}")"
    done
}

# An App with all four, whose credential the gateway knows.
begin() {
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$CONFIG"
    mount_store
    new_app billing oauth login two-headers one-header
    APP=$APPS/billing CURL=$APPS/billing/views/curl
    credential "$(cat "$APP/key")" "$(cat "$APP/secret")" t0ken alice 'open sesame'
}

# credential KEY SECRET TOKEN USERNAME PASSWORD: both the App and the gateway have it.
credential() {
    local name
    for name in key secret token username password; do
        [ "$(cat "$APP/$name" 2>/dev/null)" = "$1" ] || printf '%s' "$1" >"$APP/$name"
        printf '%s\0' "$name" "$1"
        shift
    done | jq -Rs 'split("\u0000") | [range(0; 10; 2) as $i | {(.[$i]): .[$i + 1]}] | add' >"$VENDOR/credential"
}

# How many requests of this kind the gateway has had.
asked() {
    grep -c "^asked .*$1" "$VENDOR/log" || true
}

worker() {
    sed -n 's/^worker = //p' "$MP/status"
}

# The children of the worker that fetch tokens.
fetchers() {
    pgrep --parent "$(worker)" -x curl || true
}

fetch_at_once() {
    [ "$(fetchers | wc -l)" -eq "$1" ]
}

# welcome SLUG: what a script does.
welcome() {
    [ "$(curl -sS -K "$CURL/$1" "http://127.0.0.1:$PORT/$1")" = welcome ] && return
    echo "$1: not welcome:"
    cat "$VENDOR/log" "$VENDOR/out"
    return 1
}

@test "curl -K authenticates by each of the four methods; a token is fetched once, and anew for a new version" {
    local slug
    begin
    [ "$(ls "$CURL" | paste -sd ' ')" = "login oauth one-header two-headers" ]
    for slug in oauth login two-headers one-header; do
        welcome "$slug"
        [ "$(wc -c <"$CURL/$slug")" -eq "$(stat -c %s "$CURL/$slug")" ]
        cat "$CURL/$slug" | cmp -s - "$CURL/$slug"
        audited ".file == \"views/curl/$slug\" and .op == \"reveal\" and .result == \"ok\""
    done
    [ "$(asked oauth/token)" -eq 1 ] && [ "$(asked login/token)" -eq 1 ]
    # Nothing is fetched for who may not reveal.
    echo rotate 1h >"$APP/ctl"
    refused "Permission denied" as "$MANAGER" cat "$CURL/oauth"
    [ "$(asked oauth/token)" -eq 1 ]
    credential "$(cat "$APP/key")" "$(cat "$APP/secret")" t0ken alice 'open sesame'
    welcome oauth
    welcome oauth
    [ "$(asked oauth/token)" -eq 2 ]
    # One that is good for a second is not given out for longer.
    echo short >"$VENDOR/mode"
    echo rotate 1h >"$APP/ctl"
    credential "$(cat "$APP/key")" "$(cat "$APP/secret")" t0ken alice 'open sesame'
    welcome oauth
    sleep 1
    welcome oauth
    [ "$(asked oauth/token)" -eq 4 ]
    check_passes
}

@test "values of any kind arrive as they are, or the view is refused" {
    local value slug
    begin
    for value in 'q"u\ot`e$d' "it's #1; a=b&c+d%20" 'clé-ключ-鍵-🔑' '\"\\"' '%41+%zz&=?' '-K /etc/passwd' '@/etc/passwd' \
        "$(head -c 1000 /dev/zero | tr '\0' '"')"; do
        credential "$value" "s$value" "t$value" "$value" "$value"
        for slug in oauth login two-headers one-header; do
            welcome "$slug"
        done
    done
    # A name for HTTP Basic ends at its first colon; blanks around it are no part of a header.
    credential a:b 'c:d' x:y 'e:f' 'g:h'
    refused "Invalid argument" cat "$CURL/oauth"
    welcome login
    welcome two-headers
    credential ' a' b 'c ' d e
    refused "Invalid argument" cat "$CURL/one-header"
    refused "Invalid argument" cat "$CURL/two-headers"
    welcome oauth
}

@test "a credential that the service rejects is one error, a service that fails another; neither is asked in a row" {
    local mode
    begin
    for mode in 400 401 403; do
        echo "$mode" >"$VENDOR/mode"
        refused "Key was rejected by service" cat "$CURL/oauth"
        echo rotate >"$APP/ctl"
    done
    audited '.file == "views/curl/oauth" and .result == "rejected"'
    [ "$(asked oauth/token)" -eq 3 ]
    for mode in 302 404 429 500 html none injection endless; do
        echo "$mode" >"$VENDOR/mode"
        credential "$(cat "$APP/key")" "$mode-secret" t0ken alice 'open sesame'
        refused "No route to host" cat "$CURL/oauth"
    done
    audited '.file == "views/curl/oauth" and .result == "unreachable"'
    [ "$(asked oauth/token)" -eq 11 ]
    refused "No route to host" cat "$CURL/oauth" # remembered for a moment
    [ "$(asked oauth/token)" -eq 11 ]
    rm "$VENDOR/mode"
    within 10 welcome oauth
    # What takes no token needs no service.
    kill "$SERVER"
    wait "$SERVER" || true
    SERVER=""
    echo rotate >"$APP/ctl"
    refused "No route to host" cat "$CURL/oauth"
    cat "$CURL/one-header" >/dev/null
    [ "$(jq -r .app "$APP/views/json")" = billing ]
}

# hanging_apps N: so many Apps more with a token that does not come.
hanging_apps() {
    local i
    echo "after 60" >"$VENDOR/mode"
    for ((i = 0; i < $1; i++)); do
        new_app "hanging$i" oauth
    done
}

@test "a token service that never answers keeps nobody else waiting, and no worker is lost" {
    local worker i
    begin '[engine]' 'patience = 3s'
    hanging_apps 5
    worker=$(worker)
    for i in 0 1 2; do
        (cat "$APPS/hanging$i/views/curl/oauth" >"$DIR/said$i" 2>&1) 3>&- &
    done
    within 5 fetch_at_once 3
    refused "Resource temporarily unavailable" cat "$APPS/hanging3/views/curl/oauth"
    for ((i = 0; i < 20; i++)); do
        cat "$APP/secret" "$APP/views/json" "$CURL/one-header" >/dev/null
    done
    ls -l "$APPS/hanging0/views/curl" >/dev/null
    wait $(jobs -p | grep -vx "$SERVER") || true
    for i in 0 1 2; do
        grep -q "No route to host" "$DIR/said$i"
    done
    within 5 fetch_at_once 0
    # Who asks for the same shares the one fetch, and what it gives.
    for i in 0 1 2 3 4 5; do
        (cat "$APPS/hanging4/views/curl/oauth" >"$DIR/said$i" 2>&1) 3>&- &
    done
    within 5 fetch_at_once 1
    sleep 0.2
    fetch_at_once 1
    wait $(jobs -p | grep -vx "$SERVER") || true
    for i in 0 1 2 3 4 5; do
        grep -q "No route to host" "$DIR/said$i"
    done
    [ "$(worker)" = "$worker" ]
    [ "$(asked oauth/token)" -eq 4 ]
}

@test "what fetches has nothing secret to show, no rights, and no file of the daemon's; it ends with the daemon" {
    local worker fetcher name fd
    begin
    new_app slow oauth
    printf '{"key": "%s", "secret": "%s"}' "$(cat "$APPS/slow/key")" "$(cat "$APPS/slow/secret")" >"$VENDOR/credential"
    echo "after 1.5" >"$VENDOR/mode"
    exec 4< <(cat "$APPS/slow/views/curl/oauth" 2>&1 3>&-)
    within 5 fetch_at_once 1
    within 5 asked_once
    worker=$(worker) fetcher=$(fetchers)
    for name in key secret; do
        run ! grep -qFf "$APPS/slow/$name" "/proc/$fetcher/cmdline"
    done
    [ "$(wc -c <"/proc/$fetcher/environ")" -eq 0 ]
    for fd in "/proc/$fetcher/fd"/*; do
        case $(readlink "$fd") in
        pipe:* | socket:* | anon_inode:* | /dev/null) ;;
        *) echo "it has $(readlink "$fd")"; return 1 ;;
        esac
    done
    fetcher_has Uid "65528 65528 65528 65528"
    fetcher_has Gid "65528 65528 65528 65528"
    fetcher_has Groups ""
    fetcher_has NoNewPrivs 1
    for name in CapInh CapPrm CapEff CapAmb SigBlk; do
        fetcher_has "$name" 0000000000000000
    done
    grep -qE '^Max core file size +0 +0 ' "/proc/$fetcher/limits"
    # The daemon dies in the middle: so does its fetch, and the next one answers who waits.
    kill -KILL "$worker"
    within 5 is_gone "$fetcher"
    run cat <&4
    [ "$(sed -n 's/^header = "Authorization: Bearer access-.*"/yes/p' <<<"$output")" = yes ]
    [ "$(worker)" != "$worker" ]
    [ "$(asked oauth/token)" -eq 2 ]
}

asked_once() {
    [ "$(asked oauth/token)" -eq 1 ]
}

fetcher_has() {
    [ "$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$fetcher/status" | tr '\t' ' ' | sed 's/ *$//')" = "$2" ] && return
    grep "^$1:" "/proc/$fetcher/status"
    return 1
}

is_gone() {
    [ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

@test "an open file keeps its token; one that is opened before the worker is replaced is read whole or not at all" {
    local before worker
    begin
    before=$(sha256sum <"$CURL/oauth")
    exec 4<"$CURL/oauth"
    head -c 100 <&4 >"$DIR/begun"
    echo short >"$VENDOR/mode"
    echo rotate 1h >"$APP/ctl"
    cat <&4 >"$DIR/rest"
    [ "$(cat "$DIR/begun" "$DIR/rest" | sha256sum)" = "$before" ]
    credential "$(cat "$APP/key")" "$(cat "$APP/secret")" t0ken alice 'open sesame'
    exec 4<"$CURL/oauth"
    head -c 100 <&4 >"$DIR/begun"
    worker=$(worker)
    kill -KILL "$worker"
    refused "Stale file handle" cat <&4
    [ "$(worker)" != "$worker" ]
    welcome oauth
}

@test "without the program curl, what takes a token says so, and nothing else suffers" {
    # What is bound over it here, nobody else sees.
    unshare --mount --propagation private bash -c '
        mount --bind /dev/null /usr/bin/curl || exit 99
        "$1" mount -f --store "$2" --config "$3" "$4" 2>"$5/said" 3>&- &
        for ((i = 0; i < 200; i++)); do [ ! -d "$4/apps" ] || break; sleep 0.05; done
        mkdir "$4/apps/x" && echo oauth >"$4/apps/x/apis" || exit 98
        for ((i = 0; i < 2; i++)); do cat "$4/apps/x/views/curl/oauth" 2>"$5/error"; done
        cat "$4/apps/x/views/env" >/dev/null || exit 97
        "$1" umount "$4" || { sleep 0.5; "$1" umount "$4"; }
        wait' - "$CREDFS" "$STORE" "$CONFIG" "$MP" "$DIR"
    grep -q "No route to host" "$DIR/error"
    [ "$(grep -c 'there is no /usr/bin/curl' "$DIR/said")" -eq 1 ]
}
