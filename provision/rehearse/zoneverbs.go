//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// fetchLimit is how long the server may take to fetch a new edition that it
// was told of: a busy machine verifies one in a few seconds.
const fetchLimit = 60 * time.Second

// Lifetimes of an edition that is meant to expire: long enough to be fetched
// and verified, short enough to be waited for.
const (
	expireAfter   = 15 * time.Second // RFC 1035 §3.3.13, from the last refresh
	signaturesFor = 40 * time.Second
)

// Expiry says what of an edition runs out.
type Expiry string

// What may run out.
const (
	ExpirySOA        Expiry = "soa"        // the SOA's expire: the primary falls silent once the server has it
	ExpirySignatures Expiry = "signatures" // the signatures: the primary goes on, as where the signer has died
)

// Expiries returns all of them, the first being the usual one.
func Expiries() []Expiry { return []Expiry{ExpirySOA, ExpirySignatures} }

// Served is what a zone verb left at the primary.
type Served struct {
	Zone   string
	Serial uint32
	// Until is when the server's copy is over at the latest, or zero.
	Until time.Time
}

// producer makes the text of an edition.
type producer func(ctx context.Context, zone int, e edition) (string, error)

// Zone returns the name of a zone that the primary hands out, as the site has
// it.
func (p Primary) Zone(typed string) (string, error) {
	i, err := p.find(typed)
	if err != nil {
		return "", err
	}
	return p.zones()[i].Name, nil
}

// Serial returns what the primary answers for a zone now.
func (p Primary) Serial(ctx context.Context, zone string) (uint32, error) {
	i, err := p.find(zone)
	if err != nil {
		return 0, err
	}
	return p.serial(ctx, i)
}

// Bump publishes a new edition as it should be: a new serial, one record
// changed, well signed. It also ends what the other verbs did.
func (p Primary) Bump(ctx context.Context, zone string) (Served, error) {
	return p.change(ctx, "bump", zone, (*edition).usual, p.signed)
}

// Quicken publishes a new edition, well signed, that copies ask after every few
// seconds and that lasts as long as any: what no primary answers is noticed soon.
func (p Primary) Quicken(ctx context.Context, zone string) (Served, error) {
	return p.change(ctx, "quicken", zone, func(e *edition) { e.usual(); e.Refresh, e.Retry = 5, 2 }, p.signed)
}

// Unsign publishes a new edition with neither signatures nor ZONEMD.
func (p Primary) Unsign(ctx context.Context, zone string) (Served, error) {
	if err := p.needSigned("unsign", zone); err != nil {
		return Served{}, err
	}
	return p.change(ctx, "unsign", zone, (*edition).usual, p.unsigned)
}

// Corrupt publishes a new edition that was well signed and then given a flaw.
func (p Primary) Corrupt(ctx context.Context, zone string, flaw Flaw) (Served, error) {
	if err := p.needSigned("corrupt", zone); err != nil {
		return Served{}, err
	}
	if !slices.Contains(Flaws(), flaw) {
		return Served{}, fmt.Errorf("corrupt zone %s: no flaw %q: there are %q", short(zone), short(string(flaw)), Flaws())
	}
	return p.change(ctx, "corrupt", zone, (*edition).usual, func(ctx context.Context, i int, e edition) (string, error) {
		text, err := p.signed(ctx, i, e)
		if err != nil {
			return "", err
		}
		return damage(text, flaw)
	})
}

// Expire publishes a new edition, well signed, that does not last, and returns
// when the server has it.
func (p Primary) Expire(ctx context.Context, zone string, what Expiry) (Served, error) {
	until := func() time.Time { return time.Now().Add(expireAfter) }
	shorten := func(e *edition) { e.Refresh, e.Retry, e.Expire = 5, 2, uint32(expireAfter/time.Second) }
	switch what {
	case ExpirySOA:
	case ExpirySignatures:
		if err := p.needSigned("expire the signatures of", zone); err != nil {
			return Served{}, err
		}
		end := time.Now().Add(signaturesFor)
		until = func() time.Time { return end }
		shorten = func(e *edition) { e.usual(); e.Expiration = end.Unix() }
	default:
		return Served{}, fmt.Errorf("expire zone %s: nothing called %q can: there are %q", short(zone), short(string(what)), Expiries())
	}
	served, err := p.change(ctx, "expire", zone, shorten, p.signed)
	if err != nil {
		return served, err
	}
	if err := p.awaitFetched(ctx, served); err != nil {
		return served, err
	}
	served.Until = until()
	if what == ExpirySOA {
		return served, p.Stop(ctx)
	}
	return served, nil
}

// change publishes a new edition of a zone, and returns when nothing else is
// served and so the primary has begun to send NOTIFYs. A name server may hand a
// new edition to new processes, and the old ones go on answering until they
// have gone.
func (p Primary) change(ctx context.Context, verb, zone string, set func(*edition), produce producer) (Served, error) {
	i, err := p.find(zone)
	if err != nil {
		return Served{}, err
	}
	name := p.zones()[i].Name
	fail := func(err error) (Served, error) { return Served{}, fmt.Errorf("%s zone %s: %w", verb, name, err) }
	unlock, err := p.lock(ctx)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if !p.daemon().populated() {
		return fail(fmt.Errorf("its primary is stopped: raiz rehearse zone %s start", p.testbed.ID))
	}
	e, err := p.edition(i)
	if err != nil {
		return fail(err)
	}
	e.renew(time.Now())
	set(&e)
	text, err := produce(ctx, i, e)
	if err != nil {
		return fail(err)
	}
	if err := p.publish(i, text, e); err != nil {
		return fail(err)
	}
	processes := len(p.daemon().processes())
	if _, err := p.named(ctx, "reload", map[string]string{"zone": name}); err != nil {
		return fail(err)
	}
	if err := p.awaitSerial(ctx, i, e.Serial); err != nil {
		return fail(err)
	}
	if err := p.awaitProcesses(ctx, processes); err != nil {
		return fail(err)
	}
	return Served{Zone: name, Serial: e.Serial}, nil
}

// renew makes the next edition. The signatures' times stay as they are while
// they are good for another half of their life.
func (e *edition) renew(now time.Time) {
	e.Serial++ // RFC 1982 §3.1
	e.Version++
	if now.Add(validity/2).Unix() > e.Expiration {
		e.Inception, e.Expiration = now.Add(-backdate).Unix(), now.Add(validity).Unix()
	}
}

// Stop silences the primary: all of it at once, as when it loses its power, or
// single addresses of it, which then answer nothing.
func (p Primary) Stop(ctx context.Context, addrs ...netip.Addr) error {
	if err := p.Has(addrs...); err != nil {
		return err
	}
	if len(addrs) == 0 {
		return p.daemon().kill(ctx)
	}
	for _, a := range addrs {
		single := netip.PrefixFrom(a, a.BitLen()).String()
		if !p.netns().has(ctx, single) {
			continue
		}
		if err := p.netns().ip(ctx, "addr", "del", single, "dev", p.testbed.Layout.Primary.Port); err != nil {
			return fmt.Errorf("stop the primary at %s: %w", a, err)
		}
	}
	return nil
}

// Start brings the primary back, with all of its addresses or with those
// named, and returns when it answers.
func (p Primary) Start(ctx context.Context, addrs ...netip.Addr) error {
	if err := p.Has(addrs...); err != nil {
		return err
	}
	unlock, err := p.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	back := p.testbed.Layout.Primary.Addrs
	if len(addrs) > 0 {
		back = nil
		for _, a := range addrs {
			back = append(back, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	dev := p.testbed.Layout.Primary.Port
	for _, a := range back {
		if err := p.netns().addAddr(ctx, dev, a); err != nil {
			return fmt.Errorf("start the primary at %s: %w", a.Addr(), err)
		}
	}
	if err := p.netns().leaveBy(ctx, dev); err != nil {
		return err
	}
	return p.start(ctx)
}

// has reports whether somebody has an address.
func (n Netns) has(ctx context.Context, a string) bool {
	out, err := run(ctx, "nsenter", "--net="+n.Path(), "--", "ip", "-o", "addr", "show", "to", a)
	return err == nil && strings.TrimSpace(out) != ""
}

// awaitFetched returns when the server answers with what the primary serves.
// It is asked from its own side, where no route and no announcement matter.
func (p Primary) awaitFetched(ctx context.Context, served Served) error {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchLimit, errors.New("it took too long"))
	defer cancel()
	last := "nothing"
	err := await(ctx, fmt.Sprintf("serial %d at the server", served.Serial), func() (bool, error) {
		for _, a := range p.testbed.Services {
			got, err := soaSerial(ctx, p.testbed.Netns(RoleServer), a.String(), served.Zone)
			if err == nil && got == served.Serial {
				return true, nil
			}
			if err != nil && ctx.Err() == nil {
				last = err.Error()
			} else if err == nil {
				last = fmt.Sprint("serial ", got)
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("expire zone %s: %w; it answered last: %s: has the site been applied, and does a NOTIFY reach it?", served.Zone, err, last)
	}
	return nil
}

// find returns the number of a zone that the primary hands out. Nothing but
// these ever names a file.
func (p Primary) find(zone string) (int, error) {
	name := strings.ToLower(zone)
	var known []string
	for i, z := range p.zones() {
		if name == z.Name || z.Name != "." && name == z.Name+"." {
			return i, nil
		}
		known = append(known, z.Name)
	}
	if len(known) == 0 {
		return 0, p.Has()
	}
	return 0, fmt.Errorf("find zone %q: the primary of rehearsal %s hands out %q", short(zone), p.testbed.ID, known)
}

func (p Primary) needSigned(verb, zone string) error {
	i, err := p.find(zone)
	if err != nil {
		return err
	}
	if p.zones()[i].Signed == Unsigned {
		return fmt.Errorf("%s zone %s: it is not signed, as the site says that it is not verified", verb, p.zones()[i].Name)
	}
	return nil
}

// Has returns why the primary is not at addresses, or nil.
func (p Primary) Has(addrs ...netip.Addr) error {
	if len(p.zones()) == 0 {
		return fmt.Errorf("find the primary: rehearsal %s has none, because its site transfers no zone", p.testbed.ID)
	}
	var all []netip.Addr
	for _, q := range p.testbed.Layout.Primary.Addrs {
		all = append(all, q.Addr())
	}
	for _, a := range addrs {
		if !slices.Contains(all, a) {
			return fmt.Errorf("find the primary at %s: in rehearsal %s it has %v", a, p.testbed.ID, all)
		}
	}
	return nil
}

// lock keeps two verbs from working on one zone at a time.
func (p Primary) lock(ctx context.Context) (func(), error) {
	return lock(ctx, filepath.Join(filepath.Dir(p.machine().root), "verb.lock"))
}

// short keeps what somebody typed from filling the screen.
func short(text string) string {
	if len(text) > 64 {
		return text[:64] + "…"
	}
	return text
}
