package site

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Every string of a site ends up in a file, a command or a request that some
// program parses: the configuration of a daemon, a router's prompt, a shell. What
// could end a string or a statement in any of them is refused here, once, so
// that no renderer has to quote.
const unsafe = "\"'\\`;{}#$"

// lengths in bytes, except for names shown to people (runes).
const (
	maxName     = 64
	maxIdentity = 255 // one character-string of a TXT record (RFC 1035 §3.3)
	maxMD5      = 80  // the least that common routers take
)

// plain checks text for people: letters of any script, no control characters.
func plain(what string, longest int) func(string) *problem {
	return func(s string) *problem {
		switch {
		case strings.TrimSpace(s) == "":
			return &problem{"text", "empty text", what + " must not be empty."}
		case !utf8.ValidString(s):
			return &problem{"text", "not text", what + " is not valid UTF-8."}
		case utf8.RuneCountInString(s) > longest:
			return &problem{"text", "text too long", fmt.Sprintf("%s has more than %d characters.", what, longest)}
		}
		for _, r := range s {
			if !unicode.IsPrint(r) || strings.ContainsRune(unsafe, r) {
				return &problem{"text", "unsafe character", fmt.Sprintf(
					"%s holds %q, which could end a string or a statement in a generated file. Leave it out.", what, r)}
			}
		}
		return nil
	}
}

// ascii checks text that goes into a protocol: printable ASCII.
func ascii(what string, longest int) func(string) *problem {
	check := plain(what, longest)
	return func(s string) *problem {
		if p := check(s); p != nil {
			return p
		}
		for _, r := range s {
			if r > unicode.MaxASCII {
				return &problem{"text", "not ASCII", fmt.Sprintf("%s holds %q; only ASCII can be sent there.", what, r)}
			}
		}
		return nil
	}
}

// shaped checks a short string by a predicate; form says in words, and by
// example, what it accepts.
func shaped(what, form string, ok func(string) bool) func(string) *problem {
	return func(s string) *problem {
		if ok(s) {
			return nil
		}
		return &problem{"text", "not " + what, fmt.Sprintf("%q is not %s: %s.", short(s), what, form)}
	}
}

// short keeps the quoted text of a Detail readable.
func short(s string) string {
	if runes := []rune(s); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return s
}

// upper accepts n letters from A to Z.
func upper(n int) func(string) bool {
	return func(s string) bool {
		return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	}
}

// word accepts a word such as a version, a user or a driver.
func word(s string) bool {
	for _, c := range []byte(s) {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= maxName && s[0] != '-'
}

// email accepts the addresses of desks, not all that RFC 5322 allows.
func email(s string) bool {
	user, domain, ok := strings.Cut(s, "@")
	return ok && word(user) && strings.Contains(domain, ".") && hostname(domain) == nil
}

// phone accepts the international form (ITU-T E.123).
func phone(s string) bool {
	digits := 0
	for i, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != ' ' && c != '-' && (c != '+' || i > 0):
			return false
		}
	}
	return strings.HasPrefix(s, "+") && digits >= 7 && digits <= 20
}

// name checks the names of blocks, which become names of protocols, files and
// tables. There is one way to write a word, so that replacing "-" keeps two
// names apart.
func name(what string) func(string) *problem {
	return func(s string) *problem {
		if isName(s) {
			return nil
		}
		return &problem{"name", "not a name", fmt.Sprintf(
			"%q is no name for %s: use a lower-case letter, then at most 62 of a-z, 0-9 and single hyphens.", short(s), what)}
	}
}

func isName(s string) bool {
	if s == "" || len(s) > 63 || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	return onlyNameBytes(s)
}

func onlyNameBytes(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// hostname checks a host name: letters, digits and hyphens (RFC 1123 §2.1).
func hostname(s string) *problem {
	bad := func(why string) *problem {
		return &problem{"hostname", "not a hostname", fmt.Sprintf("%q %s (RFC 1123 section 2.1).", short(s), why)}
	}
	if s == "" || len(s) > 253 {
		return bad("has to have 1 to 253 characters")
	}
	for _, l := range strings.Split(s, ".") {
		switch {
		case l == "":
			return bad("has an empty label; leave out dots at the ends and double dots")
		case len(l) > 63:
			return bad("has a label of more than 63 characters")
		case l[0] == '-' || l[len(l)-1] == '-':
			return bad("has a label that begins or ends with a hyphen")
		case !onlyHostBytes(l):
			return bad("holds something else than letters, digits, hyphens and dots")
		}
	}
	// A last label of digits makes it look like an IPv4 address.
	if last := s[strings.LastIndexByte(s, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return bad("ends in a number, so it looks like an address")
	}
	return nil
}

func onlyHostBytes(s string) bool {
	return onlyNameBytes(strings.ToLower(s))
}

// zoneName checks the name of a zone and returns it as Zone.Name has it.
func zoneName(s string) (string, *problem) {
	if s == "." {
		return s, nil
	}
	n := strings.ToLower(strings.TrimSuffix(s, "."))
	bad := func(why string) (string, *problem) {
		return "", &problem{"zone-name", "not a zone name", fmt.Sprintf("%q %s.", short(s), why)}
	}
	if n == "" || len(n) > 253 {
		return bad("has to have 1 to 253 characters")
	}
	for _, l := range strings.Split(n, ".") {
		switch {
		case l == "" || len(l) > 63:
			return bad("has a label that is empty or has more than 63 characters (RFC 1035 section 2.3.4)")
		case !onlyNameBytes(strings.ReplaceAll(l, "_", "-")):
			return bad("holds something else than letters, digits, hyphens, underscores and dots")
		}
	}
	return n, nil
}

// md5Password checks a TCP MD5 key (RFC 2385). It never repeats the key.
func md5Password(s string) *problem {
	if len(s) > maxMD5 {
		return &problem{"md5", "BGP password too long", fmt.Sprintf("It has more than %d characters, which some routers cut off.", maxMD5)}
	}
	for _, r := range s {
		// "?" asks for help at the prompt of several routers.
		if r <= ' ' || r > '~' || r == '?' || strings.ContainsRune(unsafe, r) {
			return &problem{"md5", "unsafe character in a BGP password", "Use only printable ASCII without spaces and without any of ? " + unsafe}
		}
	}
	return nil
}

// loginPassword checks a password that travels inside JSON.
func loginPassword(s string) *problem {
	if utf8.RuneCountInString(s) > 128 {
		return &problem{"password", "password too long", "It has more than 128 characters."}
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return &problem{"password", "control character in a password", "It holds something that cannot be printed, maybe a newline in the middle."}
		}
	}
	return nil
}
