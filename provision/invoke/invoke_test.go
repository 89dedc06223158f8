//go:build linux

package invoke_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
)

// TestCall has each login ask a server that has no helper, the right one, a
// damaged one, or another one.
func TestCall(t *testing.T) {
	one, other := helpers(t)
	if one.Sum == other.Sum {
		t.Fatal("the two are the same")
	}
	for _, user := range []string{"root", admin} {
		t.Run(user, func(t *testing.T) {
			s := newStation(t)
			// Each step counts what it costs.
			call := func(what string, image invoke.Image, want remote.Stats) {
				t.Helper()
				conn := s.conn(t, user)
				h := invoke.Helper{Conn: conn, Images: images(image), Who: "the test"}
				r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
				if err != nil || r.Answer.Error != nil || !r.Answer.Done {
					t.Fatalf("%s: %+v, %v", what, r, err)
				}
				if diff := cmp.Diff(want, conn.Stats()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
				if left := s.uploads(t); len(left) > 0 {
					t.Errorf("%s: left behind: %q", what, left)
				}
				st, err := os.Lstat(s.path(image.Program()))
				if err != nil || st.Mode() != 0o755 {
					t.Errorf("%s: the helper is %v, %v", what, st, err)
				}
			}
			asked, sent := remote.Stats{Execs: 1}, remote.Stats{Execs: 2, Uploads: 1}
			call("missing", one, sent)
			call("there", one, asked)
			damage(t, s.path(one.Program()))
			call("damaged", one, sent)
			call("mended", one, asked)
			call("another one", other, sent)
			call("back to the first", one, asked)
			if err := os.Remove(s.path(other.Program())); err != nil {
				t.Fatal(err)
			}
			call("its directory alone", other, sent)
			// Nothing is half made beside them.
			names, err := filepath.Glob(s.dir + "/lib/raiz/*/.*")
			if err != nil || len(names) > 0 {
				t.Errorf("left behind: %q, %v", names, err)
			}
		})
	}
}

// damage flips one bit.
func damage(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		text[len(text)/2] ^= 1
		// Not in place: a program that runs cannot be written to.
		if err = os.WriteFile(path+".new", text, 0o755); err == nil {
			err = os.Rename(path+".new", path)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged helper is never run, whatever it is.
func TestCallRunsNothingElse(t *testing.T) {
	one, _ := helpers(t)
	s := newStation(t)
	dir := filepath.Dir(s.path(one.Program()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.write(t, "lib/raiz/"+one.Sum+"/raiz-helper", 0o755, "#!/bin/sh\ntouch "+s.dir+"/ran\n")
	// What is sent is damaged as well.
	bad, err := pack([]byte("#!/bin/sh\ntouch " + s.dir + "/ran\n"))
	if err != nil {
		t.Fatal(err)
	}
	bad.Sum = one.Sum
	h := invoke.Helper{Conn: s.conn(t, "root"), Images: images(bad)}
	if r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory}); !errors.Is(err, invoke.ErrInstall) {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := os.Stat(s.dir + "/ran"); err == nil {
		t.Error("it was run")
	}
	if left := s.uploads(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCallRefused(t *testing.T) {
	one, _ := helpers(t)
	for _, tt := range []struct {
		name, user, enter string
		images            invoke.Images
		is                error
		want              []string
	}{
		{"no helper at all", "root", "", nil, invoke.ErrNoImage, []string{"make raiz"}},
		{"no helper for the machine", "root", "", invoke.Images{elsewhere(): one}, invoke.ErrInstall, []string{"there is none for a"}},
		{"no sudo", visits, "", images(one), nil, []string{"sudo:", "raiz needs sudo without a password", `ssh.user = "root"`}},
		{"a disk that is full", "root", "mount -t tmpfs -o size=1m tmpfs /usr/local/lib", images(one), invoke.ErrInstall, []string{"/usr/local/lib/raiz", "No space left", "is its disk full"}},
		{"a disk that is read-only", admin, "mount -o remount,ro,bind /usr/local/lib", images(one), invoke.ErrInstall, []string{"/usr/local/lib/raiz", "Read-only file system"}},
		{"no room for what is sent", "root", "mount -t tmpfs -o size=100k tmpfs /tmp", images(one), invoke.ErrInstall, []string{"write /tmp/raiz-"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStation(t)
			if tt.enter != "" {
				s.write(t, "enter", 0o600, tt.enter+"\n")
			}
			h := invoke.Helper{Conn: s.conn(t, tt.user), Images: tt.images}
			r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
			if err == nil {
				t.Fatalf("got %+v", r)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("is not %v: %v", tt.is, err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("says nothing of %q: %v", w, err)
				}
			}
			if left := s.uploads(t); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if names, _ := filepath.Glob(s.dir + "/lib/raiz/*/*"); len(names) > 0 {
				t.Errorf("left behind: %q", names)
			}
		})
	}
}

// elsewhere is an architecture that this machine is not of.
func elsewhere() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}
