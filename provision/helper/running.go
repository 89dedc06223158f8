package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// runningLimit is how long a program may take to show what runs, or what would.
const runningLimit = 10 * time.Second

// amiss are the differences between what a file says and what runs, a line each.
func (h *Helper) amiss(path string, r *state.Runtime) ([]string, error) {
	out, err := h.sysctlsAmiss(r.Sysctls)
	if err != nil || len(r.Shows) == 0 {
		return bounded(out), err
	}
	shown, err := h.shown(r)
	if errors.Is(err, fs.ErrNotExist) {
		return bounded(append(out, "there is no "+r.Shows[0]+" on this server")), nil
	}
	if err != nil {
		return nil, err
	}
	if !r.Loaded() {
		return bounded(append(out, settingsAmiss(shown, r.Settings)...)), nil
	}
	made, err := h.os.Apart([][]string{loading(r, path), r.Shows}, runningLimit)
	if err != nil {
		return nil, fmt.Errorf("find out what %s makes: %w: %s", path, err, lastLines(made))
	}
	return bounded(append(out, unlikeLines(shown, made)...)), nil
}

func bounded(lines []string) []string {
	if len(lines) > server.MaxAmiss {
		lines = append(lines[:server.MaxAmiss-1:server.MaxAmiss-1], fmt.Sprintf("and %d more", len(lines)-server.MaxAmiss+1))
	}
	for i := range lines {
		lines[i] = server.Told(lines[i])
	}
	return lines
}

// shown is what runs, as its program prints it.
func (h *Helper) shown(r *state.Runtime) (string, error) {
	out, err := h.os.Run(r.Shows, runningLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%s: %w: %s", r.Shows[0], err, lastLines(out))
	case len(out) >= server.MaxPrinted:
		return "", fmt.Errorf("%s shows more than %d bytes", r.Shows[0], server.MaxPrinted)
	}
	return out, nil
}

// loading is the command that puts a file in effect.
func loading(r *state.Runtime, path string) []string {
	argv := slices.Clone(r.Loads)
	for i, w := range argv {
		if w == "{}" {
			argv[i] = path
		}
	}
	return argv
}

// sysctlsAmiss says which parameters of the kernel are not as they have to be.
func (h *Helper) sysctlsAmiss(want []state.Sysctl) ([]string, error) {
	var out []string
	for _, s := range want {
		have, err := h.os.Sysctls(s.Name)
		if err != nil {
			return nil, err
		}
		if len(have) == 0 && !s.Optional && !strings.Contains(s.Name, "*") {
			out = append(out, "there is no "+dotted(s.Name))
		}
		for _, name := range slices.Sorted(maps.Keys(have)) {
			if own(want, s, name) && have[name] != s.Value {
				out = append(out, fmt.Sprintf("%s is %s, not %s", dotted(name), have[name], s.Value))
			}
		}
	}
	return out, nil
}

// own reports whether a parameter is one that this line is about: a name alone
// goes before one with "*" (sysctl.d(5)).
func own(all []state.Sysctl, s state.Sysctl, name string) bool {
	return s.Name == name || !slices.ContainsFunc(all, func(o state.Sysctl) bool { return o.Name == name })
}

// dotted is the name of a parameter as sysctl(8) prints it.
func dotted(name string) string {
	if strings.Contains(name, ".") {
		return name // of a link whose own name has a dot
	}
	return strings.ReplaceAll(name, "/", ".")
}

// settingsAmiss compares what is shown, a name and a value on each line, with
// what has to be there. A name that comes several times has all its values.
func settingsAmiss(shown string, want map[string]string) []string {
	have := map[string][]string{}
	for line := range strings.Lines(shown) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, asked := want[name]; asked {
			have[name] = append(have[name], strings.TrimSpace(value))
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		slices.Sort(have[name])
		switch is := strings.Join(have[name], ", "); {
		case len(have[name]) == 0:
			out = append(out, name+" is not set, and has to be "+want[name])
		case is != want[name]:
			out = append(out, fmt.Sprintf("%s is %s, not %s", name, is, want[name]))
		}
	}
	return out
}

// unlikeLines are the lines of which there are more in the one text than in the
// other; where all are in both, that they stand in another order.
func unlikeLines(have, want string) []string {
	count := map[string]int{}
	for line := range strings.Lines(want) {
		count[trimmed(line)]--
	}
	for line := range strings.Lines(have) {
		count[trimmed(line)]++
	}
	var out []string
	pick := func(text, sign string, step int) {
		for line := range strings.Lines(text) {
			if t := trimmed(line); count[t]*step > 0 {
				count[t] -= step
				out = append(out, sign+t)
			}
		}
	}
	pick(have, "runs: ", 1)
	pick(want, "missing: ", -1)
	if len(out) == 0 && have != want {
		return []string{"its lines run in another order"}
	}
	return out
}

func trimmed(line string) string { return strings.TrimSpace(line) }

// runningThen is what ran before a generation and no file tells. What a program
// loads again is in a file of its own: a revert needs no room.
type runningThen struct {
	Path    string            `json:"path"`
	Runtime state.Runtime     `json:"runtime"`
	Sysctls map[string]string `json:"sysctls,omitempty"`
}

// snapshotRunning takes down what runs of every file that may be acted on.
func (h *Helper) snapshotRunning(n int, b *before) error {
	for _, f := range b.running {
		t, shown, err := h.runs(f)
		if err != nil {
			return fmt.Errorf("look at what runs of %s: %w", f.Path, err)
		}
		if t.Runtime.Loaded() {
			file := runningOf(n, len(b.Running))
			if err := h.write(file, []byte(t.Runtime.Clears+shown)); err != nil {
				return fmt.Errorf("keep what runs of %s: %w", f.Path, err)
			}
			if err := h.comesBack(f, file, shown); err != nil {
				return err
			}
		}
		b.Running = append(b.Running, t)
	}
	return nil
}

// comesBack refuses to replace what could not be loaded again, such as rules that
// another program has made in a form of its own.
func (h *Helper) comesBack(f server.File, file, shown string) error {
	if shown == "" {
		return nil
	}
	made, err := h.os.Apart([][]string{loading(f.Runtime, file), f.Runtime.Shows}, runningLimit)
	why := ""
	switch {
	case err != nil:
		why = fmt.Sprintf("%v: %s", err, lastLines(made))
	case made != shown:
		why = strings.Join(bounded(unlikeLines(made, shown)), "; ")
	default:
		return nil
	}
	return refused("what runs of %s could not be put back, should the change be taken back: %s; take it away by hand first, or have it loaded from a file", f.Path, server.Told(why))
}

// runs is what runs now of a file. A program that is not there yet has loaded
// nothing.
func (h *Helper) runs(f server.File) (t runningThen, shown string, err error) {
	t = runningThen{Path: f.Path, Runtime: *f.Runtime, Sysctls: map[string]string{}}
	for _, s := range f.Runtime.Sysctls {
		have, err := h.os.Sysctls(s.Name)
		if err != nil {
			return t, "", err
		}
		maps.Copy(t.Sysctls, have)
	}
	if !t.Runtime.Loaded() {
		return t, "", nil
	}
	shown, err = h.shown(&t.Runtime)
	if errors.Is(err, fs.ErrNotExist) {
		t.Runtime.Loads, err = nil, nil
	}
	return t, shown, err
}

// runningBack puts back what ran and no file tells, and sees that it runs. Only
// the boot in which it was taken down has it: another one goes by the files.
func (h *Helper) runningBack(n int, b before) error {
	if b.Boot != h.os.BootID() {
		return nil
	}
	var errs []error
	for i, t := range b.Running {
		err := h.sysctlsBack(t)
		if err == nil && t.Runtime.Loaded() {
			err = h.loadedBack(runningOf(n, i), &t.Runtime)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("put back what ran of %s: %w", t.Path, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Helper) sysctlsBack(t runningThen) error {
	for _, name := range slices.Sorted(maps.Keys(t.Sysctls)) {
		have, err := h.os.Sysctls(name)
		if err != nil {
			return err
		}
		if is, there := have[name]; there && is != t.Sysctls[name] { // a link may have gone
			if err := h.os.SetSysctl(name, t.Sysctls[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadedBack has a program load what it had loaded.
func (h *Helper) loadedBack(file string, r *state.Runtime) error {
	then, err := h.os.Read(file)
	if err != nil {
		return err
	}
	was := strings.TrimPrefix(string(then), r.Clears)
	now, err := h.shown(r)
	if err != nil || now == was {
		return err
	}
	if err := h.run(loading(r, file)); err != nil {
		return err
	}
	if now, err = h.shown(r); err == nil && now != was {
		err = errors.New("it is not the same: " + strings.Join(bounded(unlikeLines(now, was)), "; "))
	}
	return err
}

// unlikeRunning says what of the files of a manifest is not in effect.
func (h *Helper) unlikeRunning(m server.Manifest) ([]string, error) {
	var out []string
	for _, f := range m.Files {
		if f.Runtime == nil {
			continue
		}
		lines, err := h.amiss(f.Path, f.Runtime)
		if err != nil {
			return nil, fmt.Errorf("see whether %s is in effect: %w", f.Path, err)
		}
		for _, line := range lines {
			out = append(out, f.Path+" is not in effect: "+line)
		}
	}
	return out, nil
}

// seeRunning is an error where what was put in place is not in effect: another
// file goes before it, or its program does not take it.
func (h *Helper) seeRunning(m server.Manifest) error {
	bad, err := h.unlikeRunning(m)
	if err == nil && len(bad) > 0 {
		err = errors.New(strings.Join(bad, "; "))
	}
	return err
}

// runsOtherwise reports whether what runs is not what a file says, or cannot be
// seen: it is put in effect, and looked at again.
func (h *Helper) runsOtherwise(f server.File) bool {
	if f.Runtime == nil {
		return false
	}
	lines, err := h.amiss(f.Path, f.Runtime)
	return err != nil || len(lines) > 0
}

// runsOther parts what stands at a path from what runs of it otherwise, in what
// was reviewed.
const runsOther = " runs otherwise "

// runsWord stands for what runs otherwise than a file says; "" for nothing.
func runsWord(amiss []string, unseen string) string {
	if len(amiss) == 0 && unseen == "" {
		return ""
	}
	return sumOf([]byte(strings.Join(append(amiss, unseen), "\n")))
}

func (h *Helper) probeRunning(path string, r *state.Runtime) (amiss []string, unseen string) {
	lines, err := h.amiss(path, r)
	if err != nil {
		return nil, server.Told(err.Error())
	}
	return lines, ""
}
