# shellcheck shell=bash
# bash completion of credfs(1): commands, options, Apps and their fields and views, mountpoints.
#
# The package bash-completion loads it by its name; without that, `. credfs.bash` does. Names of Apps come from the mount
# and are those that the user may see; no value is read. What is typed is never evaluated.

# The options of a command, as its --help has them; with = those that take a value.
_credfs_options() {
    local place='--store= --config='
    case $1 in
    init) echo --store= ;;
    mount) echo "-f,--foreground -o= --replace $place" ;;
    status | check) echo "-j,--json $place" ;;
    reveal) echo '-f,--for= -m,--mount=' ;;
    exec) echo '-m,--mount= -v,--view= -w,--watch' ;;
    policy) echo "-a,--as= -g,--groups= -j,--json $place" ;;
    audit) echo '-a,--app= -f,--follow -j,--json -m,--mount= -s,--since= -u,--user= -v,--verify --store=' ;;
    export) echo "--keygen= -o,--output= --passphrase-file= --plain --recipient= $place" ;;
    import) echo "--json -n,--dry-run --passphrase-file= --replace --secret-key= $place" ;;
    reconcile) echo "-j,--json $place" ;;
    esac
    echo '--help --usage'
}

_credfs_commands='init mount umount status reveal exec policy audit check reload export import reconcile'

# Take the line up to the cursor apart as the shell does: into words, the last of them cur, without their quotes. quote:
# the one that is open there. lead: the beginning of cur that readline leaves as it is.
_credfs_parse() {
    local line=${COMP_LINE:0:COMP_POINT} i c is_word=''
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        case $quote$c in
        "''" | '""')
            quote='' lead=$cur
            ;;
        "'"?)
            cur+=$c
            ;;
        '"'\\)
            ((++i))
            [[ ${line:i:1} == [\"\\\`\$] ]] || cur+=\\
            cur+=${line:i:1}
            ;;
        '"'?)
            cur+=$c
            ;;
        \\)
            ((++i))
            cur+=${line:i:1} is_word=1
            ;;
        [\'\"])
            quote=$c lead=$cur is_word=1
            ;;
        [[:blank:]])
            [[ -z $is_word ]] || words+=("$cur")
            cur='' lead='' is_word=''
            ;;
        *)
            cur+=$c is_word=1
            [[ $c != [=:@] || $COMP_WORDBREAKS != *"$c"* ]] || lead=$cur
            ;;
        esac
    done
}

# Offer a text, quoted so that it can stand where the cursor is.
_credfs_offer_quoted() {
    local text=$1 unsafe=$'\\ !"#$&\'()*;<>?[]`{|}~' i c
    case $quote in
    "'") unsafe="'" ;;
    '"') unsafe=$'"\\`$' ;;
    esac
    if [[ $text == *["$unsafe"]* ]]; then
        text=''
        for ((i = 0; i < ${#1}; i++)); do
            c=${1:i:1}
            if [[ $unsafe != *"$c"* ]]; then
                text+=$c
            elif [[ $quote == "'" ]]; then
                text+="'\\''"
            else
                text+=\\$c
            fi
        done
    fi
    COMPREPLY+=("$text")
}

# Offer those of these words that begin as the one at the cursor.
_credfs_offer() {
    local word
    for word; do
        [[ $word != "$cur"* ]] || _credfs_offer_quoted "${word:${#lead}}"
    done
}

_credfs_files() {
    compopt -o default 2>/dev/null
}

_credfs_mountpoints() {
    local path type
    while read -r _ path type _; do
        [[ $type != fuse.credfs ]] || printf '%b\0' "$path"
    done </proc/self/mounts
}

_credfs_offer_mountpoints() {
    local path
    while IFS= read -r -d '' path; do
        _credfs_offer "$1$path"
    done < <(_credfs_mountpoints)
}

# The apps/ of the mount that the command would take.
_credfs_apps() {
    local path usual=~/credfs
    ((EUID != 0)) || usual=/mnt/credfs
    case $mount in
    '') ;;
    [~]/*) apps=~/${mount:2}/apps ;;
    *) apps=$mount/apps ;;
    esac
    [[ -z $apps ]] || return 0
    apps=/mnt/credfs/apps
    while IFS= read -r -d '' path; do
        [[ $path != "$usual" ]] || apps=$usual/apps
    done < <(_credfs_mountpoints)
}

# The names in a directory of the mount that begin with this, each with a text before it.
_credfs_offer_names() {
    local before=$1 dir=$2 begin=$3 path
    for path in "$dir/$begin"*; do
        [[ ! -e $path ]] || _credfs_offer "$before${path##*/}"
    done
}

_credfs_offer_apps() {
    _credfs_offer_names "$1" "$apps" "${cur#"$1"}"
}

_credfs_offer_fields() {
    local field
    for field in key secret token username password; do
        [[ ! -e $apps/$1/$field ]] || _credfs_offer "$field"
    done
}

# Views of NAME=value lines.
_credfs_offer_views() {
    local path
    for path in "$apps/${args[0]-}/views"/*; do
        [[ ! -f $path || $path == */properties || $path == */json ]] || _credfs_offer "$1${path##*/}"
    done
    ((${#COMPREPLY[@]} > 0)) || _credfs_offer "$1env"
}

# The value of an option. before: what of it stands in the same word.
_credfs_value() {
    local option=$1 before=$2
    case $option in
    --mount) _credfs_offer_mountpoints "$before" ;;
    --app) _credfs_offer_apps "$before" ;;
    --view) _credfs_offer_views "$before" ;;
    --watch) _credfs_offer "$before"{restart,HUP,INT,QUIT,TERM,USR1,USR2} ;;
    --for) _credfs_offer "$before"{1m,5m,15m,1h} ;;
    --since) _credfs_offer "$before"{1h,24h,7d,30d} ;;
    --user) mapfile -t names < <(compgen -u -P "$before" -- "${cur#"$before"}") && _credfs_offer "${names[@]}" ;;
    --as) mapfile -t names < <(compgen -u -P "${before}user:") && _credfs_offer "${names[@]}" ;;
    --groups) mapfile -t names < <(compgen -g -P "$before" -- "${cur#"$before"}") && _credfs_offer "${names[@]}" ;;
    -o) _credfs_offer "$before"{allow_other,ro,store=,config=} ;;
    --recipient) ;;
    *) _credfs_files ;;
    esac
}

# Is there an option of this name, short or long? Sets option to its long name, and takes when it takes a value.
_credfs_option() {
    local one
    for one in $options; do
        [[ ,${one%=}, == *,"$1",* ]] || continue
        takes=${one##*[!=]}
        option=${one%=} option=${option##*,}
        return 0
    done
    return 1
}

# Is there one among these short options in a word (-m, -jm, -mPATH) that takes a value? Sets option, and value to what
# of it stands there.
_credfs_short() {
    local i
    for ((i = 1; i < ${#1}; i++)); do
        _credfs_option "-${1:i:1}" || return 1
        value=${1:i+1}
        [[ -z $takes ]] || return 0
    done
    return 1
}

# What stands before the word at the cursor: sets args, mount, ended (by --), and pending, the option whose value comes.
_credfs_before() {
    local word option takes value
    for word in "${words[@]:2}"; do
        if [[ -n $pending ]]; then
            [[ $pending != --mount ]] || mount=$word
            pending=''
        elif [[ -n $ended || $word != -?* || (${words[1]} == exec && ${#args[@]} -gt 1) ]]; then
            args+=("$word")
        elif [[ $word == -- ]]; then
            ended=1
        elif [[ $word == --mount=* ]]; then
            mount=${word#*=}
        elif [[ $word == --* ]]; then
            ! _credfs_option "$word" || [[ -z $takes ]] || pending=$option
        elif _credfs_short "$word"; then
            [[ -n $value ]] || pending=$option
            [[ $option != --mount ]] || mount=$value
        fi
    done
}

_credfs_offer_options() {
    local one
    for one in $options; do
        one=${one##*,}
        _credfs_offer "$one"
        [[ $one != *= || $one != "$cur"* ]] || compopt -o nospace 2>/dev/null
    done
}

# The command that exec runs has completion of its own, where the package bash-completion offers to ask it.
_credfs_command() {
    if ((${#args[@]} == 1)); then
        mapfile -t names < <(compgen -c -- "$cur" | sort -u) && _credfs_offer "${names[@]}"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$((COMP_CWORD - ${#args[@]} + 1))"
    else
        _credfs_files
    fi
}

_credfs_argument() {
    case ${words[1]} in
    mount) _credfs_files ;;
    umount | reload) _credfs_offer_mountpoints '' ;;
    policy) ((${#args[@]} > 0)) || _credfs_offer_apps '' ;;
    export) _credfs_offer_apps '' ;;
    import) _credfs_files ;;
    reveal) if ((${#args[@]} == 0)); then _credfs_offer_apps ''; else _credfs_offer_fields "${args[0]}"; fi ;;
    exec) if ((${#args[@]} == 0)); then _credfs_offer_apps ''; else _credfs_command; fi ;;
    reconcile) if ((${#args[@]} == 0)); then _credfs_offer_apps ''; else _credfs_files; fi ;;
    esac
}

_credfs() {
    local words=() cur='' lead='' quote='' args=() names=() mount='' apps='' ended='' pending='' options option takes value
    COMPREPLY=()
    _credfs_parse
    if ((${#words[@]} < 2)); then
        # shellcheck disable=SC2086 # a word a command
        _credfs_offer $_credfs_commands --help --version
        return
    fi
    options=$(_credfs_options "${words[1]}")
    _credfs_before
    _credfs_apps
    if [[ -n $pending ]]; then
        _credfs_value "$pending" ''
    elif [[ -n $ended || $cur != -* || (${words[1]} == exec && ${#args[@]} -gt 1) ]]; then
        _credfs_argument
    elif [[ $cur == --*=* ]] && _credfs_option "${cur%%=*}"; then
        _credfs_value "$option" "${cur%%=*}="
    elif [[ $cur == -[!-]?* ]] && _credfs_short "$cur"; then
        _credfs_value "$option" "${cur%"$value"}"
    else
        _credfs_offer_options
    fi
}

complete -F _credfs credfs
