package provision

import (
	"context"
	"fmt"

	"github.com/raiz-dns/raiz/provision/server"
)

// Drain has the server withdraw its blocks, and keep them withdrawn over
// reboots and applies, until that is taken back; with Wanted false it takes it
// back. It returns what the guard says once that is so, or when it has had its
// time.
func (r *Run) Drain(ctx context.Context, q server.DrainRequest) (server.Guard, error) {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return server.Guard{}, err
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbDrain, Drain: &q})
	switch {
	case err != nil:
		return server.Guard{}, fmt.Errorf("whether the server was told is not known, ask again: %w", err)
	case reply.Answer.Error != nil:
		return server.Guard{}, reply.Answer.Error
	case reply.Answer.Guard == nil:
		return server.Guard{}, server.ErrAnswer
	}
	return *reply.Answer.Guard, nil
}
