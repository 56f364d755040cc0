# Sourced by the scripts beside it: what they tell their user, in Chinese and in English.

say() { printf '%s / %s\n' "$1" "$2" >&2; }

stop() {
    printf '\n%s\n%s\n' "$1" "$2" >&2
    [ $# -lt 3 ] || printf '\n    %s\n\n' "$3" >&2
    exit 1
}
