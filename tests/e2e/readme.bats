# The README's transcript, replayed: what it shows is what happens.

load helper

setup() { start; }
teardown() { finish; }

# The lines of the first console block, with this test's mountpoint.
transcript() {
    sed -n '/^```console$/,/^```$/p' "$BATS_TEST_DIRNAME/../../README.md" | sed '1d;$d' | sed "s|/mnt/credfs|$MP|g"
}

# Does a text match what the README shows of it, where … stands for letters and digits?
matches() {
    local want
    want=$(printf '%s' "$2" | sed -e 's/[][\.*^$+?(){}|]/\\&/g' -e 's/…/[0-9A-Za-z]+/g')
    [[ $1 =~ ^$want$ ]]
}

# The commands of the transcript as one script, which marks where the output of each begins.
script() {
    echo "shopt -s expand_aliases; alias ls='ls -C -T 0 -w 110'"
    transcript | sed -n 's/^\$ \(.*\)/echo "\$ -"\n\1/p'
}

@test "the README's transcript is what happens" {
    local want=() line got i=0
    while IFS= read -r line; do
        [[ $line != '$ '* ]] || line='$ -'
        want+=("$line")
    done < <(transcript)
    [ "${#want[@]}" -gt 20 ]

    script >"$DIR/script"
    as $ADMIN bash "$DIR/script" >"$DIR/output" 2>&1 || true
    while IFS= read -r got; do
        matches "$got" "${want[i]-}" || {
            echo "line $((i + 1)): wanted '${want[i]-}', got '$got'" | mask
            return 1
        }
        i=$((i + 1))
    done <"$DIR/output"
    [ "$i" -eq "${#want[@]}" ]
}

@test "every command that the README names has its help" {
    local name
    for name in $(grep -oE '`credfs [a-z]+' "$BATS_TEST_DIRNAME/../../README.md" | cut -d' ' -f2 | sort -u); do
        credfs "$name" --help >/dev/null
    done
}
