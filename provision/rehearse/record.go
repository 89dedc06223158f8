//go:build linux

package rehearse

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/site"
)

// Record is what is known of a rehearsal from outside the process that made
// it.
type Record struct {
	ID      string
	Site    string // its name
	Created time.Time
	Kept    bool // meant to outlive the process that made it
	// Owner is that process. Its start time tells it from a later one with
	// the same number.
	Owner      int
	OwnerStart string
	Seed       string // all made secrets come from it
	Sessions   []sessionRecord
	Lab        labRecord
	Layout     *layout
	Zones      []zoneRecord // of the primary
	Services   []netip.Addr // where the server answers once it is provisioned
	Start      Start        // what ran the server's network at first
	Base       string       // the tree the server is layered on
	LabBase    string       // the tree the machines around it are layered on
}

type sessionRecord struct{ Neighbor, ID string }

// validID keeps an ID from naming a directory elsewhere.
func validID(id string) bool { return regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(id) }

// keep writes what another process needs to find this rehearsal and to enter
// its server.
func (t *Testbed) keep() error {
	if err := os.MkdirAll(t.dir(), 0o700); err != nil {
		return fmt.Errorf("keep rehearsal: %w", err)
	}
	login, err := t.seed.key(identityPurpose)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(t.dir(), identityFile), 0o600, login.private); err != nil {
		return err
	}
	text, err := json.MarshalIndent(t.Record, "", "\t")
	if err != nil {
		return fmt.Errorf("keep rehearsal: %w", err)
	}
	path := filepath.Join(t.dir(), "record.json")
	if err := writeFile(path+".new", 0o600, string(text)+"\n"); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Find returns a rehearsal that another process built. Its Site is nil until
// Adopt.
func Find(id string) (*Testbed, error) {
	if !validID(id) {
		return nil, fmt.Errorf("find rehearsal %q: an ID is eight digits of 0 to f: see raiz rehearse status", id)
	}
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	t := &Testbed{Record: Record{ID: id}, cgroup: root}
	text, err := os.ReadFile(filepath.Join(t.dir(), "record.json"))
	if err != nil {
		return nil, fmt.Errorf("find rehearsal %s: %w: see raiz rehearse status", id, err)
	}
	if err := json.Unmarshal(text, &t.Record); err != nil {
		return nil, fmt.Errorf("find rehearsal %s: %w", id, err)
	}
	if n, err := hex.Decode(t.seed[:], []byte(t.Record.Seed)); err != nil || n != len(t.seed) {
		return nil, fmt.Errorf("find rehearsal %s: its record has no seed", id)
	}
	t.Server = t.machine(RoleServer)
	t.Router = Router{Machine: t.machine(RoleRouter), sessions: t.Sessions, lab: t.Lab}
	t.Primary = Primary{testbed: t}
	return t, nil
}

// Adopt gives a found rehearsal its Site again: the site file it was built
// from, with the same made secrets.
func (t *Testbed) Adopt(s *site.Site) error {
	if s.Name != t.Record.Site {
		return fmt.Errorf("adopt site %q: rehearsal %s is of site %q", s.Name, t.ID, t.Record.Site)
	}
	print, err := os.ReadFile(filepath.Join(t.dir(), "bmc.fingerprint"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("adopt site %q: %w", s.Name, err)
	}
	if t.Site, t.Substitutions, err = t.substitute(s); err != nil {
		return err
	}
	t.pinBMC(string(print))
	return t.anchor()
}

// List returns the rehearsals of this machine, oldest first, also broken ones
// of which there is only an ID.
func List() ([]Record, error) {
	entries, err := os.ReadDir(runDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list rehearsals: %w", err)
	}
	var all []Record
	for _, e := range entries {
		if !validID(e.Name()) {
			continue
		}
		t, err := Find(e.Name())
		if err != nil {
			all = append(all, Record{ID: e.Name()})
			continue
		}
		all = append(all, t.Record)
	}
	slices.SortFunc(all, func(a, b Record) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// Abandoned reports whether the process that made it is gone without having
// taken it down, and did not mean to leave it.
func (r Record) Abandoned() bool {
	return r.Owner != 0 && !r.Kept && startOf(r.Owner) != r.OwnerStart
}

// startOf returns the start time of a process in clock ticks after boot, or
// "" when there is no such process. See proc(5), field 22 of stat.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name before the last parenthesis may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}
