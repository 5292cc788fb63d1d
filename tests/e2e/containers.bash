# containers.bash: the container runtimes, one as the other, for tests that bind files of a mount into a container.
#
# A test calls containers_begin, may set
#   BINDS  what is bound into the container, HOST:CONTAINER each; the places are there (see make_root)
#   MODE   ro (the usual) or rw, for all of BINDS
#   REMAP  empty, or the host's uid that is 0 in the container: a user namespace of 65,536
# and then runs `contain RUNTIME UID SCRIPT`: a script of busybox's sh, as that user of the container, in a root file
# system that is read-only, with no network. Each container's cgroup has CGROUP in its name.

# shellcheck shell=bash disable=SC2153,SC2154 # helper.bash sets DIR, APPS and the like

MAPPED=65536

containers_begin() {
    needs jq "to write a container's configuration"
    needs busybox "to be a container's root file system"
    ROOT=$DIR/root
    CGROUP=credfs-test-$BASHPID
    PODMAN=$(mktemp -d /tmp/credfs-test.XXXXXX) # podman wants a short name
    MODE=ro REMAP=""
    BINDS=("$APPS/billing:/run/credentials/billing")
    make_root
}

# Called before finish(): ends what still runs in a container, and takes away what the runtimes leave on the host.
containers_end() {
    [ -n "${CGROUP-}" ] || return 0
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        left_by_runtimes -exec cat {}/cgroup.procs \; | sort -u | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
        left_by_runtimes -delete
        [ -n "$(left_by_runtimes)" ] || break
        sleep 0.1
    done
    findmnt --noheadings --raw --output TARGET | grep -E "^($PODMAN/|$ROOT/usr\$)" | tac |
        xargs --no-run-if-empty umount
    rm -rf "${PODMAN:?}" "/run/systemd/nspawn/locks/$(stat --format=inode-%d:%i "$ROOT")"
    [ -z "$(left_by_runtimes)" ] || { echo "a container left something:"; left_by_runtimes; return 1; }
}

# Directories that are the containers' own: cgroups, and what systemd-nspawn leaves.
left_by_runtimes() {
    find /sys/fs/cgroup /run/systemd/nspawn -depth -type d -path "*/$CGROUP*" "$@" 2>/dev/null || true
}

make_root() {
    local program
    mkdir -p "$ROOT"/{bin,dev,etc,proc,run/credentials/billing,run/single,sys,tmp,usr,var/tmp}
    cp "$(command -v busybox)" "$ROOT/bin/busybox"
    for program in $(busybox --list); do
        [ "$program" = busybox ] || ln -s busybox "$ROOT/bin/$program"
    done
    touch "$ROOT"/run/single/{key,secret}
    touch "$ROOT"/run/.containerenv "$ROOT"/etc/{group,hostname,hosts,passwd,resolv.conf} # podman binds its own there
    # What systemd-nspawn looks for: a system's name, and a user's in the way of getent(1).
    echo 'ID=credfs-test' >"$ROOT/etc/os-release"
    cat >"$ROOT/bin/getent" <<'SH'
#!/bin/sh
# The user uN has uid and gid N.
case $1 in
passwd) echo "$2:x:${2#u}:${2#u}::/:/bin/sh" ;;
initgroups) echo "$2 ${2#u}" ;;
esac
SH
    chmod 755 "$ROOT/bin/getent"
}

# Give the containers this system's programs too, as python3: its /usr, which the libraries' usual places point into.
share_usr() {
    mount --bind "/usr" "$ROOT/usr"
    mount -o remount,bind,ro "$ROOT/usr"
    ln -s usr/lib "$ROOT/lib"
    [ ! -d /usr/lib64 ] || ln -s usr/lib64 "$ROOT/lib64"
}

# contain RUNTIME UID SCRIPT
contain() {
    "in_$1" "$2" "$3" </dev/null 3>&-
}

# needs_runtime RUNTIME: it is there and can start a container, with its user namespace where REMAP is set. Of the
# machine that CI runs on, that is asked of runc alone.
needs_runtime() {
    local program=$1 binds=("${BINDS[@]}")
    [ "$program" != nspawn ] || program=systemd-nspawn
    needs "$program" "to run a container"
    BINDS=()
    if [ "$(contain "$1" 1000 'echo started' 2>"$DIR/runtime.err")" != started ]; then
        [ "$program" != runc ] || skip "needs runc to work: $(paste -s -d ' ' "$DIR/runtime.err")"
        skip "$program cannot start a container here: $(paste -s -d ' ' "$DIR/runtime.err")"
    fi
    BINDS=("${binds[@]}")
}

in_runc() {
    local bundle
    bundle=$(mktemp -d "$DIR/bundle.XXXXXX")
    runc spec --bundle "$bundle"
    jq --argjson uid "$1" --arg script "$2" --arg root "$ROOT" --arg mode "$MODE" --arg cgroup "$CGROUP" \
        --arg remap "$REMAP" --argjson mapped "$MAPPED" '
        .process.terminal = false
        | .process.user = {uid: $uid, gid: $uid}
        | .process.args = ["/bin/sh", "-c", $script]
        | .process.rlimits = []
        | .root = {path: $root, readonly: true}
        | .linux.cgroupsPath = "/" + $cgroup + "/runc"
        | .mounts += ($ARGS.positional | map(split(":") | {source: .[0], destination: .[1], type: "bind",
            options: ["bind", $mode, "nosuid", "nodev", "noexec"]}))
        | if $remap == "" then . else
            .linux.namespaces += [{type: "user"}]
            | .linux.uidMappings = [{containerID: 0, hostID: ($remap | tonumber), size: $mapped}]
            | .linux.gidMappings = .linux.uidMappings end' \
        "$bundle/config.json" --args ${BINDS[@]+"${BINDS[@]}"} >"$bundle/made.json"
    mv "$bundle/made.json" "$bundle/config.json"
    in_cgroup timeout --kill-after=5 30 runc --root "$DIR/runc" run --bundle "$bundle" "$CGROUP-${bundle##*.}"
}

in_podman() {
    local options=() bind
    for bind in ${BINDS[@]+"${BINDS[@]}"}; do
        options+=(--volume "$bind:$MODE")
    done
    [ -z "$REMAP" ] || options+=(--uidmap "0:$REMAP:$MAPPED" --gidmap "0:$REMAP:$MAPPED")
    in_cgroup timeout --kill-after=5 30 podman --root "$PODMAN/root" --runroot "$PODMAN/run" --tmpdir "$PODMAN/tmp" \
        --storage-driver=vfs --cgroup-manager=cgroupfs --events-backend=file --runtime=runc run --rm \
        --log-driver=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network=none --read-only \
        --cgroup-parent="/$CGROUP" --user "$1:$1" "${options[@]}" --rootfs "$ROOT" /bin/sh -c "$2"
}

# An ordinary user, without help of root; the uid that he has in there is a name only.
in_bwrap() {
    local options=() bind
    for bind in ${BINDS[@]+"${BINDS[@]}"}; do
        [ "$MODE" = rw ] && options+=(--bind) || options+=(--ro-bind)
        options+=("${bind%%:*}" "${bind#*:}")
    done
    local uid=$((${REMAP:-0} + $1))
    in_cgroup timeout --kill-after=5 30 setpriv --reuid="$uid" --regid="$uid" --clear-groups -- bwrap \
        --ro-bind "$ROOT" / --proc /proc --dev /dev "${options[@]}" --unshare-all --uid "$1" --gid "$1" \
        --die-with-parent /bin/sh -c "$2"
}

in_nspawn() {
    local options=() bind
    for bind in ${BINDS[@]+"${BINDS[@]}"}; do
        [ "$MODE" = rw ] && options+=("--bind=$bind") || options+=("--bind-ro=$bind")
    done
    [ -z "$REMAP" ] || options+=("--private-users=$REMAP:$MAPPED" --private-users-ownership=off)
    [ "$1" -eq 0 ] || options+=("--user=u$1")
    in_cgroup timeout --kill-after=5 30 systemd-nspawn --quiet --register=no --keep-unit --private-network --read-only \
        --pipe --timezone=off --machine="$CGROUP" --directory="$ROOT" "${options[@]}" /bin/sh -c "$2"
}

# in_cgroup COMMAND…: in a cgroup CGROUP below this one's, in the hierarchies that the daemon looks at, where they can
# be written to.
in_cgroup() {
    (
        local tree
        while read -r tree; do
            mkdir -p "$tree/$CGROUP" && echo "$BASHPID" >"$tree/$CGROUP/cgroup.procs"
        done < <(findmnt --noheadings --output TARGET --types cgroup2
            findmnt --noheadings --output TARGET --types cgroup --options name=systemd) 2>/dev/null
        exec "$@"
    )
}
