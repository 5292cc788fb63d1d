# Every way in which people and programs write a file: each write is one whole transaction, or refused whole; and
# the key and secret never change with the APIs.

load helper

setup() {
    needs_root
    needs_fuse
    make_dir
    credfs init --store "$STORE" >"$DIR/init.out"
    {
        usual_config
        printf '\n[catalogue]\nfiles = %s\n' "$DIR/site.ini"
    } >"$CONFIG"
    test_catalogue >"$DIR/site.ini"
    mount_store
    new_app billing "${FIRST[@]}"
    FILE=$APPS/billing/apis
    BEFORE=$(credential_sum billing)
}

teardown() {
    local same=yes
    if [ -n "${BEFORE-}" ] && mounted "$MP"; then
        [ "$(credential_sum billing)" = "$BEFORE" ] || same=no
    fi
    finish
    [ "$same" = yes ]
}

FIRST=(audit-records contact-search)
OTHER=(work-analytics contact-management)

test_catalogue() {
    local n
    for n in {0001..1000}; do
        printf '[test-api-%s]\ntitle = Test API %s\nkey-process = console\nmethod = x-api-key\n' "$n" "$n"
        printf 'base-url = https://test.example/%s\n' "$n"
    done
}

@test "> replaces" {
    printf '%s\n' "${OTHER[@]}" >"$FILE"
    apis_are billing "${OTHER[@]}"
}

@test "several lines are one change through cat, where bash's printf makes a change of each" {
    local shell
    refused "Invalid argument" bash -c 'printf "%s\n" work-analytics no-such-slug >"$0"' "$FILE"
    apis_are billing work-analytics
    refused "Invalid argument" bash -c $'cat >"$0" <<END\ncontact-management\nno-such-slug\nEND' "$FILE"
    apis_are billing work-analytics
    refused "Invalid argument" bash -c 'echo contact-management no-such-slug >"$0"' "$FILE"
    apis_are billing work-analytics
    for shell in bash sh; do
        "$shell" -c $'cat >"$0" <<END\ncontact-management\naudit-records\nEND' "$FILE"
        apis_are billing audit-records contact-management
        "$shell" -c $'cat >"$0" <<END\n-contact-management\n+work-analytics\nEND' "$FILE"
        apis_are billing work-analytics audit-records
    done
}

@test ">> adds" {
    echo work-analytics >>"$FILE"
    apis_are billing work-analytics "${FIRST[@]}"
    printf 'contact-management' >>"$FILE"
    apis_are billing work-analytics "${FIRST[@]}" contact-management
}

@test ">> adds also where the kernel takes the file to be empty" {
    : >"$FILE"
    echo work-analytics >>"$FILE"
    apis_are billing work-analytics "${FIRST[@]}"
    exec 5>>"$FILE"
    : >"$FILE"
    echo contact-management >&5
    exec 5>&-
    apis_are billing work-analytics "${FIRST[@]}" contact-management
}

@test "tee replaces, tee -a adds" {
    printf '%s\n' "${OTHER[@]}" | tee "$FILE" >/dev/null
    apis_are billing "${OTHER[@]}"
    echo audit-records | tee -a "$FILE" >/dev/null
    apis_are billing work-analytics audit-records contact-management
}

@test "sed through a pipe, and from the file to itself" {
    sed s/contact-search/contact-management/ "$FILE" | cat >"$FILE"
    apis_are billing audit-records contact-management
    sed s/audit-records/work-analytics/ <"$FILE" >"$FILE"
    apis_are billing work-analytics contact-management
}

@test "printf with no newline" {
    printf 'work-analytics contact-management' >"$FILE"
    apis_are billing "${OTHER[@]}"
}

@test "a loop whose output is redirected once" {
    local slug
    for slug in work-analytics audit-records contact-management; do
        echo "$slug"
    done >"$FILE"
    apis_are billing work-analytics audit-records contact-management
    for slug in contact-search test-api-0007; do
        echo "$slug"
    done >>"$FILE"
    apis_are billing work-analytics audit-records contact-search contact-management test-api-0007
}

@test "a loop of + and - redirected once" {
    local entry
    for entry in +work-analytics -audit-records +test-api-0001 -no-longer-there-is-an-error; do
        echo "$entry" || break
    done >"$FILE" 2>"$DIR/complaint"
    grep -q 'Invalid argument' "$DIR/complaint"
    apis_are billing work-analytics contact-search test-api-0001
}

@test "cp file apis" {
    printf '%s\n' "${OTHER[@]}" >"$DIR/list"
    cp "$DIR/list" "$FILE"
    apis_are billing "${OTHER[@]}"
}

@test "dd, also in blocks and without truncation" {
    printf '%s\n' "${OTHER[@]}" >"$DIR/list"
    dd if="$DIR/list" of="$FILE" status=none
    apis_are billing "${OTHER[@]}"
    printf '%s\n' "${FIRST[@]}" | dd of="$FILE" conv=notrunc status=none
    apis_are billing "${FIRST[@]}"
    printf '%s\n' work-analytics test-api-0002 | dd of="$FILE" bs=15 status=none
    apis_are billing work-analytics test-api-0002
}

@test "vim -es saves in place" {
    local vim
    vim=$(command -v vim || command -v vim.tiny) || skip "needs vim"
    vim() { HOME=$DIR "$vim" -es -u NONE -i NONE -n "$@" </dev/null; }
    vim -c '%s/contact-search/contact-management/' -c wq "$FILE"
    apis_are billing audit-records contact-management
    vim -c 'normal otest-api-0003' -c 'wq!' "$FILE"
    apis_are billing audit-records contact-management test-api-0003
}

@test "nano saves in place" {
    needs nano "to be the editor"
    # What a person types: a line, write out, yes to the name, exit.
    {
        sleep 1
        printf 'work-analytics\r'
        sleep 0.3
        printf '\x0f'
        sleep 0.3
        printf '\r'
        sleep 0.3
        printf '\x18'
        sleep 0.3
    } | TERM=xterm HOME=$DIR timeout 15 script -qec "nano -I '$FILE'" /dev/null >/dev/null
    apis_are billing work-analytics "${FIRST[@]}"
}

@test "an editor that saves as nano does: open with O_TRUNC, write, sync, close" {
    perl -MFcntl -MIO::Handle -e '
        sysopen(my $file, $ARGV[0], O_WRONLY | O_CREAT | O_TRUNC, 0666) or die "open: $!";
        print $file "work-analytics\ncontact-management\n" or die "write: $!";
        $file->flush or die "flush: $!";
        $file->sync or die "fsync: $!";
        close $file or die "close: $!";
    ' "$FILE"
    apis_are billing "${OTHER[@]}"
}

@test "1,000 slugs in one write" {
    printf 'test-api-%s\n' {0001..1000} >"$DIR/list"
    cp "$DIR/list" "$FILE"
    cmp "$DIR/list" "$FILE"
    [ "$(stat -c %s "$FILE")" -eq "$(stat -c %s "$DIR/list")" ]
    sed 's/^/-/' "$DIR/list" | head -n 999 >"$DIR/less"
    cat "$DIR/less" >"$FILE"
    apis_are billing test-api-1000
    audited '.file == "apis" and .result == "ok"'
}

@test "+a -b, on one line and on two, at any offset" {
    echo +work-analytics -contact-search >"$FILE"
    apis_are billing work-analytics audit-records
    printf '%s\n' -work-analytics +contact-management >>"$FILE"
    apis_are billing audit-records contact-management
    echo +audit-records >"$FILE"
    apis_are billing audit-records contact-management
}

@test "comments and white space of any kind" {
    printf '# all of them\n\n\twork-analytics  contact-management # two\r\n#audit-records' >"$FILE"
    apis_are billing "${OTHER[@]}"
}

@test "unknown slug, mixed forms and binary are refused whole" {
    local generation text
    generation=$(info billing generation)
    for text in 'work-analytics no-such-api' '+work-analytics -audit-records +no-such-api' \
        '+work-analytics contact-management' 'contact-management -audit-records' '+' 'work-analytics Audit-Records' \
        'work-analytics ../audit-records' $'work-analytics \xff\xfe'; do
        refused "Invalid argument" bash -c "printf %s \"\$1\" >'$FILE'" - "$text"
        refused "Invalid argument" bash -c "printf %s \"\$1\" >>'$FILE'" - "$text"
    done
    refused "Invalid argument" bash -c "printf 'work-analytics\0contact-management' >'$FILE'"
    refused "Invalid argument" cp "$CREDFS" "$FILE"
    apis_are billing "${FIRST[@]}"
    [ "$(info billing generation)" = "$generation" ]
    audited '.file == "apis" and .result == "unknown-api"'
    audited '.file == "apis" and .result == "mixed-forms"'
}

@test "1 MiB of rubbish is refused whole, in one write or in many" {
    head -c 1M /dev/urandom >"$DIR/rubbish"
    refused "" cp "$DIR/rubbish" "$FILE"
    refused "" dd if="$DIR/rubbish" of="$FILE" bs=1M status=none
    apis_are billing "${FIRST[@]}"
    { yes work-analytics | head -c 1048000; echo; echo no-such-api; } >"$DIR/rubbish"
    refused "" dd if="$DIR/rubbish" of="$FILE" bs=2M iflag=fullblock status=none
    apis_are billing "${FIRST[@]}"
    { yes work-analytics | head -n 8000; echo no-such-api; } >"$DIR/rubbish"
    refused "" dd if="$DIR/rubbish" of="$FILE" bs=1M iflag=fullblock status=none
    apis_are billing "${FIRST[@]}"
}

@test "O_TRUNC alone changes nothing: a generator that dies takes no API away" {
    local generation
    generation=$(info billing generation)
    : >"$FILE"
    false >"$FILE" || true
    cp /dev/null "$FILE"
    dd if=/dev/null of="$FILE" status=none
    apis_are billing "${FIRST[@]}"
    [ "$(info billing generation)" = "$generation" ]
}

@test "echo > apis empties the set" {
    echo >"$FILE"
    apis_are billing
    [ "$(stat -c %s "$FILE")" -eq 0 ]
}

@test "truncate -s 0 apis empties the set; another size is refused" {
    refused "" truncate -s 5 "$FILE"
    refused "" truncate -s 500 "$FILE"
    apis_are billing "${FIRST[@]}"
    truncate -s 0 "$FILE"
    apis_are billing
}

@test "an open file never mixes two generations" {
    exec 5<"$FILE"
    printf '%s\n' "${OTHER[@]}" >"$FILE"
    [ "$(cat <&5)" = "$(printf '%s\n' "${FIRST[@]}")" ]
    exec 5<&-
    apis_are billing "${OTHER[@]}"
}

@test "what was just written is what is read, and its size is right at once" {
    local n
    for n in {0001..0020}; do
        echo "+test-api-$n" >"$FILE"
        [ "$(stat -c %s "$FILE")" -eq "$(cat "$FILE" | wc -c)" ]
        grep -qx "test-api-$n" "$FILE"
    done
}

@test "a field takes one printable value of 1 to 4000 bytes, and nothing else" {
    new_app import
    local file=$APPS/import/secret before other
    other=$(sha256sum <"$APPS/import/key")
    head -c 4000 /dev/zero | tr '\0' x >"$DIR/longest"
    cat "$DIR/longest" >"$file"
    [ "$(sha256sum <"$file")" = "$({ cat "$DIR/longest"; echo; } | sha256sum)" ]
    before=$(sha256sum <"$file")
    printf x >>"$DIR/longest"
    refused "Invalid argument" bash -c "cat '$DIR/longest' >'$file'"
    refused "Invalid argument" bash -c "echo >'$file'"
    refused "Invalid argument" bash -c "env printf 'two\nlines' >'$file'"
    refused "Invalid argument" bash -c "printf 'a\tb' >'$file'"
    refused "Invalid argument" bash -c "printf 'a\0b' >'$file'"
    refused "Invalid argument" bash -c "printf 'a\xff' >'$file'"
    refused "Invalid argument" bash -c "echo more >>'$file'"
    : >"$file"
    refused "" truncate -s 0 "$file"
    [ "$(sha256sum <"$file")" = "$before" ]
    [ "$(sha256sum <"$APPS/import/key")" = "$other" ]
}

@test "ctl and grants take the same forms of writing" {
    printf 'user:80001\nuser:80002 key\n' >"$APPS/billing/grants"
    echo user:80003 >>"$APPS/billing/grants"
    [ "$(cat "$APPS/billing/grants")" = $'user:80001\nuser:80002 key\nuser:80003' ]
    printf -- '-user:80002 key\n+user:80004 secret\n' >"$APPS/billing/grants"
    [ "$(cat "$APPS/billing/grants")" = $'user:80001\nuser:80003\nuser:80004 secret' ]
    : >"$APPS/billing/grants"
    refused "Invalid argument" bash -c "(echo user:80009; echo +user:80010) | cat >'$APPS/billing/grants'"
    [ "$(wc -l <"$APPS/billing/grants")" -eq 3 ]
    echo >"$APPS/billing/grants"
    [ "$(stat -c %s "$APPS/billing/grants")" -eq 0 ]
    refused "Operation not permitted" cat "$APPS/billing/ctl"
}
