
# ---------------------------------------------------------------- revert

# put_back_files G: the bytes that stood before, absence included. The second
# name is taken where it still holds them, the copy otherwise.
put_back_files() {
	bad=0
	while read -r what path; do
		f=$root$path
		rm -f "$f.raiz-new"
		case $what in
		had) put_back "$f" "$1/before/files$path" || bad=1 ;;
		absent) rm -f "$f" || bad=1 ;;
		esac
	done <"$1/before/list"
	flush
	return $bad
}

# put_back FILE COPY
put_back() {
	if alike "$1" "$2"; then
		rm -f "$1.raiz-old"
		return 0
	fi
	if ! alike "$1.raiz-old" "$2"; then
		# The second name may be the file itself, which must not be half
		# written; and its directory may have gone with what stood in it.
		rm -f "$1.raiz-old"
		(umask 022 && mkdir -p "$(dirname "$1")") && cp -pP "$2" "$1.raiz-old" || return 1
	fi
	mv -f "$1.raiz-old" "$1"
}

# alike A B: the same bytes, mode and owner.
alike() {
	same "$1" "$2" && [ "$(stat -c '%a %u %g' "$1")" = "$(stat -c '%a %u %g' "$2")" ]
}

# verify_files G: shows that what stands is what stood.
verify_files() {
	while read -r what path; do
		f=$root$path
		case $what in
		had) alike "$f" "$1/before/files$path" || return 1 ;;
		absent) [ ! -e "$f" ] && [ ! -L "$f" ] || return 1 ;;
		esac
	done <"$1/before/list"
}

# disable_new_units G: what was not enabled before, while its file is there.
disable_new_units() {
	while read -r unit enabled _; do
		[ "$enabled" = enabled ] || systemctl --quiet --no-reload disable "$unit" 2>/dev/null
	done <"$1/before/units"
	return 0
}

enable_old_units() {
	while read -r unit enabled _; do
		[ "$enabled" != enabled ] || systemctl --quiet --no-reload enable "$unit" 2>/dev/null
	done <"$1/before/units"
	return 0
}

# put_back_units G: the union of the units that the change acted on, in its
# order, each brought to the state it had, with the files it had.
put_back_units() {
	systemctl daemon-reload 2>/dev/null
	while read -r verb action rest; do
		case $verb in
		unit) put_back_unit "$rest" "$(awk -v u="$rest" '$1 == u { print $3 }' "$1/before/units")" "$action" ;;
		run) (eval "set -- $action $rest" && "$@") >/dev/null 2>&1 </dev/null 9>&- ;;
		esac
	done <"$1/manifest"
	return 0
}

# put_back_unit UNIT WAS ACTION
put_back_unit() {
	case $2 in
	active | activating | reloading)
		case $3 in
		enable) ;;
		reload) systemctl reload-or-restart "$1" 2>/dev/null || systemctl restart "$1" 2>/dev/null ;;
		*) systemctl restart "$1" 2>/dev/null ;;
		esac
		;;
	*) systemctl stop "$1" 2>/dev/null ;;
	esac
}

# revert N REASON: may be called at any time and any number of times.
revert() {
	n=$1 reason=$(say "$2" | tr '[:cntrl:]' ' ' | sed 's/ *$//')
	# An activation that hangs would hold the lock; it has lost its right.
	# Nobody else's has: this call may be an old timer's.
	[ "${RAIZ_IN_COMMIT:-}" ] || [ "$(pending)" != "$n" ] || systemctl --quiet stop raiz-activate.service 2>/dev/null
	take_lock 60
	[ "$(pending)" = "$n" ] || settle
	if [ "$(pending)" != "$n" ] || decided "$n"; then
		[ "$(pending)" != "$n" ] || finish "$n" || die "cannot finish generation $n: is the disk full?"
		say "nothing to revert: generation $n is $(state_of "$n")"
		return 0
	fi
	g=$home/generations/$n
	begin_revert
	put_back_units "$g"
	end_revert
}

# begin_revert: from its first file on, a generation that goes cannot be
# confirmed any more, though the one who takes it back may be killed half way.
# A full disk has no room for the word, but lets the old one be removed.
begin_revert() {
	note "generation $n reverts: $reason"
	put_text "$g/state" reverting || rm -f "$g/state"
	disable_new_units "$g"
	put_back_files "$g" || note "generation $n: not every file could be put back"
	enable_old_units "$g"
}

# end_revert: nothing is called reverted that was not seen to be. Until then
# "pending" stays, and the timer or the next boot tries again.
end_revert() {
	verify_files "$g" || die "revert of generation $n is incomplete: the files do not match the snapshot"
	put_text "$home/reverted" "$n $(now) $reason" || note "cannot say that generation $n was reverted"
	# Without that word a second revert would miss the secrets that go next.
	put_text "$g/state" reverted || rm -f "$home/pending"
	finish "$n"
	disarm
	note "generation $n reverted"
	say "reverted $n $reason"
}

# boot: files and links only. It runs before the services start, so they
# start with what stood before. Nothing in it may wait for systemd to start
# something: systemd waits for this script, and the machine with it.
boot() {
	n=$(pending)
	[ -n "$n" ] || return 0
	g=$home/generations/$n
	reason="the server started again before generation $n was confirmed"
	# Should this fail, or take too long, services start with what they find;
	# then a whole revert follows as soon as it can.
	later "$n" "$reason" --no-block || note "no revert follows the boot, should it fail"
	take_lock 10
	if decided "$n"; then
		finish "$n"
		return
	fi
	begin_revert
	systemctl daemon-reload 2>/dev/null
	correct_boot "$g"
	# systemd has named the machine before any unit could run.
	[ ! -f "$root/etc/hostname" ] || hostname -F "$root/etc/hostname" 2>/dev/null
	end_revert
	systemctl --quiet --no-block stop raiz-revert.service 2>/dev/null
	return 0
}

# correct_boot G: systemd has chosen what this boot starts by the links of the
# generation that goes. It cannot be waited for: it waits for this script.
correct_boot() {
	while read -r unit enabled active; do
		case $enabled-$active in
		enabled-*) systemctl --quiet --no-block start "$unit" 2>/dev/null ;;
		disabled-inactive | absent-inactive) systemctl --quiet --no-block stop "$unit" 2>/dev/null ;;
		esac
	done <"$1/before/units"
	return 0
}

raiz() {
	verb=$1
	shift
	case $verb in
	apply) stage "$1" "$2" && activate "$n" "$3" ;;
	commit) RAIZ_IN_COMMIT=yes && commit "$@" ;;
	probe | status | history | rollback | confirm | revert | boot) "$verb" "$@" ;;
	*) die "unknown verb $verb" ;;
	esac
}

# Installed, the script is called with a verb. Sent over stdin, it is only
# read, and the call follows it.
[ $# -eq 0 ] || raiz "$@"
