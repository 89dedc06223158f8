package provision

import (
	"context"
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
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

// Withdrawn is why blocks may be announced still after a drain, or again after the
// next boot; nil where neither may be.
func Withdrawn(g server.Guard) error {
	left := notSo(g, watch.Withdrawn)
	switch {
	case g.Silent != "" && !g.Down:
		return errors.New("the drain is written down, and nobody knows whether the blocks are withdrawn: see at the router, and why its guard is silent")
	case left > 0:
		return fmt.Errorf("%d of %d blocks are not withdrawn: journalctl -u raiz-guard on the server tells more", left, len(g.Blocks))
	case g.Lingers != "" && !g.Down:
		return fmt.Errorf("the guard has withdrawn the blocks, and they may still be announced: %s; see at the router", g.Lingers)
	case g.Wanted != nil && g.Wanted.Passing != "":
		return fmt.Errorf("the blocks are withdrawn until the next boot and no longer: %s", g.Wanted.Passing)
	}
	return nil
}

// Announced is why not every block is announced after a drain was taken back.
func Announced(g server.Guard) error {
	if notSo(g, watch.Announced) > 0 || g.Silent != "" {
		return errors.New("not every block is announced; raiz verify tells more")
	}
	return nil
}

func notSo(g server.Guard, want watch.State) int {
	left := 0
	for _, b := range g.Blocks {
		if b.State != want {
			left++
		}
	}
	return left
}
