# Random steps on a real mount, against a simple model in shell variables; the whole store verifies afterwards. The long
# version of this, with every command, is tests/unit/test_model.c. RANDOM_SEED=N replays a run.

load helper

setup() { start; }
teardown() { finish; }

NAMES=(billing paying crm)
SLUGS=(contact-center-historical-analytics work-analytics audit-records contact-search) # in catalogue order

# The model: which App has a name in apps/ or trash/, and what is so of each App.
declare -gA apps trash apis disabled expired revoked version value
made=0

any() { # any VARIABLE WORD…
    local -n chosen=$1
    shift
    # shellcheck disable=SC2034 # by name
    chosen=${@:RANDOM % $# + 1:1}
}

# must TEXT COMMAND…: it fails with that text, or succeeds where that is empty.
must() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1 >/dev/null); then
        [ -z "$text" ] && return
    else
        [ -n "$text" ] && [[ $said == *"$text" ]] && return
    fi
    echo "$*: wanted '$text', got '$said'"
    return 1
}

# put TEXT FILE WORD…: a write of those words, expected as in must.
put() {
    # shellcheck disable=SC2016 # the inner shell's
    must "$1" bash -c 'echo "${@:2}" >"$1"' - "${@:2}"
}

# issue ID: a new version.
issue() {
    version[$1]=$((version[$1] + 1)) revoked[$1]='' value[$1]=''
}

make() {
    any name "${NAMES[@]}"
    if [ -n "${apps[$name]-}" ]; then
        must "File exists" mkdir "$APPS/$name"
        return
    fi
    must "" mkdir "$APPS/$name"
    made=$((made + 1))
    apps[$name]=$made apis[$made]='' disabled[$made]='' expired[$made]='' version[$made]=0
    issue $made
}

# rmdir in apps/. Where the trash has that name the App would get another there: not here.
bury() {
    any name "${NAMES[@]}"
    local id=${apps[$name]-}
    if [ -z "$id" ]; then
        must "No such file or directory" rmdir "$APPS/$name"
    elif [ -z "${trash[$name]-}" ]; then
        must "" rmdir "$APPS/$name"
        unset "apps[$name]"
        trash[$name]=$id
        must "Key has been revoked" cat "$MP/trash/$name/key"
        put "Operation not permitted" "$MP/trash/$name/ctl" rotate
    fi
}

restore() {
    local id new
    any name "${NAMES[@]}"
    any new "${NAMES[@]}"
    id=${trash[$name]-}
    [ -n "$id" ] || return 0
    if [ -n "${apps[$new]-}" ]; then
        must "File exists" mv -T "$MP/trash/$name" "$APPS/$new"
        return
    fi
    must "" mv -T "$MP/trash/$name" "$APPS/$new"
    unset "trash[$name]"
    apps[$new]=$id
}

destroy() {
    any name "${NAMES[@]}"
    if [ -z "${trash[$name]-}" ]; then
        must "No such file or directory" rmdir "$MP/trash/$name"
        return
    fi
    must "" rmdir "$MP/trash/$name"
    unset "trash[$name]"
}

# An App of apps/, or failure where there is none.
choose() {
    [ ${#apps[@]} -gt 0 ] || return 1
    any name "${!apps[@]}"
    id=${apps[$name]}
}

# has ID SLUG
has() {
    [[ " ${apis[$1]} " == *" $2 "* ]]
}

assign() {
    local slug sign kept='' each
    choose || return 0
    any slug "${SLUGS[@]}"
    any sign + - '' no-such-
    case $sign in
    no-such-)
        put "Invalid argument" "$APPS/$name/apis" "$slug" "$sign$slug"
        return
        ;;
    '') apis[$id]=$slug ;;
    *)
        for each in "${SLUGS[@]}"; do
            if [ "$each" = "$slug" ]; then
                [ $sign = - ] || kept+="$each "
            elif has "$id" "$each"; then
                kept+="$each "
            fi
        done
        apis[$id]=$kept
        ;;
    esac
    put "" "$APPS/$name/apis" "$sign$slug"
}

control() {
    local command
    choose || return 0
    any command disable enable "rotate 0" "rotate 24h" rotate "expire 0" "expire never" "revoke ${version[$id]}" \
        "describe x" explode "rollback 99"
    case $command in
    explode | "rollback 99")
        put "Invalid argument" "$APPS/$name/ctl" "$command"
        return
        ;;
    disable) disabled[$id]=yes ;;
    enable) disabled[$id]='' ;;
    "expire 0") expired[$id]=yes ;;
    "expire never") expired[$id]='' ;;
    revoke*) revoked[$id]=yes ;;
    rotate*) issue "$id" ;;
    esac
    put "" "$APPS/$name/ctl" "$command"
}

import() {
    choose || return 0
    put "Invalid argument" "$APPS/$name/key" ""
    issue "$id"
    value[$id]=imported-$RANDOM
    put "" "$APPS/$name/key" "${value[$id]}"
}

# agrees NAME: is that App what the model says?
agrees() {
    local name=$1 id=${apps[$1]} error='' state=enabled slug want=()
    [ -z "${revoked[$id]}" ] || error="Key has been revoked"
    [ -z "${expired[$id]}" ] || error="Key has expired" state=expired
    [ -z "${disabled[$id]}" ] || error="Key has been revoked" state=disabled
    must "$error" cat "$APPS/$name/key"
    if [ -z "$error" ] && [ -n "${value[$id]}" ]; then
        [ "$(cat "$APPS/$name/key")" = "${value[$id]}" ]
    fi
    [ "$(info "$name" version)" = "${version[$id]}" ]
    [ "$(info "$name" state)" = "$state" ]
    for slug in "${SLUGS[@]}"; do
        ! has "$id" "$slug" || want+=("$slug")
    done
    apis_are "$name" "${want[@]}"
}

lists_agree() {
    [ "$(ls "$APPS")" = "$(printf '%s\n' "${!apps[@]}" | sed '/^$/d' | sort)" ]
    [ "$(ls "$MP/trash")" = "$(printf '%s\n' "${!trash[@]}" | sed '/^$/d' | sort)" ]
}

@test "200 random steps: after each, the mount is what a simple model says; then the store verifies" {
    local step name id seed=${RANDOM_SEED:-$((SRANDOM % 32768))}
    RANDOM=$seed
    echo "RANDOM_SEED=$seed"
    for ((step = 0; step < 200; step++)); do
        any what make bury restore destroy assign assign control control control import
        name=''
        $what
        lists_agree
        [ -z "$name" ] || [ -z "${apps[$name]-}" ] || agrees "$name"
        [ $step -ne 100 ] || remount
    done
    for name in "${!apps[@]}"; do
        agrees "$name"
    done
    [ $made -gt 3 ]
    check_passes
}
