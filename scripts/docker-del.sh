#!/bin/sh
# Takes a container of docker-run.sh off the network and removes it, also when it died or was
# removed already. POSIX sh. Uses docker, or podman where there is no docker. Needs
# docker-common.sh beside it.
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

script=docker-del.sh
common=$(dirname "$(readlink -f "$0")")/docker-common.sh
if [ ! -r "$common" ]; then
  echo "$script: $common is missing: get it from where this script came from" >&2
  exit 1
fi
# shellcheck source=scripts/docker-common.sh
. "$common"

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      common_option "$@"
      shift 2
      ;;
    *) break ;;
  esac
done
[ $# -eq 2 ] || wrong 'expected CONTAINER-NAME CONTAINER-NAMESPACE'
name=$1
namespace=$2

find_programs

detach() {
  said=$("$vnet_cni" detach "$@" --conflist "$conflist" --cni-path "$cni_bin" 2>&1 >/dev/null) ||
    fail "$name is still on the network; run this again when it is mended: $(one_line "$said")"
  # Of a damaged record, for example.
  [ -z "$said" ] || printf '%s\n' "$said" >&2
}

find_container "$name"
if [ -n "$id" ] && [ "$owner" = "$namespace" ]; then
  # The network first: a container that is gone can no longer be asked for its id.
  detach --container "$id"
fi
# What containers of this name left that are gone; one that lives keeps its network.
detach --pod "$namespace/$name" --gone
[ -n "$id" ] || exit 0
expect_owner "$name" "$namespace" 'it was left alone'
said=$("$engine" rm -f "$id" 2>&1) ||
  fail "$name is off the network but cannot be removed: $(one_line "$said")"
