package helper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// Where things are. Everything below state.Home belongs to root, mode 0700.
const (
	generationsDir = state.Home + "/generations"
	fencesDir      = state.Home + "/fences" // runs that may not begin any more
	pendingFile    = state.Home + "/pending"
	currentFile    = state.Home + "/current"
	lockFile       = state.Home + "/lock"
)

// record is what is written down of a generation, and changes with its state.
type record struct {
	server.Status
	// Boot and Deadline say when it reverts, by a clock that nobody sets.
	Boot     string        `json:"boot,omitempty"`
	Deadline time.Duration `json:"deadline,omitempty"`
	// Placing says that names may have changed, and units been acted on. Before
	// that there is nothing to put back.
	Placing bool `json:"placing,omitempty"`
	// FilesBack says that a revert has seen every file as it was; UnitsBack
	// that each unit has been acted on once.
	FilesBack bool `json:"filesBack,omitempty"`
	UnitsBack bool `json:"unitsBack,omitempty"`
	// Left says that something of it could not be taken away.
	Left bool `json:"left,omitempty"`
	// Trouble is why the last try to put back what stood before did not end.
	Trouble string `json:"trouble,omitempty"`
	// Secrets are the staged files, by number, that are kept only as long as it
	// is pending.
	Secrets []int `json:"secrets,omitempty"`
	// Held says that the blocks were drained for it.
	Held bool `json:"held,omitempty"`
	// Started is the boot whose services started with the files of before.
	Started string `json:"started,omitempty"`
}

func dirOf(n int) string        { return generationsDir + "/" + strconv.Itoa(n) }
func recordOf(n int) string     { return dirOf(n) + "/record.json" }
func manifestOf(n int) string   { return dirOf(n) + "/manifest.json" }
func beforeOf(n int) string     { return dirOf(n) + "/before.json" }
func bytesOf(n, i int) string   { return dirOf(n) + "/files/" + strconv.Itoa(i) }
func bytesThen(n, i int) string { return dirOf(n) + "/then/" + strconv.Itoa(i) }
func sumThen(n, i int) string   { return bytesThen(n, i) + ".sum" }
func runningOf(n, i int) string { return dirOf(n) + "/then/running" + strconv.Itoa(i) }

// put has a file hold these bytes, whole, or what it held before. It returns
// once that is on the disk.
func (h *Helper) put(file string, data []byte) error {
	fresh := file + ".new"
	if err := h.remove(fresh); err != nil {
		return err
	}
	if err := h.write(fresh, data); err != nil {
		return err
	}
	if err := h.os.Rename(fresh, file); err != nil {
		return err
	}
	return h.os.Flush(path.Dir(file))
}

// putAs has a file hold these bytes, whole, with these attributes.
func (h *Helper) putAs(file string, data []byte, a Attributes) error {
	fresh := path.Dir(file) + "/." + path.Base(file) + ".raiz"
	if err := h.remove(fresh); err != nil {
		return err
	}
	if err := h.os.Create(fresh, data, a); err != nil {
		return err
	}
	if err := h.os.Flush(fresh); err != nil {
		return err
	}
	if err := h.os.Rename(fresh, file); err != nil {
		return err
	}
	return h.os.Flush(path.Dir(file))
}

// write makes a new file of root's and flushes its bytes; its name is flushed
// by whoever needs it.
func (h *Helper) write(file string, data []byte) error {
	if err := h.os.Create(file, data, Attributes{Mode: 0o600, Owner: "root", Group: "root"}); err != nil {
		return err
	}
	return h.os.Flush(file)
}

// remove takes a name away that may not be there.
func (h *Helper) remove(file string) error {
	if err := h.os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// erase takes a directory away with all that is in it.
func (h *Helper) erase(dir string) error {
	names, err := h.os.List(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	for _, name := range names {
		file := dir + "/" + name
		info, err := h.os.Look(file)
		if err == nil && info.Kind == server.IsOther {
			err = h.erase(file)
		} else {
			err = h.remove(file)
		}
		if err != nil {
			return err
		}
	}
	return h.remove(dir)
}

func (h *Helper) putJSON(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := h.put(file, append(text, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

func (h *Helper) readJSON(file string, v any) error {
	text, err := h.os.Read(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := h.o.Decode(text, v); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

// number reads a file that names a generation; 0 where there is none.
func (h *Helper) number(file string) (int, error) {
	text, err := h.os.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s holds %.40q, not the number of a generation", file, text)
	}
	return n, nil
}

func (h *Helper) putNumber(file string, n int) error {
	return h.put(file, []byte(strconv.Itoa(n)+"\n"))
}

func (h *Helper) current() (int, error) { return h.number(currentFile) }

// pending is the generation that is under way, 0 for none; or one whose last
// step is missing. Where the file that says so is damaged the records do: a way
// back is owed all the same.
func (h *Helper) pending() (int, error) {
	named, err := h.number(pendingFile)
	if err == nil && named == 0 {
		return 0, nil
	}
	if err == nil {
		var r record
		if r, err = h.load(named); err == nil && !r.State.Ended() {
			return named, nil
		}
	}
	all, listErr := h.numbers()
	if listErr != nil {
		return 0, errors.Join(err, listErr)
	}
	for _, n := range slices.Backward(all) {
		if r, lost := h.load(n); lost == nil && !r.State.Ended() && r.State != server.Staged {
			return n, nil
		}
	}
	if err == nil {
		return named, nil
	}
	return 0, fmt.Errorf("%w; no generation is known to be under way: have a look at %s, then move %s away", err, generationsDir, pendingFile)
}

// numbers are the generations that there are, lowest first.
func (h *Helper) numbers() ([]int, error) {
	names, err := h.os.List(generationsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, err
}

// load reads the record of a generation.
func (h *Helper) load(n int) (record, error) {
	text, err := h.os.Read(recordOf(n))
	if err != nil {
		return record{}, fmt.Errorf("read %s: %w", recordOf(n), err)
	}
	return h.recordIn(n, text)
}

func (h *Helper) recordIn(n int, text []byte) (r record, err error) {
	if err = h.o.Decode(text, &r); err != nil {
		err = fmt.Errorf("read %s: %w", recordOf(n), err)
	} else if r.Number != n {
		err = fmt.Errorf("%s is that of generation %d", recordOf(n), r.Number)
	}
	return r, err
}

// save writes a record down.
func (h *Helper) save(r record) error { return h.putJSON(recordOf(r.Number), r) }

// to moves a generation to a state.
func (h *Helper) to(r *record, s server.State, reason string) error {
	r.State, r.Changed = s, h.os.Now().UTC()
	if reason != "" {
		r.Reason = reason
	}
	h.log("generation %d is %s%s", r.Number, s, because(reason))
	return h.save(*r)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// manifest reads the manifest of a generation, without bytes.
func (h *Helper) manifest(n int) (server.Manifest, error) {
	var m server.Manifest
	if err := h.readJSON(manifestOf(n), &m); err != nil {
		return m, err
	}
	if err := m.CheckKept(); err != nil {
		return m, fmt.Errorf("%s: %w", manifestOf(n), err)
	}
	return m, nil
}

// find returns the record of a run, the newest first. One that does not have
// its name anywhere is of another run; one that cannot be read may be of this
// one, and then nobody may be told that it is not here.
func (h *Helper) find(run string) (r record, found bool, err error) {
	all, err := h.numbers()
	if err != nil {
		return record{}, false, err
	}
	var unread error
	for _, n := range slices.Backward(all) {
		text, err := h.os.Read(recordOf(n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			unread = err
		}
		if err != nil || !bytes.Contains(text, []byte(run)) {
			continue
		}
		if r, err := h.recordIn(n, text); err == nil && r.Run == run {
			return r, true, nil
		}
	}
	return record{}, false, unread
}

// log adds a line for people. That it cannot is no reason to stop.
func (h *Helper) log(format string, args ...any) {
	h.os.Log(fmt.Sprintf("%s %s", h.os.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...)))
}

// history lists what there is, oldest first.
func (h *Helper) history() ([]server.Status, error) {
	all, err := h.numbers()
	if err != nil {
		return nil, err
	}
	current, err := h.current()
	if err != nil {
		return nil, err
	}
	var out []server.Status
	for _, n := range all {
		r, err := h.load(n)
		if err != nil {
			continue // half pruned, or never begun
		}
		r.Status.Current = n == current
		out = append(out, r.Status)
	}
	return out, nil
}

// status says what became of a run. NoState is an answer: it is not here.
func (h *Helper) status(run string) (*server.Status, error) {
	r, found, err := h.find(run)
	if err != nil {
		return nil, err
	}
	if !found {
		return &server.Status{Run: run}, nil
	}
	current, err := h.current()
	if err != nil {
		return nil, err
	}
	// What is told of an end has to be true after a power cut as well.
	if r.State.Ended() {
		if err := h.os.Flush(dirOf(r.Number)); err != nil {
			return nil, err
		}
	}
	r.Status.Current = r.Number == current
	return &r.Status, nil
}
