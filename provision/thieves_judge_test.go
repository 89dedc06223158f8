//go:build linux

package provision_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// errand and report are the language of testdata/thief.
type errand struct {
	Role                 string
	Secrets, Dirs, Trees []string
	Dir, Watched         string
	Names, Victims       []string
}

type haul struct {
	Rounds                          map[string]int
	Opened, Denied, Planted, Beside int
	Failed                          map[string]int
	Loot                            []struct {
		Path   string
		Secret int
	}
}

// thief is one that runs on the server.
type thief struct {
	b   *bed
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (h *heist) installThief() {
	h.t.Helper()
	program := filepath.Join(h.t.TempDir(), "thief")
	build := exec.Command("go", "build", "-o", program, "./testdata/thief")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(program)
	h.must(err)
	h.must(h.Server.Write("/opt/thief", 0o755, string(text)))
}

// hire starts a thief on the server as one of its users. What it looks for is
// told on its stdin. It is nice: raiz waits most of the time, and with two cores
// nobody would wait for the test.
func (h *heist) hire(user string, e errand) *thief {
	h.t.Helper()
	cmd, err := h.Server.Command(h.t.Context(), "nice", "setpriv", "--reuid="+user, "--regid="+strings.TrimSpace(h.on(h.Server, "id", "-g", user)),
		"--init-groups", "--inh-caps=-all", "--bounding-set=-all", "--", "/opt/thief")
	h.must(err)
	in, err := cmd.StdinPipe()
	h.must(err)
	out, err := cmd.StdoutPipe()
	h.must(err)
	cmd.Stderr = h.t.Output()
	h.must(cmd.Start())
	h.t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	text, err := json.Marshal(e)
	h.must(err)
	_, err = in.Write(append(text, '\n'))
	h.must(err)
	return &thief{b: h.bed, cmd: cmd, in: in, out: bufio.NewReader(out)}
}

// turnTo has it follow a tactic, and returns once it has gone round.
func (t *thief) turnTo(tactic string) {
	t.b.t.Helper()
	_, err := io.WriteString(t.in, tactic+"\n")
	t.b.must(err)
	if line, err := t.out.ReadString('\n'); err != nil || line != "on "+tactic+"\n" {
		t.b.t.Fatalf("the thief says %q, %v", line, err)
	}
}

// ends returns what it has got.
func (t *thief) ends() haul {
	t.b.t.Helper()
	t.b.must(t.in.Close())
	text, err := io.ReadAll(t.out)
	t.b.must(err)
	t.b.must(t.cmd.Wait())
	var r haul
	if err := json.Unmarshal(text, &r); err != nil {
		t.b.t.Fatalf("the thief says %q: %v", text, err)
	}
	return r
}

// controls is a root that writes as raiz once did: each thief has to win against
// it, or it has shown nothing against raiz.
func (h *heist) controls() {
	h.t.Helper()
	h.squatter.turnTo("idle") // it would win as well
	h.on(h.Server, "sh", "-c", `rm -f /tmp/raiz-*; umask 022; for i in 1 2 3 4 5; do
		printf '`+bait+`' >/tmp/raiz-bait && sleep 0.02 && chmod 600 /tmp/raiz-bait && rm /tmp/raiz-bait; done`)
	h.planter.turnTo("bait")
	for end := time.Now().Add(settle); h.on(h.Server, "cat", baited) == "mine\n"; {
		if time.Now().After(end) {
			h.t.Fatal("no link was planted under a name that a careless root writes to")
		}
		h.on(h.Server, "sh", "-c", `cd `+birdDir+`; for n in 1 2 3 4 5 6 7 8; do rm -f .raiz-0-$n.new; : >.raiz-0-$n.new; sleep 0.02; echo overwritten >.raiz-0-$n.new; done`)
	}
	h.planter.turnTo("idle")
	h.on(h.Server, "sh", "-c", "echo mine >"+baited+"; rm -f "+birdDir+"/.raiz-*")
}

// others are all files but those that raiz or the planter writes, with their
// bytes, modes and owners.
func (h *heist) others() map[string]string {
	h.t.Helper()
	want, err := render.Desired(h.sites[0], templates.FS(), render.With{Secrets: render.Withheld})
	h.must(err)
	text := h.on(h.Server, "sh", "-c", `find /etc /root /home /opt /usr/local /var/spool -xdev -printf '%p %y %m %U:%G %l\n'
		find /etc /root /home /opt /usr/local /var/spool -xdev -type f -exec sha256sum {} + | sed 's/\([^ ]*\)  \(.*\)/\2 sum \1/'`)
	out := map[string]string{}
	for line := range strings.Lines(text) {
		path, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, managed := want.Get(state.Key{Kind: state.Path, Name: path}); managed || own(path) {
			continue
		}
		out[path+" "+what[:1]] = what
	}
	for _, v := range victims() {
		if out[v+" s"] == "" {
			h.t.Fatalf("%s is not among what was looked at", v)
		}
	}
	return out
}

func own(path string) bool {
	for _, prefix := range []string{birdDir + "/", "/usr/local/lib/raiz", "/usr/local/sbin/raiz-helper", "/etc/systemd/system/raiz-", "/etc/systemd/system/sysinit.target.wants/raiz-"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// dismiss looks at what the thieves have got, and whether they have tried.
func (h *heist) dismiss() {
	h.t.Helper()
	for i, r := range h.readers {
		got := r.ends()
		h.t.Logf("reader %d: %d rounds, %d files opened, %d denied", i, got.Rounds["read"], got.Opened, got.Denied)
		if got.Rounds["read"] < 1000 || got.Opened < 100 || got.Denied < 1000 {
			h.t.Errorf("reader %d has hardly looked: %+v", i, got)
		}
		caught := false
		for _, l := range got.Loot {
			if h.secrets[l.Secret] == bait {
				caught = true
				continue
			}
			h.t.Errorf("reader %d has read secret %d in %s", i, l.Secret, l.Path)
		}
		if !caught {
			h.t.Errorf("reader %d has not even read what everybody could", i)
		}
	}
	got := h.planter.ends()
	h.t.Logf("planter: %+v", got)
	for tactic, least := range map[string]int{"plant": 2, "swap": 1000, "race": 1000, "replace": 2, "hold": 1000} {
		if got.Rounds[tactic] < least {
			h.t.Errorf("the planter went %d rounds with tactic %s", got.Rounds[tactic], tactic)
		}
	}
	if got.Planted < 1000 || got.Beside == 0 {
		h.t.Errorf("the planter has hardly planted: %+v", got)
	}
	got = h.squatter.ends()
	h.t.Logf("squatter: %+v", got)
	if got.Rounds["race"] < 1000 || got.Beside == 0 {
		h.t.Errorf("the squatter has hardly tried: %+v", got)
	}
	h.t.Logf("applies ended: %v", h.ends)
}
