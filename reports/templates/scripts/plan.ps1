#Requires -Version 5.1
#<modules>
<#
.SYNOPSIS
    Carries out the licence actions of a plan under your own identity.

.DESCRIPTION
    Without -Only and -Approved it runs the actions that need no decision and have no step without a way back. Before each
    change it reads the person or group again and compares licences, paths and membership with the snapshot of the plan; what
    differs is skipped and told. Every change is written to done.jsonl beside this script. Run it again and it goes on where it
    stopped. undo.ps1 takes the changes back.

.PARAMETER Only
    Numbers of actions to run, such as 3,7-9; also those that need a decision.

.PARAMETER Skip
    Numbers of actions to leave out.

.PARAMETER Approved
    approvals.csv of this plan: the actions whose column `approve` says yes are run.

.PARAMETER WaitMinutes
    How long to wait for a licence that a group gives, and for a seat that an earlier change frees.

.PARAMETER UseDeviceCode
    Sign in with a code on another device.

.EXAMPLE
    .\plan.ps1 -WhatIf
    Reads and compares, and says what would be done.

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

#<data>

#<common>

# ---- What is run -------------------------------------------------------------------------------------------------

$chosen = @($Actions | Where-Object { -not $_.Decision -and $_.NoWayBack.Count -eq 0 })
if ($Approved) {
    $yes = @(Read-Approval -Path $Approved)
    $chosen = @($Actions | Where-Object { $_.Number -in $yes })
}
if ($Only) {
    $numbers = @(Read-Number -Text $Only)
    $among = if ($Approved) { $chosen } else { $Actions }
    $chosen = @($among | Where-Object { $_.Number -in $numbers })
}
if ($Skip) {
    $numbers = @(Read-Number -Text $Skip)
    $chosen = @($chosen | Where-Object { $_.Number -notin $numbers })
}
foreach ($action in $Actions) {
    if ($action.Number -in @($chosen | ForEach-Object { $_.Number })) { continue }
    $why = 'not chosen'
    if (-not $Only -and -not $Approved -and $action.Decision) { $why = 'needs a decision: name it with -Only or -Approved' }
    elseif (-not $Only -and -not $Approved -and $action.NoWayBack.Count) {
        $why = 'has a step that cannot be undone: name it with -Only or -Approved'
    }
    Write-Host ('Left out: {0}. {1} ({2})' -f $action.Number, $action.Title, $why)
}
if ($chosen.Count -eq 0) {
    Write-Host 'Nothing to run.'
    return
}

$failures = 0
$log = Join-Path $PSScriptRoot 'done.jsonl'
try {
    Start-Run -Chosen $chosen -Name 'plan'
    $done = Read-Log -Path $log
    $undone = Read-Log -Path (Join-Path $PSScriptRoot 'undone.jsonl')
    Restore-Expectation -Done $done -Undone $undone
    foreach ($action in $chosen) {
        Write-Host ''
        Write-Host ('{0}. {1}' -f $action.Number, $action.Title)
        foreach ($text in $action.NoWayBack) { Write-Warning ('Cannot be undone: {0}' -f $text) }
        $stopped = @{}
        foreach ($step in $action.Steps) {
            $subject = '{0}{1}' -f $step.User, $(if (-not $step.User) { $step.Group })
            if (Test-Done -Action $action -Step $step -Done $done -Undone $undone) {
                Write-Host ('  {0}: done earlier' -f (Get-Description -Change $step))
                continue
            }
            if ($stopped[$subject]) {
                Write-Outcome -Action $action -Step $step -Change $step -Outcome 'skipped' -Answer 'an earlier step was not carried out'
                continue
            }
            $outcome = Invoke-Step -Action $action -Step $step -Change $step
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
    Write-Warning ('{0} changes were skipped or failed. Run the script again, or make a new plan.' -f $failures)
    exit 1
}
