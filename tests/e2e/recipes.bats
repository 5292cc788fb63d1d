# The recipes of scripts/systemd and scripts/containers, as they are in those files: units under a systemd that is
# process 1 of a machine of its own (systemd-nspawn), pods by `podman kube play`, the compose file by podman-compose,
# the quadlet by the options that its keys stand for, secrets by podman itself. What the recipes name is where they name
# it, in a mount namespace of their own: /mnt/credfs, /run/credfs, /usr/local, /var/lib.
#
# shellcheck disable=SC2317 # bats calls it

load helper
load containers

setup() {
    SCRIPTS=$(realpath "$BATS_TEST_DIRNAME/../../scripts")
    start
    containers_begin
    new_app billing audit-records
    new_app other
}

teardown() {
    local left=""
    [ -z "${NODE-}" ] || leave_node || left="a container was left"
    [ -z "${NSPAWN-}" ] || power_off || left="the machine did not stop"
    containers_end || left="a container left something"
    finish || left="more was left"
    [ -z "$left" ] || { echo "$left"; return 1; }
}

# The program, where `make install` puts it, and what a test adds.
make_local() {
    LOCAL=$DIR/local
    install -D -m 755 "$CREDFS" "$LOCAL/bin/credfs"
    install -D -m 755 "$(dirname "$CREDFS")/credfs-keeper" "$LOCAL/libexec/credfs/credfs-keeper"
}

# ---- a node: this machine with a /mnt, /run, /var/lib and /usr/local of its own, and credfs on /mnt/credfs ----

make_node() {
    needs podman "to follow the recipe"
    make_local
    podman_settings
    # shellcheck disable=SC2016 # for that shell
    MP=$MP LOCAL=$LOCAL READY=$DIR/node unshare --mount --propagation slave sh -ec '
        mount -t tmpfs -o mode=755 tmpfs /mnt
        mount -t tmpfs -o mode=755 tmpfs /run
        mount -t tmpfs -o mode=755 tmpfs /var/lib
        mount --make-shared /run
        mkdir /mnt/credfs /run/credfs
        mount --bind "$MP" /mnt/credfs
        mount --bind "$LOCAL" /usr/local
        : >"$READY"
        exec sleep 300' 3>&- &
    NODE=$!
    within 10 test -e "$DIR/node"
}

# Containers are ended, not removed, as of pods podman 4.3 takes seconds for that; and it leaves their cgroups.
leave_node() {
    local id left=""
    podman kill --all >/dev/null 2>&1 || true
    within 10 is_podman_gone || left=1
    for id in $(podman ps --all --quiet --no-trunc) $(podman pod ps --quiet --no-trunc); do
        find /sys/fs/cgroup -depth -type d -path "*/libpod_parent/*$id*" -delete 2>/dev/null || true
    done
    kill "$NODE"
    [ -z "$left" ]
}

is_podman_gone() {
    ! pgrep --full "^[^ ]*(conmon|podman) .*$PODMAN/"
}

on_node() {
    nsenter --target "$NODE" --mount -- "$@" 3>&-
}

podman_settings() {
    export CONTAINERS_CONF=$DIR/containers.conf CONTAINERS_STORAGE_CONF=$DIR/storage.conf
    cat >"$CONTAINERS_CONF" <<TOML
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$PODMAN/tmp"
infra_image = "localhost/billing:1"
infra_command = "/bin/pause"
TOML
    cat >"$CONTAINERS_STORAGE_CONF" <<TOML
[storage]
driver = "vfs"
graphroot = "$PODMAN/root"
runroot = "$PODMAN/run"
TOML
}

podman() {
    on_node timeout 30 podman "$@" </dev/null
}

# Asked once for this file.
podman_works() {
    [ ! -e "$BATS_FILE_TMPDIR/podman-works" ] || return 0
    podman run --rm --network=none localhost/billing:1 true 2>"$DIR/podman.err" ||
        skip "podman cannot start a container here: $(tail -n 1 "$DIR/podman.err")"
    : >"$BATS_FILE_TMPDIR/podman-works"
}

# image NAME DIRECTORY: what the recipes call their images.
image() {
    tar -C "$2" -c . | on_node podman import --quiet --change 'ENV PATH=/usr/bin:/bin' --change 'CMD ["/bin/pause"]' \
        - "localhost/$1:1" >/dev/null
}

billing_image() {
    cat >"$ROOT/bin/pause" <<'SH'
#!/bin/sh
trap exit TERM
sleep 300 &
wait
SH
    chmod 755 "$ROOT/bin/pause"
    image billing "$ROOT"
    podman_works
}

sum_of() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# ---- a machine: systemd as its process 1, with the recipes' units ----

make_machine() {
    local way
    needs systemd-nspawn "to boot systemd"
    [ -x /lib/systemd/systemd ] || skip "needs systemd to boot it"
    ! grep -qE 'lib[at]san' "$CREDFS" || skip "needs a program without sanitizers, as credfs.service confines it"
    M=$DIR/machine
    mkdir -p "$M"/{dev,etc/credfs,etc/systemd/system,mnt/credfs,proc,root,run,sys,tmp,usr,var/lib}
    for way in bin lib lib32 lib64 libx32 sbin; do
        [ ! -L "/$way" ] || ln -s "usr/$way" "$M/$way"
    done
    cp /etc/os-release /etc/ld.so.cache "$M/etc/"
    echo 00000000000000000000000000000001 >"$M/etc/machine-id"
    printf '%s\n' root:x:0:0::/root:/bin/sh billing:x:80001:80001::/:/bin/sh nobody:x:65534:65534::/:/bin/sh \
        >"$M/etc/passwd"
    printf '%s\n' root:x:0: billing:x:80001: nogroup:x:65534: >"$M/etc/group"
    printf '%s\n' 'passwd: files systemd' 'group: files systemd' >"$M/etc/nsswitch.conf"
    cp "$SCRIPTS"/systemd/*.service "$SCRIPTS"/systemd/*.path "$M/etc/systemd/system/"
    ln -s recipes.target "$M/etc/systemd/system/default.target"
    echo user:80001 >"$APPS/billing/grants"
    umount_store
    mv "$STORE" "$M/var/lib/credfs"
    cp "$CONFIG" "$M/etc/credfs/credfs.ini"
    make_local
    make_service
}

# The service of the recipes: says what it has, and each secret that it sees.
make_service() {
    local unit
    cat >"$LOCAL/bin/billing" <<'SH'
#!/bin/sh
# The last to end: with cgroups of version 1 nobody tells systemd in a container that a child was it.
trap 'wait; exit' TERM
d=${CREDENTIALS_DIRECTORY:-/run/billing}
ls /mnt/credfs >/dev/null 2>&1 || echo "no way to the others"
touch "$d/stray" 2>/dev/null || echo "read-only"
while :; do
    now=$(sha256sum <"$d/secret")
    [ "$now" = "$last" ] || echo "secret: ${now%% *}"
    last=$now
    sleep 0.1 &
    wait
done
SH
    chmod 755 "$LOCAL/bin/billing"
    for unit in billing-bind billing-credential; do
        mkdir "$M/etc/systemd/system/$unit.service.d"
        printf '[Service]\nStandardOutput=append:/root/%s\n' $unit >"$M/etc/systemd/system/$unit.service.d/output.conf"
    done
}

# boot UNIT…
boot() {
    printf '[Unit]\nWants=%s\n' "$*" >"$M/etc/systemd/system/recipes.target"
    # CAP_IPC_LOCK: nspawn gives it to no container by itself.
    in_cgroup systemd-nspawn --quiet --register=no --keep-unit --private-network --timezone=off --directory="$M" \
        --bind-ro=/usr --bind-ro="$LOCAL:/usr/local" --bind=/dev/fuse --capability=CAP_IPC_LOCK --console=pipe --boot \
        </dev/null >"$DIR/console" 2>&1 3>&- &
    within 20 is_booted && return
    nspawn || skip "needs systemd-nspawn to work: it does not boot here: $(tail -n 1 "$DIR/console")"
    return 1
}

nspawn() {
    NSPAWN=$(pgrep --oldest --full "^systemd-nspawn .*--directory=$M ")
}

is_booted() {
    nspawn && MACHINE=$(pgrep --parent "$NSPAWN" --exact systemd) && inside systemctl is-active recipes.target
}

inside() {
    nsenter --target "$MACHINE" --mount --pid --uts --ipc -- "$@" 3>&-
}

power_off() {
    inside systemctl poweroff --force 2>/dev/null || kill "$NSPAWN"
    within 10 test ! -d "/proc/$NSPAWN" || { kill -KILL "$NSPAWN"; return 1; }
    NSPAWN=""
}

# says UNIT LINE…
says() {
    local line
    for line in "${@:2}"; do
        grep -qxF -- "$line" "$M/root/$1" || return
    done
}

secret_inside() {
    inside sha256sum /mnt/credfs/apps/billing/secret | cut -d ' ' -f 1
}

# revealed_inside UID SERVICE: the machine's audit log tells of it.
revealed_inside() {
    inside cat /mnt/credfs/audit | jq -es --argjson uid "$1" --arg cgroup "/system.slice/$2.service" \
        'any(.[]; .uid == $uid and .op == "reveal" and .cgroup == $cgroup)' >/dev/null
}

@test "systemd: services with the App's directory bound, and with credentials that are renewed by a path unit" {
    local secret
    make_machine
    boot credfs.service billing-bind.service billing-credential.service billing-credential.path
    inside mountpoint -q /mnt/credfs
    secret=$(secret_inside)
    within 10 says billing-bind read-only "no way to the others" "secret: $secret"
    within 10 says billing-credential read-only "no way to the others" "secret: $secret"
    revealed_inside 80001 billing-bind
    revealed_inside 0 billing-credential

    inside sh -c 'echo rotate 1m >/mnt/credfs/apps/billing/ctl'
    secret=$(secret_inside)
    within 10 says billing-bind "secret: $secret"
    within 10 says billing-credential "secret: $secret"

    # The mount ends and comes again: whatever needs it is started again with it.
    : >"$M/root/billing-bind"
    inside systemctl restart credfs.service
    within 10 says billing-bind "secret: $secret"
    within 10 inside systemctl is-active billing-bind.service billing-credential.service billing-credential.path
    inside systemctl --failed --plain --no-legend >"$DIR/failed"
    [ ! -s "$DIR/failed" ] || { cat "$DIR/failed"; return 1; }
}

# started TIMES: the service with credentials, as it says itself.
started() {
    [ "$(grep -c read-only "$M/root/billing-credential")" -eq "$1" ]
}

@test "systemd: a change of key or secret starts the service again, however often; any other change does not" {
    local times
    make_machine
    boot credfs.service billing-credential.service billing-credential.path
    within 10 started 1
    for times in {1..8}; do
        inside sh -c "printf 'describe %s\nlabel a=%s\n' $times $times >/mnt/credfs/apps/billing/ctl"
        inside sh -c "echo user:100$times >/mnt/credfs/apps/billing/grants"
        sleep 0.2
    done
    sleep 2
    started 1
    # Each right after a change that is none to it, as what is seen first is not to be all that is seen.
    for times in {2..9}; do
        inside sh -c "echo 'describe $times' >/mnt/credfs/apps/billing/ctl; sleep 0.0$times
            echo rotate 1m >/mnt/credfs/apps/billing/ctl"
        within 10 says billing-credential "secret: $(secret_inside)"
    done
    # While there is nothing to be had, it goes on with what it has.
    times=$(grep -c read-only "$M/root/billing-credential")
    inside sh -c 'echo disable >/mnt/credfs/apps/billing/ctl'
    sleep 1
    inside systemctl is-active billing-credential.service
    inside sh -c 'echo enable >/mnt/credfs/apps/billing/ctl'
    sleep 1
    started "$times"
    inside systemctl is-active billing-credential.service billing-credential.path
    inside systemctl --failed --plain --no-legend >"$DIR/failed"
    [ ! -s "$DIR/failed" ] || { cat "$DIR/failed"; return 1; }
}

restarted() {
    [ "$(inside systemctl show --property=NRestarts --value credfs.service)" -ge "$1" ]
}

@test "systemd: credfs.service needs no configuration" {
    make_machine
    rm -r "$M/etc/credfs"
    boot credfs.service
    inside ls /mnt/credfs/apps >"$DIR/out"
    [ "$(paste -sd ' ' "$DIR/out")" = "billing other" ]
}

@test "systemd: credfs.service comes back where it left a dead mount, and is to outlive a worker that the kernel takes" {
    local keeper
    make_machine
    # So long systemd waits where nothing tells it that the cgroup is empty, as in a container on cgroup v1.
    sed -i 's/^TimeoutStopSec=.*/TimeoutStopSec=1s/' "$M/etc/systemd/system/credfs.service"
    boot credfs.service
    keeper=$(inside systemctl show --property=MainPID --value credfs.service)
    # Stopped, the keeper replaces no worker; the worker goes first, which would clear the mount away.
    inside kill -STOP "$keeper"
    inside pkill -KILL --parent "$keeper"
    inside kill -KILL "$keeper"
    within 10 restarted 1
    within 10 inside test -e /mnt/credfs/status
    # The keeper alone, where the kernel still knows what the mountpoint is.
    inside stat /mnt/credfs
    inside systemctl kill --signal=KILL --kill-who=main credfs.service
    within 10 restarted 2
    within 10 inside test -e /mnt/credfs/status
    # That it does cannot be tried where systemd is not told of the memory of a cgroup.
    [ "$(inside systemctl show --property=OOMPolicy --value credfs.service)" = continue ]
}

@test "systemd: the line of fstab mounts the store at start" {
    make_machine
    cp "$SCRIPTS/systemd/fstab" "$M/etc/fstab"
    boot local-fs.target
    within 10 inside systemctl is-active mnt-credfs.mount
    [ "$(inside ls /mnt/credfs/apps | tr '\n' ' ')" = "billing other " ]
    inside umount /mnt/credfs
    inside mount /mnt/credfs
    inside test -e /mnt/credfs/status
}

@test "systemd: the mount unit mounts the store at start" {
    make_machine
    cp "$SCRIPTS/systemd/mnt-credfs.mount" "$M/etc/systemd/system/"
    boot mnt-credfs.mount
    within 10 inside systemctl is-active mnt-credfs.mount
    [ "$(inside ls /mnt/credfs/apps | tr '\n' ' ')" = "billing other " ]
    inside systemctl restart mnt-credfs.mount
    inside test -e /mnt/credfs/status
}

@test "systemd: every unit is one that systemd accepts" {
    local unit units=()
    needs systemd-analyze "to look at the units"
    install_program
    for unit in "$SCRIPTS"/systemd/*.{service,path}; do
        sed "s,/usr/local/bin/\(credfs\|billing\),$DIR/credfs,g" "$unit" >"$DIR/${unit##*/}"
        units+=("$DIR/${unit##*/}")
    done
    # Of the quadlet what is not for podman, with the command that it is made into.
    sed -e '/^\[Container\]/,/^\[Service\]/{/^\[Service\]/!d}' -e 's,^\[Service\],&\nExecStart=/bin/true,' \
        "$SCRIPTS/containers/billing.container" >"$DIR/billing.service"
    SYSTEMD_LOG_LEVEL=warning run systemd-analyze verify --man=no "${units[@]}" "$DIR/billing.service"
    [ "$status" -eq 0 ] && [[ $output != *credfs* ]] && [[ $output != *billing* ]] && return
    echo "status $status: $output"
    return 1
}

# What quadlet makes of the keys that the recipe has (podman-systemd.unit(5)); any other is an error there too.
quadlet_options() {
    local line key value user=""
    OPTIONS=() IMAGE=""
    while IFS= read -r line; do
        key=${line%%=*} value=${line#*=}
        case $line in
        '' | '#'*) ;;
        Image=*) IMAGE=$value ;;
        User=*) user=$value ;;
        Group=*) OPTIONS+=(--user "$user:$value") ;;
        ReadOnly=true) OPTIONS+=(--read-only) ;;
        NoNewPrivileges=true) OPTIONS+=(--security-opt=no-new-privileges) ;;
        DropCapability=*) OPTIONS+=("--cap-drop=$value") ;;
        Volume=*) OPTIONS+=(--volume "$value") ;;
        *) echo "not a key of a quadlet: $key"; return 1 ;;
        esac
    done < <(sed -n '/^\[Container\]/,/^\[/{/^\[/!p}' "$1")
    [ -n "$IMAGE" ] && [ ${#OPTIONS[@]} -gt 0 ]
}

@test "podman: the quadlet's container reads its App's directory" {
    make_node
    billing_image
    echo user:1000 >"$APPS/billing/grants"
    quadlet_options "$SCRIPTS/containers/billing.container"
    podman run --rm --network=none "${OPTIONS[@]}" "$IMAGE" sh -c '
        id -u; cd /run/credentials/billing; sha256sum <secret; touch stray 2>&1; ls ..' >"$DIR/out"
    [ "$(cut -d ' ' -f 1 "$DIR/out" | head -n 2 | tr '\n' ' ')" = "1000 $(sum_of "$APPS/billing/secret") " ]
    grep -q 'Read-only file system' "$DIR/out"
    [ "$(tail -n 1 "$DIR/out")" = billing ]
    audited '.uid == 1000 and .op == "reveal" and .app == "billing"'
}

@test "podman: the compose file's services read the App's directory, and its secret" {
    local compose=(timeout 60 podman-compose --project-name credfs -f "$SCRIPTS/containers/compose.yaml")
    needs podman-compose "to follow the recipe"
    make_node
    billing_image
    without_network
    echo user:1000 >"$APPS/billing/grants"
    on_node "${compose[@]}" up --detach >"$DIR/compose.out" 2>&1 || { cat "$DIR/compose.out"; return 1; }
    podman exec credfs_billing_1 sh -c 'id -u; cd /run/credentials/billing; sha256sum <secret; touch stray' \
        >"$DIR/out" 2>&1 || true
    [ "$(head -n 2 "$DIR/out" | cut -d ' ' -f 1 | tr '\n' ' ')" = "1000 $(sum_of "$APPS/billing/secret") " ]
    grep -q 'Read-only file system' "$DIR/out"
    echo rotate 1m >"$APPS/billing/ctl"
    podman exec credfs_billing-report_1 sha256sum /run/secrets/billing.secret >"$DIR/out"
    [ "$(cut -d ' ' -f 1 "$DIR/out")" = "$(sum_of "$APPS/billing/secret")" ]
    [ -z "$(podman exec credfs_billing-report_1 ls /run/credentials/billing)" ]
}

# podman-compose gives each project a network, which is not to be had everywhere: a podman that leaves it out.
without_network() {
    cat >"$LOCAL/bin/podman" <<'SH'
#!/bin/bash
[ "$1" != network ] || exit 0
words=()
while [ $# -gt 0 ]; do
    case $1 in
    --net | --network-alias) shift ;;
    create) words+=(create --network=none) ;;
    *) words+=("$1") ;;
    esac
    shift
done
exec /usr/bin/podman "${words[@]}"
SH
    chmod 755 "$LOCAL/bin/podman"
}

@test "podman: a secret is looked up in credfs, and no value is stored for it" {
    local id
    make_node
    billing_image
    install -m 755 "$SCRIPTS/containers/podman-secret" "$LOCAL/libexec/credfs/podman-secret"
    cat "$SCRIPTS/containers/podman-secret.conf" >>"$CONTAINERS_CONF"
    on_node sh -c 'printf billing/secret | podman secret create billing.secret -' >"$DIR/id"
    id=$(cat "$DIR/id")
    [ "$(podman secret ls --format '{{.Name}} {{.Driver}}')" = "billing.secret shell" ]
    podman secret inspect billing.secret | jq -e '.[0].Spec.Driver.Name == "shell"'
    [ "$(on_node cat "/var/lib/credfs-podman/$id")" = billing/secret ]
    [ "$(on_node /usr/local/libexec/credfs/podman-secret list /mnt/credfs /var/lib/credfs-podman)" = "$id" ]
    podman run --rm --network=none --user 1000:1000 --secret billing.secret,uid=1000,mode=0400 localhost/billing:1 \
        sh -c 'sha256sum </run/secrets/billing.secret' >"$DIR/out"
    [ "$(cut -d ' ' -f 1 "$DIR/out")" = "$(tr -d '\n' <"$APPS/billing/secret" | sha256sum | cut -d ' ' -f 1)" ]
    audited '.uid == 0 and .op == "reveal" and .app == "billing" and .file == "secret" and .comm == "podman-secret"'
    # Nothing of it is left on disk once the container is gone.
    run ! grep -rqFf "$APPS/billing/secret" "$PODMAN"
    on_node sh -c 'echo disable >/mnt/credfs/apps/billing/ctl'
    refused "is credfs mounted, and may root reveal it" \
        podman run --rm --network=none --secret billing.secret localhost/billing:1 true
    podman secret rm billing.secret
    [ -z "$(on_node ls -A /var/lib/credfs-podman)" ]
}

@test "podman: what is no name of an App's file is not stored as a secret" {
    local text driver=("$SCRIPTS/containers/podman-secret")
    for text in cfs_a-value-by-mistake ../billing/secret billing/../other/secret /etc/passwd billing/ctl billing/info \
        none/secret "billing/secret other/secret" ""; do
        run env SECRET_ID=1a "${driver[@]}" store "$MP" "$DIR/names" < <(printf %s "$text")
        [ "$status" -eq 1 ]
        [[ $output == *"the name of an App's file"* ]]
        [[ $output != *value-by-mistake* ]]
    done
    [ ! -e "$DIR/names" ]
    printf 'billing/secret\n' | SECRET_ID=1a "${driver[@]}" store "$MP" "$DIR/names"
    [ "$(SECRET_ID=1a "${driver[@]}" lookup "$MP" "$DIR/names" | sum_of /dev/stdin)" = \
        "$(tr -d '\n' <"$APPS/billing/secret" | sum_of /dev/stdin)" ]
    # Whoever could write to the directory of names gets no other file by it.
    echo ../../store/master.key >"$DIR/names/1b"
    for text in 1b 1c ../1a ''; do
        run env "SECRET_ID=$text" "${driver[@]}" lookup "$MP" "$DIR/names"
        [ "$status" -eq 1 ]
    done
    refused "usage" "${driver[@]}" lookup "$MP"
    refused "no such command" "${driver[@]}" show "$MP" "$DIR/names"
}

# ---- Kubernetes ----

# The documents of a YAML file as JSON, one a line.
documents() {
    /usr/bin/python3 -c 'import json, sys, yaml
for document in yaml.safe_load_all(sys.stdin):
    print(json.dumps(document))' <"$1"
}

needs_yaml() {
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "needs python3-yaml to read the recipe"
}

# play: the pod on standard input, by podman.
play() {
    cat >"$DIR/pod.json"
    podman kube play --network=none "$DIR/pod.json" >"$DIR/play.out" 2>&1 || { cat "$DIR/play.out"; return 1; }
}

pod() {
    documents "$SCRIPTS/containers/kubernetes-billing.yaml" | jq --arg name "$1" 'select(.metadata.name == $name)'
}

# The DaemonSet's pod. What podman 4.3 does not know is done for it: the kind, an init container that runs once, and one
# key of a ConfigMap as a file.
mounter() {
    documents "$SCRIPTS/containers/kubernetes-credfs.yaml" | jq -s --arg file "$DIR/node.ini" '
        (.[] | select(.kind == "DaemonSet")) as $set
        | {apiVersion: "v1", kind: "Pod", metadata: {name: "credfs", labels: $set.spec.template.metadata.labels},
            spec: ($set.spec.template.spec | .restartPolicy = "OnFailure"
                | del(.containers[].volumeMounts[].subPath)
                | .volumes |= map(if .configMap then {name: .name, hostPath: {path: $file, type: "File"}} else . end))}'
}

node_configuration() {
    documents "$SCRIPTS/containers/kubernetes-credfs.yaml" |
        jq -r 'select(.kind == "ConfigMap") | .data["credfs.ini"]' >"$DIR/node.ini"
}

# The program with the libraries that it needs, as of an image that was built for it.
credfs_image() {
    local library
    install -D -m 755 "$CREDFS" "$ROOT/usr/bin/credfs"
    install -D -m 755 "$(dirname "$CREDFS")/credfs-keeper" "$ROOT/usr/libexec/credfs/credfs-keeper"
    for library in $(ldd "$CREDFS" "$(dirname "$CREDFS")/credfs-keeper" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
        install -D -m 755 "$library" "$ROOT/$library"
    done
    image credfs "$ROOT"
}

in_pod() {
    podman exec "$1" sh -c "$2"
}

# has_secret CONTAINER DIRECTORY
has_secret() {
    [ "$(in_pod "$1" "sha256sum <$2/secret")" = "$(on_node sh -c "sha256sum <$NODE_APPS/billing/secret")" ]
}

@test "Kubernetes: the DaemonSet's mount reaches a pod that was there before it, and one App's directory another" {
    NODE_APPS=/run/credfs/mnt/apps
    needs_yaml
    make_node
    billing_image
    credfs_image
    node_configuration
    pod billing | play
    mounter | play
    within 10 on_node test -e /run/credfs/mnt/status || { podman logs credfs-credfs | tail; return 1; }
    on_node sh -c "cd $NODE_APPS && mkdir billing other && echo user:1000 >billing/grants"
    within 5 has_secret billing-billing /run/credentials/mnt/apps/billing
    [ "$(in_pod billing-billing 'ls /run/credentials/mnt/apps')" = billing ]
    refused "Permission denied" in_pod billing-billing 'cat /run/credentials/mnt/apps/other/secret'
    refused "Operation not permitted" in_pod billing-billing 'touch /run/credentials/mnt/apps/billing/stray'
    pod billing-alone | play
    has_secret billing-alone-billing /run/credentials/billing
    refused "Read-only file system" in_pod billing-alone-billing 'touch /run/credentials/billing/stray'
    podman pod kill billing-alone

    # It ends and comes again: the first pod has it without a start of its own.
    podman pod stop --time 15 credfs
    run ! on_node test -e /run/credfs/mnt/status
    podman pod start credfs
    within 10 has_secret billing-billing /run/credentials/mnt/apps/billing
    podman pod stop --time 15 credfs
    run ! on_node mountpoint -q /run/credfs/mnt
}

# The documents by the types that Kubernetes' own OpenAPI description gives, which name every field that there is.
as_types() {
    echo 'import type * as v1 from "kubernetes-models/v1";'
    echo 'import type * as apps from "kubernetes-models/apps/v1";'
    documents "$1" | jq -r '"export const \(.kind)_\(input_line_number): "
        + "\(.apiVersion | sub("/v1"; "")).I\(.kind) = \(.);"'
}

@test "the manifests and the compose file are what their schemas demand" {
    local file
    needs_yaml
    needs npm "for the schemas"
    mkdir "$DIR/schemas"
    cd "$DIR/schemas"
    timeout 30 npm install --no-audit --no-fund --ignore-scripts --prefix . \
        kubernetes-models@5.1.0 typescript@5.9.3 dclint@3.1.0 >"$DIR/npm.out" 2>&1 3>&- ||
        skip "npm cannot reach its registry here"
    for file in "$SCRIPTS"/containers/kubernetes-*.yaml; do
        as_types "$file" >"$(basename "$file" .yaml).ts"
    done
    node_modules/.bin/tsc --noEmit --strict --module nodenext --moduleResolution nodenext --skipLibCheck ./*.ts
    node_modules/.bin/dclint "$SCRIPTS/containers/compose.yaml"
    # The checks can fail.
    sed 's/"mountPropagation"/"mountPropagations"/' kubernetes-billing.ts >wrong.ts
    refused "mountPropagations" node_modules/.bin/tsc --noEmit --strict --module nodenext --moduleResolution nodenext \
        --skipLibCheck wrong.ts
    sed 's/create_host_path/create_the_path/' "$SCRIPTS/containers/compose.yaml" >compose.yaml
    refused "invalid-schema" node_modules/.bin/dclint compose.yaml
}
