package helper

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// sideBySide is how many commands of a look run at once: enough that some which
// hang keep nobody waiting, few enough for a busy server.
const sideBySide = 8

// see answers for all that can be seen. It changes nothing. What each command
// and each question costs is bounded, and so is what all of them may tell.
func (h *Helper) see(q server.LookRequest) (*server.Facts, *server.Looked, error) {
	facts, err := h.probe(q.Probe)
	if err != nil {
		return nil, nil, err
	}
	limit := time.Duration(q.Seconds) * time.Second
	l := &server.Looked{Printed: h.print(q.Commands, limit)}
	if len(q.Questions) > 0 {
		l.Heard = heard(h.os.Ask(q.Questions, limit))
	}
	for _, w := range q.Ways {
		r, err := h.os.Way(w.From, w.To)
		if err != nil {
			l.Ways = append(l.Ways, server.Way{Text: short(err)})
			continue
		}
		l.Ways = append(l.Ways, server.Way{Route: &r})
	}
	return facts, l, nil
}

// print runs commands side by side.
func (h *Helper) print(commands []server.Command, limit time.Duration) []server.Printed {
	out := make([]server.Printed, len(commands))
	room := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, c := range commands {
		room <- struct{}{}
		all.Go(func() {
			text, err := h.os.Run(c.Argv, limit)
			out[i] = printed(text, err)
			<-room
		})
	}
	all.Wait()
	left := server.MaxAllPrinted
	for i := range out {
		if n := len(out[i].Output); n > left {
			out[i].Output, out[i].Cut = out[i].Output[:left], true
		}
		left -= len(out[i].Output)
	}
	return out
}

func printed(text string, err error) server.Printed {
	p := server.Printed{Output: []byte(text)}
	if len(text) >= server.MaxPrinted {
		p.Output, p.Cut = p.Output[:server.MaxPrinted], true
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrTimeout):
		p.Problem = server.ProblemSilent
	case errors.Is(err, fs.ErrNotExist):
		p.Problem = server.ProblemAbsent
	default:
		p.Problem, p.Text = server.ProblemFailed, short(err)
	}
	return p
}

// heard keeps all answers together below what is told.
func heard(all []server.DNSAnswer) []server.DNSAnswer {
	left := server.MaxAllHeard
	for i, a := range all {
		if len(a.Message) > left {
			all[i] = server.DNSAnswer{Problem: server.ProblemTooMuch}
			continue
		}
		left -= len(a.Message)
	}
	return all
}

// short is an error that may hold words of others, as it is told.
func short(err error) string {
	const limit = 400 // bytes
	text := err.Error()
	return text[:min(len(text), limit)]
}
