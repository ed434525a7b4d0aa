# Sourced by scripts/stack: what its commands do. Needs environment.sh and engine.sh.

export COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-streamflow-churn}"
export CANARY_WEIGHT="${CANARY_WEIGHT:-10}"
export PORT="${PORT:-8000}" PORTAL_PORT="${PORTAL_PORT:-8001}" MLFLOW_PORT="${MLFLOW_PORT:-5000}"
export PORTAL_TEAM_PORT="${PORTAL_TEAM_PORT:-8003}"
export DASHBOARD_PORT="${DASHBOARD_PORT:-8002}" PROMETHEUS_PORT="${PROMETHEUS_PORT:-9090}" STATS_PORT="${STATS_PORT:-8404}"

export CHURN_CONTRACT="${CHURN_CONTRACT:-streamflow}"
# Versions of two contracts may bear one name, so each contract has a repository of its own.
export SERVICE_IMAGE="${SERVICE_IMAGE:-$CHURN_CONTRACT-churn-api}"
HAPROXY_IMAGE="${HAPROXY_IMAGE:-haproxy:3.0}"
PROMETHEUS_IMAGE="${PROMETHEUS_IMAGE:-prom/prometheus:v2.53.3}"

# Where downloads need an authority of the house, this machine's are believed while building; they are not in the images.
CERTIFICATES="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"

find_engine() {
  command -v docker >/dev/null || fail "there is no docker command" "install Docker; on Debian: apt-get install docker.io"
  use_building_client
  docker info >/dev/null 2>&1 ||
    fail "no Docker engine answers${DOCKER_HOST:+ at $DOCKER_HOST}" "start Docker, or set DOCKER_HOST to where it listens"
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
  else
    fail "there is neither docker compose nor docker-compose" "install one; on Debian: apt-get install docker-compose"
  fi
}

# compose.yaml wants a version even to take things down.
compose() {
  STABLE_VERSION="${STABLE_VERSION:-none}" "${compose[@]}" -f deploy/docker/compose.yaml "$@"
}

asked_for() { local name="$1"; shift; [[ " $* " == *" $name "* ]]; }

# The champion's version unless told otherwise. STABLE_WEIGHT is what CANARY_WEIGHT leaves.
choose_versions() {
  local bundles="$CHURN_HOME/bundles/$CHURN_CONTRACT"
  if [ -z "${STABLE_VERSION:-}" ]; then
    [ -e "$bundles/champion" ] || fail "there is no champion below $bundles" \
      "export one: churn promote, churn export (StreamFlow's: scripts/serve); or name the folder that has one with CHURN_HOME"
    STABLE_VERSION="$(basename "$(readlink -f "$bundles/champion")")"
  fi
  [[ "$CANARY_WEIGHT" =~ ^[1-9]?[0-9]$ ]] || fail "CANARY_WEIGHT is $CANARY_WEIGHT" \
    "give a whole number from 0 to 99; once the canary runs, scripts/stack weight 100 gives it all" 2
  export STABLE_VERSION STABLE_WEIGHT=$((100 - CANARY_WEIGHT)) CANARY_VERSION="${CANARY_VERSION:-$STABLE_VERSION}"
}

# The team's pages ask for a token, and subscribers' keys are hashed in the log with a salt: the variables of these names, or
# what is made once and only its owner may read.
choose_secrets() {
  choose_secret PORTAL_TEAM_TOKEN stack-team-token
  choose_secret PREDICTION_LOG_SALT stack-salt
}

choose_secret() {
  local name="$1" file="$CHURN_HOME/$2"
  if [ -z "${!name:-}" ]; then
    [ -s "$file" ] || (umask 077; mkdir -p "$CHURN_HOME"; python -c "import secrets; print(secrets.token_hex(24))" >"$file")
    printf -v "$name" %s "$(<"$file")"
  fi
  export "${name?}"
}

build_images() {
  local versions=("$STABLE_VERSION") version bundle authority=()
  [ ! -e "$CERTIFICATES" ] || authority=(--ca-file "$CERTIFICATES")
  asked_for --canary "$@" && [ "$CANARY_VERSION" != "$STABLE_VERSION" ] && versions+=("$CANARY_VERSION")
  get_base_image
  get_image "$HAPROXY_IMAGE" haproxy
  get_image "$PROMETHEUS_IMAGE" prometheus
  for version in "${versions[@]}"; do
    if asked_for --build "$@" || ! docker image inspect "$SERVICE_IMAGE:$version" >/dev/null 2>&1; then
      bundle="$CHURN_HOME/bundles/$CHURN_CONTRACT/$version"
      [ -e "$bundle" ] || fail "there is no image and no bundle of $version below $CHURN_HOME" \
        "export it first: churn export, see churn export --help"
      churn image build "$bundle" --repository "$SERVICE_IMAGE" --network host "${authority[@]}" >&2
    fi
  done
  say "building the images of HAProxy, Prometheus, portal, dashboard and MLflow"
  build streamflow-churn-haproxy --build-arg BASE_IMAGE="$HAPROXY_IMAGE" deploy/haproxy
  build streamflow-churn-prometheus --build-arg BASE_IMAGE="$PROMETHEUS_IMAGE" deploy/prometheus
  local part
  for part in portal dashboard; do
    build "streamflow-churn-$part" --build-arg BASE_IMAGE="$BASE_IMAGE" --build-arg EXTRAS="portal dashboard oidc" \
      --target "$part" -f deploy/docker/Dockerfile .
  done
  for part in portal dashboard; do add_business "streamflow-churn-$part"; done
  build streamflow-churn-mlflow --build-arg BASE_IMAGE="$BASE_IMAGE" --target mlflow -f deploy/docker/Dockerfile .
}

# A business from outside the package goes into the images of portal and dashboard, as churn image build puts it into the service's.
add_business() {
  local folder
  folder="$(mktemp -d)"
  python scripts/lib/copy_business.py "$folder"
  [ -z "$(ls -A "$folder")" ] || build "$1" -f - "$folder" <<<"FROM $1
COPY . /businesses
ENV CHURN_BUSINESSES=/businesses"
  rm -rf "$folder"
}

build() {
  local name="$1" log="$CHURN_HOME/stack-build.log" authority=()
  shift
  [ ! -e "$CERTIFICATES" ] || authority=(--secret "id=ca,src=$CERTIFICATES")
  docker build --network=host "${authority[@]}" --tag "$name" "$@" >"$log" 2>&1 ||
    { tail -n 15 "$log" >&2; fail "the image $name could not be built" "see $log"; }
}

start_containers() {
  local profile=()
  asked_for --canary "$@" && profile=(--profile canary)
  asked_for --baseline "$@" && profile+=(--profile baseline)
  say "starting $STABLE_VERSION$(asked_for --canary "$@" && echo " and, as a canary with $CANARY_WEIGHT %, $CANARY_VERSION")"
  compose "${profile[@]}" up -d >&2 || { show_unhealthy; fail "the stack did not start" "see scripts/stack status, and docker logs of the part"; }
}

# What the unhealthy parts wrote last.
show_unhealthy() {
  local container
  for container in $(docker ps --filter health=unhealthy --filter label="com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Names}}'); do
    say "$container is unhealthy; it wrote last:"
    docker logs --tail 5 "$container" >&2
  done
}

# In the dashboard's container, in whose volume rollouts are kept. A start gets the stack's own addresses.
run_rollout() {
  local terminal=() addresses=()
  [ -t 0 ] && [ -t 1 ] || terminal=(-T)
  if [ "${1:-}" = start ]; then
    copy_bundles
    addresses=(--router haproxy:/admin/haproxy.sock --stable http://stable:8000 --canary http://canary:8000 --no-registry)
    [ -z "$(compose ps --quiet baseline 2>/dev/null)" ] || addresses+=(--baseline http://baseline:8000)
  fi
  compose exec "${terminal[@]}" dashboard churn rollout "$@" "${addresses[@]}"
}

# The rollout asks stable's bundle what the canary's subscribers asked. It gets both out of the containers that serve them.
copy_bundles() {
  local track folder
  for track in stable canary; do
    folder="/data/bundles/$CHURN_CONTRACT/of-$track"
    compose exec -T "$track" tar -c -C /bundle . |
      compose exec -T dashboard sh -c "rm -rf $folder && mkdir -p $folder && tar -x -C $folder" ||
      say "the bundle of the $track cannot be copied to the dashboard's container"
  done
}

print_addresses() {
  cat <<ADDRESSES

predictions   http://127.0.0.1:$PORT
portal        http://127.0.0.1:$PORTAL_PORT
its team      http://127.0.0.1:$PORTAL_TEAM_PORT      token: $PORTAL_TEAM_TOKEN
dashboard     http://127.0.0.1:$DASHBOARD_PORT
MLflow        http://127.0.0.1:$MLFLOW_PORT
Prometheus    http://127.0.0.1:$PROMETHEUS_PORT
HAProxy       http://127.0.0.1:$STATS_PORT/stats

check it: scripts/stack smoke     stop it: scripts/stack down
ADDRESSES
}
