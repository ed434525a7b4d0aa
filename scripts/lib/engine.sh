# Sourced by `scripts/test --infra`, for a Docker engine, and by `scripts/stack`, for its images. An engine that answers is
# used as it is. Where none does and this is root with `dockerd` installed, the tests get one of our own, which is started
# below CHURN_HOME and stopped at the end. Needs environment.sh. Sets DOCKER_HOST and puts a client on PATH that can build;
# sets nothing where there is no engine.

BASE_IMAGE="${BASE_IMAGE:-python:3.13-slim}"

use_engine() {
  use_building_client
  docker info >/dev/null 2>&1 || start_engine || return 0
  get_base_image
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
  # Where the firewall drops what it forwards, one container reaches another only by rules that the engine adds.
  local rules=false
  [[ "$(iptables -S FORWARD 2>/dev/null)" != *"-P FORWARD DROP"* ]] || rules=true
  dockerd --host="unix://$engine/docker.sock" --data-root="$CHURN_HOME/engine/data" --exec-root="$engine/exec" \
    --pidfile="$engine/pid" --storage-driver=overlay2 --iptables="$rules" --ip6tables=false --ip-forward=false \
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
  kill "$(cat "$engine/pid")" 2>/dev/null && wait || true
  umount "$engine/exec/netns/default" 2>/dev/null || true
  rm -rf "$engine"
}

get_base_image() { get_image "$BASE_IMAGE" python3-venv,ca-certificates; }

# An image that is not there is pulled. Where no registry can be reached, Debian with the packages of the second argument
# stands in for it.
get_image() {
  docker image inspect "$1" >/dev/null 2>&1 || timeout 60 docker pull --quiet "$1" >/dev/null 2>&1 && return
  command -v mmdebstrap >/dev/null || return 0
  say "no registry can be reached; making a stand-in for $1 of Debian's packages"
  mmdebstrap --quiet --variant=minbase --include="$2" trixie - | docker import - "$1" >/dev/null
}
