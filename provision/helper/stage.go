package helper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// compare holds what stands against what was reviewed. It runs under the lock,
// so that nobody of raiz's can come in between. Of a rollback no paths were
// reviewed.
func (h *Helper) compare(b begun, m, was server.Manifest) error {
	current, err := h.current()
	if err != nil {
		return err
	}
	if current != b.reviewed.Current {
		return moved("generation %d is current, not %d, which the plan was made from", current, b.reviewed.Current)
	}
	if b.of != 0 {
		return nil
	}
	return h.compareFiles(b.reviewed.Standing, m, was)
}

// compareFiles holds every path of a manifest, and every path that the current
// generation manages, against what was reviewed.
func (h *Helper) compareFiles(reviewed map[string]string, m, was server.Manifest) error {
	for _, f := range was.Files {
		_, stays := fileOf(m, f.Path)
		if !stays && !slices.Contains(m.Deletes, f.Path) {
			s, err := h.stands(f.Path)
			if err != nil {
				return err
			}
			if s.Kind != server.IsAbsent {
				return moved("the current generation manages %s, which the plan does not know", f.Path)
			}
		}
	}
	for _, p := range m.Deletes {
		if _, managed := fileOf(was, p); !managed {
			return moved("%s is to be removed, and the current generation did not write it", p)
		}
	}
	check := func(p string, is secrecy, r *state.Runtime) error {
		s, err := h.stands(p)
		if err != nil {
			return err
		}
		stood, ran, _ := strings.Cut(reviewed[p], runsOther)
		switch {
		case s.word(is) != stood:
			return moved("%s is not what it was when the plan was made", p)
		case r != nil && s.Kind == server.IsFile && runsWord(h.probeRunning(p, r)) != ran:
			return moved("what runs of %s is not what it was when the plan was made", p)
		}
		return nil
	}
	for _, f := range m.Files {
		if err := check(f.Path, secrecy(f.Secret), f.Runtime); err != nil {
			return err
		}
	}
	for _, p := range m.Deletes {
		old, _ := fileOf(was, p)
		if err := check(p, secrecy(old.Secret), nil); err != nil {
			return err
		}
	}
	return nil
}

func moved(format string, args ...any) error {
	return &server.Error{Code: server.ErrMoved, Text: fmt.Sprintf(format, args...), Next: "make and review a new plan; nothing was changed"}
}

// stage writes a generation beside the others, and flushes it. Until it is
// armed nothing refers to it.
func (h *Helper) stage(r record, m server.Manifest) error {
	for _, dir := range []string{dirOf(r.Number), dirOf(r.Number) + "/files"} {
		if err := h.os.MakeDir(dir, 0o700); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	kept := m
	kept.Files = slices.Clone(m.Files)
	for i, f := range m.Files {
		if sumOf(f.Data) != f.Sum {
			return refused("%s arrived damaged", f.Path)
		}
		if err := h.write(bytesOf(r.Number, i), f.Data); err != nil {
			return fmt.Errorf("stage %s: %w", f.Path, err)
		}
		kept.Files[i].Data = nil
		if f.Secret {
			kept.Files[i].Sum = ""
		}
	}
	if err := h.os.Flush(dirOf(r.Number) + "/files"); err != nil {
		return err
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := h.write(manifestOf(r.Number), text); err != nil {
		return err
	}
	// The record makes it a generation; its put flushes the names beside it.
	if err := h.save(r); err != nil {
		return err
	}
	return h.os.Flush(generationsDir)
}

// checkFiles has each staged file read by its own program. They are checked
// together, in a tree in which every managed path points to the staged one, for
// files name one another.
func (h *Helper) checkFiles(n int, m server.Manifest) error {
	tree := dirOf(n) + "/check"
	defer func() { _ = h.erase(tree) }() // whoever comes next tries again
	if err := h.checkTree(tree, m); err != nil {
		return fmt.Errorf("prepare to check: %w", err)
	}
	var bad []string
	for _, f := range m.Files {
		if len(f.Check) == 0 {
			continue
		}
		argv := slices.Clone(f.Check)
		for i, w := range argv {
			if w == "{}" {
				argv[i] = tree + f.Path
			}
		}
		out, err := h.os.Run(argv, checkLimit)
		if err == nil {
			continue
		}
		said := strings.ReplaceAll(lastLines(out), tree, "")
		if errors.Is(err, ErrTimeout) {
			said = fmt.Sprintf("%s did not end within %s %s", argv[0], checkLimit, said)
		} else if said == "" {
			said = err.Error()
		}
		bad = append(bad, f.Path+": "+said)
	}
	if len(bad) > 0 {
		return refused("%s", strings.Join(bad, "; "))
	}
	return nil
}

// checkTree writes the files of a manifest below a directory, with every
// managed path in them pointing there. The longest comes first: the path of one
// may begin with that of another.
func (h *Helper) checkTree(tree string, m server.Manifest) error {
	if err := h.erase(tree); err != nil {
		return err
	}
	var paths []string
	for _, f := range m.Files {
		paths = append(paths, f.Path)
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, p := range paths {
		pairs = append(pairs, p, tree+p)
	}
	into := strings.NewReplacer(pairs...)
	made := map[string]bool{}
	for _, p := range paths {
		if err := h.makeWay(made, path.Dir(tree+p)); err != nil {
			return err
		}
	}
	for _, f := range m.Files {
		if err := h.os.Create(tree+f.Path, []byte(into.Replace(string(f.Data))), Attributes{Mode: 0o600, Owner: "root", Group: "root"}); err != nil {
			return err
		}
	}
	return nil
}

// makeWay makes a directory and those above it.
func (h *Helper) makeWay(made map[string]bool, dir string) error {
	if made[dir] || dir == "/" {
		return nil
	}
	if err := h.makeWay(made, path.Dir(dir)); err != nil {
		return err
	}
	if err := h.os.MakeDir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	made[dir] = true
	return nil
}

// lastLines are the last words of a program, in one line.
func lastLines(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-5):], " "))
}

// until is when a generation that is armed now reverts.
func (h *Helper) until(r *record, seconds int) {
	after := time.Duration(seconds) * time.Second
	r.Boot, r.Deadline = h.os.BootID(), h.os.Uptime()+after
	r.Until = h.os.Now().Add(after).UTC()
}

// over reports whether a generation is to be reverted by now.
func (h *Helper) over(r record) bool { return r.Boot != h.os.BootID() || h.os.Uptime() >= r.Deadline }
