#Requires -Version 5.1
#<modules>
<#
.SYNOPSIS
    Takes back what plan.ps1 did, in reverse order, as far as it can be undone.

.DESCRIPTION
    Reads done.jsonl beside this script. For each change that was carried out it sends the request that restores the licences,
    assignment paths and memberships of the snapshot. Before each request it reads and compares the state: what somebody else has
    changed since is skipped, and the script says what differs. A licence is restored only if a seat is spare. The script names
    what cannot be undone. Every change asks first and is written to undone.jsonl. If the script was interrupted, run it again:
    it continues where it stopped.

.PARAMETER Only
    Numbers of actions to take back, such as 3,7-9.

.PARAMETER Skip
    Numbers of actions to leave as they are.

.PARAMETER WaitMinutes
    How many minutes to wait for a spare seat.

.PARAMETER UseDeviceCode
    Sign in with a code on another device.

.EXAMPLE
    .\undo.ps1 -WhatIf
    Signs in, reads and compares, and says what would be taken back. Changes nothing.
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

$Back = $true

#<data>

#<common>

# ---- What is taken back ------------------------------------------------------------------------------------------

$log = Join-Path $PSScriptRoot 'undone.jsonl'
$done = Read-Log -Path (Join-Path $PSScriptRoot 'done.jsonl')
$undone = Read-Log -Path $log
$chosen = @($Actions | Where-Object {
        $action = $_
        @($action.Steps | Where-Object { Test-Done -Action $action -Step $_ -Done $done -Undone $undone }).Count -gt 0
    })
$chosen = @(Select-Action -Among $chosen)
if ($chosen.Count -eq 0) {
    Write-Host 'Nothing to take back: done.jsonl names no change of these actions.'
    return
}
[array]::Reverse($chosen)
Invoke-Run -Chosen $chosen -Done $done -Undone $undone
