# Completion of auditor for PowerShell. Add it to your profile:
#   auditor completion powershell >> $PROFILE
Register-ArgumentCompleter -Native -CommandName auditor -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
@commands@
    $options = @{
@options@
    }
    # Values of options and commands. PowerShell offers files where nothing is found.
    $values = @{
@values@
    }
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    $command = $before | Where-Object { $_ -notlike '-*' } | Select-Object -First 1
    $last = $before | Select-Object -Last 1
    if (-not $command) { $found = $commands }
    elseif ($values.ContainsKey("$command $last")) { $found = $values["$command $last"] }
    elseif ($wordToComplete -like '-*') { $found = $options[$command] }
    else { $found = $values["$command "] }
    $found | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
