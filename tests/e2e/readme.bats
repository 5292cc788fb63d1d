# The README's transcript, replayed: what it shows is what happens.

load helper
load replay

setup() { start; }
teardown() { finish; }

@test "the README's transcript is what happens" {
    sed -n '/^```console$/,/^```$/p' "$BATS_TEST_DIRNAME/../../README.md" | sed '1d;$d' | here >"$DIR/transcript"
    replay "$DIR/transcript" as $ADMIN bash
    [ "$REPLAYED" -ge 15 ]
}

@test "every command that the README names has its help" {
    local name
    for name in $(grep -oE '`credfs [a-z]+' "$BATS_TEST_DIRNAME/../../README.md" | cut -d' ' -f2 | sort -u); do
        credfs "$name" --help >/dev/null
    done
}
