#!/bin/sh
# Starts a container on the Azure virtual network: with --net=none, and then with the whole
# network configuration list. POSIX sh. Uses docker, or podman where there is no docker. Needs
# docker-common.sh beside it.
set -eu

usage() {
  cat <<'USAGE'
usage: docker-run.sh [options] CONTAINER-NAME CONTAINER-NAMESPACE IMAGE [COMMAND...]
       docker-run.sh [options] --restart CONTAINER-NAME CONTAINER-NAMESPACE

  -p [HOST-IP:]HOST-PORT:CONTAINER-PORT[/tcp|udp]  publish a port; may be repeated
  --restart        stop and start a container again, with the ports that it was started with:
                   docker start alone gives it no network
  --conflist FILE  network configuration list (/etc/cni/net.d/10-azure.conflist)
  --cni-bin DIR    folder with the plug-ins (CNI_PATH, else /opt/cni/bin)
  --engine NAME    docker or podman (docker if it is there, else podman)
  -h, --help       this text

Without COMMAND the image's own command runs. The network comes a moment after the command has
begun. Prints the container's address. docker-del.sh removes what this script made.
USAGE
}

script=docker-run.sh
common=$(dirname "$(readlink -f "$0")")/docker-common.sh
if [ ! -r "$common" ]; then
  echo "$script: $common is missing: get it from where this script came from" >&2
  exit 1
fi
# shellcheck source=scripts/docker-common.sh
. "$common"

ports=
restart=

# Values are joined by newlines, which none of them can hold: POSIX sh has one array only.
newline='
'

while [ $# -gt 0 ]; do
  case $1 in
    -p | --publish)
      [ $# -ge 2 ] || wrong "$1 needs a value"
      ports=$ports$2$newline
      shift 2
      ;;
    --restart)
      restart=yes
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    --)
      shift
      break
      ;;
    -*)
      common_option "$@"
      shift 2
      ;;
    *) break ;;
  esac
done

if [ -n "$restart" ]; then
  [ $# -eq 2 ] || wrong 'expected CONTAINER-NAME CONTAINER-NAMESPACE'
  [ -z "$ports" ] || wrong 'a container keeps its ports: -p and --restart exclude each other'
else
  [ $# -ge 3 ] || wrong 'expected CONTAINER-NAME CONTAINER-NAMESPACE IMAGE'
fi
name=$1
namespace=$2
shift 2

case $name$namespace in
  *[!a-zA-Z0-9_.-]*) wrong "$name or $namespace holds more than letters, digits, _ . and -" ;;
esac

find_programs
[ -r "$conflist" ] || fail "$conflist is missing: run install-cni-plugin.sh, or use --conflist"

# Runs a command; what it writes to stderr is in $said then, as one line.
run() {
  said=
  { said=$("$@" 2>&1 1>&3); } 3>&1 || {
    said=$(one_line "$said")
    return 1
  }
  [ -z "$said" ] || printf '%s\n' "$said" >&2
}

made=
undo() {
  status=$?
  trap - EXIT
  # A container that was there before stays.
  if [ "$status" -ne 0 ] && [ -n "$made" ] && [ -z "$restart" ]; then
    "$vnet_cni" detach --container "$made" --conflist "$conflist" --cni-path "$cni_bin" \
      >/dev/null 2>&1 || true
    "$engine" rm -f "$made" >/dev/null 2>&1 || true
  fi
  exit "$status"
}
trap undo EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

find_container "$name"
if [ -n "$restart" ]; then
  [ -n "$id" ] || fail "no container $name: start one without --restart"
  expect_owner "$name" "$namespace" 'it was left alone'
  made=$id
  ports=$(printf '%s' "$noted" | tr ' ' '\n')
  run "$engine" restart "$made" >/dev/null || fail "$name cannot be started again: $said"
else
  image=$1
  shift
  if [ -n "$id" ]; then
    expect_owner "$name" "$namespace" 'choose another name'
    fail "a container $name exists: run docker-del.sh $name $namespace, or choose another name"
  fi
  "$engine" image inspect "$image" >/dev/null 2>&1 || "$engine" pull -q "$image" >/dev/null 2>&1 ||
    fail "no image $image, and it cannot be pulled: $engine pull or load it first"
  answer=$("$engine" create --net=none --name "$name" \
    --label "$label_namespace=$namespace" --label "$label_ports=$(one_line "$ports")" \
    "$image" "$@" 2>&1) ||
    fail "$name cannot be created: $(one_line "$answer")"
  # Warnings come before the id.
  made=${answer##*"$newline"}
  run "$engine" start "$made" >/dev/null || fail "$name cannot be started: $said"
fi

pid=$("$engine" container inspect -f '{{.State.Pid}}' "$made")
if [ "$pid" = 0 ]; then
  code=$("$engine" container inspect -f '{{.State.ExitCode}}' "$made")
  fail "the command of $name ended at once with exit code $code: give one that stays"
fi

set -- --container "$made" --netns "/proc/$pid/ns/net" --pod "$namespace/$name" \
  --conflist "$conflist" --cni-path "$cni_bin"
IFS=$newline
# By the engine's note: it knows the ports, or that there are none, when our record is gone.
for port in $ports; do
  set -- "$@" -p "$port"
done
unset IFS
run "$vnet_cni" attach "$@" || fail "$name got no network: $said"
