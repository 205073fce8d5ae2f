# shellcheck shell=sh disable=SC2034 # The callers use what is set here.
# What docker-run.sh and docker-del.sh have in common; they read this file from their own folder.
# POSIX sh. The caller has set $script, its own name.
set -eu

fail() {
  printf '%s: %s\n' "${script:?}" "$1" >&2
  exit "${2:-1}"
}

wrong() {
  fail "$1: see $script --help" 2
}

one_line() {
  printf '%s' "$1" | tr '\n' ' '
}

# Reads one of the options that both scripts have; fails if it is another one.
conflist=/etc/cni/net.d/10-azure.conflist
cni_bin=${CNI_PATH:-/opt/cni/bin}
engine=
common_option() { # OPTION [VALUE]
  case $1 in
    --conflist | --cni-bin | --engine) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
    -*) wrong "unknown option $1" ;;
  esac
  case $1 in
    --conflist) conflist=$2 ;;
    --cni-bin) cni_bin=$2 ;;
    --engine) engine=$2 ;;
  esac
}

# Sets $engine to docker or podman, and $vnet_cni to our program.
find_programs() {
  if [ -n "$engine" ]; then
    command -v "$engine" >/dev/null 2>&1 || fail "$engine is not installed: install it"
  elif command -v docker >/dev/null 2>&1; then
    engine=docker
  elif command -v podman >/dev/null 2>&1; then
    engine=podman
  else
    fail 'neither docker nor podman is installed: install one of them'
  fi
  [ "$(id -u)" -eq 0 ] || fail 'networks need root: run it with sudo'
  vnet_cni=
  IFS=:
  for folder in $cni_bin; do
    [ -n "$vnet_cni" ] || [ ! -x "$folder/vnet-cni" ] || vnet_cni=$folder/vnet-cni
  done
  unset IFS
  [ -n "$vnet_cni" ] || fail "no vnet-cni in $cni_bin: run install-cni-plugin.sh, or use --cni-bin"
  "$engine" info >/dev/null 2>&1 ||
    fail "$engine does not answer: start its service, for example: systemctl start $engine"
}

# Looks a container up. Sets $id, empty when there is none of that name; $owner, the namespace that
# docker-run.sh noted on it, empty when it did not make it; $noted, the ports that it noted.
find_container() { # NAME
  id='' owner='' noted=''
  told=$("$engine" container inspect -f "$(label_format)" "$1" 2>/dev/null) || return 0
  # The engine also takes the beginning of an id for a name.
  case $told in
    "$1|"* | "/$1|"*) ;;
    *) return 0 ;;
  esac
  told=${told#*"|"}
  id=${told%%"|"*} told=${told#*"|"}
  owner=${told%%"|"*} noted=${told#*"|"}
}

# What docker-run.sh notes on a container that it makes, where a reboot does not take it.
label_namespace=vnet-cni.namespace
label_ports=vnet-cni.ports
label_format() {
  # Docker would write "<no value>" for a label that is not there.
  label='{{with index .Config.Labels "%s"}}{{.}}{{end}}'
  # shellcheck disable=SC2059 # The format is ours.
  printf "{{.Name}}|{{.Id}}|$label|$label" "$label_namespace" "$label_ports"
}

# Fails unless the container that was found belongs to the namespace.
expect_owner() { # NAME NAMESPACE WHAT-FOLLOWS
  [ -n "$owner" ] || fail "docker-run.sh did not make container $1: $3"
  [ "$owner" = "$2" ] || fail "container $1 belongs to namespace $owner, not $2: $3"
}
