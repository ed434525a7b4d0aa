# Sourced by the other scripts: finds a Python, makes the environment from the lock file, and puts it on PATH.
# All it makes lies under CHURN_HOME. Errors are one sentence on standard error.

set -euo pipefail

# The scripts work in the checkout, so paths that somebody gave from a folder of their own are made absolute first.
for name in CHURN_HOME OFFER_POLICY MODEL_PATH CHALLENGER_PATH BUNDLE_KEYS API_KEYS_FILE PORTAL_SUBSCRIBERS; do
  case "${!name:-/}" in /*) ;; *) export "$name=$PWD/${!name}" ;; esac
done
IFS=: read -ra folders <<<"${CHURN_BUSINESSES:-}"
for name in "${!folders[@]}"; do
  case "${folders[name]}" in /* | "") ;; *) folders[name]="$PWD/${folders[name]}" ;; esac
done
[ -z "${CHURN_BUSINESSES:-}" ] || CHURN_BUSINESSES="$(IFS=: && printf '%s' "${folders[*]}")"

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

UV_VERSION=0.13.9
export CHURN_HOME="${CHURN_HOME:-var}"

fail() {
  printf 'error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf 'instead: %s\n' "$2" >&2
  exit "${3:-1}"
}

say() { printf '> %s\n' "$1" >&2; }

# Prints the path of a Python between 3.12 and 3.14: PYTHON if that is set, else the newest there is. pyenv's shims may stand for versions that are
# not active, so a candidate counts only if it runs and says its version, and its real path is what is used.
find_python() {
  local name candidate
  if [ -n "${PYTHON:-}" ]; then
    supported "$PYTHON"
    return
  fi
  for name in python3.14 python3.13 python3.12 python3 python; do
    while read -r candidate; do
      supported "$candidate" && return 0
    done < <(type -aP "$name" 2>/dev/null || true)
  done
  while read -r candidate; do
    supported "$candidate" && return 0
  done < <(ls -1d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python 2>/dev/null | sort -rV)
  return 1
}

supported() {
  "$1" -c 'import sys; print(sys.executable) if (3, 12) <= sys.version_info[:2] <= (3, 14) else sys.exit(1)' 2>/dev/null
}

# Prints the path of uv: the one on PATH, else one of our own below CHURN_HOME.
find_uv() {
  if command -v uv >/dev/null; then
    command -v uv
    return
  fi
  local tool="$CHURN_HOME/tools/uv-$UV_VERSION"
  if [ ! -x "$tool/bin/uv" ]; then
    say "installing uv $UV_VERSION below $CHURN_HOME/tools" 
    rm -rf "$tool"
    "$1" -m venv "$tool" && "$tool/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" \
      || { rm -rf "$tool"; return 1; }
  fi
  printf '%s\n' "$tool/bin/uv"
}

# Makes or updates the environment. A stamp of the lock file's hash makes a second start free of it.
make_environment() {
  local python uv stamp log
  mkdir -p "$CHURN_HOME" 2>/dev/null || fail "CHURN_HOME ($CHURN_HOME) cannot be written" "set CHURN_HOME to a folder of yours"
  CHURN_HOME="$(cd "$CHURN_HOME" && pwd)"
  export UV_PROJECT_ENVIRONMENT="$CHURN_HOME/venv"
  stamp="$UV_PROJECT_ENVIRONMENT/.made-from"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$(made_from)" ]; then
    python="$(find_python)" || fail \
      "Python 3.12, 3.13 or 3.14 is needed; found only $("${PYTHON:-python3}" --version 2>/dev/null || echo none)" \
      "install one of them, or set PYTHON to its path"
    log="$CHURN_HOME/environment.log"
    uv="$(find_uv "$python")" || fail "could not install uv: no network, or no room in $CHURN_HOME" \
      "connect or make room, then start again; or install uv yourself"
    say "making the environment from uv.lock in $UV_PROJECT_ENVIRONMENT"
    "$uv" sync --frozen --all-extras --python "$python" --no-python-downloads --link-mode "${UV_LINK_MODE:-hardlink}" \
      >"$log" 2>&1 || fail "the environment could not be made: $(explain_sync "$log")" \
      "mend that and start again, it goes on where it stopped; all of it is in $log"
    made_from >"$stamp"
  fi
  PATH="$UV_PROJECT_ENVIRONMENT/bin:$PATH"
  export PATH
}

made_from() { cat uv.lock pyproject.toml src/churn/explain/kernel.{pyx,h} | cksum; pwd; }

explain_sync() {
  if grep -qiE 'no space left|disk quota' "$1"; then
    echo "no space left below $CHURN_HOME or in uv's cache"
  elif grep -q "building 'churn.explain.kernel' extension" "$1"; then
    echo "the explanation kernel could not be compiled; a C compiler (gcc or clang) and Python's headers are needed, on Debian: apt-get install gcc libc6-dev python3-dev"
  elif grep -qiE 'dns|connect|timed out|network|resolve host|error sending request' "$1"; then
    echo "the package index cannot be reached, and not all packages are in the cache"
  else
    grep -iE 'error|cause' "$1" | head -n 1 | sed 's/^error: //'
  fi
}

# Prints the comment block at the head of a script as its help.
help_of() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"; }
