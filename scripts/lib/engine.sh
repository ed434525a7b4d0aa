# Sourced by `scripts/test --infra`: a Docker engine for the tests. One that answers is used as it is. Where none does
# and this is root with `dockerd` installed, one of our own is started below CHURN_HOME and stopped at the end.
# Needs environment.sh. Sets DOCKER_HOST and puts a client on PATH that can build; sets nothing where there is no engine.

BASE_IMAGE="${BASE_IMAGE:-python:3.13-slim}"

use_engine() {
  use_building_client
  docker info >/dev/null 2>&1 || start_engine || return 0
  docker image inspect "$BASE_IMAGE" >/dev/null 2>&1 || get_base_image
}

# A client without buildx cannot do what the Dockerfile asks for; Debian's own, which has BuildKit built in, can.
use_building_client() {
  if ! docker buildx version >/dev/null 2>&1 && [ -x /usr/bin/docker ]; then
    mkdir -p "$CHURN_HOME/engine/bin"
    ln -sf /usr/bin/docker "$CHURN_HOME/engine/bin/docker"
    PATH="$CHURN_HOME/engine/bin:$PATH"
  fi
  export PATH DOCKER_BUILDKIT=1
}

start_engine() {
  if ! command -v dockerd >/dev/null || [ "$(id -u)" != 0 ]; then
    say "no Docker engine answers and none can be started here; the tests that need one are skipped"
    return 1
  fi
  engine="$(mktemp -d /tmp/churn-engine.XXXXXX)" # a socket's path must be short
  dockerd --host="unix://$engine/docker.sock" --data-root="$CHURN_HOME/engine/data" --exec-root="$engine/exec" \
    --pidfile="$engine/pid" --storage-driver=overlay2 --iptables=false --ip6tables=false --ip-forward=false \
    --bridge=none >"$CHURN_HOME/engine/log" 2>&1 &
  trap stop_engine EXIT
  export DOCKER_HOST="unix://$engine/docker.sock"
  local tries
  for tries in {1..100}; do
    docker info >/dev/null 2>&1 && return
    sleep 0.1
  done
  unset DOCKER_HOST
  say "the Docker engine did not start, see $CHURN_HOME/engine/log; the tests that need one are skipped"
  return 1
}

stop_engine() {
  [ -e "$engine/pid" ] && kill "$(cat "$engine/pid")" 2>/dev/null && wait
  umount "$engine/exec/netns/default" 2>/dev/null
  rm -rf "$engine"
}

# Where no registry can be reached, Debian's own Python stands in for the official image.
get_base_image() {
  timeout 60 docker pull --quiet "$BASE_IMAGE" >/dev/null 2>&1 && return
  command -v mmdebstrap >/dev/null || return 0
  say "no registry can be reached; making a stand-in for $BASE_IMAGE of Debian's packages"
  mmdebstrap --quiet --variant=minbase --include=python3-venv,ca-certificates trixie - |
    docker import - "$BASE_IMAGE" >/dev/null
}
