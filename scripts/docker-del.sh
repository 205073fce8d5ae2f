#!/bin/sh
# Takes a container of docker-run.sh off the network and removes it, also when it died or was
# removed already. POSIX sh. Uses docker, or podman where there is no docker.
set -eu

usage() {
  cat <<'USAGE'
usage: docker-del.sh [options] CONTAINER-NAME CONTAINER-NAMESPACE

  --conflist FILE  list to run where nothing is recorded (/etc/cni/net.d/10-azure.conflist)
  --cni-bin DIR    folder with the plug-ins (CNI_PATH, else /opt/cni/bin)
  --engine NAME    docker or podman (docker if it is there, else podman)
  -h, --help       this text
USAGE
}

fail() {
  printf 'docker-del.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

wrong() {
  fail "$1: see docker-del.sh --help" 2
}

conflist=/etc/cni/net.d/10-azure.conflist
cni_bin=${CNI_PATH:-/opt/cni/bin}
engine=

while [ $# -gt 0 ]; do
  case $1 in
    --conflist | --cni-bin | --engine)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      case $1 in
        --conflist) conflist=$2 ;;
        --cni-bin) cni_bin=$2 ;;
        --engine) engine=$2 ;;
      esac
      shift 2
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) wrong "unknown option $1" ;;
    *) break ;;
  esac
done
[ $# -eq 2 ] || wrong 'expected CONTAINER-NAME CONTAINER-NAMESPACE'
name=$1
namespace=$2

if [ -z "$engine" ]; then
  if command -v docker >/dev/null 2>&1; then
    engine=docker
  elif command -v podman >/dev/null 2>&1; then
    engine=podman
  else
    fail 'neither docker nor podman is installed: install one of them'
  fi
fi
command -v "$engine" >/dev/null 2>&1 || fail "$engine is not installed: install it"

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

# The network first: a container that is gone can no longer be asked for its id.
set -- --pod "$namespace/$name" --conflist "$conflist" --cni-path "$cni_bin"
id=$("$engine" container inspect -f '{{.Id}}' "$name" 2>/dev/null) || id=
[ -z "$id" ] || set -- "$@" --container "$id"
said=$("$vnet_cni" detach "$@" 2>&1) ||
  fail "$name is still on the network; run this again when it is mended: $said"
[ -n "$id" ] || exit 0
said=$("$engine" rm -f "$id" 2>&1) ||
  fail "$name is off the network but cannot be removed: $said"
