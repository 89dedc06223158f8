# One look at the server for verify: bash, because it alone can send UDP
# without any further program. It changes nothing. Before it stand the lists
# units, replies and questions.
LC_ALL=C
export LC_ALL PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '== %s\n' "$*"; }
raw() { sed 's/^/ /'; }

ask() { # NUMBER ADDRESS MESSAGE
	local reply
	if exec 3<>"/dev/udp/$2/53"; then
		# shellcheck disable=SC2059
		printf "$3" >&3
		reply=$(timeout 4 dd bs=65535 count=1 <&3 2>/dev/null | base64 | tr -d '\n')
		exec 3>&-
	fi
	printf '%s %s\n' "$1" "$reply"
}

section udp
while read -r number address message; do
	[[ -n $message ]] && ask "$number" "$address" "$message" &
done <<<"$questions" 2>/dev/null | raw
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
