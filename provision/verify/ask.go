package verify

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// askEach asks every service address what is to be asked of it, all at once.
func askEach(s *site.Site, qs []Question, ask func(netip.Addr, []Question) map[Question]Answer) map[Question]Answer {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[Question]Answer{}
	for _, addr := range s.ServiceAddresses() {
		all.Go(func() {
			var mine []Question
			for _, q := range qs {
				if q.Address == addr {
					mine = append(mine, q)
				}
			}
			answers := ask(addr, mine)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, answers)
		})
	}
	all.Wait()
	return out
}

// askAll asks over one connection, and over the next what the name server has
// closed one before (RFC 7766 section 6.2.4), as long as it answers anything.
func askAll(ctx context.Context, s *site.Site, qs []Question, dial func() (*dns.Conn, error)) map[Question]Answer {
	out := map[Question]Answer{}
	for left := qs; ; {
		c, err := dial()
		if err != nil {
			maps.Copy(out, allFailed(left, err))
			return out
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		answers := askOver(ctx, s, c, left)
		stop()
		_ = c.Close()
		maps.Copy(out, answers)
		before := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(q Question) bool { return out[q].Err == nil })
		if len(left) == 0 || len(left) == before || ctx.Err() != nil {
			return out
		}
	}
}

func quiet(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return errSilent
	}
	return err
}

func allFailed(qs []Question, err error) map[Question]Answer {
	out := map[Question]Answer{}
	for _, q := range qs {
		out[q] = Answer{Err: err}
	}
	return out
}
