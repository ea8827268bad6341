# Completion of auditor for bash. Write it to a file that bash-completion reads:
#   auditor completion bash > ~/.local/share/bash-completion/completions/auditor
# or into a file of your own that ~/.bashrc reads with `source FILE`.
_auditor() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= values= files= i
    # bash splits --option=value at the sign
    if [[ $current == "=" ]]; then current=; fi
    if [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi
    done
    case "$command $before" in
@values@
        *)
            case "$command" in
@names@
@commands@
            esac ;;
    esac
    COMPREPLY=()
    local line
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        if [[ -n $values ]]; then compgen -W "$values" -- "$current"; fi
        if [[ -n $files ]]; then compgen -f -- "$current"; fi
    )
    if [[ -n $files ]]; then compopt -o filenames 2>/dev/null; fi
}
complete -F _auditor auditor
