# replay.bash: transcripts in documents, replayed: lines `$ COMMAND`, with further lines of it behind `> `, each followed
# by what it prints. In a line, … stands for any characters but blanks; a line that is … alone stands for any lines.

# What a text of a document is on this test's mount.
here() {
    sed -e "s|/mnt/credfs|$MP|g" -e "s|/var/lib/credfs|$STORE|g" -e "s|/etc/credfs/credfs.ini|$CONFIG|g"
}

# The regular expression that a printed text is to match; reads what the document shows of it.
pattern() {
    local line whole=''
    while IFS= read -r line; do
        if [ "$line" = … ]; then
            whole+='(.*'$'\n'')?'
        else
            whole+=$(printf '%s' "$line" | sed -e 's/[][\.*^$+?(){}|]/\\&/g' -e 's/…/[^[:blank:]]+/g')$'\n'
        fi
    done
    printf '^%s$' "$whole"
}

# The commands of a transcript as one script. What each prints goes to a file of its own, DIRECTORY/NUMBER.
script_of() {
    echo "shopt -s expand_aliases; alias ls='ls -C -T 0 -w 110'"
    awk -v dir="$2" '
        /^\$ / { printf "exec >%s/%d 2>&1\n%s\n", dir, ++number, substr($0, 3); inside = 1; next }
        inside && /^> / { print substr($0, 3); next }
        { inside = 0 }' "$1"
}

# replay TRANSCRIPT COMMAND…: run the transcript in that file by COMMAND, which is given a script: what is shown is what
# happens. Sets REPLAYED to the number of its commands.
replay() {
    local transcript=$1 out want line command=''
    shift
    out=$(mktemp -d "$DIR/replay.XXXXXX")
    chmod 1777 "$out"
    script_of "$transcript" "$out" >"$out/script"
    "$@" "$out/script" </dev/null || true
    REPLAYED=0 want=''
    while IFS= read -r line || [ -n "$line" ]; do
        if [[ $line == '$ '* ]]; then
            [ "$REPLAYED" -eq 0 ] || shown "$command" "$want" "$out/$REPLAYED" || return 1
            REPLAYED=$((REPLAYED + 1)) command=$line want=''
        elif [[ $line == '> '* && -z $want ]]; then
            command+=$'\n'$line
        else
            want+=$line$'\n'
        fi
    done <"$transcript"
    shown "$command" "$want" "$out/$REPLAYED"
}

# shown COMMAND WANT FILE: was that printed?
shown() {
    local got regex
    # A script's errors in the words of a shell at a terminal.
    got=$(sed 's|^[^ ]*/script: line [0-9]*: |bash: |' "$3" && echo .) || return 1
    got=${got%.} regex=$(printf '%s' "$2" | pattern)
    [[ $got =~ $regex ]] && return
    printf '%s\nwanted:\n%sgot:\n%s' "$1" "$2" "$got" | mask
    return 1
}
