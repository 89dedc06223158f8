# One look at the server for verify. It changes nothing. Before it stand the
# lists replies and questions, and the program that asks them; behind it the
# probes of the checks.
LC_ALL=C
export LC_ALL PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '== %s\n' "$*"; }
raw() { sed 's/^/ /'; }

# look SECTION COMMAND...: a program that hangs, or that talks without end, does
# not keep the others from being heard.
look() {
	section "$1"
	shift
	# shellcheck disable=SC2154
	timeout -k 1 "$patience" "$@" 2>&1 | head -c 500000 | raw
	case ${PIPESTATUS[0]} in
	124 | 137) echo " $1: no answer in $patience s" ;;
	esac
}

section udp
# A pipe, because a disk may be full: a here-document of this size is a file.
# shellcheck disable=SC2154
echo "$questions" | perl -e "$asker" "$patience" 2>&1 | raw
section replies
while read -r from to; do
	[[ -n $to ]] && printf '%s %s\n' "$from" "$(ip -o route get "$to" from "$from" 2>&1 | head -n 1)"
done <<<"$replies" | raw
