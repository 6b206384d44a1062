# Verifies matmuls of many sizes with `weft verify OPTIONS...`: one row, a few, and tiles of many; sizes that leave over
# something in words, in groups of 32 inputs, and in panels.
#
# usage: bash verify_integers.sh FOLDER-OF-MODELS OPTIONS...
set -eu
gated=$1/gated.weft
shift
verify() { # AXES SIZES
  # shellcheck disable=SC2086
  weft verify "$gated" -w "weights$1" $1 $2 -q "${options[@]}"
}
options=("$@")
for axes in "" "--axis wide=64 --axis hidden=192" "--axis wide=45 --axis hidden=1"; do
  test -e "weights$axes" || weft init "$gated" $axes -o "weights$axes"
  for sizes in "--size batch=1 --size seq=1" "--size batch=3 --size seq=2" "--size batch=1 --size seq=71"; do
    verify "$axes" "$sizes"
  done
done
