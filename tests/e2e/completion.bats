#!/usr/bin/env bats
# bash completion: what is offered at the cursor, and that a shell at a terminal takes it as it is meant.

# shellcheck disable=SC2016 # the names hold what a shell would expand
load helper

COMPLETION=$BATS_TEST_DIRNAME/../../scripts/completion/credfs.bash
ODD=("it's-\$HOME" '"q"&`id`' 'a:b=c' 'back\slash*' 'café' '~tilde')

# What readline does, in a shell of its own: $1 is the completion, $2 the line, and the cursor is at its end.
AT_THE_CURSOR='. "$1"
    COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$'\'' \t\n"'\''"'\''"$'\''><=;|&(:'\''
    compopt() { :; }
    COMPREPLY=()
    "$(complete -p credfs | sed "s/.* -F \([^ ]*\).*/\1/")"
    [ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"'

setup() {
    start
}

teardown() {
    finish
}

# offered LINE: what is offered with the cursor at its end, a line each.
offered() {
    bash -c "$AT_THE_CURSOR" bash "$COMPLETION" "$1"
}

# offers LINE WORD…: just these, in this order.
offers() {
    diff <(offered "$1") <([ $# -eq 1 ] || printf '%s\n' "${@:2}") && return
    echo "offered for: $1"
    return 1
}

@test "commands and options are those of --help" {
    local command
    diff <(offered 'credfs ' | grep -v ^-) <(credfs --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
    offers 'credfs re' reveal reload reconcile
    for command in $(offered 'credfs ' | grep -v ^-); do
        diff <(offered "credfs $command -" | sort) <(credfs "$command" --help |
            grep -oE -- '^ +(-[a-z], )?--?[a-z-]+\[?=?|^  -\?, --help' |
            sed -E 's/.*(^| )(--?[a-z-]+)\[?(=?)$/\2\3/; s/--watch=/--watch/; s/^-o$/-o=/' | sort -u) ||
            { echo "of: $command"; false; }
    done
    offers 'credfs exec --wa' --watch
    offers 'credfs exec --watch=U' USR1 USR2
}

@test "Apps, fields, views and mountpoints are those of the mount, and of who asks" {
    new_app billing customer-experience-recent-calls
    new_app mailer
    echo tok >"$APPS/billing/token"
    offers "credfs reveal --mount $MP " billing mailer
    offers "credfs reveal --mount=$MP b" billing
    offers "credfs exec -m $MP -v env m" mailer
    offers "credfs export -m $MP billing ma"
    offers "credfs reveal -m$MP b" billing
    offers "credfs exec -m'$MP' -venv m" mailer
    offers "credfs audit -jm$MP -a mail" mailer
    offers "credfs audit -jm $MP -amail" -amailer
    offers "credfs reveal -m $MP billing " key secret token
    offers "credfs reveal -m $MP mailer s" secret
    offers "credfs exec -m $MP billing --view=" env
    offers "credfs exec -m $MP billing -- mountpoin" mountpoint
    offers "credfs exec -m $MP billing -- mountpoint --mount=$DIR -"
    [[ $(offered "credfs umount ${MP:0:-2}") == *"$MP"* ]]
    [[ $(offered "credfs reveal --mount=") == *"$MP"* ]]
    [[ $(offered "credfs reveal -m/") == *"-m$MP"* ]]
    offers "credfs audit --user=roo" root
    offers "credfs policy --as user:roo" root
    ! audited '.op == "reveal"' || return 1
    printf 'user:%s\n' "$STRANGER" >"$APPS/mailer/grants"
    offered_to_stranger=$(as "$STRANGER" bash -c "$AT_THE_CURSOR" bash "$COMPLETION" "credfs reveal -m $MP ")
    [ "$offered_to_stranger" = mailer ]
}

@test "an odd name is quoted as the word at the cursor is" {
    local name
    for name in "${ODD[@]}"; do
        mkdir "$APPS/$name"
    done
    offers "credfs reveal -m $MP it" "it\\'s-\\\$HOME"
    offers "credfs reveal -m $MP 'it" "it'\\''s-\$HOME"
    offers "credfs reveal -m $MP \"it" "it's-\\\$HOME"
    offers "credfs reveal -m $MP a:" 'b=c'
    offers "credfs reveal -m $MP a:b=" 'c'
    offers "credfs reveal -m $MP 'a:" 'a:b=c'
    offers "credfs reveal -m $MP caf" 'café'
    offers "credfs reveal -m $MP \"\\\"q" '\"q\"&\`id\`'
    offers "credfs reveal -m $MP '\$(touch $DIR/evil)' \$(touch $DIR/evil) "
    [ ! -e "$DIR/evil" ]
}

@test "at a terminal each odd name is completed to itself" {
    needs python3 "to be a terminal"
    local name
    for name in "${ODD[@]}"; do
        mkdir "$APPS/$name"
    done
    python3 - "$COMPLETION" "$MP" "${ODD[@]}" <<'PY'
import os, pty, signal, sys
completion, mount, names = sys.argv[1], sys.argv[2], sys.argv[3:]
os.environ.update(TERM="dumb", PS1="", INPUTRC="/dev/null", LC_ALL="C.UTF-8", completion=completion)
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
signal.alarm(20)

def say(text, until):
    os.write(terminal, text.encode())
    heard = b""
    while until not in heard:
        heard += os.read(terminal, 4096)
    return heard

say('. "$completion"; credfs() { printf "<%s>" "${@:4}" | od -An -tx1 -v | tr -d " \\n"; echo .end; }; bind "set bell-style none"; echo re""ady\n', b"ready\r")
wrong = 0
for name in names:
    for before in ("", "'", '"'):
        text = name[:2] if before else name[:2].translate({ord(c): "\\" + c for c in "\"'$`\\&*~"})
        text = text.replace('"', '\\"') if before == '"' else text
        heard = say(f"credfs reveal --mount {mount} {before}{text}\t\n", b".end")
        if f"<{name}>".encode().hex().encode() + b".end" not in heard.replace(b"\r\n", b""):
            print("not completed:", before, name, heard)
            wrong = 1
os.close(terminal)
os.waitpid(pid, 0)
sys.exit(wrong)
PY
}
