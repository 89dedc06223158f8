
# ---------------------------------------------------------------- probe

probe_system() {
	section system
	{
		say "hostname $(uname -n)"
		say "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
		say "now $(date -u +%s)"
		# shellcheck disable=SC1091
		say "os $( . /etc/os-release 2>/dev/null; say "${ID:-unknown} ${VERSION_ID:-unknown}" )"
	} | raw
}

probe_transaction() {
	section transaction
	[ -d "$home" ] || return 0
	{
		say "current $(current)"
		p=$(pending)
		[ -z "$p" ] || say "pending $p $(state_of "$p") by $(owner_of "$p")"
		[ ! -s "$home/reverted" ] || say "reverted $(cat "$home/reverted")"
		c=$(current)
		[ -z "$c" ] || probe_managed "$home/generations/$c"
	} | raw
}

# probe_managed G: what generation G wrote and still stands. What it removed,
# or somebody else has since, nobody has to remove again.
probe_managed() {
	awk '$1 == "put" { print $6 }' "$1/manifest" 2>/dev/null | while read -r path; do
		if [ -e "$root$path" ] || [ -L "$root$path" ] || ! can_look "$root$path"; then say "managed $path"; fi
	done
}

# can_look PATH: whether the directories on the way show what is not there.
can_look() {
	way=$(dirname "$1")
	while [ ! -d "$way" ] && [ "$way" != / ] && [ "$way" != . ]; do
		way=$(dirname "$way")
	done
	[ -x "$way" ]
}

# probe_files reads "SUM public|secret PATH" lines.
probe_files() {
	section files
	while read -r want secrecy path; do
		[ -n "$path" ] || continue
		f=$root$path
		if [ -L "$f" ]; then
			say "$path link $(readlink "$f")"
		elif [ -f "$f" ] && [ ! -r "$f" ]; then
			say "$path denied"
		elif [ -f "$f" ]; then
			got=$(sum_of "$f")
			say "$path file $(stat -c '%a %U %G %s %i %Z' "$f") $got"
			if [ "$got" != "$want" ] && [ "$secrecy" = public ] && [ "$(stat -c %s "$f")" -le 262144 ]; then
				say "$path data $(base64 <"$f" | tr -d '\n')"
			fi
		elif [ -e "$f" ]; then
			say "$path other"
		elif ! can_look "$f"; then
			say "$path denied"
		else
			say "$path absent"
		fi
	done | raw
}

probe_units() {
	section units
	[ $# -eq 0 ] || systemctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p NRestarts "$@" 2>&1 | raw
}

probe_packages() {
	section packages
	# dpkg-query fails when one of them is unknown, which is an answer here.
	# shellcheck disable=SC2016
	[ $# -eq 0 ] || dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' "$@" 2>/dev/null | raw
}

probe_network() {
	section addresses
	ip -j address show 2>&1 | raw
}

# probe reads request lines: "file SUM SECRECY PATH", "unit NAME",
# "package NAME".
probe() {
	request=$(cat)
	say "raiz 1"
	probe_system
	probe_transaction
	say "$request" | sed -n 's/^file //p' | probe_files
	# Names hold no white space: raiz refuses to ask for such.
	# shellcheck disable=SC2046
	probe_units $(say "$request" | sed -n 's/^unit //p')
	# shellcheck disable=SC2046
	probe_packages $(say "$request" | sed -n 's/^package //p')
	probe_network
	say "== end"
}

status() {
	say "raiz 1"
	probe_system
	probe_transaction
	say "== end"
}

# history: number, state, when it got there, who, and which plan.
history() {
	say "raiz 1"
	section history
	numbers | while read -r n; do
		g=$home/generations/$n
		mark=$(state_of "$n")
		[ "$n" != "$(current)" ] || mark=current
		say "$n $mark $(date -u -r "$g/state" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || say unknown) $(cat "$g/plan" 2>/dev/null || say -) $(owner_of "$n")"
	done | raw
	say "== end"
}
