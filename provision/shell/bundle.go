package shell

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/state"
)

// Put is a file to write.
type Put struct {
	Path  string
	File  state.File
	Check []string // argv; "{}" stands for the path of the staged file
	// Effect is what the file needs when a rollback changes it; it is the
	// zero Action when nothing is needed. Order is its place.
	Effect Action
	Order  int
}

// Action is something to do to a unit, or a command to run, once all files
// are in place. Exactly one of Unit and Run is set.
type Action struct {
	Verb string // enable, disable, start, reload, restart
	Unit string
	Run  []string
}

// Generation is the content of one transaction on the server.
type Generation struct {
	Plan    string   // digest of the plan it carries out
	Puts    []Put    // every managed file, changed or not
	Deletes []string // managed before, wanted no more
	Actions []Action // in the order they are to be done
}

// Bundle is a generation packed for the way.
type Bundle struct {
	Tar []byte
	Sum string // SHA-256 of Tar in hex
}

// Pack packs a generation together with the script. It refuses paths that
// the manifest's lines could not carry.
func Pack(g Generation) (Bundle, error) {
	manifest, err := manifestOf(g)
	if err != nil {
		return Bundle{}, err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	add := func(name string, data []byte) {
		// Errors of a bytes.Buffer do not happen; the header is ours.
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), Format: tar.FormatPAX})
		_, _ = w.Write(data)
	}
	add("raiz.sh", []byte(Script()))
	add("manifest", []byte(manifest))
	add("plan", []byte(fmt.Sprintf("%.12s\n", g.Plan)))
	for _, p := range g.Puts {
		add("files"+p.Path, p.File.Data)
	}
	if err := w.Close(); err != nil {
		return Bundle{}, fmt.Errorf("pack generation: %w", err)
	}
	sum := sha256.Sum256(buf.Bytes())
	return Bundle{Tar: buf.Bytes(), Sum: hex.EncodeToString(sum[:])}, nil
}

func manifestOf(g Generation) (string, error) {
	if err := checkGeneration(g); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range g.Puts {
		fmt.Fprintf(&b, "put %04o %s %s %s %s\n", p.File.Mode, p.File.Owner, p.File.Group, hex.EncodeToString(p.File.Sum[:]), p.Path)
		if p.File.Secret {
			fmt.Fprintf(&b, "secret %s\n", p.Path)
		}
		if len(p.Check) > 0 {
			fmt.Fprintf(&b, "check %s %s\n", p.Path, remote.Command(p.Check...))
		}
		b.WriteString(effectLine(p))
	}
	for _, path := range g.Deletes {
		fmt.Fprintf(&b, "del %s\n", path)
	}
	for _, a := range g.Actions {
		if len(a.Run) > 0 {
			fmt.Fprintf(&b, "run %s\n", remote.Command(a.Run...))
			continue
		}
		fmt.Fprintf(&b, "unit %s %s\n", a.Verb, a.Unit)
	}
	return b.String(), nil
}

// effectLine is "effect ORDER LATE PATH VERB UNIT" or "… run COMMAND".
// Commands come late within their order: they speak to a unit that has just
// been acted on.
func effectLine(p Put) string {
	switch {
	case len(p.Effect.Run) > 0:
		return fmt.Sprintf("effect %d 1 %s run %s\n", p.Order, p.Path, remote.Command(p.Effect.Run...))
	case p.Effect.Unit != "":
		return fmt.Sprintf("effect %d 0 %s %s %s\n", p.Order, p.Path, p.Effect.Verb, p.Effect.Unit)
	}
	return ""
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Round(time.Second) / time.Second)) }
