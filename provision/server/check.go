package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// Bounds of what a request may name.
const (
	maxFiles   = 4096
	maxWords   = 256  // of a command
	maxWord    = 4096 // bytes
	maxLinks   = 256
	maxName    = 255
	maxPath    = 4095
	maxSeconds = 24 * 60 * 60
)

// check holds a request to what the language allows. Both sides call it: what
// raiz would not send, the helper does not take.
func (r Request) check() error {
	if err := text("who", r.Who, 1024); err != nil {
		return err
	}
	if r.Keep < 0 || r.Keep > 1000 {
		return fmt.Errorf("keep %d is not between 0 and 1000", r.Keep)
	}
	parts := []struct {
		verbs []Verb
		set   bool
		check func() error
	}{
		{[]Verb{VerbProbe}, r.Probe != nil, func() error { return r.Probe.check() }},
		{[]Verb{VerbApply}, r.Apply != nil, func() error { return r.Apply.check() }},
		{[]Verb{VerbRollback}, r.Rollback != nil, func() error { return r.Rollback.check() }},
		{[]Verb{VerbLook}, r.Look != nil, func() error { return r.Look.check() }},
		{[]Verb{VerbConfirm, VerbRevert, VerbStatus}, r.Run != nil, func() error { return r.Run.check() }},
		{[]Verb{VerbDrain}, r.Drain != nil, func() error { return r.Drain.check() }},
		{[]Verb{VerbHistory, VerbRelease}, true, func() error { return nil }},
	}
	known := false
	for i, p := range parts {
		its := slices.Contains(p.verbs, r.Verb)
		known = known || its
		switch {
		case its && !p.set:
			return fmt.Errorf("verb %s says nothing of what it is about", r.Verb)
		case !its && p.set && i < len(parts)-1:
			return fmt.Errorf("verb %.40q comes with what belongs to %s", r.Verb, p.verbs[0])
		case its:
			if err := p.check(); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("there is no verb %.40q", r.Verb)
	}
	return nil
}

func (p *ProbeRequest) check() error {
	if len(p.Files) > maxFiles || len(p.Units) > maxFiles || len(p.Packages) > maxFiles || len(p.Links) > maxLinks {
		return errors.New("it asks for too much")
	}
	if len(p.Key) != 0 && len(p.Key) != 32 {
		return fmt.Errorf("a key of %d bytes, not of 32", len(p.Key))
	}
	for _, f := range p.Files {
		if err := state.CheckPath(f.Path); err != nil {
			return err
		}
		if f.Secret && len(p.Key) == 0 {
			return fmt.Errorf("%s is secret, and there is no key to sum it with", f.Path)
		}
		if err := checkRuntime(f.Runtime); err != nil {
			return fmt.Errorf("what runs of %s: %w", f.Path, err)
		}
	}
	for _, w := range slices.Concat(p.Units, p.Packages) {
		if err := word(w); err != nil {
			return err
		}
	}
	for _, m := range p.Links {
		if err := m.check(); err != nil {
			return err
		}
	}
	if err := p.Around.check(); err != nil {
		return err
	}
	return p.First.check()
}

func (m Match) check() error {
	if (m.Name == "") == (m.MAC == "") {
		return errors.New("a link is found by its name or by its MAC")
	}
	return word(m.Name + m.MAC)
}

func (a *ApplyRequest) check() error {
	if err := checkRun(a.Run, a.Seconds); err != nil {
		return err
	}
	if err := a.Reviewed.check(); err != nil {
		return err
	}
	return a.Manifest.check(whole)
}

func (r *RollbackRequest) check() error {
	if r.Number <= 0 {
		return fmt.Errorf("there is no generation %d", r.Number)
	}
	if err := checkRun(r.Run, r.Seconds); err != nil {
		return err
	}
	return r.Reviewed.check()
}

// check bounds what a guard may tell.
func (g *Guard) check() error {
	const most = 4096
	if g == nil {
		return nil
	}
	if len(g.Blocks) > most || len(g.Exports) > most || len(g.Alarms) > most || len(g.Silent) > maxText {
		return fmt.Errorf("%w: a guard tells more than there can be", ErrAnswer)
	}
	return nil
}

func (d *DrainRequest) check() error {
	if d.Now && !d.Wanted {
		return errors.New("to drain now, and not to drain")
	}
	return nil
}

func (r *RunRequest) check() error {
	if r.Overdue == (r.Run != "") {
		return errors.New("a run is named, or whatever is overdue is meant")
	}
	if err := text("reason", r.Reason, 4096); err != nil {
		return err
	}
	if r.Run == "" {
		return nil
	}
	return checkRun(r.Run, 1)
}

// checkRun holds a run to what may be the name of a file.
func checkRun(run string, seconds int) error {
	if len(run) < 8 || len(run) > 64 || strings.Trim(run, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("run %.80q is not 8 to 64 lower-case letters and digits", run)
	}
	if seconds <= 0 || seconds > maxSeconds {
		return fmt.Errorf("%d seconds are not between 1 and %d", seconds, maxSeconds)
	}
	return nil
}

func (r Reviewed) check() error {
	if r.Current < 0 || len(r.Standing) > 2*maxFiles {
		return errors.New("what was reviewed makes no sense")
	}
	for p, s := range r.Standing {
		if err := state.CheckPath(p); err != nil {
			return err
		}
		if err := text("what stands at "+p, s, 256); err != nil {
			return err
		}
	}
	return nil
}

// keeping says how a manifest is kept: with its bytes, or without.
type keeping int

const (
	whole keeping = iota // on the way: every byte is in it
	kept                 // on the server: the bytes are beside it
)

// CheckKept holds a manifest that was kept on the server to what the language
// allows.
func (m Manifest) CheckKept() error { return m.check(kept) }

func (m Manifest) check(k keeping) error {
	if len(m.Files) > maxFiles || len(m.Deletes) > maxFiles || len(m.Units) > maxFiles || len(m.Links) > maxLinks {
		return errors.New("it manages too much")
	}
	if err := text("plan", m.Plan, 256); err != nil {
		return err
	}
	var paths []string
	for _, f := range m.Files {
		if err := f.check(k); err != nil {
			return fmt.Errorf("file %.200q: %w", f.Path, err)
		}
		paths = append(paths, f.Path)
	}
	paths = slices.Concat(paths, m.Deletes)
	for _, p := range paths {
		if err := state.CheckPath(p); err != nil {
			return err
		}
	}
	slices.Sort(paths)
	for i := 1; i < len(paths); i++ {
		if paths[i] == paths[i-1] {
			return fmt.Errorf("path %q is in it twice", paths[i])
		}
	}
	for _, u := range m.Units {
		if err := state.CheckUnit(u.Name); err != nil {
			return err
		}
	}
	return m.checkLinks()
}

func (m Manifest) checkLinks() error {
	for _, l := range m.Links {
		if err := l.Match.check(); err != nil {
			return err
		}
		for _, a := range l.Addresses {
			if _, err := netip.ParsePrefix(a); err != nil {
				return fmt.Errorf("address %.80q: %w", a, err)
			}
		}
		if l.MTU < 0 || l.MTU > 65535 {
			return fmt.Errorf("an MTU of %d bytes", l.MTU)
		}
		for _, g := range l.Gateways {
			if _, err := netip.ParseAddr(g); err != nil {
				return fmt.Errorf("gateway %.80q: %w", g, err)
			}
		}
	}
	return nil
}

func (f File) check(k keeping) error {
	if f.Mode&^0o777 != 0 {
		return fmt.Errorf("mode %o: only permission bits are allowed", f.Mode)
	}
	for _, name := range []string{f.Owner, f.Group} {
		if err := word(name); err != nil || strings.ContainsAny(name, ":.") {
			return fmt.Errorf("%.80q is no name of a user or a group", name)
		}
	}
	if len(f.Data) > MaxFile {
		return fmt.Errorf("%d bytes are more than %d", len(f.Data), MaxFile)
	}
	if b, err := hex.DecodeString(f.Sum); (k == whole || !f.Secret) && (err != nil || len(b) != 32) {
		return fmt.Errorf("%.80q is no SHA-256", f.Sum)
	}
	if err := errors.Join(command(f.Check), checkRuntime(f.Runtime)); err != nil {
		return err
	}
	if f.Effect == nil {
		if f.Runtime != nil {
			return errors.New("it is to be in effect, and nothing puts it there")
		}
		return nil
	}
	return f.Effect.check()
}

func (a Action) check() error {
	if (a.Unit == "") == (len(a.Run) == 0) {
		return errors.New("an effect is of a unit, or a command")
	}
	if len(a.Run) > 0 {
		return command(a.Run)
	}
	if a.Verb != ActStart && a.Verb != ActReload && a.Verb != ActRestart {
		return fmt.Errorf("there is no action %.40q", a.Verb)
	}
	return state.CheckUnit(a.Unit)
}

func (a Answer) check() error {
	if err := a.Looked.check(); err != nil {
		return err
	}
	if err := a.Guard.check(); err != nil {
		return err
	}
	if a.Facts == nil {
		return nil
	}
	if err := a.Facts.Guard.check(); err != nil {
		return err
	}
	if err := a.Facts.Around.check(); err != nil {
		return err
	}
	if err := (&Looked{Printed: a.Facts.Printed}).check(); err != nil {
		return err
	}
	for p, f := range a.Facts.Files {
		if err := state.CheckPath(p); err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		if err := f.check(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrAnswer, p, err)
		}
	}
	for _, p := range a.Facts.Managed {
		if err := state.CheckPath(p); err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
	}
	return nil
}

// word is one that a command line and a report show as it is.
func word(w string) error {
	if w == "" || len(w) > maxName || w[0] == '-' {
		return fmt.Errorf("%.80q is no name", w)
	}
	return printable(w)
}

func printable(s string) error {
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == '\uFFFD' {
			return fmt.Errorf("%.200q holds a character that raiz does not use", s)
		}
	}
	return nil
}

func command(words []string) error {
	if len(words) > maxWords {
		return fmt.Errorf("a command of %d words", len(words))
	}
	for _, w := range words {
		if len(w) > maxWord || strings.ContainsRune(w, 0) {
			return fmt.Errorf("%.80q is no word of a command", w)
		}
	}
	return nil
}

// text is a line that somebody reads.
func text(what, s string, limit int) error {
	if len(s) > limit || strings.ContainsAny(s, "\n\r\x00\x1b") {
		return fmt.Errorf("%s %.80q is not one line of at most %d bytes", what, s, limit)
	}
	return nil
}
