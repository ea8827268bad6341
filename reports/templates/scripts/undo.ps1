#Requires -Version 5.1
#<modules>
<#
.SYNOPSIS
    Takes back what plan.ps1 did, in reverse order, as far as it can be undone.

.DESCRIPTION
    Reads done.jsonl beside this script. For each change that was carried out it sends the request that restores the licences,
    paths and memberships of the snapshot; before it, the state is read and compared, and what somebody else has changed since is
    skipped and told. What cannot be undone is named. Every change is written to undone.jsonl. Run it again and it goes on where
    it stopped.

.PARAMETER Only
    Numbers of actions to take back, such as 3,7-9.

.PARAMETER Skip
    Numbers of actions to leave as they are.

.PARAMETER WaitMinutes
    How long to wait for a seat.

.PARAMETER UseDeviceCode
    Sign in with a code on another device.

.EXAMPLE
    .\undo.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string[]] $Only,
    [string[]] $Skip,
    [ValidateRange(0, 1440)] [int] $WaitMinutes = 15,
    [switch] $UseDeviceCode
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 1.0

#<data>

#<common>

# ---- What is taken back ------------------------------------------------------------------------------------------

$done = Read-Log -Path (Join-Path $PSScriptRoot 'done.jsonl')
$log = Join-Path $PSScriptRoot 'undone.jsonl'
$undone = Read-Log -Path $log
$chosen = @($Actions | Where-Object {
        $action = $_
        @($action.Steps | Where-Object { Test-Done -Action $action -Step $_ -Done $done -Undone $undone }).Count -gt 0
    })
if ($Only) {
    $numbers = @(Read-Number -Text $Only)
    $chosen = @($chosen | Where-Object { $_.Number -in $numbers })
}
if ($Skip) {
    $numbers = @(Read-Number -Text $Skip)
    $chosen = @($chosen | Where-Object { $_.Number -notin $numbers })
}
if ($chosen.Count -eq 0) {
    Write-Host 'Nothing to take back: done.jsonl names no change of these actions.'
    return
}
[array]::Reverse($chosen)

$failures = 0
try {
    Start-Run -Chosen $chosen -Name 'undo'
    Restore-Expectation -Done $done -Undone $undone
    foreach ($action in $chosen) {
        Write-Host ''
        Write-Host ('{0}. {1}' -f $action.Number, $action.Title)
        foreach ($text in $action.NoWayBack) { Write-Warning ('Cannot be undone: {0}' -f $text) }
        $stopped = @{}
        $steps = @($action.Steps)
        [array]::Reverse($steps)
        foreach ($step in $steps) {
            if (-not (Test-Done -Action $action -Step $step -Done $done -Undone $undone)) { continue }
            $subject = '{0}{1}' -f $step.User, $(if (-not $step.User) { $step.Group })
            if ($null -eq $step.Undo) {
                Write-Warning ('{0}: cannot be undone. {1}' -f (Get-Description -Change $step), $step.Final)
                continue
            }
            if ($stopped[$subject]) {
                Write-Outcome -Action $action -Step $step -Change $step.Undo -Outcome 'skipped' -Answer 'a later step was not taken back'
                continue
            }
            $outcome = Invoke-Step -Action $action -Step $step -Change $step.Undo
            if ($outcome -in 'skipped', 'failed') {
                $stopped[$subject] = $true
                $failures++
            }
        }
    }
}
finally {
    Stop-Run
}
if ($failures) {
    Write-Warning ('{0} changes were skipped or failed. Run the script again, or look at undone.jsonl.' -f $failures)
    exit 1
}
