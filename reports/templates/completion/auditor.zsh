#compdef auditor
# Completion of auditor for zsh. Write it to a folder of $fpath, and start zsh again:
#   auditor completion zsh > "${fpath[1]}/_auditor"
_auditor() {
    local -a commands
    local context state state_descr line
    typeset -A opt_args
    if (( CURRENT == 2 )); then
        commands=(
@descriptions@
        )
        _describe command commands
        return
    fi
    local name=$words[2]
    shift words
    (( CURRENT-- ))
    case $name in
@commands@
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _auditor "$@"; else compdef _auditor auditor; fi
