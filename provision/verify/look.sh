# One look at the server for verify. It changes nothing. Before it stand the
# lists units, replies and questions, and the program that asks them.
LC_ALL=C
export LC_ALL PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '== %s\n' "$*"; }
raw() { sed 's/^/ /'; }

section udp
# A pipe, because a disk may be full: a here-document of this size is a file.
# shellcheck disable=SC2154
echo "$questions" | perl -e "$asker" "$patience" 2>&1 | raw
section addresses
ip -j address show 2>&1 | raw
section replies
while read -r from to; do
	[[ -n $to ]] && printf '%s %s\n' "$from" "$(ip -o route get "$to" from "$from" 2>&1 | head -n 1)"
done <<<"$replies" | raw
section units
# shellcheck disable=SC2086
systemctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p NRestarts $units 2>&1 | raw
section clock
chronyc -c tracking 2>&1 | raw
section sessions
birdc -r show protocols all 2>&1 | raw
for name in $(birdc -r show protocols 2>/dev/null | awk '$2 == "BGP" { print $1 }'); do
	section "export $name"
	birdc -r show route export "$name" all 2>&1 | raw
done
section end
