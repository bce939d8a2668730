#!/bin/sh
# Dovecot and Chromium for the tests, where this account may install them; otherwise the tests that need them say so.
set -u
missing=""
command -v dovecot >/dev/null 2>&1 || [ -x /usr/sbin/dovecot ] || missing="dovecot-imapd dovecot-lmtpd"
[ -x /usr/lib/dovecot/lmtp ] || missing="dovecot-imapd dovecot-lmtpd"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install these by hand for all tests: $missing" >&2
  exit 0
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "not allowed to install: $missing" >&2
    exit 0
  fi
  as_root="sudo -n"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
