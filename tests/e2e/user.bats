# Everything once as an ordinary user who has no root at all: a store and a mount of his own, through fusermount3.

load helper

setup_file() {
    [ "$(id -u)" -eq 0 ] || return 0
    # fusermount3 wants to know the user's name.
    export HIM=credfs-test-him-$$
    flock /etc useradd --no-create-home "$HIM"
}

teardown_file() {
    [ -z "${HIM-}" ] || flock /etc userdel "$HIM"
}

setup() {
    needs_root
    needs_fuse
    needs fusermount3 "to mount as an ordinary user"
    make_dir
    USER_ID=$(id -u "$HIM")
    HOME_DIR=$DIR/home
    mkdir -m 700 "$HOME_DIR"
    chown "$USER_ID:$USER_ID" "$HOME_DIR"
    install_program
    MP=$HOME_DIR/credfs
}

teardown() {
    if [ -n "${MP-}" ] && mounted "$MP"; then
        user credfs umount
    fi
    finish
}

# user COMMAND…: as him, at home, with the program in his PATH.
user() {
    as "$USER_ID" env -C "$HOME_DIR" HOME="$HOME_DIR" PATH="$DIR:$PATH" "$@"
}

@test "init, mount, the scenario and umount with nothing but defaults" {
    user credfs init
    user mkdir -p credfs
    user credfs mount
    mounted "$MP"
    [ "$(stat -c '%a %u' "$HOME_DIR/.local/share/credfs")" = "700 $USER_ID" ]

    user mkdir credfs/apps/billing
    user sh -c 'printf "audit-records\ncontact-search\n" >credfs/apps/billing/apis'
    [ "$(user cat credfs/apps/billing/apis)" = $'audit-records\ncontact-search' ]
    [ "$(user cat credfs/apps/billing/key | wc -c)" -eq 37 ]
    [ "$(user cat credfs/apps/billing/secret | wc -c)" -eq 48 ]
    user sh -c 'echo -contact-search +cloud-storage-service >credfs/apps/billing/apis' || true
    user sh -c "echo user:$USER_ID >credfs/apis/cloud-storage-service/assignees"
    user sh -c 'echo -contact-search +cloud-storage-service >credfs/apps/billing/apis'
    [ "$(user cat credfs/apps/billing/apis)" = $'cloud-storage-service\naudit-records' ]
    user sh -c 'echo rotate >credfs/apps/billing/ctl'
    user rmdir credfs/apps/billing
    [ -z "$(user ls credfs/apps)" ]
    user mv credfs/trash/billing credfs/apps/
    user credfs status --json | jq -e '.mounted and .apps == 1' >/dev/null
    user credfs audit --verify
    user credfs check
    user credfs umount
    run ! mounted "$MP"
    daemon_gone
}

@test "a mount elsewhere is found by the store, with no mountpoint said" {
    user credfs init
    user mkdir elsewhere
    MP=$HOME_DIR/elsewhere
    user credfs mount elsewhere
    user mkdir elsewhere/apps/billing
    user sh -c 'credfs exec billing -- printenv API_APP' | grep -qx billing
    user sh -c 'credfs reveal billing key | wc -c' | grep -qx 37
    user credfs mount --replace
    user mkdir -p .config/credfs
    user touch .config/credfs/credfs.ini
    user credfs reload
    refused "unmount it first (credfs umount $MP)" user credfs mount
    user credfs umount
    run ! mounted "$MP"

    local tried="no credfs is mounted on $HOME_DIR/credfs, nor the store $HOME_DIR/.local/share/credfs anywhere"
    refused "$tried: name the mountpoint as an argument" user credfs umount
    refused "$tried: name the mountpoint as an argument" user credfs reload
    refused "$tried: name the mountpoint as an argument" user credfs mount --replace
    [ -e /mnt/credfs/status ] || refused "$tried: name the mountpoint with --mount" user credfs exec billing -- true
}

@test "only who mounted it may unmount it" {
    user credfs init
    user credfs mount
    chmod 711 "$HOME_DIR"
    refused "$MP: not unmounted: it was mounted by $HIM, and only that user or root" as 70012 "$DIR/credfs" umount "$MP"
    user credfs umount
}

@test "what is to be done next names the store that is meant" {
    user credfs init | grep -qx 'Next: credfs mount'
    user credfs init --store s2 | grep -qx 'Next: credfs mount --store s2'
    refused 'there is no store in s3: make one with `credfs init --store s3`' user credfs mount --store s3
    rm -r "$HOME_DIR/.local/share/credfs"
    refused 'share/credfs: make one with `credfs init`' user credfs status
}

@test "others, root too, do not get in, and his store is his alone" {
    user credfs init
    user mkdir -p credfs
    user credfs mount
    chmod 711 "$HOME_DIR"
    refused "Permission denied" as 70012 ls "$MP"
    refused "Permission denied" ls "$MP"
    refused "Permission denied" as 70012 ls "$HOME_DIR/.local/share/credfs"
    refused "" as 70012 "$DIR/credfs" status --store "$HOME_DIR/.local/share/credfs"
    user credfs umount
}

@test "he can have a configuration of his own" {
    user credfs init
    user mkdir -p credfs .config/credfs
    user sh -c 'printf "[policy]\npropagation = 0\n" >.config/credfs/credfs.ini'
    user credfs mount
    user mkdir credfs/apps/billing
    user sh -c 'echo audit-records >credfs/apps/billing/apis'
    user grep -qx 'api.audit-records = approved' credfs/apps/billing/info
    user credfs umount
    user sh -c 'echo nonsense >.config/credfs/credfs.ini'
    refused "credfs.ini:1: " user credfs mount
    run ! mounted "$MP"
}

@test "a first configuration is taken into use by reload, and a lost one refuses it" {
    local config=$HOME_DIR/.config/credfs/credfs.ini tries
    user credfs init
    user credfs mount
    user credfs status | grep -qx 'config = none'
    refused "$config: no such file" user credfs reload
    user mkdir -p .config/credfs
    user sh -c 'echo nonsense >.config/credfs/credfs.ini'
    refused "credfs.ini:1: " user credfs reload
    user grep -qx 'config = none' credfs/status
    user sh -c 'printf "[policy]\npropagation = 0\n" >.config/credfs/credfs.ini'
    user credfs status | grep -qx 'config = none'
    user credfs reload
    user credfs status | grep -qxF "config = $config"
    user mkdir credfs/apps/billing
    user sh -c 'echo audit-records >credfs/apps/billing/apis'
    user grep -qx 'api.audit-records = approved' credfs/apps/billing/info

    # It stays in force without the file, in workers that follow too.
    user rm "$config"
    refused "$config: no such file" user credfs reload
    kill -HUP "$(user sed -n 's/^pid = //p' credfs/status)"
    for ((tries = 0; tries < 100; tries++)); do
        ! user grep -qx 'refused = 1' credfs/status || break
        sleep 0.1
    done
    user credfs mount --replace
    user grep -qxF "config = $config" credfs/status
    user sh -c 'echo +contact-search >credfs/apps/billing/apis'
    user grep -qx 'api.contact-search = approved' credfs/apps/billing/info
    user credfs umount
}

@test "he is told of changes when he watches, and can unmount at once" {
    needs inotifywait "to watch files"
    user credfs init
    user mkdir -p credfs
    user credfs mount
    user mkdir credfs/apps/billing
    user timeout 10 inotifywait -e close_write credfs/apps/billing/secret >"$DIR/told" 2>"$DIR/watches" &
    local watcher=$! tries
    for ((tries = 0; tries < 100; tries++)); do
        ! grep -q established "$DIR/watches" || break
        sleep 0.1
    done
    user sh -c 'echo rotate >credfs/apps/billing/ctl'
    wait $watcher
    grep -q CLOSE_WRITE "$DIR/told"
    user sh -c 'echo rotate >credfs/apps/billing/ctl'
    user credfs umount
    daemon_gone
}

@test "two users have two stores and two mounts at the same time" {
    user credfs init
    user mkdir -p credfs
    user credfs mount
    user mkdir credfs/apps/his
    mkdir "$DIR/mnt2"
    "$CREDFS" init --store "$DIR/store" >/dev/null
    "$CREDFS" mount --store "$DIR/store" "$DIR/mnt2" 3>&-
    mkdir "$DIR/mnt2/apps/hers"
    [ "$(user ls credfs/apps)" = his ]
    [ "$(ls "$DIR/mnt2/apps")" = hers ]
    "$CREDFS" umount "$DIR/mnt2"
    user credfs umount
}

# make_run: what the Makefile does for him, with no HOME; prints what it suggests.
make_run() {
    as "$USER_ID" env -u HOME -C / BUILD="$DIR" "$DIR/run" | sed -n '/^Try next:/,$s/^  \([^#]\)/\1/p'
}

# make_stop [BUILD]
make_stop() {
    as "$USER_ID" env -u HOME -C / BUILD="${1-$DIR}" "$DIR/stop"
}

@test "make run suggests what then works, each time; make stop ends it, whatever became of program and daemon" {
    local keeper
    mv "$HOME_DIR" "$DIR/at home"
    HOME_DIR="$DIR/at home" MP="$DIR/at home/credfs"
    flock /etc usermod --home "$HOME_DIR" "$HIM"
    install -m 755 "$BATS_TEST_DIRNAME"/../../scripts/{run,stop} "$DIR"

    make_run >"$DIR/tried.sh"
    [ "$(wc -l <"$DIR/tried.sh")" -eq 4 ]
    user sh -e "$DIR/tried.sh" >/dev/null
    make_run >"$DIR/tried.sh"
    user sh -e "$DIR/tried.sh" >/dev/null
    [ "$(user ls credfs/apps | tr '\n' ' ')" = "example trial trial-2 " ]
    [ "$(user cat credfs/apps/trial-2/apis)" = audit-records ]
    [ -z "$(user cat credfs/apps/example/apis)" ]
    make_stop | grep -qx "credfs is unmounted from $MP."
    run ! mounted "$MP"

    make_run >/dev/null
    make_stop "$DIR/no-such-build" | grep -qx "credfs is unmounted from $MP."
    run ! mounted "$MP"
    daemon_gone

    make_run >/dev/null
    # Stopped, the keeper replaces no worker; the worker goes first, which would clear the mount away.
    keeper=$(holder)
    kill -STOP "$keeper"
    pkill -KILL --parent "$keeper"
    kill -KILL "$keeper"
    daemon_gone
    mounted "$MP"
    make_stop | grep -qx "credfs is unmounted from $MP."
    run ! mounted "$MP"
    make_stop | grep -qx "credfs is not mounted."
}
