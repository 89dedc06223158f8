package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/secret"
)

func TestSystemEnv(t *testing.T) {
	t.Setenv("RAIZ_TEST_SET", "text")
	if text, err := (secret.System{}).Env("RAIZ_TEST_SET"); text != "text" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	_, err := secret.System{}.Env("RAIZ_TEST_NOT_SET")
	wantError(t, err, "environment variable RAIZ_TEST_NOT_SET is not set")
}

func TestSystemFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("lf", "text\n")
	write("crlf", "text\r\n")
	write("two", "text\n\n")
	write("large", strings.Repeat("x", 1<<20+1))
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	tests := []struct{ name, file, want, err string }{
		{"relative", "lf", "text", ""},
		{"absolute", filepath.Join(dir, "lf"), "text", ""},
		{"home", "~/lf", "text", ""},
		{"carriage return", "crlf", "text", ""},
		{"one newline only", "two", "text\n", ""},
		{"missing", "none", "", "open none: no such file or directory"},
		{"too large", "large", "", "read large: larger than 1048576 bytes"},
		{"fifo", "fifo", "", "read fifo: not a regular file"},
		{"folder", ".", "", "read .: not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := secret.System{Dir: dir}.File(tt.file)
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			wantError(t, err, tt.err)
		})
	}
}

func TestSystemFileWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	_, err := secret.System{}.File("~/x")
	wantError(t, err, "find the home folder: $HOME is not defined")
}

func TestSystemExec(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name string
		argv []string
		want string
		err  string
	}{
		{"output", []string{"printf", "%s\n", "a b"}, "a b", ""},
		{"no shell", []string{"echo", "$HOME; ls"}, "$HOME; ls", ""},
		{"in the folder", []string{"pwd"}, dir, ""},
		{"failed", []string{"sh", "-c", "echo secret >&2; exit 3"}, "", "run sh: exit status 3"},
		{"missing", []string{"raiz-no-such-program"}, "", "run raiz-no-such-program: executable file not found in $PATH"},
		{"too much", []string{"head", "-c", "65537", "/dev/zero"}, "", "run head: more than 65536 bytes of output"},
		{"nothing", nil, "", "no program given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := secret.System{Dir: dir, Execution: secret.ExecAllowed}.Exec(tt.argv)
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			wantError(t, err, tt.err)
		})
	}
}

func TestSystemExecDenied(t *testing.T) {
	_, err := secret.System{}.Exec([]string{"true"})
	wantError(t, err, "running programs is not allowed; give --allow-exec")
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
