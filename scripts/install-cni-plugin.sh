#!/bin/sh
# Installs, upgrades or removes the Azure VNet CNI plug-ins on Linux. POSIX sh; needs coreutils,
# tar with gzip, and curl or wget for a download.
#
# Nothing is changed before the archive is downloaded, verified, unpacked and tried. Files then go
# to their places by rename, the network configuration list last: a runtime sees either the old
# programs or the new ones, and programs that run keep the file that they were started from.
set -eu

# Has DIR/download/vVERSION/ and DIR/latest/download/, as GitHub's release pages do. There is no
# page that every copy of this script could know: the environment or an option names one.
release_page=${VNET_CNI_RELEASE_URL:-}

usage() {
  cat <<'USAGE'
usage: install-cni-plugin.sh [options] [AZURE-CNI-PLUGIN-VERSION] [CNI-PLUGIN-VERSION]
       install-cni-plugin.sh --uninstall [options]

  AZURE-CNI-PLUGIN-VERSION  such as v0.1.0; the only one that the source has when absent
  CNI-PLUGIN-VERSION        accepted and not needed: loopback and portmap are in our archive

  --archive FILE   install from a local archive, with its SHA256SUMS beside it
  --base-url URL   download the archive and SHA256SUMS from this folder
  --uninstall      remove what was installed, after giving the host its network back
  --force          replace portmap and loopback of others too, which are put back by --uninstall;
                   with --uninstall: also while pods are attached, which lose their network
  --dry-run        check everything, change nothing
  --bin-dir DIR    /opt/cni/bin unless given
  --conf-dir DIR   /etc/cni/net.d unless given
  --root DIR       prefix for both, for images: the running host's network is left alone
  -h, --help       this text

Without --archive and --base-url the environment's VNET_CNI_RELEASE_URL names the release page:
the folder that has download/vVERSION/ and latest/download/.
USAGE
}

say() {
  printf '%s\n' "$1"
}

fail() {
  printf 'install-cni-plugin.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

wrong() {
  fail "$1: see install-cni-plugin.sh --help" 2
}

one_line() {
  printf '%s' "$1" | tr '\n' ' '
}

programs='vnet-cni azure-vnet azure-vnet-ipam portmap loopback'
placed=$programs
list=10-azure.conflist
archive='' base_url='' version='' go_version='' root='' bin_dir='' conf_dir=''
uninstall='' force='' dry_run=''

value() { # OPTION [VALUE]
  { [ $# -ge 2 ] && [ -n "$2" ]; } || wrong "$1 needs a value"
}

while [ $# -gt 0 ]; do
  case $1 in
    --archive) value "$@" && archive=$2 && shift ;;
    --base-url) value "$@" && base_url=${2%/} && shift ;;
    --bin-dir) value "$@" && bin_dir=$2 && shift ;;
    --conf-dir) value "$@" && conf_dir=$2 && shift ;;
    --root) value "$@" && root=${2%/} && shift ;;
    --uninstall) uninstall=yes ;;
    --force) force=--force ;;
    --dry-run) dry_run=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) wrong "unknown option $1" ;;
    *)
      [ -z "$go_version" ] || wrong "too many arguments: $1"
      if [ -z "$version" ]; then version=$1; else go_version=$1; fi
      ;;
  esac
  shift
done

[ -z "$archive" ] || [ -z "$base_url" ] || wrong '--archive and --base-url exclude each other'
number=${version#v}
case ${version:+x}$number in
  x | x[!0-9]* | */*) wrong "version $version is not valid, use one such as v0.1.0" ;;
esac
bin_dir=$root${bin_dir:-/opt/cni/bin}
conf_dir=$root${conf_dir:-/etc/cni/net.d}
manifest=$bin_dir/.vnet-cni.manifest
stage='' conf_stage='' hidden=''

# The list is hidden during --uninstall: no runtime begins a new pod while the network goes back.
show() {
  [ ! -e "$hidden" ] || mv -f "$hidden" "$conf_dir/$list"
}

clean() {
  status=$?
  trap - EXIT
  [ -z "$stage" ] || rm -rf "$stage"
  [ -z "$conf_stage" ] || rm -f "$conf_stage"
  show
  exit "$status"
}
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ -n "$dry_run" ] || [ "$(id -u)" -eq 0 ] || fail 'root is needed: run it with sudo'

sum_of() {
  sha256sum <"$1" | cut -d ' ' -f 1
}

# --- the manifest: what we put there ---------------------------------------------------------
# Lines: "file SHA256 NAME", "link TARGET NAME", "conf SHA256 NAME".

noted() { # LINE
  [ -r "$manifest" ] && grep -qxF "$1" "$manifest"
}

is_ours() { # NAME: whether a program is there as we put it
  if [ -L "$bin_dir/$1" ]; then
    noted "link $(readlink "$bin_dir/$1") $1"
  else
    [ -f "$bin_dir/$1" ] && noted "file $(sum_of "$bin_dir/$1") $1"
  fi
}

exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

# --- programs of others ----------------------------------------------------------------------
# portmap and loopback go by the names that everybody's lists use: of podman's networks, Nomad's
# bridge. Those may ask for more than ours can.

# Where runtimes have their lists; the one of --conf-dir comes first.
list_folders() {
  printf '%s\n' "$conf_dir" "$root/etc/cni/net.d" "$root/opt/cni/config" "$root/opt/cni/net.d" \
    "$root/etc/cni/multus/net.d" "$root/etc/containers/cni/net.d" "$root/usr/share/cni/net.d" \
    "$root/var/lib/rancher/k3s/agent/etc/cni/net.d" "$root/root/.config/cni/net.d"
}

user_of() { # NAME: prints a list of somebody else's that uses the program
  list_folders | while read -r folder; do
    for file in "$folder"/*.conf "$folder"/*.conflist "$folder"/*.json; do
      if [ ! -r "$file" ] || [ "${file##*/}" = "$list" ]; then continue; fi
      tr -d ' \t\n' <"$file" | grep -q "\"type\":\"$1\"" || continue
      printf '%s\n' "$file"
      return 0
    done
  done | head -n 1
}

versions_of() { # PROGRAM: prints the versions that it speaks, a line each; none when it does not run
  { printf '%s' '{"cniVersion":"0.4.0"}' | CNI_COMMAND=VERSION timeout 10 "$1" 2>/dev/null || true; } |
    tr -d ' \t\n' | sed -n 's/.*"supportedVersions":\[\([^]]*\)\].*/\1/p' | tr ',' '\n'
}

speaks_more() { # PROGRAM NAME: whether it speaks a version that ours of the name does not
  ours=$(versions_of "$stage/new/$2")
  for its in $(versions_of "$1"); do
    case $ours in
      *"$its"*) ;;
      *) return 0 ;;
    esac
  done
  return 1
}

# Sets $why when a program of others stays, or comes back that an earlier version of this script
# replaced; $theirs is where it is.
judge_theirs() { # NAME
  why='' theirs=$bin_dir/$1
  if ! exists "$theirs" || is_ours "$1"; then theirs=$bin_dir/.$1.before-vnet-cni; fi
  { [ -z "$force" ] && [ -f "$theirs" ]; } || return 0
  user=$(user_of "$1")
  if speaks_more "$theirs" "$1"; then
    why='it speaks versions of CNI that ours does not'
  elif [ -n "$(versions_of "$theirs")" ] && [ "$1" = loopback ]; then
    why='it does the same'
  fi
  [ -z "$user" ] || why="$user uses it${why:+, and $why}"
}

kept=''
keep_theirs() {
  for name in portmap loopback; do
    judge_theirs "$name"
    [ -n "$why" ] || continue
    kept="$kept $name"
    did=kept
    [ -z "$dry_run" ] || did='would keep'
    say "$did $bin_dir/$name, which is not ours: $why; --force puts ours there"
  done
  placed=''
  for name in $programs; do
    case " $kept " in
      *" $name "*) ;;
      *) placed="$placed $name" ;;
    esac
  done
}

# --- removal ---------------------------------------------------------------------------------

reset_host() {
  # An image has no network; the host's own is not its affair.
  [ -z "$root" ] || return 0
  if [ ! -x "$bin_dir/vnet-cni" ]; then
    say "$bin_dir/vnet-cni is gone: the host's network is left as it is"
    return 0
  fi
  said=$("$bin_dir/vnet-cni" reset $force ${dry_run:+--dry-run} 2>&1) || return 1
  say "$said"
}

remove_conflist() {
  exists "$conf_dir/$list" || return 0
  if noted "conf $(sum_of "$conf_dir/$list") $list"; then
    rm -f "$conf_dir/$list"
    say "removed $conf_dir/$list"
  else
    # Left active it would break every pod from now on.
    mv -f "$conf_dir/$list" "$conf_dir/$list.saved"
    say "kept your changed list as $conf_dir/$list.saved"
  fi
}

remove_program() {
  if exists "$bin_dir/$1" && ! is_ours "$1"; then
    say "kept $bin_dir/$1: it is not the one that was installed"
    return 0
  fi
  if [ -n "$dry_run" ]; then
    say "would remove $bin_dir/$1"
    return 0
  fi
  rm -f "$bin_dir/$1"
  say "removed $bin_dir/$1"
  saved=$bin_dir/.$1.before-vnet-cni
  if exists "$saved"; then
    mv -f "$saved" "$bin_dir/$1"
    say "put back $bin_dir/$1 as it was before"
  fi
}

remove_all() {
  [ -r "$manifest" ] || fail "nothing to remove: $manifest is missing, so nothing was installed there"
  if [ -n "$dry_run" ]; then
    reset_host || fail "pods or the host's network are in the way: $(one_line "$said")"
    ! exists "$conf_dir/$list" || say "would remove $conf_dir/$list"
  else
    hidden=$conf_dir/.$list.removing
    ! exists "$conf_dir/$list" || mv -f "$conf_dir/$list" "$hidden" ||
      fail "$conf_dir cannot be written: make it writable"
    reset_host || fail "nothing was removed: $(one_line "$said")"
    show
    remove_conflist
    rm -f "$conf_dir/$list.new"
  fi
  # The links first: without their target they would fail.
  for name in loopback portmap azure-vnet-ipam azure-vnet vnet-cni; do
    remove_program "$name"
  done
  [ -n "$dry_run" ] || rm -f "$manifest"
}

# --- installation ----------------------------------------------------------------------------

# The folder for new files is beside the old ones: a rename works within one file system only.
make_stage() {
  if [ -n "$dry_run" ]; then
    stage=$(mktemp -d) || fail 'no temporary folder: free some space in /tmp or set TMPDIR'
    return 0
  fi
  for folder in "$bin_dir" "$conf_dir"; do
    said=$(mkdir -p "$folder" 2>&1) ||
      fail "$folder cannot be made: use --bin-dir or --conf-dir, or mend this: $(one_line "$said")"
  done
  said=$(mktemp -d "$bin_dir/.vnet-cni.XXXXXX" 2>&1) ||
    fail "$bin_dir cannot be written: make it writable or use --bin-dir: $(one_line "$said")"
  stage=$said
  said=$(mktemp "$conf_dir/.vnet-cni.XXXXXX" 2>&1) ||
    fail "$conf_dir cannot be written: make it writable or use --conf-dir: $(one_line "$said")"
  conf_stage=$said
}

download() { # NAME
  if command -v curl >/dev/null 2>&1; then
    said=$(curl -fsSL --connect-timeout 15 --retry 2 -o "$stage/$1" "$base_url/$1" 2>&1)
  elif command -v wget >/dev/null 2>&1; then
    said=$(wget -q -T 15 -t 3 -O "$stage/$1" "$base_url/$1" 2>&1)
  else
    fail 'neither curl nor wget is installed: install one of them or use --archive'
  fi || fail "$base_url/$1 cannot be downloaded: correct --base-url or the version: $(one_line "$said")"
}

fits() { # NAME: whether it is the archive that was named, or one for this machine and version
  [ -z "$archive" ] || { [ "$1" = "${archive##*/}" ]; return; }
  its=${1#"azure-vnet-cni-linux-$arch-"}
  case $1 in
    */*) return 1 ;;
    "azure-vnet-cni-linux-$arch-"*.tgz) its=${its%.tgz} ;;
    *) return 1 ;;
  esac
  [ -z "$number" ] || [ "${its#v}" = "$number" ]
}

choose() { # SHA256SUMS: sets $file and $wanted, the archive's name and checksum
  file='' wanted=''
  while read -r sum name; do
    name=${name#\*}
    fits "$name" || continue
    [ -z "$file" ] || fail "$1 names several versions: say which one to install"
    file=$name wanted=$sum
  done <"$1"
}

fetch() {
  if [ -n "$archive" ]; then
    [ -r "$archive" ] || fail "$archive cannot be read: name an archive that exists"
    sums=$(dirname "$archive")/SHA256SUMS tarball=$archive
    [ -r "$sums" ] || fail "$sums is missing: put the release's SHA256SUMS beside the archive"
    choose "$sums"
    [ -n "$file" ] || fail "$sums has no line for ${archive##*/}: take both from the same release"
    return 0
  fi
  if [ -z "$base_url" ]; then
    [ -n "$release_page" ] ||
      fail 'no release page is configured: use --archive or --base-url, or set VNET_CNI_RELEASE_URL'
    base_url=${release_page%/}/latest/download
    [ -z "$number" ] || base_url=${release_page%/}/download/v$number
  fi
  download SHA256SUMS
  choose "$stage/SHA256SUMS"
  [ -n "$file" ] ||
    fail "$base_url/SHA256SUMS names no archive for linux-$arch${version:+ and version $version}: choose another version or source"
  download "$file"
  tarball=$stage/$file
}

unpack() {
  found=$(sum_of "$tarball") || fail "$tarball cannot be read"
  [ "$found" = "$wanted" ] ||
    fail "$file has checksum $found and not $wanted: it is damaged or incomplete, get it again"
  names=$(tar -tzf "$tarball" 2>/dev/null) ||
    fail "$file is no complete tar.gz archive: get it again"
  for name in $names; do
    case " $programs $list LICENSE LICENSES.txt vnet-cni.sha256 " in
      *" ${name#./} "*) ;;
      *) [ "$name" = ./ ] || fail "$file holds $name, which no release has: get it from another source" ;;
    esac
  done
  mkdir "$stage/new"
  said=$(tar -xzf "$tarball" -C "$stage/new" --no-same-owner 2>&1) ||
    fail "$file cannot be unpacked in $bin_dir: free some space there: $(one_line "$said")"
}

check() {
  for name in $programs $list; do
    exists "$stage/new/$name" || fail "$file lacks $name: get it from another source"
  done
  for name in $programs; do
    [ ! -d "$bin_dir/$name" ] || [ -L "$bin_dir/$name" ] || fail "$bin_dir/$name is a folder: move it away"
    [ ! -L "$stage/new/$name" ] || [ "$(readlink "$stage/new/$name")" = vnet-cni ] ||
      fail "$file has a link $name to elsewhere: get it from another source"
  done
  # Byte 18 of an ELF file names its machine.
  if [ "$(od -An -tx1 -N4 "$stage/new/vnet-cni" | tr -d ' ')" = 7f454c46 ] &&
    [ "$(od -An -tx1 -j18 -N2 "$stage/new/vnet-cni" | tr -d ' ')" != "$elf" ]; then
    fail "$file is for another architecture than $arch: take the one for linux-$arch"
  fi
  said=$("$stage/new/vnet-cni" validate "$stage/new/$list" 2>&1) ||
    fail "the new programs or their list do not work here: $(one_line "$said")"
  ! exists "$conf_dir/$list" || said=$("$stage/new/vnet-cni" validate "$conf_dir/$list" 2>&1) ||
    fail "correct your network configuration list or move it away: $(one_line "$said")"
  installed=$("$stage/new/vnet-cni" --version) || fail "vnet-cni --version fails: get another archive"
}

# What is to happen with the list: put (new, or as we left it), same, or keep.
judge_conflist() {
  if ! exists "$conf_dir/$list"; then
    conflist=put
  elif cmp -s "$stage/new/$list" "$conf_dir/$list"; then
    conflist=same
  elif noted "conf $(sum_of "$conf_dir/$list") $list"; then
    conflist=put
  else
    conflist=keep
  fi
}

write_manifest() {
  {
    for name in $placed; do
      if [ -L "$stage/new/$name" ]; then
        printf 'link %s %s\n' "$(readlink "$stage/new/$name")" "$name"
      else
        printf 'file %s %s\n' "$(sum_of "$stage/new/$name")" "$name"
      fi
    done
    printf 'conf %s %s\n' "$(sum_of "$stage/new/$list")" "$list"
  } >"$stage/manifest"
  # While names change, both the old files and the new ones are ours.
  cat "$stage/manifest" >"$stage/both"
  [ ! -r "$manifest" ] || cat "$manifest" >>"$stage/both"
}

place() { # FILE TARGET
  said=$(mv -fT "$1" "$2" 2>&1) ||
    fail "$2 cannot be replaced: mend this and run the script again: $(one_line "$said")"
}

put() {
  for name in $kept; do
    saved=$bin_dir/.$name.before-vnet-cni
    ! { exists "$saved" && { ! exists "$bin_dir/$name" || is_ours "$name"; }; } ||
      place "$saved" "$bin_dir/$name"
  done
  # What others put there comes back with --uninstall.
  for name in $placed; do
    saved=$bin_dir/.$name.before-vnet-cni
    if exists "$bin_dir/$name" && ! is_ours "$name" && ! exists "$saved"; then
      cp -a "$bin_dir/$name" "$saved" ||
        fail "$bin_dir/$name cannot be saved: free some space in $bin_dir"
      say "saved $bin_dir/$name, which is not ours"
    fi
  done
  chmod 0755 "$stage/new/vnet-cni"
  # After a power cut a name has to lead to a whole file.
  sync "$stage/new/vnet-cni" 2>/dev/null || sync
  place "$stage/both" "$manifest"
  for name in $placed; do
    place "$stage/new/$name" "$bin_dir/$name"
  done
  place "$stage/manifest" "$manifest"
  case $conflist in
    put) target=$list ;;
    keep) target=$list.new ;;
    same) return 0 ;;
  esac
  place "$conf_stage" "$conf_dir/$target"
  conf_stage=
}

install_all() {
  case $(uname -m) in
    x86_64 | amd64) arch=amd64 elf=3e00 ;;
    aarch64 | arm64) arch=arm64 elf=b700 ;;
    *) fail "no archive for $(uname -m): use a machine with amd64 or arm64" ;;
  esac
  [ -z "$go_version" ] || say "CNI plug-ins $go_version are not needed: loopback and portmap are in our archive"
  make_stage
  fetch
  unpack
  check
  judge_conflist
  keep_theirs
  if [ -n "$dry_run" ]; then
    say "would install $installed from $file to $bin_dir; list in $conf_dir: $conflist"
    return 0
  fi
  write_manifest || fail "$bin_dir is full: free some space there"
  cat "$stage/new/$list" >"$conf_stage" || fail "$conf_dir is full: free some space there"
  chmod 0644 "$conf_stage"
  put
  [ "$conflist" != keep ] ||
    say "kept your changed $conf_dir/$list; the new one is $list.new beside it"
  say "installed $installed to $bin_dir"
}

if [ -n "$uninstall" ]; then remove_all; else install_all; fi
