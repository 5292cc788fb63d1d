# The manual's examples, replayed: what its pages show is what happens.

load helper
load replay

MANUAL=$BATS_TEST_DIRNAME/../../fs/manual

setup() { needs_root; needs_fuse; make_dir; credfs init --store "$STORE" >"$DIR/init.out"; }
teardown() { finish; }

# The fenced blocks of a page whose first line begins with this.
blocks() {
    awk -v first="$2" '
        /^```$/ { inside = !inside; fresh = inside; wanted = 0; next }
        fresh { wanted = index($0, first) == 1; fresh = 0 }
        inside && wanted' "$MANUAL/$1"
}

# A script that knows this test's store as credfs knows its default one.
usual_place() {
    cat >"$DIR/place.sh" <<SH
credfs() {
    case \$1 in
    init | audit) "$CREDFS" "\$1" --store "$STORE" "\${@:2}" ;;
    reload | umount | reveal | exec) "$CREDFS" "\$@" ;;
    *) "$CREDFS" "\$1" --store "$STORE" --config "$CONFIG" "\${@:2}" ;;
    esac
}
SH
}

# page PAGE AT-LEAST: its transcripts, in one go.
page() {
    blocks "$1" '$ ' | here >"$DIR/transcript"
    usual_place
    BASH_ENV=$DIR/place.sh replay "$DIR/transcript" env -C "$DIR" bash
    [ "$REPLAYED" -ge "$2" ]
    check_passes
}

@test "credfs(1): its examples are what happens" {
    write_config
    mount_store
    page credfs.1.scd 10
}

@test "credfs(5): its examples are what happens" {
    write_config
    mount_store
    page credfs.5.scd 40
}

@test "credfs.ini(5): its examples are what happens" {
    blocks credfs.ini.5.scd '; site.ini' >"$DIR/site.ini"
    mkdir "$DIR/views"
    blocks credfs.ini.5.scd '# /etc/credfs/views/db.conf' >"$DIR/views/db.conf"
    blocks credfs.ini.5.scd '; credfs.ini' |
        sed -e "s|/etc/credfs|$DIR|; s|user:alice|user:$ADMIN|; s|group:credfs-admins|group:$ADMIN|" >"$CONFIG"
    grep -q '^files' "$CONFIG"
    mount_store
    page credfs.ini.5.scd 11
}

@test "every file that the pages show is one that is read here" {
    awk '/^```$/ { inside = !inside; fresh = inside; next }
        fresh && /^[;#[]/ && !/^; (credfs|site)\.ini$/ && $0 != "# /etc/credfs/views/db.conf"
        { fresh = 0 }' "$MANUAL"/*.scd >"$DIR/left"
    cat "$DIR/left"
    [ ! -s "$DIR/left" ]
}

@test "every command is in credfs(1), and those that it names are there" {
    local name
    for name in $(credfs --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        grep -q "^\*credfs $name" "$MANUAL/credfs.1.scd" || { echo "credfs(1) has no $name"; false; }
    done
    for name in $(sed -n 's/^\*credfs \([a-z]*\).*/\1/p' "$MANUAL/credfs.1.scd"); do
        credfs "$name" --help >/dev/null
    done
}

@test "every file of the tree is in credfs(5)" {
    local file
    write_config
    mount_store
    new_app billing customer-experience-recent-calls work-analytics
    for file in "$MP"/* "$APPS"/billing/* "$MP"/apis/audit-records/*; do
        grep -qF "$(basename "$file")*" "$MANUAL/credfs.5.scd" || grep -qF "$(basename "$file")/*" "$MANUAL/credfs.5.scd" ||
            { echo "credfs(5) has no $(basename "$file")"; false; }
    done
}

@test "the pages fit a terminal of 80 columns, and lose nothing" {
    local page
    needs scdoc "to make the manual"
    needs man "to show it"
    make -s -C "$MANUAL/../.." man BUILD="$DIR/build"
    [ "$(ls "$DIR/build/man" | wc -l)" -eq "$(ls "$MANUAL" | wc -l)" ]
    for page in "$DIR"/build/man/*; do
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file "$page" >"$DIR/page" 2>"$DIR/warnings"
        cat "$DIR/warnings"
        [ ! -s "$DIR/warnings" ]
        [ -s "$DIR/page" ]
        # No line too long, no word broken.
        LC_ALL=C.UTF-8 run -1 grep -nE '.{81}|‐$' "$DIR/page"
    done
    # scdoc drops a backslash, in an example too.
    run -1 grep -F '\' <(sed -n '/^```$/,/^```$/p' "$MANUAL"/*.scd)
}
