#Requires -Version 5.1
#<modules>
<#
.SYNOPSIS
    Carries out the licence actions of a plan under your own identity.

.DESCRIPTION
    Without -Only and -Approved it runs the actions that need no decision and have no step that cannot be undone.

    Before each change it reads the person or group again and compares licences, assignment paths and membership with the
    snapshot of the plan. If something differs, the change is skipped and the script says what differs. Before a change that
    takes seats it counts the spare seats; if they do not suffice, the change is skipped. Every change asks first
    (-Confirm:$false does not) and is written to done.jsonl beside this script. Three failures without a change that was made
    between them stop the run. If the script was interrupted, run it again: it continues where it stopped. undo.ps1 takes the
    changes back.

    The next report names who made the changes if done.jsonl is committed to the folder done/ beside tenants.yaml, or recorded
    with `auditor store put STORE done.jsonl`.

    The data of the plan come first in this file, the functions after them.

.PARAMETER Only
    Numbers of actions to run, such as 3,7-9; also those that need a decision.

.PARAMETER Skip
    Numbers of actions to leave out.

.PARAMETER Approved
    approvals.csv of this plan: the actions whose column `approve` says yes are run.

.PARAMETER WaitMinutes
    How many minutes to wait for a licence that a group gives, and for a seat that an earlier change frees.

.PARAMETER UseDeviceCode
    Sign in with a code on another device.

.NOTES
    Modules: Install-Module Microsoft.Graph -Scope CurrentUser
    A downloaded script is blocked on Windows: Unblock-File .\plan.ps1, .\undo.ps1
    The account needs License Administrator; Groups Administrator for memberships; User Administrator for properties of
    people and for reprocessing licences. The first sign-in asks for consent to the permissions of the chosen actions.

.EXAMPLE
    .\plan.ps1 -WhatIf
    Signs in, reads and compares, and says what would be done. Changes nothing.

.EXAMPLE
    .\plan.ps1 -Only 3,7-9

.EXAMPLE
    .\plan.ps1 -Approved approvals.csv
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [string[]] $Only,
    [string[]] $Skip,
    [string] $Approved,
    [ValidateRange(0, 1440)] [int] $WaitMinutes = 15,
    [switch] $UseDeviceCode
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 1.0

$Back = $false

#<data>

#<common>

# ---- What is run -------------------------------------------------------------------------------------------------

$log = Join-Path $PSScriptRoot 'done.jsonl'
$chosen = @(
    if ($Approved) {
        $yes = @(Read-Approval -Path $Approved)
        $Actions | Where-Object { $_.Number -in $yes }
    }
    elseif ($Only) { $Actions }
    else { $Actions | Where-Object { -not $_.Decision -and -not $_.NoWayBack } }
)
$chosen = @(Select-Action -Among $chosen)
$numbers = @($chosen | ForEach-Object { $_.Number })
foreach ($action in $Actions) {
    if ($action.Number -in $numbers) { continue }
    $why = 'not chosen'
    if (-not $Only -and -not $Approved) {
        if ($action.Decision) { $why = 'needs a decision: name it with -Only or -Approved' }
        elseif ($action.NoWayBack) { $why = 'has a step that cannot be undone: name it with -Only or -Approved' }
    }
    Write-Host ('Left out: {0}. {1} ({2})' -f $action.Number, $action.Title, $why)
}
if ($chosen.Count -eq 0) {
    Write-Host 'Nothing to run.'
    return
}
Write-Host ('To run: {0} of {1} actions, with {2} changes.' -f $chosen.Count, @($Actions).Count, @($chosen | ForEach-Object { $_.Steps }).Count)
Invoke-Run -Chosen $chosen -Done (Read-Log -Path $log) -Undone (Read-Log -Path (Join-Path $PSScriptRoot 'undone.jsonl'))
