# ---- Files -------------------------------------------------------------------------------------------------------

function ConvertTo-JsonLine {
    # JSON on one line, in ASCII only, so that no encoding of a file or a request can change it.
    param($Value)
    $text = ConvertTo-Json -InputObject $Value -Compress -Depth 10
    [regex]::Replace($text, '[^\x20-\x7E]', { '\u{0:x4}' -f [int][char]$args[0].Value })
}

function Get-Key {
    # What identifies a change in a log: another plan may have an action of the same id.
    param($Fingerprint, $Step, $Method, $Url, $Body)
    $json = if ($null -eq $Body) { '' } else { ConvertTo-JsonLine -Value $Body }
    '{0}|{1}|{2}|{3}|{4}' -f $Fingerprint, $Step, $Method, $Url, $json
}

function Read-Log {
    # The changes that a log says are done, each with the number of its line. A half line at its end was never written.
    param([string] $Path)
    $found = @{}
    if (-not (Test-Path -LiteralPath $Path)) { return $found }
    foreach ($line in @(Get-Content -LiteralPath $Path -Encoding UTF8)) {
        if (-not $line.Trim()) { continue }
        try { $record = ConvertFrom-Json -InputObject $line }
        catch {
            Write-Warning ('{0} has a line that is not whole; it is left out.' -f $Path)
            continue
        }
        if ($record.tenant -ne $Plan.TenantId -or $record.outcome -notin 'done', 'unchanged') { continue }
        $key = Get-Key $record.fingerprint $record.step $record.method $record.url $record.body
        $found[$key] = [datetime]$record.time
    }
    $found
}

function Test-Done {
    # Whether a step is done and was not taken back later.
    param($Action, $Step, $Done, $Undone)
    $when = $Done[(Get-Key $Action.Fingerprint $Step.Step $Step.Method ($Plan.Root + $Step.Path) $Step.Body)]
    if ($null -eq $when) { return $false }
    if ($null -eq $Step.Undo) { return $true }
    $undo = $Step.Undo
    $back = $Undone[(Get-Key $Action.Fingerprint $Step.Step $undo.Method ($Plan.Root + $undo.Path) $undo.Body)]
    $null -eq $back -or $back -lt $when
}

function Write-Outcome {
    param($Action, $Step, $Change, [string] $Outcome, [string] $Answer)
    $text = '  {0}: {1}' -f (Get-Description -Change $Change), $Outcome
    if ($Outcome -in 'skipped', 'failed') { Write-Warning ('{0}: {1}' -f $text, $Answer) } else { Write-Host $text }
    if ($WhatIfPreference) { return }
    $record = [ordered]@{
        time        = [datetime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fff\Z', [cultureinfo]::InvariantCulture)
        by          = $script:By
        plan        = $Plan.AsOf
        tenant      = $Plan.TenantId
        action      = $Action.Number
        fingerprint = $Action.Fingerprint
        step        = $Step.Step
        method      = $Change.Method
        url         = $Plan.Root + $Change.Path
        body        = $Change.Body
        outcome     = $Outcome
        answer      = $Answer
    }
    Add-Content -LiteralPath $log -Value (ConvertTo-JsonLine -Value $record) -Encoding Ascii -WhatIf:$false -Confirm:$false
}

function Read-Number {
    # 3,7-9 as numbers; every one must be an action of this plan.
    param([string[]] $Text)
    $numbers = foreach ($part in (($Text -join ',') -split ',')) {
        if ($part -match '^\s*(\d+)\s*$') { [int]$Matches[1] }
        elseif ($part -match '^\s*(\d+)\s*-\s*(\d+)\s*$') { [int]$Matches[1]..[int]$Matches[2] }
        else { throw ('"{0}" is not a number of an action or a range such as 7-9.' -f $part) }
    }
    foreach ($number in $numbers) {
        if ($number -notin @($Actions | ForEach-Object { $_.Number })) {
            throw ('Action {0} has no request in this plan.' -f $number)
        }
    }
    $numbers
}

function Read-Approval {
    # The numbers of the actions that approvals.csv approves. Titles are compared, so that the file of another plan is refused.
    param([string] $Path)
    $first = [string](@(Get-Content -LiteralPath $Path -Encoding UTF8 -TotalCount 1)[0])
    $delimiter = ','
    if ($first.Contains(';')) { $delimiter = ';' }
    if ($first.Contains("`t")) { $delimiter = "`t" }
    foreach ($row in @(Import-Csv -LiteralPath $Path -Delimiter $delimiter -Encoding UTF8)) {
        if ($null -eq $row.action -or $null -eq $row.title -or $null -eq $row.approve) {
            throw ('{0} has no column action, title or approve.' -f $Path)
        }
        if ($row.question -or $row.approve.Trim() -ne 'yes') { continue }
        $action = $Actions | Where-Object { [string]$_.Number -eq $row.action.Trim() }
        if (-not $action) {
            Write-Warning ('Action {0} has no request: a person carries it out.' -f $row.action)
            continue
        }
        if (($row.title -replace '[^A-Za-z0-9]', '') -ne ($action.Title -replace '[^A-Za-z0-9]', '')) {
            throw ('Action {0} of {1} is another one than in this plan: use the approvals.csv that was written with it.' -f $row.action, $Path)
        }
        $action.Number
    }
}

# ---- Sign-in -----------------------------------------------------------------------------------------------------

function Start-Run {
    # Opens the transcript, signs in with the permissions of the chosen actions, and counts the spare seats.
    param($Chosen)
    $name = if ($Back) { 'undo' } else { 'plan' }
    $stamp = [datetime]::UtcNow.ToString('yyyyMMdd-HHmmss', [cultureinfo]::InvariantCulture)
    $null = Start-Transcript -LiteralPath (Join-Path $PSScriptRoot ('{0}-{1}.log' -f $name, $stamp)) -WhatIf:$false -Confirm:$false
    if (Test-Path -LiteralPath $log) {
        # A run that was killed may have left half a line.
        $written = Get-Content -LiteralPath $log -Raw -Encoding UTF8
        if ($written -and -not $written.EndsWith("`n")) {
            Add-Content -LiteralPath $log -Value '' -Encoding Ascii -WhatIf:$false -Confirm:$false
        }
    }
    $scopes = @($Chosen | ForEach-Object { $_.Scopes })
    $changes = @($Chosen | ForEach-Object { $_.Steps } | ForEach-Object { Get-Change -Step $_ } | Where-Object { $_ })
    $takes = @($changes | Where-Object { @(Get-TakenProduct -Change $_).Count }).Count -gt 0
    if ($takes) { $scopes += 'LicenseAssignment.Read.All' }
    $scopes = @($scopes | Sort-Object -Unique)
    if ($scopes -contains 'User.ReadWrite.All') { $scopes = @($scopes -ne 'User.Read.All') }
    Connect-MgGraph -Scopes $scopes -TenantId $Plan.TenantId -Environment $Plan.Environment -ContextScope Process -NoWelcome `
        -UseDeviceCode:$UseDeviceCode
    $context = Get-MgContext
    if ($null -eq $context -or $context.TenantId -ne $Plan.TenantId) {
        throw ('This plan is for the tenant {0}, but the sign-in is to {1}. Nothing was changed.' -f $Plan.TenantId, $context.TenantId)
    }
    $script:By = if ($context.Account) { $context.Account } else { $context.ClientId }
    Write-Host ('{0} ({1}), plan of {2}, as {3}' -f $Plan.Tenant, $Plan.TenantId, $Plan.AsOf, $script:By)
    if ($takes) {
        $free = Read-Seat
        foreach ($sku in $free.Keys) { $SeatsNow[$sku] = $free[$sku] }
    }
}

function Stop-Run {
    try { $null = Disconnect-MgGraph -ErrorAction Stop }
    catch { Write-Host ('Signing out: {0}' -f $_.Exception.Message) }
    try { $null = Stop-Transcript }
    catch { Write-Host ('Transcript: {0}' -f $_.Exception.Message) }
}

# ---- The state as it should be: the snapshot's, with what this plan has changed since --------------------------------

$PeopleNow = @{}
$GroupsNow = @{}
$Changed = @{}
$SeatsNow = @{}
$SeatsMissing = @{}

function Get-PathText {
    # One way in which a person has a product: SKU, group, whether it is active, services that are off.
    param([string] $SkuId, [string] $Group, [bool] $Active, $DisabledPlans)
    '{0}|{1}|{2}|{3}' -f $SkuId, $Group, $Active, (Get-PlanText -DisabledPlans $DisabledPlans)
}

function Get-PlanText {
    param($DisabledPlans)
    @($DisabledPlans | Where-Object { $_ } | ForEach-Object { ([string]$_).ToLowerInvariant() } | Sort-Object -Unique) -join ','
}

function Get-ExpectedPerson {
    param([string] $Id)
    if (-not $PeopleNow.ContainsKey($Id)) {
        $paths = @{}
        foreach ($path in $People[$Id].Paths) {
            $paths['{0}|{1}' -f $path.SkuId, $path.Group] = Get-PathText $path.SkuId $path.Group $path.Active $path.DisabledPlans
        }
        $PeopleNow[$Id] = @{ Paths = $paths; Properties = $People[$Id].Properties.Clone() }
    }
    $PeopleNow[$Id]
}

function Get-ExpectedGroup {
    param([string] $Id)
    if (-not $GroupsNow.ContainsKey($Id)) {
        $licenses = @{}
        foreach ($license in $Groups[$Id].Licenses) {
            $licenses[$license.SkuId] = if ($null -eq $license.DisabledPlans) { $null } else { Get-PlanText $license.DisabledPlans }
        }
        $members = @{}
        foreach ($member in $Groups[$Id].Members) { $members[$member] = $true }
        $GroupsNow[$Id] = @{ Licenses = $licenses; Members = $members }
    }
    $GroupsNow[$Id]
}

function Add-Effect {
    # What a change that was carried out makes of the state. What groups give comes later, so it is no longer compared.
    param($Change)
    switch ($Change.Kind) {
        'UserLicense' {
            $person = Get-ExpectedPerson -Id $Change.User
            foreach ($sku in $Change.Body.removeLicenses) { $person.Paths.Remove('{0}|' -f $sku) }
            foreach ($license in $Change.Body.addLicenses) {
                $person.Paths['{0}|' -f $license.skuId] = Get-PathText $license.skuId '' $true $license.disabledPlans
            }
        }
        'GroupLicense' {
            $group = Get-ExpectedGroup -Id $Change.Group
            foreach ($sku in $Change.Body.removeLicenses) { $group.Licenses.Remove($sku) }
            foreach ($license in $Change.Body.addLicenses) { $group.Licenses[$license.skuId] = Get-PlanText $license.disabledPlans }
            $Changed['|{0}' -f $Change.Group] = $true
        }
        'AddMember' {
            (Get-ExpectedGroup -Id $Change.Group).Members[$Change.User] = $true
            $Changed['{0}|{1}' -f $Change.User, $Change.Group] = $true
        }
        'RemoveMember' {
            (Get-ExpectedGroup -Id $Change.Group).Members.Remove($Change.User)
            $Changed['{0}|{1}' -f $Change.User, $Change.Group] = $true
        }
        'Property' {
            $person = Get-ExpectedPerson -Id $Change.User
            foreach ($property in $Change.Properties) { $person.Properties[$property.Name] = $property.Value }
        }
        'Reprocess' { $Changed['{0}|' -f $Change.User] = $true }
    }
}

function Restore-Expectation {
    # Takes in what earlier runs did.
    param($Done, $Undone)
    foreach ($action in $Actions) {
        foreach ($step in $action.Steps) {
            if (Test-Done -Action $action -Step $step -Done $Done -Undone $Undone) { Add-Effect -Change $step }
            elseif ($step.Group -and $Done.ContainsKey((Get-Key $action.Fingerprint $step.Step $step.Method ($Plan.Root + $step.Path) $step.Body))) {
                $Changed['{0}|{1}' -f $step.User, $step.Group] = $true
            }
        }
    }
}

# ---- The state as it is ------------------------------------------------------------------------------------------

function Read-Person {
    param([string] $Id)
    $names = @($People[$Id].Properties.Keys)
    $select = @('id', 'licenseAssignmentStates')
    foreach ($name in $names) {
        $select += if ($name -like 'extensionAttribute*') { 'onPremisesExtensionAttributes' } else { $name }
    }
    $user = Get-MgUser -UserId $Id -Property @($select | Select-Object -Unique) -ErrorAction Stop
    $paths = @{}
    foreach ($state in $user.LicenseAssignmentStates) {
        if ($null -eq $state) { continue }
        $active = $state.State -in 'Active', 'ActiveWithError'
        $key = '{0}|{1}' -f $state.SkuId, $state.AssignedByGroup
        $paths[$key] = Get-PathText $state.SkuId $state.AssignedByGroup $active $state.DisabledPlans
    }
    $values = @{}
    foreach ($name in $names) {
        $values[$name] = if ($name -like 'extensionAttribute*') { $user.OnPremisesExtensionAttributes.$name } else { $user.$name }
    }
    @{ Paths = $paths; Properties = $values }
}

function Read-Group {
    # The members are read only where all of them change.
    param([string] $Id, [bool] $WithMembers)
    $group = Get-MgGroup -GroupId $Id -Property 'id', 'assignedLicenses' -ErrorAction Stop
    $licenses = @{}
    foreach ($license in $group.AssignedLicenses) {
        if ($null -ne $license) { $licenses[[string]$license.SkuId] = Get-PlanText $license.DisabledPlans }
    }
    $members = @{}
    if ($WithMembers) {
        foreach ($member in (Get-MgGroupMemberAsUser -GroupId $Id -All -Property 'id' -ErrorAction Stop)) { $members[$member.Id] = $true }
    }
    @{ Licenses = $licenses; Members = $members }
}

function Read-State {
    param($Change)
    $state = @{ Person = $null; Group = $null; IsMember = $false }
    if ($Change.User) { $state.Person = Read-Person -Id $Change.User }
    if ($Change.Group) { $state.Group = Read-Group -Id $Change.Group -WithMembers ($Change.Kind -eq 'GroupLicense') }
    if ($Change.User -and $Change.Group) {
        $groups = @(Get-MgUserMemberOf -UserId $Change.User -All -Property 'id' -ErrorAction Stop | ForEach-Object { $_.Id })
        $state.IsMember = $groups -contains $Change.Group
    }
    $state
}

function Read-Seat {
    # The spare seats of each product: those that are active or in grace, less those in use.
    $free = @{}
    foreach ($sku in (Get-MgSubscribedSku -All -Property 'skuId', 'prepaidUnits', 'consumedUnits' -ErrorAction Stop)) {
        $free[[string]$sku.SkuId] = [int]$sku.PrepaidUnits.Enabled + [int]$sku.PrepaidUnits.Warning - [int]$sku.ConsumedUnits
    }
    $free
}

function Get-TakenProduct {
    # The SKUs of which a change takes seats.
    param($Change)
    if ($Change.Seats) { $Change.Seats.Keys | Where-Object { $Change.Seats[$_] -gt 0 } }
}

function Add-SeatEffect {
    param($Change)
    if (-not $Change.Seats) { return }
    foreach ($sku in $Change.Seats.Keys) { $SeatsNow[$sku] = [int]$SeatsNow[$sku] - $Change.Seats[$sku] }
}

function Wait-Seat {
    # Waits until the seats that a change takes are free; returns what is missing, a line for each product.
    # A group gives and frees seats later than it answers, so the seats that this run took count, too.
    param($Change, [datetime] $Until)
    $taken = @(Get-TakenProduct -Change $Change)
    if ($taken.Count -eq 0) { return }
    while ($true) {
        $free = if ($WhatIfPreference) { $SeatsNow } else { Read-Seat }
        $left = @{}
        foreach ($sku in $taken) { $left[$sku] = [Math]::Max(0, [Math]::Min([int]$free[$sku], [int]$SeatsNow[$sku])) }
        $short = @($taken | Where-Object { $left[$_] -lt $Change.Seats[$_] })
        if ($short.Count -eq 0) { return }
        # Seats that did not come in time once are not waited for again.
        $late = @($short | Where-Object { $SeatsMissing[$_] }).Count -gt 0
        if ($WhatIfPreference -or $late -or [datetime]::UtcNow -ge $Until) {
            foreach ($sku in $short) {
                $SeatsMissing[$sku] = $true
                '{0}: {1} needed, {2} free{3}' -f (Get-ProductName -SkuId $sku), $Change.Seats[$sku], $left[$sku], (Get-PurchaseText -SkuId $sku)
            }
            return
        }
        Write-Host ('  waiting for a spare seat of {0}' -f (($short | ForEach-Object { Get-ProductName -SkuId $_ }) -join ', '))
        Start-Sleep -Seconds 20
    }
}

function Test-Reached {
    # Whether the state is what the change leads to: then nothing is sent.
    param($Change, $State)
    switch ($Change.Kind) {
        'AddMember' { return $State.IsMember }
        'RemoveMember' { return -not $State.IsMember }
        'Property' {
            foreach ($property in $Change.Properties) {
                if ([string]$State.Person.Properties[$property.Name] -cne [string]$property.Value) { return $false }
            }
            return $true
        }
        'Reprocess' {
            foreach ($path in $State.Person.Paths.Values) {
                $parts = $path.Split('|')
                if ($parts[1] -and $parts[2] -ne 'True') { return $false }
            }
            return $true
        }
    }
    foreach ($sku in $Change.Body.removeLicenses) {
        if ($Change.Group -and $State.Group.Licenses.ContainsKey($sku)) { return $false }
        if ($Change.User -and $State.Person.Paths.ContainsKey('{0}|' -f $sku)) { return $false }
    }
    foreach ($license in $Change.Body.addLicenses) {
        $plans = if ($Change.Group) { $State.Group.Licenses[$license.skuId] } else {
            $text = $State.Person.Paths['{0}|' -f $license.skuId]
            if ($null -eq $text) { $null } else { $text.Split('|')[3] }
        }
        if ($null -eq $plans -or $plans -ne (Get-PlanText $license.disabledPlans)) { return $false }
    }
    return $true
}

function Get-Difference {
    # What is not as the snapshot and this plan left it, a line each.
    param($Change, $State)
    if ($Change.User) {
        $person = Get-ExpectedPerson -Id $Change.User
        $keys = @($person.Paths.Keys) + @($State.Person.Paths.Keys) | Sort-Object -Unique
        foreach ($key in $keys) {
            $sku, $group = $key.Split('|')
            if ($group -and ($Changed['{0}|{1}' -f $Change.User, $group] -or $Changed['|{0}' -f $group] -or $Changed['{0}|' -f $Change.User])) { continue }
            if ($person.Paths[$key] -ne $State.Person.Paths[$key]) {
                $by = if ($group) { 'from the group {0}' -f (Get-GroupName -Id $group) } else { 'assigned directly' }
                '{0} {1} was {2} and is {3}' -f (Get-ProductName -SkuId $sku), $by,
                (Get-StateText -Path $person.Paths[$key]), (Get-StateText -Path $State.Person.Paths[$key])
            }
        }
        foreach ($name in $person.Properties.Keys) {
            if ([string]$person.Properties[$name] -cne [string]$State.Person.Properties[$name]) {
                '{0} was "{1}" and is "{2}"' -f $name, $person.Properties[$name], $State.Person.Properties[$name]
            }
        }
    }
    if ($Change.Group) {
        $group = Get-ExpectedGroup -Id $Change.Group
        foreach ($key in (@($group.Licenses.Keys) + @($State.Group.Licenses.Keys) | Sort-Object -Unique)) {
            $same = $group.Licenses.ContainsKey($key) -and $State.Group.Licenses.ContainsKey($key)
            if ($same -and $null -ne $group.Licenses[$key]) { $same = $group.Licenses[$key] -eq $State.Group.Licenses[$key] }
            if (-not $same) { 'the group gives {0} otherwise than in the snapshot' -f (Get-ProductName -SkuId $key) }
        }
        if ($Change.Kind -eq 'GroupLicense') {
            foreach ($member in (@($group.Members.Keys) + @($State.Group.Members.Keys) | Sort-Object -Unique)) {
                if ([bool]$group.Members[$member] -ne [bool]$State.Group.Members[$member]) {
                    'the person {0} has joined or left the group' -f $member
                }
            }
        }
    }
}

# ---- One change --------------------------------------------------------------------------------------------------

function Get-ProductName {
    param([string] $SkuId)
    if ($Products[$SkuId]) { $Products[$SkuId] } else { $SkuId }
}

function Get-PurchaseText {
    # The action of the plan with which a person buys seats of a product.
    param([string] $SkuId)
    if ($Purchases[$SkuId]) { ', the plan buys seats in action {0}' -f $Purchases[$SkuId] } else { '' }
}

function Get-GroupName {
    param([string] $Id)
    if ($Groups[$Id]) { '{0} ({1})' -f $Groups[$Id].Name, $Id } else { $Id }
}

function Get-StateText {
    # The state of a path as people read it.
    param([string] $Path)
    if (-not $Path) { return 'absent' }
    $parts = $Path.Split('|')
    $text = if ($parts[2] -eq 'True') { 'active' } else { 'not active' }
    if ($parts[3]) { $text += ' without the service plans {0}' -f $parts[3] }
    $text
}

function Get-Description {
    param($Change)
    $person = if ($Change.User) { '{0} ({1})' -f $People[$Change.User].Name, $Change.User }
    $group = if ($Change.Group) { Get-GroupName -Id $Change.Group }
    switch ($Change.Kind) {
        'AddMember' { 'add {0} to {1}' -f $person, $group }
        'RemoveMember' { 'remove {0} from {1}' -f $person, $group }
        'Property' { 'set {0} of {1}' -f (@($Change.Properties | ForEach-Object { '{0} = "{1}"' -f $_.Name, $_.Value }) -join ', '), $person }
        'Reprocess' { 'reprocess the group licences of {0}' -f $person }
        default {
            $add = @($Change.Body.addLicenses | ForEach-Object { 'add {0}' -f (Get-ProductName -SkuId $_.skuId) })
            $remove = @($Change.Body.removeLicenses | ForEach-Object { 'remove {0}' -f (Get-ProductName -SkuId $_) })
            'licences of {0}{1}: {2}' -f $person, $group, (($remove + $add) -join ', ')
        }
    }
}

function Send-Change {
    param($Change)
    switch ($Change.Kind) {
        'AddMember' { New-MgGroupMemberByRef -GroupId $Change.Group -BodyParameter @{ '@odata.id' = $Change.Body['@odata.id'] } -ErrorAction Stop -Confirm:$false }
        'RemoveMember' { Remove-MgGroupMemberByRef -GroupId $Change.Group -DirectoryObjectId $Change.User -ErrorAction Stop -Confirm:$false }
        'Reprocess' { Invoke-MgLicenseUser -UserId $Change.User -ErrorAction Stop -Confirm:$false }
        'Property' {
            # Update-MgUser cannot make a property empty.
            $body = ConvertTo-JsonLine -Value $Change.Body
            Invoke-MgGraphRequest -Method PATCH -Uri ($Plan.Root + $Change.Path) -Body $body -ContentType 'application/json' -ErrorAction Stop
        }
        default {
            $add = @(foreach ($license in $Change.Body.addLicenses) { @{ SkuId = $license.skuId; DisabledPlans = @($license.disabledPlans) } })
            $remove = @($Change.Body.removeLicenses)
            if ($Change.Group) { Set-MgGroupLicense -GroupId $Change.Group -AddLicenses $add -RemoveLicenses $remove -ErrorAction Stop -Confirm:$false }
            else { Set-MgUserLicense -UserId $Change.User -AddLicenses $add -RemoveLicenses $remove -ErrorAction Stop -Confirm:$false }
        }
    }
}

function Wait-License {
    # Waits until the person has what groups are to give; returns what is still missing.
    param($Change, [datetime] $Until)
    if (-not $Change.Waits) { return }
    while ($true) {
        $paths = (Read-Person -Id $Change.User).Paths
        $missing = @(foreach ($wait in $Change.Waits) {
                $text = $paths['{0}|{1}' -f $wait.SkuId, $wait.Group]
                if ($null -eq $text -or $text.Split('|')[2] -ne 'True') {
                    '{0} from the group {1}' -f (Get-ProductName -SkuId $wait.SkuId), (Get-GroupName -Id $wait.Group)
                }
            })
        if ($missing.Count -eq 0 -or [datetime]::UtcNow -ge $Until) { return $missing }
        Start-Sleep -Seconds 20
    }
}

function Invoke-Step {
    # Reads, compares, asks, sends and writes down one change; returns its outcome.
    param($Action, $Step, $Change)
    $until = [datetime]::UtcNow.AddMinutes($WaitMinutes)
    $to = @{ Action = $Action; Step = $Step; Change = $Change }
    try { $state = Read-State -Change $Change }
    catch {
        $outcome = if ($_.Exception.Message -match 'ResourceNotFound|does not exist') { 'skipped' } else { 'failed' }
        Write-Outcome @to -Outcome $outcome -Answer $_.Exception.Message
        return $outcome
    }
    if (Test-Reached -Change $Change -State $state) {
        Write-Outcome @to -Outcome 'unchanged' -Answer 'it was so already'
        Add-Effect -Change $Change
        return 'unchanged'
    }
    $differences = @(Get-Difference -Change $Change -State $state)
    if ($differences.Count) {
        Write-Outcome @to -Outcome 'skipped' -Answer ('changed since the snapshot: ' + ($differences -join '; '))
        return 'skipped'
    }
    if (-not $ScriptCmdlet.ShouldProcess((Get-Description -Change $Change), ('action {0}, step {1}' -f $Action.Number, $Step.Step))) {
        if ($WhatIfPreference) {
            $missing = @(Wait-Seat -Change $Change -Until $until)
            if ($missing.Count) {
                Write-Outcome @to -Outcome 'skipped' -Answer ('no spare seat: ' + ($missing -join '; '))
                return 'skipped'
            }
            Add-Effect -Change $Change
            Add-SeatEffect -Change $Change
            return 'done'
        }
        Write-Outcome @to -Outcome 'skipped' -Answer 'declined'
        return 'skipped'
    }
    try {
        $why = 'not given yet, run again later'
        $missing = @(Wait-License -Change $Change -Until $until)
        if ($missing.Count -eq 0) {
            $why = 'no spare seat, free or buy one and run again'
            $missing = @(Wait-Seat -Change $Change -Until $until)
        }
    }
    catch {
        Write-Outcome @to -Outcome 'failed' -Answer $_.Exception.Message
        return 'failed'
    }
    if ($missing.Count) {
        Write-Outcome @to -Outcome 'skipped' -Answer ('{0}: {1}' -f $why, ($missing -join '; '))
        return 'skipped'
    }
    while ($true) {
        try {
            $null = Send-Change -Change $Change
            break
        }
        catch {
            # The count of seats may be ahead of the service that assigns them.
            if ($_.Exception.Message -match 'available licenses' -and [datetime]::UtcNow -lt $until) {
                Start-Sleep -Seconds 20
                continue
            }
            # A membership that was read a moment too early.
            $answers = @{ AddMember = 'already exist'; RemoveMember = 'does not exist' }
            if ($answers[$Change.Kind] -and $_.Exception.Message -match $answers[$Change.Kind]) {
                Write-Outcome @to -Outcome 'unchanged' -Answer $_.Exception.Message
                Add-Effect -Change $Change
                return 'unchanged'
            }
            Write-Outcome @to -Outcome 'failed' -Answer $_.Exception.Message
            return 'failed'
        }
    }
    Write-Outcome @to -Outcome 'done' -Answer 'accepted'
    Add-Effect -Change $Change
    Add-SeatEffect -Change $Change
    return 'done'
}

# ---- A run -------------------------------------------------------------------------------------------------------

# A missing permission or an outage would make every other change fail as well.
$MaxFailures = 3

function Get-Change {
    # What a run sends for a step: its change, or what takes it back; nothing if it cannot be taken back.
    param($Step)
    if ($Back) { $Step.Undo } else { $Step }
}

function Select-Action {
    # Applies -Only and -Skip.
    param($Among)
    if ($Only) {
        $named = @(Read-Number -Text $Only)
        $Among = @($Among | Where-Object { $_.Number -in $named })
    }
    if ($Skip) {
        $without = @(Read-Number -Text $Skip)
        $Among = @($Among | Where-Object { $_.Number -notin $without })
    }
    $Among
}

function Invoke-Run {
    # Carries the chosen actions out, or takes them back, and says what became of their changes.
    param($Chosen, $Done, $Undone)
    $count = @{ done = 0; unchanged = 0; skipped = 0; failed = 0 }
    $position = 0
    $failures = 0
    try {
        Start-Run -Chosen $Chosen
        Restore-Expectation -Done $Done -Undone $Undone
        foreach ($action in $Chosen) {
            $position++
            Write-Host ''
            Write-Host ('[{0} of {1}] Action {2}: {3}' -f $position, @($Chosen).Count, $action.Number, $action.Title)
            foreach ($text in $action.NoWayBack) { Write-Warning ('Cannot be undone: {0}' -f $text) }
            $stopped = @{}
            $steps = @($action.Steps)
            if ($Back) { [array]::Reverse($steps) }
            foreach ($step in $steps) {
                $isDone = Test-Done -Action $action -Step $step -Done $Done -Undone $Undone
                if ($isDone -ne $Back) {
                    if ($isDone) { Write-Host ('  {0}: done earlier' -f (Get-Description -Change $step)) }
                    continue
                }
                $change = Get-Change -Step $step
                if ($null -eq $change) {
                    Write-Warning ('{0}: cannot be undone. {1}' -f (Get-Description -Change $step), $step.Final)
                    continue
                }
                $subject = if ($step.User) { $step.User } else { $step.Group }
                if ($stopped[$subject]) {
                    Write-Outcome -Action $action -Step $step -Change $change -Outcome 'skipped' -Answer 'the change before it was not carried out'
                    $outcome = 'skipped'
                }
                else { $outcome = Invoke-Step -Action $action -Step $step -Change $change }
                if ($outcome -in 'skipped', 'failed') { $stopped[$subject] = $true }
                $count[$outcome]++
                # A change that is skipped or was there already does not show that changes can be made.
                if ($outcome -eq 'failed') { $failures++ }
                if ($outcome -eq 'done') { $failures = 0 }
                if ($failures -ge $MaxFailures) { break }
            }
            if ($failures -ge $MaxFailures) { break }
        }
    }
    finally {
        Stop-Run
    }
    $did = if ($WhatIfPreference) { 'would be sent' } else { 'done' }
    Write-Host ''
    Write-Host ('Changes: {0} {1}, {2} were so already, {3} skipped, {4} failed.' -f $count.done, $did, $count.unchanged, $count.skipped, $count.failed)
    if ($failures -ge $MaxFailures) {
        Write-Warning ('Stopped: {0} changes failed, and none was made between them. The changes after them were not tried.' -f $failures)
    }
    if (-not $WhatIfPreference) {
        Write-Host ('The log is {0}.' -f $log)
        if (-not $Back -and $count.done) {
            Write-Host 'For the next report: commit this file to the folder done/ beside tenants.yaml, or record it with'
            Write-Host ('  auditor store put STORE "{0}"' -f $log)
        }
    }
    if ($count.skipped + $count.failed) {
        Write-Warning 'The warnings above give the reasons. Run the script again, or make a new plan.'
        exit 1
    }
}

$ScriptCmdlet = $PSCmdlet
