//go:build linux

package rehearse

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/site"
)

// validity is how long signatures are good for, and backdate how long they
// have been: about as in the real root zone.
const (
	validity = 13 * 24 * time.Hour
	backdate = time.Hour
)

// zoneRecord is a zone that the primary hands out.
type zoneRecord struct {
	Name      string
	Key       string // the TSIG key it is handed out under, or ""
	Signed    Signing
	Primaries []string
}

// Signing says whether a zone has signatures.
type Signing string

// With signatures and a ZONEMD, or without both.
const (
	Signed   Signing = "signed"
	Unsigned Signing = "unsigned"
)

// signingOf tells which zones are signed: those that the server is to verify,
// and the root at any rate. root-servers.net is not, in the real world.
func signingOf(z site.Zone) Signing {
	if z.Verified() || z.Name == "." {
		return Signed
	}
	return Unsigned
}

func zonesOf(s *site.Site) []zoneRecord {
	var all []zoneRecord
	for _, z := range s.DNS.Zones {
		if !z.Transferred() {
			continue
		}
		r := zoneRecord{Name: z.Name, Key: z.Key, Signed: signingOf(z)}
		for _, a := range z.Primaries {
			r.Primaries = append(r.Primaries, a.String())
		}
		all = append(all, r)
	}
	return all
}

// The primary's files are named by the number of the zone, never by its name:
// that may be longer than a file name may be.
func keyDir(zone int) string   { return "/var/lib/primary/" + strconv.Itoa(zone) }
func zoneFile(zone int) string { return "/var/lib/zones/" + strconv.Itoa(zone) + ".zone" }

// firstEdition is what a zone starts with. The serial is one of the real
// root's: a date and two digits.
func firstEdition(now time.Time) (edition, error) {
	serial, err := strconv.ParseUint(now.UTC().Format("20060102")+"00", 10, 32)
	if err != nil {
		return edition{}, fmt.Errorf("make a serial: %w", err)
	}
	e := edition{Serial: uint32(serial)}
	e.usual()
	e.Inception, e.Expiration = now.Add(-backdate).Unix(), now.Add(validity).Unix()
	return e, nil
}

// usual sets the timers of the real root zone.
func (e *edition) usual() { e.Refresh, e.Retry, e.Expire = 1800, 900, 604800 }

// makeKeys makes both keys of a zone.
func (p Primary) makeKeys(ctx context.Context, zone int) error {
	if err := os.MkdirAll(p.path(keyDir(zone)), 0o700); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return p.makeKey(ctx, zone, "ksk") })
	both.Go(func() error { return p.makeKey(ctx, zone, "zsk") })
	return both.Wait()
}

// makeKey makes one, and gives its record the zone as owner.
func (p Primary) makeKey(ctx context.Context, zone int, name string) error {
	dir := keyDir(zone) + "/" + name + ".d"
	if err := os.Mkdir(p.path(dir), 0o700); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if _, err := p.named(ctx, name, map[string]string{"directory": dir}); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	public, _ := filepath.Glob(p.path(dir + "/*.key"))
	private, _ := filepath.Glob(p.path(dir + "/*.private"))
	if len(public) != 1 || len(private) != 1 {
		return fmt.Errorf("make keys: the command %q of the primary's pack left %d .key and %d .private in its directory: one of each is needed", name, len(public), len(private))
	}
	base := p.path(keyDir(zone) + "/" + name)
	if err := os.Rename(private[0], base+".private"); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	text, err := os.ReadFile(public[0])
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	rr, err := dns.NewRR(string(text))
	if err != nil || rr == nil {
		return fmt.Errorf("make keys: the command %q of the primary's pack wrote %q: %w", name, text, err)
	}
	rr.Header().Name, rr.Header().Ttl = dns.Fqdn(p.zones()[zone].Name), 172800
	return writeFile(base+".key", 0o600, rr.String()+"\n")
}

// keyRecord reads the DNSKEY record of a zone's key-signing key.
func (p Primary) keyRecord(zone int) (*dns.DNSKEY, error) {
	text, err := os.ReadFile(p.path(keyDir(zone) + "/ksk.key"))
	if err != nil {
		return nil, fmt.Errorf("read key of zone %s: %w", p.zones()[zone].Name, err)
	}
	rr, err := dns.NewRR(string(text))
	if err != nil {
		return nil, fmt.Errorf("read key of zone %s: %w", p.zones()[zone].Name, err)
	}
	key, ok := rr.(*dns.DNSKEY)
	if !ok {
		return nil, fmt.Errorf("read key of zone %s: it is no DNSKEY", p.zones()[zone].Name)
	}
	return key, nil
}

// unsigned makes the text of an edition without signatures.
func (p Primary) unsigned(_ context.Context, zone int, e edition) (string, error) {
	return zoneText(p.zones()[zone].Name, p.testbed.seed, e), nil
}

// signed makes the text of an edition as it should be: with NSEC, signatures
// and a ZONEMD (RFC 8976, SIMPLE, SHA-384), or without all where the zone is
// not signed.
func (p Primary) signed(ctx context.Context, zone int, e edition) (string, error) {
	text, err := p.unsigned(ctx, zone, e)
	if err != nil || p.zones()[zone].Signed == Unsigned {
		return text, err
	}
	in, out := keyDir(zone)+"/in", keyDir(zone)+"/out"
	if err := writeFile(p.path(in), 0o600, text); err != nil {
		return "", err
	}
	_, err = p.named(ctx, "sign", map[string]string{
		"zone": p.zones()[zone].Name, "inception": stamp(e.Inception), "expiration": stamp(e.Expiration),
		"in": in, "out": out, "zsk": keyDir(zone) + "/zsk", "ksk": keyDir(zone) + "/ksk",
	})
	if err != nil {
		return "", fmt.Errorf("sign zone %s: %w", p.zones()[zone].Name, err)
	}
	done, err := os.ReadFile(p.path(out))
	if err != nil {
		return "", fmt.Errorf("sign zone %s: %w", p.zones()[zone].Name, err)
	}
	return string(done), nil
}

// stamp writes a time as RFC 4034 §3.2 does.
func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("20060102150405") }

// publish writes the text of an edition where the name server reads it, then the edition
// itself.
func (p Primary) publish(zone int, text string, e edition) error {
	path := p.path(zoneFile(zone))
	if err := writeFile(path+".new", 0o644, byType(text)); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("publish zone %s: %w", p.zones()[zone].Name, err)
	}
	state, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("publish zone %s: %w", p.zones()[zone].Name, err)
	}
	return writeFile(p.path(keyDir(zone)+"/edition.json"), 0o600, string(state))
}

// byType puts the records of a zone into the order of their types' numbers. A
// name server may look for what is new at a name as if its types came in this
// order, and else add records that have been there before to an IXFR.
func byType(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(typeOf(a), typeOf(b)) })
	return strings.Join(lines, "")
}

func typeOf(line string) uint16 {
	if f := strings.Fields(line); len(f) > 3 {
		return dns.StringToType[f[3]]
	}
	return 0
}

// edition reads what was published last.
func (p Primary) edition(zone int) (e edition, err error) {
	text, err := os.ReadFile(p.path(keyDir(zone) + "/edition.json"))
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return e, fmt.Errorf("read zone %s of the primary: %w", p.zones()[zone].Name, err)
	}
	return e, nil
}
