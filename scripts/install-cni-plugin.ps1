#Requires -Version 5.1
<#
.SYNOPSIS
Installs, upgrades or removes the network configuration and programs of the Azure VNet CNI
plug-ins under c:\cni.

.DESCRIPTION
NEVER RUN: this script was written and read on Linux, where neither PowerShell nor Windows is at
hand. What was checked: its syntax, by the tests, with tree-sitter's grammar of PowerShell; nothing
tells whether the cmdlets do what it expects of them. No release has Windows programs yet: the
project's plug-ins speak netlink, and a Windows archive has to exist before this script can install
one. It follows install-cni-plugin.sh step by step: verify, unpack, check, then rename into place,
the list last. It does not give a host its network back, as that one does with --uninstall, and does
not save programs of others. Try it on a test machine first.

.PARAMETER Version
Version of the plug-ins, such as v0.1.0. The only one that the source has when absent.

.PARAMETER Archive
A local archive, azure-vnet-cni-windows-amd64-VERSION.zip, with its SHA256SUMS beside it.

.PARAMETER BaseUrl
The folder to download the archive and SHA256SUMS from. Without it and without -Archive the
environment's VNET_CNI_RELEASE_URL names the release page: the folder that has download/vVERSION/
and latest/download/.

.PARAMETER Uninstall
Removes what was installed. A changed list is kept as 10-azure.conflist.saved.

.PARAMETER DryRun
Checks everything and changes nothing.

.EXAMPLE
.\install-cni-plugin.ps1 v0.1.0 -BaseUrl https://server/releases/v0.1.0
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidatePattern('^(v?\d[0-9A-Za-z.+-]*)?$')]
    [string] $Version = '',
    [string] $Archive = '',
    [string] $BaseUrl = '',
    [string] $BinDir = 'c:\cni\bin',
    [string] $ConfDir = 'c:\cni\netconf',
    [switch] $Uninstall,
    [switch] $DryRun
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# The progress bar makes downloads of Windows PowerShell many times slower.
$ProgressPreference = 'SilentlyContinue'

$Programs = @('azure-vnet.exe', 'azure-vnet-ipam.exe')
$List = '10-azure.conflist'
$Manifest = Join-Path $BinDir 'vnet-cni.manifest'
$Prefix = 'azure-vnet-cni-windows-amd64-'

function Stop-Script([string] $Message) {
    [Console]::Error.WriteLine("install-cni-plugin.ps1: $Message")
    exit 1
}

function Get-Sum([string] $Path) {
    (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

# Lines of the manifest: "SHA256 NAME".
function Get-Manifest {
    $known = @{}
    if (Test-Path -LiteralPath $Manifest) {
        foreach ($line in Get-Content -LiteralPath $Manifest) {
            $sum, $name = $line -split ' ', 2
            $known[$name] = $sum
        }
    }
    $known
}

function Test-Ours([string] $Folder, [string] $Name, [hashtable] $Known) {
    $path = Join-Path $Folder $Name
    $Known.ContainsKey($Name) -and (Test-Path -LiteralPath $path) -and
        ((Get-Sum $path) -eq $Known[$Name])
}

function Assert-Administrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal $identity
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Stop-Script 'administrator rights are needed: start PowerShell as administrator'
    }
}

function Assert-List([string] $Path, [string] $Cure) {
    try {
        $json = Get-Content -LiteralPath $Path -Raw | ConvertFrom-Json
        # Strict mode turns a missing property into an error.
        if (-not $json.name -or @($json.plugins).Count -eq 0) { throw 'it has no name or plugins' }
    } catch {
        Stop-Script "$Path is no network configuration list ($($_.Exception.Message)): $Cure"
    }
}

# Name and checksum of the archive, from SHA256SUMS.
function Select-Archive([string] $SumsFile, [string] $FileName) {
    $number = $Version -replace '^v', ''
    $found = @()
    foreach ($line in Get-Content -LiteralPath $SumsFile) {
        $isLine = $line -match '^([0-9a-fA-F]{64})\s+\*?(\S+)$'
        if (-not $isLine) { continue }
        $sum = $Matches[1].ToLowerInvariant()
        $name = $Matches[2]
        if ($FileName) {
            if ($name -eq $FileName) { $found += , @($name, $sum) }
            continue
        }
        if (-not ($name.StartsWith($Prefix) -and $name.EndsWith('.zip'))) { continue }
        if ($name -match '[\\/]') { continue }
        $its = $name.Substring($Prefix.Length, $name.Length - $Prefix.Length - 4) -replace '^v', ''
        if (-not $number -or $its -eq $number) { $found += , @($name, $sum) }
    }
    if ($found.Count -eq 0) {
        Stop-Script "$SumsFile names no fitting archive: choose another version or source"
    }
    if ($found.Count -gt 1) {
        Stop-Script "$SumsFile names several versions: say which one to install"
    }
    , $found[0]
}

function Get-Release([string] $Stage) {
    if ($Archive) {
        if (-not (Test-Path -LiteralPath $Archive)) {
            Stop-Script "$Archive cannot be read: name an archive that exists"
        }
        $file = (Resolve-Path -LiteralPath $Archive).ProviderPath
        $sums = Join-Path (Split-Path -Parent $file) 'SHA256SUMS'
        if (-not (Test-Path -LiteralPath $sums)) {
            Stop-Script "$sums is missing: put the release's SHA256SUMS beside the archive"
        }
        $null, $wanted = Select-Archive $sums (Split-Path -Leaf $file)
        return $file, $wanted
    }
    $base = $BaseUrl.TrimEnd('/')
    if (-not $base -and $env:VNET_CNI_RELEASE_URL) {
        $number = $Version -replace '^v', ''
        $folder = if ($number) { "download/v$number" } else { 'latest/download' }
        $base = "$($env:VNET_CNI_RELEASE_URL.TrimEnd('/'))/$folder"
    }
    if (-not $base) {
        Stop-Script 'no release page is configured: use -Archive or -BaseUrl, or set VNET_CNI_RELEASE_URL'
    }
    $sums = Join-Path $Stage 'SHA256SUMS'
    try {
        # Windows PowerShell 5.1 does not offer TLS 1.2 by itself on older systems.
        [Net.ServicePointManager]::SecurityProtocol =
            [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
        Invoke-WebRequest -UseBasicParsing -Uri "$base/SHA256SUMS" -OutFile $sums
        $name, $wanted = Select-Archive $sums ''
        $file = Join-Path $Stage $name
        Invoke-WebRequest -UseBasicParsing -Uri "$base/$name" -OutFile $file
    } catch {
        Stop-Script "$base cannot be downloaded from ($($_.Exception.Message)): correct -BaseUrl"
    }
    $file, $wanted
}

# A file that a running program came from cannot be replaced on Windows, but renamed it can be.
function Move-IntoPlace([string] $From, [string] $To) {
    if (Test-Path -LiteralPath $To) {
        $old = "$To.old"
        if (Test-Path -LiteralPath $old) {
            Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
        }
        if (Test-Path -LiteralPath $old) {
            $old = "$To.$([Guid]::NewGuid().ToString('N')).old"
        }
        Move-Item -LiteralPath $To -Destination $old
        try {
            Move-Item -LiteralPath $From -Destination $To
        } catch {
            Move-Item -LiteralPath $old -Destination $To
            throw
        }
        Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
    } else {
        Move-Item -LiteralPath $From -Destination $To
    }
}

function Install-Plugin {
    try {
        if (-not $DryRun) {
            foreach ($folder in $BinDir, $ConfDir) {
                $null = New-Item -ItemType Directory -Force -Path $folder
            }
        }
        $parent = if ($DryRun) { [IO.Path]::GetTempPath() } else { $BinDir }
        $stage = Join-Path $parent ".vnet-cni-$([Guid]::NewGuid().ToString('N'))"
        $null = New-Item -ItemType Directory -Path $stage
    } catch {
        Stop-Script "$BinDir or $ConfDir cannot be written ($($_.Exception.Message)): make them writable"
    }
    try {
        $file, $wanted = Get-Release $stage
        $name = Split-Path -Leaf $file
        if ((Get-Sum $file) -ne $wanted) {
            Stop-Script "$name has another checksum than SHA256SUMS says: get it again"
        }
        $new = Join-Path $stage 'new'
        try {
            Expand-Archive -LiteralPath $file -DestinationPath $new
        } catch {
            Stop-Script "$name cannot be unpacked ($($_.Exception.Message)): free some space or get it again"
        }
        foreach ($one in $Programs + $List) {
            if (-not (Test-Path -LiteralPath (Join-Path $new $one))) {
                Stop-Script "$name lacks ${one}: get it from another source"
            }
        }
        Assert-List (Join-Path $new $List) 'get another archive'
        $target = Join-Path $ConfDir $List
        $known = Get-Manifest
        $keep = $false
        if (Test-Path -LiteralPath $target) {
            Assert-List $target 'correct it or move it away'
            $isSame = (Get-Sum $target) -eq (Get-Sum (Join-Path $new $List))
            $keep = -not $isSame -and -not (Test-Ours $ConfDir $List $known)
        }
        if ($DryRun) {
            Write-Output "would install $name to $BinDir"
            return
        }
        $lines = foreach ($one in $Programs + $List) { "$(Get-Sum (Join-Path $new $one)) $one" }
        foreach ($one in $Programs) {
            Move-IntoPlace (Join-Path $new $one) (Join-Path $BinDir $one)
        }
        Set-Content -LiteralPath $Manifest -Value $lines -Encoding Ascii
        if ($keep) {
            Move-IntoPlace (Join-Path $new $List) "$target.new"
            Write-Output "kept your changed ${target}; the new one is $List.new beside it"
        } else {
            Move-IntoPlace (Join-Path $new $List) $target
        }
        Write-Output "installed $name to $BinDir"
    } finally {
        Remove-Item -LiteralPath $stage -Recurse -Force -ErrorAction SilentlyContinue
    }
}

function Uninstall-Plugin {
    if (-not (Test-Path -LiteralPath $Manifest)) {
        Stop-Script "nothing to remove: $Manifest is missing, so nothing was installed there"
    }
    $known = Get-Manifest
    $target = Join-Path $ConfDir $List
    if (Test-Path -LiteralPath $target) {
        if (Test-Ours $ConfDir $List $known) {
            if ($DryRun) { Write-Output "would remove $target" }
            else { Remove-Item -LiteralPath $target -Force }
        } elseif ($DryRun) {
            Write-Output "would keep your changed list as $target.saved"
        } else {
            Move-Item -LiteralPath $target -Destination "$target.saved" -Force
            Write-Output "kept your changed list as $target.saved"
        }
    }
    foreach ($one in $Programs) {
        $path = Join-Path $BinDir $one
        if (-not (Test-Path -LiteralPath $path)) { continue }
        if (-not (Test-Ours $BinDir $one $known)) {
            Write-Output "kept ${path}: it is not the one that was installed"
        } elseif ($DryRun) {
            Write-Output "would remove $path"
        } else {
            Remove-Item -LiteralPath $path -Force
        }
    }
    if (-not $DryRun) { Remove-Item -LiteralPath $Manifest -Force }
}

if ($Archive -and $BaseUrl) { Stop-Script '-Archive and -BaseUrl exclude each other' }
if (-not $DryRun) { Assert-Administrator }
try {
    if ($Uninstall) { Uninstall-Plugin } else { Install-Plugin }
} catch {
    Stop-Script $_.Exception.Message
}
