package helper

import (
	"encoding/json"
	"io"

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
