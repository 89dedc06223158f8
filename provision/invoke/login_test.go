//go:build linux

package invoke_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/server"
)

// home gives root a home of its own with this .bashrc, and has sshd start SFTP
// by the login's shell, as Debian's does.
func (s *station) home(t *testing.T, bashrc string) {
	t.Helper()
	if err := os.MkdirAll(s.dir+"/home", 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, "home/.bashrc", 0o644, bashrc)
	s.write(t, "enter", 0o600, "mount --bind \"$d/home\" /root\n")
	sftp := "/usr/lib/openssh/sftp-server"
	if _, err := os.Stat(sftp); err != nil {
		t.Skip(err)
	}
	config, err := os.ReadFile(s.dir + "/sshd_config")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "sshd_config", 0o600, strings.Replace(string(config), "internal-sftp", sftp, 1))
}

// What a login prints by itself is passed over, and told: when the helper is
// put there, and when it is asked.
func TestLoginThatPrints(t *testing.T) {
	long(t)
	one, _ := helpers(t)
	for name, bashrc := range map[string]string{
		"a line": "echo hello from bashrc\n", "no whole line": "printf 'hello from bashrc'\n",
		"many lines": "echo hello from bashrc; seq 12000\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			s.home(t, bashrc)
			for _, when := range []string{"first", "again"} {
				var heard []string
				h := invoke.Helper{Conn: s.conn(t, "root"), Images: images(one), Noise: func(b []byte) { heard = append(heard, string(b)) }}
				r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
				if err != nil || r.Answer.Error != nil || !r.Answer.Done {
					t.Fatalf("%s: %+v, %v", when, r.Answer, err)
				}
				if len(heard) != 1 || !strings.HasPrefix(heard[0], "hello from bashrc") {
					t.Errorf("%s: told of %.80q", when, heard)
				}
			}
			if left := s.uploads(t); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// What keeps the helper from answering is named, with what to do.
func TestLoginThatCannot(t *testing.T) {
	long(t)
	one, _ := helpers(t)
	for _, tt := range []struct {
		name, user string
		bashrc     string
		sudoers    string
		want       []string
	}{
		{"a shell that lets nobody in", noShell, "", "", []string{"exit 1", "not available", "nologin"}},
		{"a .bashrc that reads stdin", "root", "cat >/dev/null\n", "", []string{"read its stdin", ".bashrc"}},
		{"a .bashrc that ends", "root", "exit 0\n", "", []string{".bashrc that ends with exit"}},
		{"a .bashrc that prints without an end", "root", "seq 1000000\n", "", []string{"not understood"}},
		{"sudo that asks for a password", admin, "", admin + " ALL=(ALL) PASSWD: ALL\n", []string{"a password is required", "NOPASSWD: ALL"}},
		{"sudo that wants a terminal", admin, "", "Defaults requiretty\n" + admin + " ALL=(ALL) NOPASSWD: ALL\n", []string{"tty", "!requiretty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStation(t)
			h := invoke.Helper{Images: images(one)}
			h.Conn = s.conn(t, "root") // it is there before
			if r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory}); err != nil || r.Answer.Error != nil {
				t.Fatalf("%+v, %v", r.Answer, err)
			}
			if tt.bashrc != "" {
				s.home(t, tt.bashrc)
			}
			if tt.sudoers != "" {
				s.write(t, "sudoers", 0o600, "root ALL=(ALL) ALL\n"+tt.sudoers)
				if err := os.Chmod(s.dir+"/sudoers", 0o440); err != nil {
					t.Fatal(err)
				}
			}
			h.Conn = s.conn(t, tt.user)
			r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
			if err == nil && r.Answer.Error != nil {
				err = r.Answer.Error
			}
			if err == nil {
				t.Fatalf("answered %+v", r.Answer)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("says nothing of %q: %v", w, err)
				}
			}
		})
	}
}

// What stands in the place of the helper gives way to it, whatever it is.
func TestInTheHelpersPlace(t *testing.T) {
	long(t)
	one, _ := helpers(t)
	for name, spoil := range map[string]func(program string) error{
		"a directory":               func(p string) error { return errors.Join(os.Remove(p), os.MkdirAll(p+"/inside", 0o755)) },
		"a mode that runs nothing":  func(p string) error { return os.Chmod(p, 0o644) },
		"a link that leads nowhere": func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/no/where", p)) },
		"a link to a directory":     func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/etc", p)) },
		"a file for its directory": func(p string) error {
			dir := filepath.Dir(p)
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("x"), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			for range 2 {
				h := invoke.Helper{Conn: s.conn(t, "root"), Images: images(one)}
				if r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory}); err != nil || r.Answer.Error != nil {
					t.Fatalf("%+v, %v", r.Answer, err)
				}
				if st, err := os.Lstat(s.path(one.Program())); err != nil || st.Mode() != 0o755 {
					t.Errorf("the helper is %v, %v", st, err)
				}
				if err := spoil(s.path(one.Program())); err != nil {
					t.Fatal(err)
				}
			}
			h := invoke.Helper{Conn: s.conn(t, "root"), Images: images(one)}
			if r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory}); err != nil || r.Answer.Error != nil {
				t.Errorf("%+v, %v", r.Answer, err)
			}
		})
	}
}

// Where nothing may be run the mount is named.
func TestNothingMayBeRun(t *testing.T) {
	long(t)
	one, _ := helpers(t)
	for _, user := range []string{"root", admin} {
		s := newStation(t)
		s.write(t, "enter", 0o600, "mount -o remount,bind,noexec /usr/local/lib\n")
		h := invoke.Helper{Conn: s.conn(t, user), Images: images(one)}
		_, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
		if !errors.Is(err, invoke.ErrInstall) || !strings.Contains(err.Error(), "mount -o remount,exec /usr/local/lib") || strings.Contains(err.Error(), "disk") {
			t.Errorf("got %v", err)
		}
		if left := s.uploads(t); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}
