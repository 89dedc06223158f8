package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/secret"
)

func TestGrantEnv(t *testing.T) {
	t.Setenv("RAIZ_TEST_SET", "text")
	t.Setenv("OTHER_TEST_SET", "text")
	g := secret.Grant{Variables: []string{"RAIZ_TEST_*", "EXACT"}}
	if text, err := g.Env("RAIZ_TEST_SET"); text != "text" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	_, err := g.Env("RAIZ_TEST_NOT_SET")
	wantError(t, err, "environment variable RAIZ_TEST_NOT_SET is not set")
	for _, name := range []string{"OTHER_TEST_SET", "EXACTLY", "EXAC", ""} {
		_, err = g.Env(name)
		wantError(t, err, "the operator file does not allow it")
	}
	_, err = secret.Grant{}.Env("RAIZ_TEST_SET")
	wantError(t, err, "the operator file does not allow it")
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"gru1", "gru1", true}, {"gru1", "gru10", false}, {"gru*", "gru10", true}, {"gru*", "gr", false}, {"*", "", true}, {"*", "x/y", true},
		{"gru?", "gru1", true}, {"gru?", "gru", false}, {"*-bmc", "gru1-bmc", true}, {"*-bmc", "gru1-bmc-2", false}, {"a*b*c", "a1b2b3c", true},
		{"", "", true}, {"", "x", false}, {"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"*", strings.Repeat("x", 1025), false},
	} {
		if secret.Matches(c.pattern, c.text) != c.want {
			t.Errorf("%q with %.20q: not %t", c.pattern, c.text, c.want)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func TestGrantFile(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "home", "allowed")
	write(t, filepath.Join(in, "lf"), "text\n")
	write(t, filepath.Join(in, "crlf"), "text\r\n")
	write(t, filepath.Join(in, "two"), "text\n\n")
	write(t, filepath.Join(in, "sub/deep"), "deep")
	write(t, filepath.Join(in, "large"), strings.Repeat("x", 1<<20+1))
	write(t, filepath.Join(dir, "home", "outside"), "outside")
	write(t, filepath.Join(dir, "home", "allowed-too"), "outside")
	link(t, "../outside", filepath.Join(in, "out"))
	link(t, "lf", filepath.Join(in, "within"))
	fifo(t, filepath.Join(in, "fifo"))
	t.Setenv("HOME", filepath.Join(dir, "home"))
	const no = "the operator file does not allow it"
	tests := []struct{ name, file, want, err string }{
		{"absolute", filepath.Join(in, "lf"), "text", ""},
		{"home", "~/allowed/lf", "text", ""},
		{"from the site folder", "../home/allowed/lf", "text", ""},
		{"below", "~/allowed/sub/deep", "deep", ""},
		{"link within", "~/allowed/within", "text", ""},
		{"carriage return", "~/allowed/crlf", "text", ""},
		{"one newline only", "~/allowed/two", "text\n", ""},
		{"missing", "~/allowed/none", "", "read ~/allowed/none: no such file or directory"},
		{"too large", "~/allowed/large", "", "read ~/allowed/large: larger than 1048576 bytes"},
		{"fifo", "~/allowed/fifo", "", "read ~/allowed/fifo: not a regular file"},
		{"the folder", "~/allowed", "", no},
		{"a folder", "~/allowed/sub", "", "read ~/allowed/sub: not a regular file"},
		{"link out", "~/allowed/out", "", "read ~/allowed/out: path escapes from parent"},
		{"climbing out", "~/allowed/../outside", "", no},
		{"not allowed", "~/outside", "", no},
		{"only begins like it", "~/allowed-too", "", no},
		{"not there, and not told so", "~/nowhere", "", no},
	}
	g := secret.Grant{Dir: filepath.Join(dir, "sites"), Folders: []string{in}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := g.File(tt.file)
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			wantError(t, err, tt.err)
		})
	}
}

func TestGrantFileWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	_, err := secret.Grant{}.File("~/x")
	wantError(t, err, "find the home folder: $HOME is not defined")
}

func TestGrantExec(t *testing.T) {
	dir := t.TempDir()
	allow := func(name string, arguments ...string) secret.Program {
		return secret.Program{Name: name, Arguments: arguments, Dir: dir}
	}
	g := secret.Grant{Programs: []secret.Program{
		allow("printf", `%s\n`, "*"), allow("pwd"), {Name: "speak", Path: "/bin/echo", Arguments: []string{"*", "-n"}, Dir: dir},
		allow("sh", "-c", "echo secret >&2; exit 3"), allow("raiz-no-such-program"), allow("head", "-c", "65537", "/dev/zero"), allow("cat", "/srv/*"),
	}}
	const no = "the operator file does not allow it"
	tests := []struct {
		name string
		argv []string
		want string
		err  string
	}{
		{"output", []string{"printf", `%s\n`, "a b"}, "a b", ""},
		{"no shell", []string{"printf", `%s\n`, "$HOME; ls"}, "$HOME; ls", ""},
		{"in the folder", []string{"pwd"}, dir, ""},
		{"by its name", []string{"speak", "x", "-n"}, "x -n", ""},
		{"by its path", []string{"/bin/echo", "x", "-n"}, "x -n", ""},
		{"failed", []string{"sh", "-c", "echo secret >&2; exit 3"}, "", "run sh: exit status 3"},
		{"missing", []string{"raiz-no-such-program"}, "", "run raiz-no-such-program: executable file not found in $PATH"},
		{"too much", []string{"head", "-c", "65537", "/dev/zero"}, "", "run head: more than 65536 bytes of output"},
		{"nothing", nil, "", no},
		{"another program", []string{"id"}, "", no},
		{"another path", []string{"./printf", `%s\n`, "x"}, "", no},
		{"more arguments", []string{"pwd", "-L"}, "", no},
		{"fewer arguments", []string{"printf", `%s\n`}, "", no},
		{"another argument", []string{"sh", "-c", "id"}, "", no},
		{"an option for a star", []string{"speak", "-e", "-n"}, "", no},
		{"climbing out", []string{"cat", "/srv/../etc/passwd"}, "", no},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := g.Exec(tt.argv)
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			wantError(t, err, tt.err)
		})
	}
}

// TestFolder shows what is in a folder, and nothing else.
func TestFolder(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "sites")
	write(t, filepath.Join(dir, "a.hcl"), "a")
	write(t, filepath.Join(dir, "sub/b.pem"), "b")
	write(t, filepath.Join(dir, ".git/config"), "token")
	write(t, filepath.Join(top, "out"), "outside")
	for name, to := range map[string]string{
		"within": "sub/b.pem", "round": "sub/../a.hcl", "folder": "sub", "to-hidden": ".git/config", "out": "../out", "absolute": filepath.Join(dir, "a.hcl"),
		"outfolder": "..", "through": "outfolder/out", "back": "../sites/a.hcl", "loop": "loop", "dev": "/dev/zero", "dangling": "nothing",
	} {
		link(t, to, filepath.Join(dir, name))
	}
	fifo(t, filepath.Join(dir, "fifo"))
	f, err := secret.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]string{"a.hcl": "a", "sub/b.pem": "b", "within": "b", "round": "a", "folder/b.pem": "b"} {
		if text, err := read(f, name); string(text) != want || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for name, want := range map[string]string{
		".git/config": "hidden", "to-hidden": "hidden", "out": "leads out", "absolute": "leads out", "outfolder/out": "leads out", "through": "leads out",
		"back": "leads out", "loop": "too many links", "dev": "leads out", "dangling": "no such file", "fifo": "not a regular file", "../out": "invalid", "/etc/passwd": "invalid",
	} {
		text, err := read(f, name)
		if err == nil || !strings.Contains(err.Error(), want) || len(text) > 0 {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if entries, err := f.ReadDir("folder"); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := f.ReadDir("outfolder"); err == nil {
		t.Error("lists a folder outside")
	}
}

// read is bounded, should it be led to something without an end.
func read(f *secret.Folder, name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return secret.ReadAll(file)
}

func TestLater(t *testing.T) {
	asked := 0
	v := secret.Later(`env("X")`, func() (string, error) { asked++; return "text", nil })
	if v.IsZero() || v.Source() != `env("X")` || asked != 0 {
		t.Fatal("it is looked up before anybody needs it")
	}
	if v.Err() != nil || v.Reveal() != "text" || !v.Equal(secret.New("", "text")) || asked != 1 {
		t.Errorf("%v, asked %d times", v.Err(), asked)
	}
	wantError(t, secret.Later("x", func() (string, error) { return "", nil }).Err(), "it is empty")
	wantError(t, secret.Later("x", func() (string, error) { return "text", errors.New("no") }).Err(), "no")
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	have := ""
	if err != nil {
		have = err.Error()
	}
	if have != want {
		t.Errorf("error: got %q, want %q", have, want)
	}
}
