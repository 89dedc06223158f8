package shell

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/state"
)

// Probe is everything a server answered in one exec.
type Probe struct {
	Hostname   string
	BootID     string
	Clock      time.Time // of the server, to the second
	OS         string    // ID and VERSION_ID of os-release
	Current    string    // generation that is confirmed; "" for none
	Pending    string    // generation that is not yet; "" for none
	PendingIs  string    // state and owner of the pending generation
	Reverted   string    // what was reverted since the last apply, and why
	Managed    []string  // paths that the current generation wrote, and are there
	Files      map[string]FileAnswer
	Units      map[string]UnitAnswer
	Packages   map[string]string // name to version, of installed ones only
	Interfaces []Interface
	NetworkErr error // why Interfaces could not be read
}

// FileAnswer is what stands at a path. Kind is file, link, absent, other or
// denied.
type FileAnswer struct {
	Kind string
	File state.File
	Link string
}

// UnitAnswer is a unit as systemd shows it.
type UnitAnswer struct {
	Load, Active, Sub, UnitFile string
	Restarts                    int
}

// ProbeRequest returns the call that answers for exactly the wanted keys.
func ProbeRequest(by By, want *state.Set) (remote.Script, error) {
	var b strings.Builder
	for it := range want.Of(state.Path) {
		f, ok := it.Value.(state.File)
		if !ok {
			return remote.Script{}, fmt.Errorf("%s is wanted as %T, not as a file", it.Key, it.Value)
		}
		if err := state.CheckPath(it.Key.Name); err != nil {
			return remote.Script{}, err
		}
		secrecy := "public"
		if f.Secret {
			secrecy = "secret"
		}
		fmt.Fprintf(&b, "file %s %s %s\n", hex.EncodeToString(f.Sum[:]), secrecy, it.Key.Name)
	}
	for _, kind := range []struct {
		kind state.Kind
		word string
	}{{state.Unit, "unit"}, {state.Package, "package"}} {
		for _, k := range want.Keys(kind.kind) {
			if err := state.CheckWord(k.Name); err != nil {
				return remote.Script{}, fmt.Errorf("%s: %w", k, err)
			}
			fmt.Fprintf(&b, "%s %s\n", kind.word, k.Name)
		}
	}
	return call(by, b.String(), "probe"), nil
}

// ErrProbe says that the answer to a probe is not one.
var ErrProbe = errors.New("answer of the server is not understood")

// ParseProbe reads the answer. Its bytes are untrusted: a line that does not
// fit is an error, and so is an answer without its end.
func ParseProbe(out []byte) (Probe, error) {
	p := Probe{Files: map[string]FileAnswer{}, Packages: map[string]string{}}
	sections, err := answered(out)
	if err != nil {
		return Probe{}, err
	}
	for _, step := range []struct {
		section string
		read    func(*Probe, []string) error
	}{
		{"system", readSystem}, {"transaction", readTransaction}, {"files", readFiles},
		{"packages", readPackages},
	} {
		if err := step.read(&p, sections[step.section]); err != nil {
			return Probe{}, fmt.Errorf("%w: %s: %w", ErrProbe, step.section, err)
		}
	}
	if p.Units, err = ParseUnits(sections["units"]); err != nil {
		return Probe{}, err
	}
	p.Interfaces, p.NetworkErr = ParseAddresses(sections["addresses"])
	return p, nil
}

// Transaction is what a server says of its generations alone.
type Transaction struct {
	Current, Pending, PendingIs, Reverted string
}

// ParseStatus reads the answer to Status.
func ParseStatus(out []byte) (Transaction, error) {
	sections, err := answered(out)
	if err != nil {
		return Transaction{}, err
	}
	var p Probe
	if err := readTransaction(&p, sections["transaction"]); err != nil {
		return Transaction{}, fmt.Errorf("%w: transaction: %w", ErrProbe, err)
	}
	return Transaction{Current: p.Current, Pending: p.Pending, PendingIs: p.PendingIs, Reverted: p.Reverted}, nil
}

// Past is a generation in the history of a server.
type Past struct {
	Number string
	State  string // current, confirmed, reverted, refused, …
	Time   string // RFC 3339, when it got into that state
	Plan   string // the first digits of the plan's digest
	Who    string
}

// ParseHistory reads the answer to History, oldest first.
func ParseHistory(out []byte) ([]Past, error) {
	sections, err := answered(out)
	if err != nil {
		return nil, err
	}
	var all []Past
	for _, l := range sections["history"] {
		f := strings.SplitN(l, " ", 5)
		if len(f) != 5 {
			return nil, fmt.Errorf("%w: history says %.120q", ErrProbe, l)
		}
		all = append(all, Past{Number: f[0], State: f[1], Time: f[2], Plan: f[3], Who: f[4]})
	}
	return all, nil
}

// answered finds the greeting and the sections after it.
func answered(out []byte) (map[string][]string, error) {
	lines := strings.Split(string(out), "\n")
	start := slices.Index(lines, "raiz 1")
	if start < 0 {
		return nil, fmt.Errorf("%w: no greeting in %.80q", ErrProbe, out)
	}
	if err := checkLines(lines[start+1:]); err != nil {
		return nil, err
	}
	return Sections(lines[start+1:])
}

// checkLines refuses what the script never says: a line outside of a section,
// and a section that comes twice.
func checkLines(lines []string) error {
	seen := map[string]bool{}
	for _, l := range lines {
		name, heading := strings.CutPrefix(l, "== ")
		switch {
		case name == "end" && heading:
			return nil
		case heading && seen[name]:
			return fmt.Errorf("%w: section %.40q comes twice", ErrProbe, name)
		case heading:
			seen[name] = true
		case l != "" && (len(seen) == 0 || l[0] != ' '):
			return fmt.Errorf("%w: %.80q belongs to no section", ErrProbe, l)
		}
	}
	return nil // Sections says that there is no end
}

// Sections sorts lines by their section: "== NAME" begins one, "== end" ends
// them all, and every line between has one space in front. An answer without
// its end is an error.
func Sections(lines []string) (map[string][]string, error) {
	sections := map[string][]string{}
	name := ""
	for _, l := range lines {
		if s, ok := strings.CutPrefix(l, "== "); ok {
			if s == "end" {
				return sections, nil
			}
			name = s
			continue
		}
		sections[name] = append(sections[name], strings.TrimPrefix(l, " "))
	}
	return nil, fmt.Errorf("%w: it ends too early", ErrProbe)
}

func readSystem(p *Probe, lines []string) error {
	for _, l := range lines {
		key, value, _ := strings.Cut(l, " ")
		switch key {
		case "hostname":
			p.Hostname = value
		case "boot":
			p.BootID = value
		case "os":
			p.OS = value
		case "now":
			s, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return fmt.Errorf("clock %.40q is no number", value)
			}
			p.Clock = time.Unix(s, 0).UTC()
		}
	}
	return nil
}

func readTransaction(p *Probe, lines []string) error {
	for _, l := range lines {
		key, value, _ := strings.Cut(l, " ")
		switch key {
		case "current":
			p.Current = value
		case "pending":
			p.Pending, p.PendingIs, _ = strings.Cut(value, " ")
		case "reverted":
			p.Reverted = value
		case "managed":
			if err := state.CheckPath(value); err != nil {
				return err
			}
			p.Managed = append(p.Managed, value)
		}
	}
	return nil
}

func readFiles(p *Probe, lines []string) error {
	for _, l := range lines {
		path, rest, _ := strings.Cut(l, " ")
		kind, rest, _ := strings.Cut(rest, " ")
		have, seen := p.Files[path]
		if kind == "data" {
			if have.Kind != "file" || have.File.Data != nil {
				return fmt.Errorf("%s: content without a file", path)
			}
			data, err := parseData(rest, have.File)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			have.File.Data = data
			p.Files[path] = have
			continue
		}
		a, err := parseAnswer(kind, rest)
		if err != nil {
			return fmt.Errorf("line %.80q: %w", l, err)
		}
		if seen {
			return fmt.Errorf("%s: it comes twice", path)
		}
		if err := state.CheckPath(path); err != nil {
			return err
		}
		p.Files[path] = a
	}
	return nil
}

func parseAnswer(kind, rest string) (FileAnswer, error) {
	switch kind {
	case "file":
		f, err := parseFile(strings.Fields(rest))
		return FileAnswer{Kind: kind, File: f}, err
	case "link":
		return FileAnswer{Kind: kind, Link: rest}, nil
	case "absent", "other", "denied":
		return FileAnswer{Kind: kind}, nil
	}
	return FileAnswer{}, errors.New("is of no known kind")
}

// parseData reads the bytes of a file. A diff over bytes that are not those
// of the sum would show what is not going to be replaced.
func parseData(text string, f state.File) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("content is not base64")
	}
	if sha256.Sum256(data) != f.Sum {
		return nil, errors.New("it changed while it was read")
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// parseFile reads: mode owner group size inode change-time sum.
func parseFile(f []string) (state.File, error) {
	if len(f) != 7 {
		return state.File{}, fmt.Errorf("want 7 fields, got %d", len(f))
	}
	mode, err := strconv.ParseUint(f[0], 8, 32)
	if err != nil {
		return state.File{}, fmt.Errorf("mode %.20q is not octal", f[0])
	}
	out := state.File{Mode: fs.FileMode(mode).Perm(), Owner: f[1], Group: f[2], Token: strings.Join(f[3:6], "-")}
	if mode&0o7000 != 0 {
		// A set-user-ID bit is never wanted, and must not compare as equal.
		out.Mode = fs.FileMode(mode)
	}
	sum, err := hex.DecodeString(f[6])
	if err != nil || copy(out.Sum[:], sum) != len(out.Sum) || len(sum) != len(out.Sum) {
		return state.File{}, fmt.Errorf("sum %.80q is not a SHA-256", f[6])
	}
	return out, nil
}

// ParseUnits reads what `systemctl show` prints of several units.
func ParseUnits(lines []string) (map[string]UnitAnswer, error) {
	units := map[string]UnitAnswer{}
	var id string
	var u UnitAnswer
	done := func() {
		if id != "" {
			units[id] = u
		}
		id, u = "", UnitAnswer{}
	}
	for _, l := range lines {
		key, value, ok := strings.Cut(l, "=")
		if !ok {
			if strings.TrimSpace(l) == "" {
				done()
				continue
			}
			return nil, fmt.Errorf("%w: systemctl says %.120q", ErrProbe, l)
		}
		switch key {
		case "Id":
			id = value
		case "LoadState":
			u.Load = value
		case "ActiveState":
			u.Active = value
		case "SubState":
			u.Sub = value
		case "UnitFileState":
			u.UnitFile = value
		case "NRestarts":
			u.Restarts, _ = strconv.Atoi(value) // a count for evidence only
		}
	}
	done()
	return units, nil
}

func readPackages(p *Probe, lines []string) error {
	for _, l := range lines {
		if f := strings.Fields(l); len(f) == 3 && f[1] == "installed" {
			p.Packages[f[0]] = f[2]
		}
	}
	return nil
}
