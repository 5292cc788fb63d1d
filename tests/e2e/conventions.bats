# What mount(8), fstab, umount(8), fusermount3 and systemd expect of a file system, with the program where make install
# puts it: /usr/local/bin, in a mount namespace of the test's own, which has an fstab of its own too.

load helper

setup() {
    needs_root
    needs_fuse
    [ -x /sbin/mount.fuse ] || skip "needs mount.fuse, from fuse3"
    getent passwd games >/dev/null || skip "needs the user games, to be an ordinary one"
    make_dir
    credfs init --store "$STORE" >"$DIR/init.out"
    write_config
    unshare --mount --propagation slave sleep 300 3>&- &
    NAMESPACE=$!
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        [ "$(readlink "/proc/$NAMESPACE/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || break
        sleep 0.02
    done
    inside mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
    inside install "$CREDFS" "$(dirname "$CREDFS")/credfs-keeper" /usr/local/bin/
}

teardown() {
    if [ -n "${NAMESPACE-}" ]; then
        inside umount --quiet "$MP" || true
        kill "$NAMESPACE"
    fi
    finish
}

# inside COMMAND…: in the namespace.
inside() {
    nsenter --target "$NAMESPACE" --mount -- env --chdir=/ "$@" 3>&-
}

# games COMMAND…: in the namespace, as an ordinary user.
games() {
    inside setpriv --reuid=games --regid=games --clear-groups -- "$@"
}

# mount(8) with its usual arguments and these options.
mount_with() {
    inside mount -t fuse.credfs "$STORE" "$MP" -o "config=$CONFIG,$1"
}

mounted_inside() {
    inside findmnt --noheadings --types fuse.credfs --mountpoint "$1" >/dev/null
}

# options_are WORD…: the mount has these options, among others.
options_are() {
    local word have
    have=,$(inside findmnt --noheadings --output OPTIONS --mountpoint "$MP"),
    for word; do
        [[ $have == *,$word,* ]] || { echo "no $word in $have"; return 1; }
    done
}

# told CODE TEXT COMMAND…: it ends with this code and says TEXT.
told() {
    local code=$1 text=$2
    shift 2
    run "$@"
    [ "$status" -eq "$code" ] && [[ $output == *"$text"* ]] && return
    echo "wanted code $code and '$text' from: $*; got $status: $output"
    return 1
}

@test "mount -t fuse.credfs, umount, fusermount3 -u, and again at once" {
    mount_with rw
    options_are rw nosuid nodev noexec allow_other
    [ "$(inside findmnt --noheadings --output SOURCE,FSTYPE --mountpoint "$MP" | tr -s ' ')" = "$STORE fuse.credfs" ]
    inside mkdir "$APPS/billing"
    inside umount "$MP"
    mount_with dev,suid,exec
    options_are nosuid nodev noexec
    [ "$(inside ls "$APPS")" = billing ]
    inside fusermount3 -u "$MP"
    mount_with ro
    options_are ro
    refused "Read-only file system" inside mkdir "$APPS/mailer"
    refused "Read-only file system" inside rmdir "$APPS/billing"
    inside cat "$APPS/billing/secret" >/dev/null
    inside umount "$MP"
    run ! mounted_inside "$MP"
    daemon_gone
}

@test "a line in fstab, with all that may stand in one" {
    local options=defaults,nofail,_netdev,noatime,user,config=$CONFIG,comment=x
    options+=,x-systemd.automount,x-systemd.requires=network-online.target,x-systemd.device-timeout=5s,x-mount.mkdir
    echo "$STORE $MP fuse.credfs $options 0 0" >"$DIR/fstab"
    rmdir "$MP"
    inside mount --fstab "$DIR/fstab" "$MP"
    mounted_inside "$MP"
    inside mkdir "$APPS/billing"
    inside mount --all --fstab "$DIR/fstab" # there already: nothing to do
    inside umount "$MP"
    inside env LIBMOUNT_FSTAB="$DIR/fstab" mount "$STORE"
    [ "$(inside ls "$APPS")" = billing ]
    inside umount "$MP"
    daemon_gone
}

@test "the line and the units that come with the program" {
    local example=$BATS_TEST_DIRNAME/../../scripts/systemd
    sed "s|/var/lib/credfs|$STORE|; s|/mnt/credfs|$MP|" "$example/fstab" >"$DIR/fstab"
    inside mount --fstab "$DIR/fstab" "$MP"
    mounted_inside "$MP"
    inside umount "$MP"
    daemon_gone
    needs systemd-analyze "and systemd-escape, from systemd"
    # mount(8) is what the unit calls; the pages of the manual need not be installed
    run -0 systemd-analyze verify --man=no "$example/mnt-credfs.mount" "$example/mnt-credfs.automount"
    [ -z "$output" ] || { echo "$output"; return 1; }
    [ "$(systemd-escape --path --suffix=mount "$(sed -n 's/^Where=//p' "$example/mnt-credfs.mount")")" = mnt-credfs.mount ]
    [ "$(sed -n 's/^Type=//p' "$example/mnt-credfs.mount")" = fuse.credfs ]
}

@test "options that set owners and modes are refused, with what to use instead" {
    local option
    for option in uid=1000 gid=1000 umask=077 fmask=0133 dmask=022 mode=0755 default_permissions; do
        told 64 "-o $option: " mount_with "$option"
        [[ $output == *"roles in credfs.ini"*"grants of an App"* ]]
    done
    told 64 "-o size=1G: no such option" mount_with size=1G
    run ! mounted_inside "$MP"
    mount_with rw
    told 64 "unmount it and mount it again" inside mount -o remount,ro "$MP"
    inside mount -o remount,bind,ro "$MP"
    refused "Read-only file system" inside mkdir "$APPS/billing"
}

@test "a directory that is not empty, not there, or a mount already" {
    told 66 "$DIR/none: No such file or directory: make it first" inside mount -t fuse.credfs "$STORE" "$DIR/none"
    told 66 "there is no store in $DIR/none" inside mount -t fuse.credfs "$DIR/none" "$MP"
    touch "$DIR/file" "$MP/beneath"
    told 64 "$DIR/file: not a directory" inside mount -t fuse.credfs "$STORE" "$DIR/file"
    told 64 "cannot lie within each other" inside mount -t fuse.credfs "$STORE" "$STORE"
    # what is in a directory that somebody names is hidden, as under any mount, and comes back
    mount_with rw
    [ ! -e "/proc/$NAMESPACE/root$MP/beneath" ]
    mkdir -m 700 "$DIR/second"
    credfs init --store "$DIR/second" >/dev/null
    told 69 "$MP: a credfs is mounted there" inside mount -t fuse.credfs "$DIR/second" "$MP"
    told 75 "$STORE is in use by process" inside mount -t fuse.credfs "$STORE" "$DIR"
    inside umount "$MP"
    inside test -e "$MP/beneath"
    daemon_gone
    inside mount -t tmpfs tmpfs "$MP"
    mount_with rw
    mounted_inside "$MP"
    inside umount "$MP"
    [ "$(inside findmnt --noheadings --output FSTYPE --mountpoint "$MP")" = tmpfs ]
    inside umount "$MP"
    daemon_gone
}

@test "an ordinary user mounts and unmounts what fstab lets him" {
    rmdir "$MP"
    mkdir "$DIR/home"
    chown games:games "$DIR/home"
    MP=$DIR/home/credfs STORE=$DIR/home/store
    games mkdir "$MP"
    games credfs init --store "$STORE" >/dev/null
    echo "$STORE $MP fuse.credfs users,noauto 0 0" >"$DIR/fstab"
    inside mount --bind "$DIR/fstab" /etc/fstab
    games mount "$MP"
    options_are nosuid nodev noexec "user_id=$(id -u games)"
    games mkdir "$MP/apps/billing"
    games cat "$MP/apps/billing/secret" >/dev/null
    refused "Permission denied" inside ls "$MP"
    refused "" inside setpriv --reuid=$STRANGER --regid=$STRANGER --clear-groups fusermount3 -u "$MP"
    mounted_inside "$MP"
    games umount "$MP"
    daemon_gone
    games mount "$MP"
    games fusermount3 -u "$MP"
    daemon_gone
    games credfs "$STORE" "$MP" -o ro
    options_are ro
    games credfs umount "$MP"
    run ! mounted_inside "$MP"
    # others are let in where the administrator allows that
    echo >"$DIR/fuse.conf"
    inside mount --bind "$DIR/fuse.conf" /etc/fuse.conf
    told 71 "user_allow_other" games credfs "$STORE" "$MP" -o allow_other
    echo user_allow_other >"$DIR/fuse.conf"
    games credfs "$STORE" "$MP" -o allow_other
    inside ls "$MP/apps" >/dev/null
    inside umount "$MP"
    daemon_gone
}
