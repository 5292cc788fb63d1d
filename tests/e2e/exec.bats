#!/usr/bin/env bats
# credfs exec: an App's values in a command's environment and nowhere else; --watch keeps the command up to date.

# shellcheck disable=SC1003,SC2016 # what the commands run expands there; each test has its own variables
load helper

WEB=70005

setup() {
    needs python3 "to look into other processes"
    start
    chmod 755 "$DIR"
    install_program
    new_app billing audit-records
    APP=$APPS/billing LOG=$DIR/log WATCHERS=()
    : >"$LOG"
}

teardown() {
    local pid command
    for pid in "${WATCHERS[@]-}"; do
        [ -n "$pid" ] || continue
        for command in $(pgrep -P "$pid"); do
            kill -KILL -- "-$command" 2>/dev/null || true
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    finish
}

exec_with() {
    credfs exec --mount "$MP" "$@"
}

# watch ARGUMENT…: in the background, as WATCHER, with what it says in $DIR/said.
watch() {
    "$CREDFS" exec --mount "$MP" "$@" 3>&- >>"$DIR/said" 2>&1 &
    WATCHER=$!
    WATCHERS+=("$WATCHER")
}

# comes COMMAND…: it comes true within 20 seconds.
comes() {
    local end=$((SECONDS + 20))
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "did not come: $*"
            cat "$DIR/said" "$LOG"
            return 1
        fi
        sleep 0.05
    done
}

# How many commands were started, as they themselves have it in the log.
started() {
    [ "$(grep -c '^start' "$LOG")" -eq "$1" ]
}

has_lines() {
    [ "$(wc -l <"$2")" -eq "$1" ]
}

logged() {
    grep -qF -- "$1" "${2-$LOG}"
}

ended() {
    ! kill -0 "$1" 2>/dev/null || [ "$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null)" = Z ]
}

# A command that tells the log that it has started, its pid, and a checksum of its key.
SERVICE='echo "start $$ $(printf %s "$API_KEY" | sha256sum)" >>"$LOG"
    trap "echo hup >>\"$LOG\"" HUP
    trap "echo usr1 >>\"$LOG\"" USR1
    trap "echo term >>\"$LOG\"; exit 5" TERM
    while :; do sleep 0.02; done'

# The checksum of the key that the last one has, and of the one that the App has.
has_key() {
    [ "$(tail -n 1 "$LOG" | cut -d ' ' -f 3)" = "$(tr -d '\n' <"$APP/key" | sha256sum | cut -d ' ' -f 1)" ]
}

# holds PID: are the bytes on standard input anywhere in this process's memory or environment?
holds() {
    python3 -c '
import re, sys
value, pid = sys.stdin.buffer.read(), sys.argv[1]
found = value in open(f"/proc/{pid}/environ", "rb").read()
with open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for line in open(f"/proc/{pid}/maps"):
        low, high, mode = re.match("(.*?)-(.*?) (.)", line).groups()
        try:
            memory.seek(int(low, 16))
            found = found or value in memory.read(int(high, 16) - int(low, 16))
        except (OSError, OverflowError, ValueError):
            pass
sys.exit(0 if found else 1)' "$1"
}

@test "the values are in the command's environment, to the letter, and the rest of it is the caller's" {
    local nasty='a "b" '\''c'\'' $HOME `id` #x =y \n é ☃ \'
    printf '%s' "$nasty" >"$APP/key"
    printf 'x%.0s' {1..4000} >"$APP/secret"
    export API_KEY=stale API_TOKEN=stale API_USERNAME=stale OTHER=kept
    exec_with billing -- python3 -c '
import os
for name in sorted(os.environb):
    if name.startswith(b"API") or name == b"OTHER":
        os.write(1, name + b"=" + os.environb[name] + b"\n")' | sha256sum >"$DIR/got"
    {
        printf 'APIS=audit-records\nAPI_APP=billing\nAPI_KEY=%s\nAPI_SECRET=' "$nasty"
        cat "$APP/secret"
        echo OTHER=kept
    } | sha256sum >"$DIR/want"
    diff "$DIR/want" "$DIR/got"
    new_app full customer-experience-recent-calls audit-records
    echo 'to ken' >"$APPS/full/token"
    run exec_with full sh -c 'echo "$APIS $API_TOKEN"'
    [ "$output" = "$(paste -sd, "$APPS/full/apis") to ken" ]
    audited '.op == "reveal" and .file == "views/json" and .comm == "credfs" and .app == "full" and .result == "ok"'
}

@test "the process becomes the command: its number, exit code and signals, limits, umask and descriptors" {
    umask 027
    local state='umask; ulimit -a; ls /proc/self/fd; grep -E "^(Sig[BIC]|Shd|NoNew|Seccomp:)" /proc/self/status'
    sh -c "$state" 3>&- >"$DIR/want"
    for how in "" --watch; do
        exec_with $how billing -- sh -c "$state" >"$DIR/got"
        diff "$DIR/want" "$DIR/got"
    done
    sh -c 'echo $$; exec "$1" exec --mount "$2" billing -- sh -c "echo \$\$"' sh "$CREDFS" "$MP" >"$DIR/pids"
    [ "$(uniq "$DIR/pids" | wc -l)" -eq 1 ]
    for how in "" --watch; do
        run -7 exec_with $how billing -- sh -c 'exit 7'
        run -127 exec_with $how billing -- no-such-command
        [[ $output == "credfs: no-such-command: "* ]]
        run -127 sh -c '"$1" exec --mount "$2" $3 billing -- no-such-command 2>/dev/full' sh "$CREDFS" "$MP" "$how"
        run -126 exec_with $how billing -- /etc/passwd
        run -137 exec_with $how billing -- sh -c 'kill -KILL $$'
    done
    run -0 exec_with --watch -- billing -- echo ran
    [ "$output" = ran ]
    run -127 exec_with billing -- -- echo ran
    run -64 exec_with -- billing --
    "$CREDFS" exec --mount "$MP" billing --watch -- sh -c 'kill -USR2 $$' &
    wait "$!" || [ "$?" -eq $((128 + $(kill -l USR2))) ]
}

@test "another view: NAME=value lines, to the letter; a line that is none is refused by its number" {
    mkdir "$DIR/templates"
    printf '# comment\n\nDB_USER=${key}\nDB_PASSWORD=${secret}\nURL=https://h/?a=b "c" $$x # d\nDB_USER=${app}' >"$DIR/templates/db.env"
    printf 'A=1\nB 2=${secret}\n' >"$DIR/templates/bad.env"
    { usual_config; printf '\n[views]\ntemplates = %s\n' "$DIR/templates"; } >"$CONFIG"
    credfs reload "$MP"
    run -0 exec_with --view db.env billing -- sh -c 'echo "$DB_USER|$URL|${API_KEY-none}"'
    [ "$output" = 'billing|https://h/?a=b "c" $x # d|none' ]
    exec_with --view=db.env billing -- sh -c 'echo "$DB_PASSWORD"' | cmp - "$APP/secret"
    exec_with --view env billing -- sh -c 'echo "$API_SECRET"' | cmp - "$APP/secret"
    run -65 exec_with --view bad.env billing -- echo ran
    [ "$output" = "credfs: billing/views/bad.env:2: not NAME=value" ]
    run -66 exec_with --view none billing -- echo ran
    for view in json properties curl curl/audit-records ../key ""; do
        run -64 exec_with --view "$view" billing -- echo ran
        [[ $output == *"'$view': not a view of NAME=value lines: env or a template"* ]]
    done
}

@test "what is wrong is told, with a code of sysexits.h, and nothing is run" {
    run -66 exec_with nothing -- echo ran
    [[ $output == *"no such App"* ]]
    run -64 exec_with billing
    run -64 exec_with --watch=NONE billing -- echo ran
    run -69 credfs exec --mount "$DIR" billing -- echo ran
    for how in "" --watch; do
        run -77 as "$STRANGER" "$DIR/credfs" exec --mount "$MP" $how billing -- echo ran
        [[ $output == *"no right"* ]]
    done
    echo disable >"$APP/ctl"
    run -69 exec_with billing -- echo ran
    [[ $output == *"revoked, or its App disabled"* ]]
    run -69 exec_with --watch billing -- echo ran
    printf 'enable\nexpire 2030-01-01T00:00:00Z\n' >"$APP/ctl"
    { usual_config; printf '\n[policy]\nreveal = on-request\n'; } >"$CONFIG"
    credfs reload "$MP"
    run -69 as "$ADMIN" setsid --wait "$DIR/credfs" exec --mount "$MP" billing -- echo ran
    [[ $output == *"has to be asked for"* ]]
    printf 'user:%s\n' "$WEB" >"$APP/grants"
    run -0 as "$WEB" "$DIR/credfs" exec --mount "$MP" --watch billing -- echo ran
    [ "$output" = ran ]
}

@test "--watch: a change of values starts the command anew, one that ignores SIGTERM after a while; nothing else does" {
    export LOG
    new_app stubborn
    watch --watch stubborn -- sh -c 'trap "" TERM; echo "$$ $API_KEY" | sha256sum >>"$LOG.1"; sleep 60 & echo $! >>"$LOG.2"; wait; sleep 60'
    comes test -s "$LOG.2"
    echo rotate >"$APPS/stubborn/ctl"

    watch --watch billing -- sh -c "$SERVICE"
    comes started 1
    has_key
    echo rotate 1h >"$APP/ctl"
    comes started 2
    has_key
    logged term
    echo +contact-search >"$APP/apis"
    comes started 3
    printf 'label a=b\ndescribe text\nexpire 30d\nrevoke 1\n' >"$APP/ctl"
    printf 'user:%s\n' "$WEB" >"$APP/grants"
    mkdir "$APPS/another"
    sleep 0.5
    started 3
    printf 'value of our own' >"$APP/secret"
    comes started 4

    echo disable >"$APP/ctl"
    comes logged "billing: it is disabled: sh goes on" "$DIR/said"
    kill -HUP "$WATCHER"
    comes logged hup
    printf 'rotate\nenable\n' >"$APP/ctl"
    comes started 5
    has_key

    credfs umount "$MP"
    comes logged "no credfs is mounted any more: sh goes on" "$DIR/said"
    mount_store
    echo rotate >"$APP/ctl"
    comes started 6
    mv "$APP" "$APPS/moved"
    comes logged "no such App any more: sh goes on" "$DIR/said"
    started 6
    kill -TERM "$WATCHER"
    wait "$WATCHER" || [ "$?" -eq 5 ]

    comes has_lines 2 "$LOG.2"
    [ "$(uniq "$LOG.1" | wc -l)" -eq 2 ]
    ended "$(head -n 1 "$LOG.2")"
    kill -KILL "$(tail -n 1 "$LOG.2")"
}

@test "--watch: who waits has no value, passes signals on, and ends as the command does" {
    local value version command
    export LOG
    watch --watch=USR1 billing -- sh -c "$SERVICE"
    comes started 1
    command=$(cut -d ' ' -f 2 "$LOG")
    echo rotate 1h >"$APP/ctl"
    comes logged usr1
    kill -HUP "$WATCHER"
    comes logged hup
    started 1
    for value in key secret; do
        tr -d '\n' <"$APP/versions/1/$value" | holds "$command"
        for version in 1 2; do
            run -1 holds "$WATCHER" < <(tr -d '\n' <"$APP/versions/$version/$value")
        done
    done
    run ! grep -qz ^API_ "/proc/$WATCHER/environ"
    grep -qz ^API_ "/proc/$command/environ"
    kill -TERM "$WATCHER"
    wait "$WATCHER" || [ "$?" -eq 5 ]
    comes ended "$command"
}

# on_terminal COMMAND…: run it on a terminal of its own, and end as it does. Each line of standard input is "> TEXT", to
# type that (\n, \x03 and so on are the keys), or "< TEXT", to wait until it shows that.
on_terminal() {
    python3 -c '
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
signal.alarm(30)
shown = ""
for line in sys.stdin:
    todo, text = line[0], line[2:-1].encode().decode("unicode_escape")
    if todo == ">":
        os.write(terminal, text.encode())
    while todo == "<" and text not in shown:
        print("awaited:", text, "shown:", shown, file=sys.stderr)
        shown += os.read(terminal, 4096).decode(errors="replace")
    if todo == "<":
        shown = shown.split(text, 1)[1]
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)' "$@"
}

@test "--watch: kill -9 of who waits ends the command; a terminal's interrupt reaches it" {
    export LOG
    watch --watch billing -- sh -c "$SERVICE"
    comes started 1
    kill -KILL "$WATCHER"
    comes logged term
    comes ended "$(cut -d ' ' -f 2 "$LOG")"
    run -130 on_terminal "$CREDFS" exec --mount "$MP" --watch billing -- sh -c 'echo started; exec sleep 60' <<'END'
< started
> \x03
END
}

@test "--watch: the command reads from its terminal, sets it, and is interrupted on it, through a change too" {
    run -7 on_terminal "$CREDFS" exec --mount "$MP" --watch billing -- sh -c '
        stty -echo; echo start; read -r x; echo "read $x"; stty echo; read -r y; echo "and $y"; exit 7' <<'END'
< start
> one\n
< read one
> two\n
< and two
END
    run -130 on_terminal "$CREDFS" exec --mount "$MP" --watch billing -- sh -c 'echo ready; read -r x; echo "read $x"
        echo rotate >"$0"; read -r x' "$APP/ctl" <<'END'
< ready
> one\n
< read one
< billing has changed: sh is started anew
< ready
> two\n
< read two
< ready
> \x03
END
    # One that is slow to stop: an interrupt meanwhile ends it all.
    run -130 on_terminal "$CREDFS" exec --mount "$MP" --watch billing -- sh -c 'trap "stty echo; echo stopping" TERM
        echo start; read -r x; echo rotate >"$0"; while :; do sleep 0.02; done' "$APP/ctl" <<'END'
< start
> one\n
< stopping
> \x03
END
}

@test "--watch: a shell stops it and lets it go on, in the foreground and in the background" {
    local how
    export CREDFS MP
    for how in "" --watch; do
        run -5 on_terminal bash --norc --noprofile -i <<END
> set -o pipefail; stopped() { until jobs -s | grep -q .; do sleep 0.05; done; }; PS1="rea""dy>"\n
< ready>
> "\$CREDFS" exec --mount "\$MP" $how billing -- sh -c 'echo st""art; read -r x; echo "re""ad \$x"; read -r x; exit 9' | cat\n
< start
> one\n
< read one
> \x1a
< Stopped
< ready>
> bg; stopped; echo aga''in\n
< again
> fg; echo it was \$?\n
< exit 9
> two\n
< it was 9
> "\$CREDFS" exec --mount "\$MP" $how billing -- sh -c 'read -r x; echo "re""ad \$x"; read -r x' &\n
> stopped; echo fore''ground; fg\n
< foreground
< read -r x
> three\n
< read three
> \x03
< ready>
> exit \$((\$? == 130 ? 5 : 6))\n
END
    done
    # Where nobody could let it go on, it is not stopped.
    run -130 on_terminal "$CREDFS" exec --mount "$MP" --watch billing -- sh -c 'read -r x; echo "go $x"; read -r x; echo "go $x"
        exec sleep 60' <<'END'
> one\n
< go one
> \x1a
> two\n
< go two
> \x1a
> \x03
END
}

@test "--watch: every signal is passed on; what nobody else sent is not" {
    export LOG
    watch --watch billing -- python3 -c '
import signal
watched = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
print("start", flush=True)
while True:
    info = signal.sigwaitinfo(watched)
    if info.si_signo != signal.SIGCONT:
        print(f"[{info.si_signo}]", flush=True)'
    comes logged start "$DIR/said"
    for number in {1..64}; do
        case $(kill -l "$number" 2>/dev/null) in
        "" | KILL | STOP | CONT | CHLD | ILL | TRAP | FPE | SEGV | BUS) continue ;;
        esac
        kill -"$number" "$WATCHER"
        comes logged "[$number]" "$DIR/said"
    done
    kill -KILL "$(pgrep -P "$WATCHER")"
    comes ended "$WATCHER"

    # Nobody reads any more what it has to say: it goes on, and so does the command.
    "$CREDFS" exec --mount "$MP" --watch=USR1 billing -- sh -c "exec >/dev/null 2>&1; $SERVICE" 3>&- 2> >(:) &
    WATCHERS+=("$!")
    comes started 1
    echo disable >"$APP/ctl"
    sleep 1.5
    printf 'rotate\nenable\n' >"$APP/ctl"
    comes logged usr1
    started 1
}

@test "--watch: what ends a command ends one that is stopped" {
    local command signal
    for signal in TERM INT HUP QUIT; do
        watch --watch billing -- env --default-signal=INT,QUIT sh -c 'echo $$ >"$0"; exec sleep 60' "$DIR/pid"
        comes test -s "$DIR/pid"
        command=$(<"$DIR/pid")
        rm "$DIR/pid"
        kill -STOP "$command"
        kill -"$signal" "$WATCHER"
        comes ended "$WATCHER"
        comes ended "$command"
    done
}
