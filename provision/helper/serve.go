package helper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// Serve reads one request and answers it, each event and the answer in a line
// of JSON. It returns the exit code: 0 where an answer was given, whatever it
// says. That nobody hears it any more ends no change.
func (h *Helper) Serve(in io.Reader, out io.Writer) int {
	say := json.NewEncoder(out)
	r, err := server.ReadRequest(in)
	if err != nil {
		return h.end(say.Encode(server.Answer{Version: server.Version, Done: true, Error: failure(err)}))
	}
	return h.end(say.Encode(h.Handle(r, func(e server.Event) { _ = say.Encode(e) })))
}

func (h *Helper) end(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// Status tells a person at a console how things stand, and what to type.
func (h *Helper) Status(out io.Writer) error {
	all, err := h.history()
	if err != nil {
		return err
	}
	pending, err := h.pending()
	if err != nil {
		return err
	}
	told := false
	for _, s := range all {
		if s.Number != pending && !s.Current {
			continue
		}
		told = true
		fmt.Fprintf(out, "generation %d of %s is %s since %s%s\n", s.Number, s.Who, s.State, s.Changed.Format(time.RFC3339), because(s.Reason))
		if s.Number == pending {
			fmt.Fprintf(out, "  it reverts by itself at %s; to put back what stood before now: raiz-helper revert\n", s.Until.Format(time.RFC3339))
		}
	}
	if !told {
		fmt.Fprintln(out, "raiz manages nothing here yet")
	}
	return nil
}

// RevertNow puts back what stood before the pending generation, for a person at
// a console.
func (h *Helper) RevertNow(who string) (string, error) {
	h.who = who
	n, err := h.pending()
	if err != nil || n == 0 {
		return "nothing is pending", err
	}
	r, err := h.load(n)
	if err != nil {
		return "", err
	}
	status, err := h.revertRun(server.RunRequest{Run: r.Run, Reason: "by " + who})
	if status == nil {
		return "", errors.Join(err, errors.New("nothing was done"))
	}
	return fmt.Sprintf("generation %d is %s", n, status.State), err
}
