# Brings the real components the tests run against: Debian packages and virtual environments.
# Sourced by tests/run. Not a test, and not used by the product.
#
# Everything that is not a Debian package goes below $cache, so that a second run finds it there.

# The lists of Debian packages that are wanted; a benchmark wants one more.
package_lists=(tests/setup/packages.txt)

# apt_packages: the names in the lists.
apt_packages() {
  grep -hEv '^[[:space:]]*(#|$)' "${package_lists[@]}"
}

# as_root COMMAND...: runs it as root, through sudo where that is needed.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
  else
    die "cannot install Debian packages: neither root nor sudo is at hand (wanted: $*)"
  fi
}

package_is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
  command -v dpkg-query >/dev/null || die "the tests need Debian 12 (dpkg is not here); packages: $(apt_packages | tr '\n' ' ')"
  local name missing=()
  for name in $(apt_packages); do
    package_is_installed "$name" || missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    note "Debian packages: all $(apt_packages | wc -l) there"
    return
  fi
  note "installing by apt: ${missing[*]}"
  # Another apt may hold the lock for a while: wait for it rather than fail.
  as_root apt-get -q -o DPkg::Lock::Timeout=600 update >"$logs/apt-update.log" 2>&1 ||
    die_with_log "apt-get update failed" "$logs/apt-update.log"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
    install --no-install-recommends "${missing[@]}" >"$logs/apt-install.log" 2>&1 ||
    die_with_log "cannot install by apt: ${missing[*]}" "$logs/apt-install.log"
  for name in "${missing[@]}"; do
    package_is_installed "$name" || die "apt said it installed $name, but it is not there"
  done
}

# install_venv NAME PROGRAM: the environment of tests/setup/requirements-NAME.txt, at $cache/NAME.
# Its real folder carries the hash of what is in it, so that a changed file makes a new one.
install_venv() {
  local name=$1 program=$2 list=tests/setup/requirements-$1.txt
  local key folder log=$logs/pip-$1.log
  key=$({ cat "$list"; "$python" --version; } | sha256sum | cut -c1-16)
  folder=$cache/venvs/$name-$key
  if [ ! -e "$folder/complete" ]; then
    note "installing by pip: $name ($(grep -Ec '^[A-Za-z]' "$list") pinned packages)"
    rm -rf "$folder"
    { "$python" -m venv "$folder" &&
      "$folder/bin/pip" install --disable-pip-version-check --no-input --requirement "$list"; } >"$log" 2>&1 ||
      die_with_log "cannot install $name by pip (from $list)" "$log"
    touch "$folder/complete"
  fi
  [ -x "$folder/bin/$program" ] || die "$list was installed, but brought no program $program"
  ln -sfn "$folder" "$cache/$name"
  note "$name: $(grep -E "^(keystone|glance|python-glanceclient|python-openstackclient|schemathesis)==" "$list" | tr '\n' ' ')"
}

choose_python() {
  python=${GLASSHOUSE_PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "the tests need Python 3.11 or newer ($python is not; set GLASSHOUSE_PYTHON)"
  "$python" -c 'import venv, ensurepip' 2>/dev/null || {
    # A Python of the user's own without venv: Debian's has it, the package list saw to that.
    python=/usr/bin/python3
  }
}

install_components() {
  mkdir -p "$cache/venvs"
  # Two runs at once would install into the same folders.
  exec 9>"$cache/lock"
  flock --wait 1800 9 || die "another run holds $cache/lock for half an hour"
  install_packages
  choose_python
  install_venv keystone keystone-manage
  install_venv glance glance-manage
  install_venv clients openstack
  install_venv schemathesis schemathesis
  exec 9>&-
}
