package helper

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// Limits of time.
const (
	lockWait     = 30 * time.Second       // for the lock of another call
	checkLimit   = 30 * time.Second       // of one check command
	commandLimit = 60 * time.Second       // of one command of an activation
	unitLimit    = 90 * time.Second       // of one job of systemd, which is its own default
	networkLimit = 20 * time.Second       // until links are as declared; duplicate address detection takes two
	pause        = 200 * time.Millisecond // between two looks
)

// Options are what a helper is made with.
type Options struct {
	// Program is the path of raiz-helper itself, which its units start.
	Program string
	// From is where the one who asks has logged in from, where that is known.
	From string
	// Decode reads what the helper has written down, in place of
	// json.Unmarshal: worlds that are simulated by the hundred thousand hold the
	// same few texts, and most of their time went into reading them.
	Decode func(text []byte, v any) error
}

// Helper carries out what raiz asks for, and what systemd starts.
type Helper struct {
	os   OS
	o    Options
	keep int
	who  string
}

// New returns a helper on an operating system.
func New(os OS, o Options) *Helper {
	if o.Decode == nil {
		o.Decode = json.Unmarshal
	}
	return &Helper{os: os, o: o, keep: server.DefaultKeep}
}

// Handle carries out one request. tell hears of each step of a change, while it
// goes on.
func (h *Helper) Handle(r server.Request, tell func(server.Event)) server.Answer {
	h.who = cmp.Or(r.Who, "somebody")
	if h.o.From != "" {
		h.who += " from " + h.o.From
	}
	if r.Keep > 0 {
		h.keep = r.Keep
	}
	a := server.Answer{Version: server.Version, Done: true}
	var err error
	switch r.Verb {
	case server.VerbProbe:
		a.Facts, err = h.probe(*r.Probe)
	case server.VerbLook:
		a.Facts, a.Looked, err = h.see(*r.Look)
	case server.VerbApply:
		a.Status, err = h.apply(*r.Apply, h.teller(tell))
	case server.VerbRollback:
		a.Status, err = h.rollback(*r.Rollback, tell)
	case server.VerbConfirm:
		a.Status, err = h.confirm(*r.Run)
	case server.VerbRevert:
		a.Status, err = h.revertRun(*r.Run)
	case server.VerbStatus:
		a.Status, err = h.status(r.Run.Run)
	case server.VerbRelease:
		a.Status, err = h.release()
	case server.VerbHistory:
		a.History, err = h.history()
	case server.VerbDrain:
		a.Guard, err = h.drain(*r.Drain, h.teller(tell))
	default:
		err = &server.Error{Code: server.ErrRequest, Text: fmt.Sprintf("there is no verb %q", r.Verb)}
	}
	a.Error = failure(err)
	return a
}

// teller says states with their time.
func (h *Helper) teller(tell func(server.Event)) func(server.State) {
	return func(s server.State) { tell(server.Event{Event: s, At: h.os.Now()}) }
}

// failure is an error as it goes over the wire.
func failure(err error) *server.Error {
	if err == nil {
		return nil
	}
	if e, is := errors.AsType[*server.Error](err); is {
		return e
	}
	return &server.Error{Code: server.ErrSystem, Text: err.Error()}
}

// refused is an error that came before anything had changed.
func refused(format string, args ...any) error {
	return &server.Error{Code: server.ErrRefused, Text: fmt.Errorf(format, args...).Error()}
}

// lock takes the lock of every change.
func (h *Helper) lock(wait time.Duration) (unlock func(), err error) {
	if err := h.makeHome(); err != nil {
		return nil, err
	}
	unlock, err = h.os.Lock(lockFile, cmp.Or(h.who, "the server itself"), wait)
	if errors.Is(err, ErrLocked) {
		return nil, &server.Error{Code: server.ErrBusy, Text: err.Error(), Next: "wait for it: " + atWork}
	}
	return unlock, err
}

// makeHome makes the directories that everything else is in.
func (h *Helper) makeHome() error {
	for _, d := range []struct{ dir, parent string }{
		{state.Home, "/var/lib"}, {generationsDir, state.Home}, {fencesDir, state.Home},
	} {
		if err := h.os.MakeDir(d.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make %s: %w", d.dir, err)
		}
		// Also of one that is there: who made it may have been killed before this.
		if err := h.os.Flush(d.parent); err != nil {
			return fmt.Errorf("make %s: %w", d.dir, err)
		}
	}
	return nil
}
