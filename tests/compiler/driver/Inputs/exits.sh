#!/usr/bin/env bash
# exits.sh CODE COMMAND...: does the command end with exactly this code? lit itself only knows zero from the rest.
code=0
"${@:2}" || code=$?
if ((code != $1)); then
  echo "exits.sh: exit code $code instead of $1: ${*:2}" >&2
  exit 1
fi
