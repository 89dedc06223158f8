//go:build linux

package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// Pauses.
const (
	calm  = time.Second            // between two looks
	tense = 300 * time.Millisecond // after one that found something wrong
)

// Damping (RFC 4786 section 4.4.4): who was withdrawn so often in so long has to
// be right for longer, and longer each time.
const (
	dampAfter  = 3
	dampWindow = 10 * time.Minute
	dampLast   = 10 * time.Minute
)

// A name server that is silent now and then, and answers beside it, has a
// process that hangs: who is heard by that one is heard by nobody. It is
// withdrawn by so many looks, and has to be right for as long as they are
// remembered.
const ailing = time.Minute

// keeper decides about each block. It knows time since some beginning alone.
type keeper struct {
	o      watch.Options
	blocks []*block
	drain  watch.Drain
	since  time.Duration // of drain
}

type block struct {
	watch.Block
	state route
	since time.Duration // of state
	up    int           // looks in a row that were right
	down  int           // half looks in a row that were not
	right time.Duration // since when it has been right
	why   string        // what was wrong last; "" while it is right
	fell  []time.Duration
	ails  []time.Duration // looks in which it was silent now and then
	ailed bool            // so was the last that was not right
}

func newKeeper(c watch.Config) *keeper {
	k := &keeper{o: c.Options}
	for _, b := range c.Blocks {
		k.blocks = append(k.blocks, &block{Block: b, why: "nothing was asked yet"})
	}
	return k
}

// begin takes over what the guard before it told of its blocks.
func (k *keeper) begin(was []watch.BlockStatus, at time.Duration) {
	for _, b := range k.blocks {
		b.since = at
		i := slices.IndexFunc(was, func(w watch.BlockStatus) bool { return w.Prefix == b.Prefix })
		if i < 0 {
			continue
		}
		for _, s := range was[i].Fell {
			if t := time.Duration(s * float64(time.Second)); t >= 0 && t <= at {
				b.fell = append(b.fell, t)
			}
		}
		if was[i].State == watch.Announced {
			b.fell = append(b.fell, at)
		}
	}
}

// heard takes one look at everything.
func (k *keeper) heard(all []finding, at time.Duration) {
	for _, b := range k.blocks {
		worst := b.worst(all)
		switch {
		case worst.grade == crowded && b.state != withdrawn: // it is neither right nor wrong
		case worst.grade == crowded:
			b.up, b.down, b.why = 0, 0, worst.String()
		case worst.grade == right:
			if b.down > 0 || b.up == 0 {
				b.right = at
			}
			b.up, b.down, b.why = b.up+1, 0, ""
		default:
			b.up, b.why = 0, worst.String()
			if b.ailed = b.silentNowAndThen(all); b.ailed {
				b.ails = append(b.ails, at)
				b.why += ", and others are answered, as if a process of the name server hangs"
			}
			b.down++
			if worst.grade == wrong {
				b.down++
			}
		}
	}
	k.decide(at)
}

// silentNowAndThen reports whether some datagrams were answered at a block's
// addresses, and others not.
func (b *block) silentNowAndThen(all []finding) bool {
	is := func(f func(finding) bool) bool {
		return slices.ContainsFunc(all, func(x finding) bool {
			return x.Network == "udp" && slices.Contains(b.Addresses, x.Address) && f(x)
		})
	}
	return is(finding.silent) && is(func(f finding) bool { return f.grade == right })
}

// worst is the finding that speaks most against a block. Without any it is not
// known to be right.
func (b *block) worst(all []finding) (worst finding) {
	worst.grade, worst.why = wrong, "nothing was asked"
	any := false
	for _, f := range all {
		if !slices.Contains(b.Addresses, f.Address) {
			continue
		}
		if !any || f.grade > worst.grade {
			worst, any = f, true
		}
	}
	return worst
}

// told is what a person, or an apply, wants. It counts with the next look: what
// the last one has seen announces nothing any more.
func (k *keeper) told(d watch.Drain, at time.Duration) {
	if d.Wanted != k.drain.Wanted {
		k.since = at
	}
	k.drain = d
}

func (k *keeper) decide(at time.Duration) {
	for _, b := range k.blocks {
		was, now := b.state, k.state(b, at)
		if was == now {
			continue
		}
		fell := k.fallen(b, at) // as it was announced
		b.state, b.since, b.ails = now, at, nil
		if now == withdrawn && fell {
			b.fell = append(b.fell, at)
		}
	}
}

func (k *keeper) fallen(b *block, at time.Duration) bool {
	b.ails = slices.DeleteFunc(b.ails, func(t time.Duration) bool { return at-t > ailing })
	return b.down >= 2*k.o.Fall || b.state != withdrawn && len(b.ails) >= 2*k.o.Fall
}

// state is what a block is to be.
func (k *keeper) state(b *block, at time.Duration) route {
	if k.fallen(b, at) || b.state == withdrawn && (b.up < k.o.Rise || at < b.right+k.steady(b, at)) {
		return withdrawn
	}
	switch {
	case !k.drain.Wanted:
		return announced
	case b.state == withdrawn, k.drain.Now, at >= k.since+k.o.DrainTime():
		return withdrawn
	}
	return draining
}

// steady is how long a block has to be right before it is announced again.
func (k *keeper) steady(b *block, at time.Duration) time.Duration {
	if b.ailed {
		return max(ailing, k.damped(b, at))
	}
	return k.damped(b, at)
}

// damped is how long that is for who was withdrawn too often.
func (k *keeper) damped(b *block, at time.Duration) time.Duration {
	b.fell = slices.DeleteFunc(b.fell, func(t time.Duration) bool { return at-t > dampWindow })
	n := len(b.fell) - dampAfter
	if n < 0 {
		return 0
	}
	return min(time.Duration(k.o.Damping)*time.Second<<min(n, 10), dampLast)
}

// wanted are the blocks that the routing daemon is to have.
func (k *keeper) wanted() map[netip.Prefix]route {
	out := map[netip.Prefix]route{}
	for _, b := range k.blocks {
		if b.state != withdrawn {
			out[b.Prefix] = b.state
		}
	}
	return out
}

// next is how long to wait before the next look.
func (k *keeper) next() time.Duration {
	for _, b := range k.blocks {
		if b.state != withdrawn && b.down > 0 {
			return tense
		}
	}
	return calm
}

// reason says why a block is not announced, or that it is.
func (k *keeper) reason(b *block, at time.Duration) string {
	switch {
	case b.state == announced:
		return "every zone is served at every address"
	case b.state == draining:
		return fmt.Sprintf("drained %s: withdrawn in %s", k.drain.Who(), max(k.since+k.o.DrainTime()-at, 0).Round(time.Second))
	case b.why != "":
		return b.why
	case k.drain.Wanted:
		return "drained " + k.drain.Who()
	case b.up < k.o.Rise:
		return fmt.Sprintf("right in %d looks of %d", b.up, k.o.Rise)
	}
	left := max(b.right+k.steady(b, at)-at, 0).Round(time.Second)
	if b.ailed {
		return fmt.Sprintf("it was silent now and then, as if a process of the name server hangs: it has to be right for another %s", left)
	}
	return fmt.Sprintf("withdrawn %d times in %s: it has to be right for another %s", len(b.fell), dampWindow, left)
}
