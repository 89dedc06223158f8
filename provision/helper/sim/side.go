package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
)

// Times of a near side.
const (
	patience = 20 * time.Second // until a silent connection counts as lost
	retry    = 5 * time.Second
	giveUp   = 2 * time.Hour
)

// phase is what a near side does next.
type phase uint8

const (
	probing   phase = iota
	relieving       // of a change whose time is over, as it believes
	applying
	looking // by a new connection, whether its run is active
	confirming
	reverting
	over
)

// side is the near side of one run: raiz, as docs/transaction.md has it. It is
// a value: a copy goes on from where the other one stood.
type side struct {
	name    string
	want    Want
	of      promise.Generation
	from    int // the number of what was current when it looked
	seconds int
	pause   time.Duration // at the prompt, between probe and apply
	gate    time.Duration // until it is content
	no      bool          // it never is

	phase     phase
	wake      time.Duration
	until     time.Duration // it lives
	began     time.Duration // of the phase
	address   string        // it is connected to, or tries
	run       string
	request   server.Request
	flight    *Process // that answers
	answer    *server.Answer
	told      promise.Word
	said      string        // the text of an error
	sent      time.Duration // its apply
	relieved  bool
	confirmed int // in which order it was
}

// dies ends a near side; what it has begun on the server goes on.
func (s *side) dies() {
	s.phase, s.flight, s.wake, s.until = over, nil, never, never
}

// next is when a near side wants to act.
func (s *side) next() time.Duration {
	if s.phase == over {
		return never
	}
	return min(s.wake, s.until)
}

func (s *side) turn(p phase, w *world) {
	s.phase, s.began, s.wake = p, w.m.now, w.m.now
}

func (s *side) ends(w promise.Word) {
	s.told = w
	s.phase, s.wake = over, never
}

// ready reports whether a near side has something to do.
func (s *side) ready(w *world) bool {
	return s.phase != over && (s.flight != nil && s.flight.done || s.next() <= w.m.now)
}

// step does it.
func (w *world) sideStep(s *side) {
	if s.until <= w.m.now {
		s.dies()
		return
	}
	if s.flight != nil {
		w.receive(s)
		return
	}
	if !w.m.answers(s.address) {
		w.elsewhere(s)
		return
	}
	s.request = w.ask(s)
	w.send(s)
}

// elsewhere is what a near side does that gets no connection.
func (w *world) elsewhere(s *side) {
	silent := w.m.now - s.began
	s.wake = w.m.now + retry
	switch {
	case silent > giveUp:
		if s.told == promise.None {
			s.told = promise.Unsettled
		}
		s.phase, s.wake = over, never
	case s.phase == looking && silent > time.Duration(s.seconds)*time.Second/2:
		s.turn(reverting, w)
	case s.phase == reverting:
		// Whatever stands now, it answers at one of the two.
		if s.address == oldAddress {
			s.address = s.want.ip()
		} else {
			s.address = oldAddress
		}
	}
}

// ask is the request of a phase.
func (w *world) ask(s *side) server.Request {
	r := server.Request{Version: server.Version, Who: s.name}
	run := &server.RunRequest{Run: s.run}
	switch s.phase {
	case probing:
		r.Verb, r.Probe = server.VerbProbe, &server.ProbeRequest{Units: []string{networkdUnit}, Links: []server.Match{{Name: "eno1"}}}
		for _, p := range paths() {
			r.Probe.Files = append(r.Probe.Files, server.FileQuestion{Path: p, Secret: p == birdConf, Runtime: s.want.runtime(p)})
		}
	case applying:
		return s.request // which was made from the probe
	case looking:
		r.Verb, r.Run = server.VerbStatus, run
	case confirming:
		r.Verb, r.Run = server.VerbConfirm, run
	case relieving:
		r.Verb, r.Run = server.VerbRevert, &server.RunRequest{Overdue: true, Reason: "its time is over"}
	case reverting:
		r.Verb, r.Run = server.VerbRevert, run
		run.Reason = "raiz takes it back"
	}
	return r
}

// send starts the helper on the server, as a login does.
func (w *world) send(s *side) {
	request := s.request
	handle := w.x.Code.Handle
	s.answer = nil
	answer := new(server.Answer)
	p := w.m.spawn(string(request.Verb)+" of "+s.name, "", func(os helper.OS) error {
		*answer = handle(os, request, func(server.Event) {})
		return nil
	})
	s.flight, s.answer = p, answer
	s.wake = w.m.now + patience
}

// receive looks whether an answer has come. A connection whose address has
// gone is lost, whatever the server goes on to do.
func (w *world) receive(s *side) {
	p := s.flight
	switch {
	case p.done && p.err == nil && w.m.answers(s.address):
		s.flight = nil
		w.heard(s, *s.answer)
	case p.done || !w.m.answers(s.address):
		s.flight = nil
		w.lost(s)
	default:
		s.wake = w.m.now + patience
	}
}

// lost is what a near side does whose connection has ended without an answer.
func (w *world) lost(s *side) {
	s.flight = nil
	w.m.note(s.name + " has lost its connection")
	switch s.phase {
	case applying:
		// Where the address moves, that was to be expected.
		if s.want.ip() != s.address {
			s.address = s.want.ip()
			s.turn(looking, w)
			return
		}
		s.turn(reverting, w)
	case confirming:
		s.turn(looking, w)
	default:
		s.wake = w.m.now + retry
	}
}

// heard is what a near side makes of an answer.
func (w *world) heard(s *side, a server.Answer) {
	if a.Error != nil {
		s.said = string(a.Error.Code) + ": " + a.Error.Text
	}
	if w.m.trace != nil {
		state := ""
		if a.Status != nil {
			state = string(a.Status.State)
		}
		w.m.note(fmt.Sprintf("%s hears: %s %s", s.name, state, s.said))
	}
	switch s.phase {
	case probing:
		w.plan(s, a)
	case relieving:
		s.turn(probing, w)
		s.wake += 30 * time.Second
	case applying:
		w.applied(s, a)
	case looking:
		w.looked(s, a)
	case confirming:
		if a.Error == nil {
			w.confirms++
			s.confirmed = w.confirms
			s.ends(promise.Confirmed)
			return
		}
		s.turn(reverting, w)
	case reverting:
		w.tookBack(s, a)
	}
}

// plan makes the request of an apply from a probe.
func (w *world) plan(s *side, a server.Answer) {
	if a.Error != nil || a.Facts == nil || len(a.Facts.Problems) > 0 {
		s.said = fmt.Sprint(a.Error, a.Facts)
		s.ends(promise.Nothing) // it could not look
		return
	}
	if a.Facts.Pending != nil {
		s.wake = w.m.now + 30*time.Second // somebody else is at work
		if waited := w.m.now - s.began; !s.relieved && waited > time.Duration(s.seconds)*time.Second {
			s.relieved = true
			s.turn(relieving, w)
			return
		}
		if w.m.now-s.began > giveUp {
			s.ends(promise.Nothing)
		}
		return
	}
	reviewed := server.Reviewed{Current: a.Facts.Current, Standing: map[string]string{}}
	s.from = a.Facts.Current
	m := s.want.manifest()
	wanted := m
	if s.want.Again != 0 {
		wanted = w.x.History[s.want.Again-1].manifest()
	}
	for _, f := range wanted.Files {
		reviewed.Standing[f.Path] = a.Facts.Files[f.Path].Standing
	}
	for _, p := range a.Facts.Managed {
		if !slices.ContainsFunc(wanted.Files, func(f server.File) bool { return f.Path == p }) {
			m.Deletes = append(m.Deletes, p)
			reviewed.Standing[p] = a.Facts.Files[p].Standing
		}
	}
	w.runs++
	s.run = fmt.Sprintf("run%05d%s", w.runs, s.name)
	s.request = server.Request{Version: server.Version, Who: s.name, Verb: server.VerbApply,
		Apply: &server.ApplyRequest{Run: s.run, Seconds: s.seconds, Reviewed: reviewed, Manifest: m}}
	if s.want.Again != 0 {
		s.request.Verb, s.request.Apply = server.VerbRollback, nil
		s.request.Rollback = &server.RollbackRequest{Run: s.run, Seconds: s.seconds, Number: s.want.Again, Reviewed: server.Reviewed{Current: reviewed.Current}}
	}
	s.turn(applying, w)
	s.wake += s.pause
	s.sent = s.wake
}

func (w *world) applied(s *side, a server.Answer) {
	switch {
	case a.Error == nil && a.Status != nil && a.Status.State == server.Active:
		s.address = s.want.ip()
		s.turn(looking, w)
	case a.Error == nil && a.Status != nil && a.Status.State == server.NoState:
		s.ends(promise.Nothing) // all is as declared
	case a.Error == nil:
		s.turn(reverting, w)
	case slices.Contains([]server.Code{server.ErrMoved, server.ErrBusy, server.ErrRefused, server.ErrVersion, server.ErrRequest}, a.Error.Code):
		s.ends(promise.Nothing)
	case a.Error.Code == server.ErrReverted:
		s.ends(promise.Reverted)
	default:
		s.turn(reverting, w)
	}
}

func (w *world) looked(s *side, a server.Answer) {
	state := server.NoState
	if a.Status != nil {
		state = a.Status.State
	}
	switch {
	case a.Error != nil:
		s.turn(reverting, w)
	case state == server.Active && w.m.now-s.began < s.gate:
		s.wake = w.m.now + retry
	case state == server.Active && w.gate(s):
		s.turn(confirming, w)
	case state == server.Confirmed:
		w.confirms++
		s.confirmed = w.confirms
		s.ends(promise.Confirmed)
	case state == server.Reverted:
		s.ends(promise.Reverted)
	case state == server.Refused:
		s.ends(promise.Nothing)
	case state == server.Armed || state == server.Activating || state == server.Staged:
		s.wake = w.m.now + retry
	default: // also a run that is not known yet: it may still begin
		s.turn(reverting, w)
	}
}

// gate is the look before a confirmation: what has to answer does.
func (w *world) gate(s *side) bool {
	dns := s.want.DNS + ".service"
	return !s.no && w.m.unit(dns).active == "active" && w.m.unit("bird.service").active == "active"
}

func (w *world) tookBack(s *side, a server.Answer) {
	state := server.NoState
	if a.Status != nil {
		state = a.Status.State
	}
	switch {
	case a.Error != nil && w.m.now-s.began < giveUp:
		s.wake = w.m.now + time.Minute + (w.m.now-s.began)/2 // growing pauses
	case a.Error != nil:
		s.ends(promise.Unsettled)
	case state == server.Confirmed:
		w.confirms++
		s.confirmed = w.confirms
		s.ends(promise.Confirmed)
	case state == server.NoState || state == server.Refused:
		s.ends(promise.Nothing)
	case state == server.Reverted:
		s.ends(promise.Reverted)
	default:
		s.wake = w.m.now + 60*time.Second
		if w.m.now-s.began > giveUp {
			s.ends(promise.Unsettled)
		}
	}
}
