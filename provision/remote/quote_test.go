package remote_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/remote"
)

func TestQuote(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "/etc/bird/bird.conf", "/etc/bird/bird.conf"},
		{"empty", "", "''"},
		{"space", "a b", "'a b'"},
		{"quote", "it's", `'it'\''s'`},
		{"variable", "$HOME", "'$HOME'"},
		{"assignment", "A=b", "'A=b'"},
		{"home", "~root", "'~root'"},
		{"comment", "#a", "'#a'"},
		{"newline", "a\nb", "'a\nb'"},
		{"not UTF-8", "\xff", "'\xff'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if have := remote.Quote(tt.in); have != tt.want {
				t.Errorf("got %s, want %s", have, tt.want)
			}
		})
	}
	if have := remote.Command("raiz", "revert", "7", "it's late"); have != `raiz revert 7 'it'\''s late'` {
		t.Errorf("Command gives %s", have)
	}
}

// A shell gives back every word as it was.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "it's", "$(reboot)", "`reboot`", "a\\", "\\'", "-n", "!", "\n", "\t ", "\xff\xfe", "é", "a;b&c|d>e<f", "*?[a]", "{a,b}", "=", "~", "%s%n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) || len(word) > 10_000 {
			t.Skip("no argument of a process holds a NUL")
		}
		out, err := exec.Command("sh", "-c", "printf %s "+remote.Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q, %v", word, out, err)
		}
	})
}
