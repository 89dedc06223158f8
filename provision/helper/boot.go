package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// Boot runs before the services of a boot start. A generation that was pending
// when the machine went down loses its files and links here, so that services
// start with what stood before; a whole revert, which looks at the effect,
// follows the boot. Nothing here may wait for systemd to start something:
// systemd waits for it, and the machine with it.
//
// systemd runs it within a boot as well, when somebody has isolated a target
// and come back. Then nothing is put back; but the timer may have been stopped.
func (h *Helper) Boot() error {
	h.who = "the boot"
	n, err := h.pending()
	if err != nil {
		// systemd starts this unit only where something is pending; what that is
		// may be known in a minute, and nobody else would come.
		return errors.Join(err, h.os.Do(OpStartSoon, RevertUnit, unitLimit))
	}
	if n == 0 {
		return nil
	}
	// Should this fail or take too long, services start with what they find,
	// and the whole revert follows all the same.
	r, err := h.load(n)
	if err == nil && r.Boot == h.os.BootID() && !r.State.Ended() {
		return h.armAgain(r)
	}
	_ = h.os.Do(OpStartSoon, RevertUnit, unitLimit)
	if err != nil {
		return err
	}
	unlock, err := h.lock(lockWait / 3)
	if err != nil {
		return err
	}
	defer unlock()
	if r, err = h.load(n); err != nil || r.State.Ended() {
		return err // the revert that follows finishes it
	}
	return h.bootBack(&r)
}

// armAgain sets the timer for what is left of the owner's time.
func (h *Helper) armAgain(r record) error {
	armed, err := h.os.IsArmed()
	if err != nil || armed {
		return err
	}
	return h.os.Arm(max(r.Deadline-h.os.Uptime(), pause))
}

func (h *Helper) bootBack(r *record) error {
	b, err := h.before(r.Number)
	if err != nil {
		return err
	}
	_ = h.to(r, server.Reverting, fmt.Sprintf("the server started again before generation %d was confirmed", r.Number))
	if !r.Placing {
		return nil
	}
	h.unlinkNew(b)
	files := h.filesBack(r.Number, b)
	if files != nil && !onlyTampered(files) {
		return files
	}
	// Else a service starts with what is not back yet, and is told once it is.
	if r.FilesBack = files == nil; r.FilesBack {
		r.Started = h.os.BootID()
	}
	if err := h.save(*r); err != nil {
		h.log("cannot write down that the files of before generation %d are back: %v", r.Number, err)
	}
	h.enableBack(b)
	if err := h.os.Do(OpReread, "", unitLimit); err != nil {
		return err
	}
	// systemd has chosen what this boot starts by the links of the generation
	// that goes, and has read the machine's name before any unit could run.
	for _, u := range b.Units {
		switch {
		case u.Enabled:
			_ = h.os.Do(OpStartSoon, u.Name, unitLimit)
		case !u.Active:
			_ = h.os.Do(OpStopSoon, u.Name, unitLimit)
		}
	}
	for _, a := range b.Actions {
		if len(a.Run) > 0 && a.Run[0] == "hostname" {
			_, _ = h.os.Run(a.Run, commandLimit)
		}
	}
	return nil
}

// alone sees that nobody changes a unit of the way back by a file beside it: what
// systemd then starts may be anything, or nothing.
func (h *Helper) alone(unit string) error {
	for _, dir := range []string{unitsDir, "/etc/systemd/system.control", "/run/systemd/system", "/run/systemd/system.control", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"} {
		for _, beside := range []string{unit, "raiz-." + path.Ext(unit)[1:]} {
			dropIns := dir + "/" + beside + ".d"
			names, err := h.os.List(dropIns)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("see what changes %s: %w", unit, err)
			}
			for _, name := range names {
				if strings.HasSuffix(name, ".conf") {
					return refused("%s/%s changes %s, by which this server would revert: move it away", dropIns, name, unit)
				}
			}
		}
	}
	return nil
}

// installUnits puts the units of the way back in place, which start this very
// program. They are flushed: what they are needed for is a power cut.
func (h *Helper) installUnits(m server.Manifest) error {
	if err := h.installName(); err != nil {
		h.log("this program has no name for people: %v", err) // a change is no less safe without
	}
	if err := h.alone(strings.TrimSuffix(RevertUnit, ".service") + ".timer"); err != nil {
		return err
	}
	reread := false
	for _, u := range h.ownUnits(m) {
		if err := h.alone(u.name); err != nil {
			return err
		}
		file := unitsDir + "/" + u.name
		if s, err := h.stands(file); err != nil {
			return err
		} else if s.Kind == server.IsFile && string(s.Data) == u.text {
			continue
		}
		if err := h.putAs(file, []byte(u.text), Attributes{Mode: fs.FileMode(0o644), Owner: "root", Group: "root"}); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
		reread = true
	}
	if reread {
		if err := h.os.Do(OpReread, "", unitLimit); err != nil {
			return err
		}
	}
	facts, err := h.os.Units([]string{BootUnit})
	if err != nil {
		return err
	}
	if enabled(facts[BootUnit]) {
		return nil
	}
	if err := h.os.Do(OpEnable, BootUnit, unitLimit); err != nil {
		return err
	}
	for _, dir := range []string{unitsDir + "/sysinit.target.wants", unitsDir} {
		if err := h.os.Flush(dir); err != nil {
			return err
		}
	}
	return nil
}

const unitsDir = "/etc/systemd/system"

// ownUnit is a unit of the helper.
type ownUnit struct{ name, text string }

// ownUnits are the units of the helper. Stopping everything that a target does
// not want (systemctl isolate) leaves them. The one of the boot comes before
// every unit of the generation that it may have to put back.
func (h *Helper) ownUnits(m server.Manifest) []ownUnit {
	unit := func(name string, lines ...string) ownUnit { return ownUnit{name, strings.Join(lines, "\n") + "\n"} }
	before := []string{"network-pre.target", "sysinit.target", "systemd-sysctl.service", networkdUnit, ifupdownUnit, nmUnit}
	for _, u := range m.Units {
		if !slices.Contains(before, u.Name) {
			before = append(before, u.Name)
		}
	}
	return []ownUnit{
		unit(ActivateUnit, "[Unit]", "Description=raiz: make a new generation active", "OnFailure="+RevertUnit, "IgnoreOnIsolate=yes", "",
			"[Service]", "Type=oneshot", "TimeoutStartSec=15min", "ExecStart="+h.o.Program+" activate"),
		unit(RevertUnit, "[Unit]", "Description=raiz: put back what stood before a generation that was not confirmed", "IgnoreOnIsolate=yes",
			"StartLimitIntervalSec=0", "RequiresMountsFor="+state.Home+" "+h.o.Program, "",
			"[Service]", "Type=oneshot", "TimeoutStartSec=10min", "Restart=on-abnormal", "RestartSec=5", "ExecStart="+h.o.Program+" pending"),
		unit(BootUnit, "[Unit]", "Description=raiz: put back the files of a generation that was not confirmed", "DefaultDependencies=no", "IgnoreOnIsolate=yes",
			"RequiresMountsFor="+state.Home+" "+h.o.Program, "After=systemd-remount-fs.service",
			"Before="+strings.Join(before, " "),
			"Wants=network-pre.target", "ConditionPathExists="+pendingFile, "",
			"[Service]", "Type=oneshot", "TimeoutStartSec=60", "ExecStart="+h.o.Program+" boot", "",
			"[Install]", "WantedBy=sysinit.target"),
	}
}
